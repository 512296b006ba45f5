-- The number that an account had in the books from which it was moved in (原账号). No two accounts have the same.
ALTER TABLE account ADD COLUMN former_number text;
ALTER TABLE account ADD CONSTRAINT account_former_number UNIQUE (former_number);
