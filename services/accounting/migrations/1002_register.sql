-- What the books are kept of: base data, business days and accounts, with the history of each.

-- 基础数据, all versions of each record.
CREATE TABLE base_record (
    kind           text        NOT NULL,
    code           text        NOT NULL,
    version        integer     NOT NULL,
    effective_date date        NOT NULL,
    content        jsonb       NOT NULL,
    reason         text        NOT NULL,
    operator       text        NOT NULL,
    authoriser     text,
    request_id     uuid        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    CONSTRAINT base_record_pkey PRIMARY KEY (kind, code, version),
    CONSTRAINT base_record_version_positive CHECK (version > 0),
    CONSTRAINT base_record_two_persons CHECK (authoriser <> operator)
);

-- 营业日. The last one is open for postings.
CREATE TABLE business_day (
    date       date        NOT NULL,
    opened_at  timestamptz NOT NULL,
    opened_by  text        NOT NULL,
    authoriser text,
    request_id uuid        NOT NULL,
    CONSTRAINT business_day_pkey PRIMARY KEY (date)
);

-- 账户, in the latest version; never its balance, which is its last entry.
CREATE TABLE account (
    id              bigint   NOT NULL,
    number          text     NOT NULL,
    branch          text     NOT NULL,
    ledger_code     text     NOT NULL,
    currency        text     NOT NULL,
    exponent        smallint NOT NULL,
    kind            text     NOT NULL,
    title           text     NOT NULL,
    holders         jsonb    NOT NULL,
    status          text     NOT NULL,
    freeze_kind     text,
    frozen_amount   numeric,
    unfrozen_status text,
    overdraft_limit numeric  NOT NULL,
    normal_side     text     NOT NULL,
    off_balance     boolean  NOT NULL,
    open_date       date     NOT NULL,
    close_date      date,
    version         integer  NOT NULL,
    CONSTRAINT account_pkey PRIMARY KEY (id),
    CONSTRAINT account_number UNIQUE (number),
    CONSTRAINT account_status CHECK (status IN ('pending', 'active', 'dormant', 'frozen', 'closed')),
    CONSTRAINT account_freeze CHECK (
        (status = 'frozen') = (freeze_kind IS NOT NULL) AND (freeze_kind IS NULL) = (unfrozen_status IS NULL)
        AND (freeze_kind IS NOT DISTINCT FROM 'amount') = (frozen_amount IS NOT NULL)),
    CONSTRAINT account_closed CHECK ((status = 'closed') = (close_date IS NOT NULL)),
    CONSTRAINT account_overdraft CHECK (overdraft_limit >= 0)
);

CREATE UNIQUE INDEX account_of_branch ON account (branch, ledger_code, currency) WHERE kind IN ('internal', 'inter_branch');
CREATE INDEX account_ledger_code ON account (ledger_code text_pattern_ops, number);
CREATE INDEX account_branch ON account (branch, number);
CREATE INDEX account_title ON account (title text_pattern_ops, number);
CREATE INDEX account_holders ON account USING gin (holders jsonb_path_ops);

-- All versions of each account.
CREATE TABLE account_version (
    account_id  bigint      NOT NULL,
    version     integer     NOT NULL,
    snapshot    jsonb       NOT NULL,
    reason      text        NOT NULL,
    operator    text        NOT NULL,
    authoriser  text,
    request_id  uuid        NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT account_version_pkey PRIMARY KEY (account_id, version),
    CONSTRAINT account_version_two_persons CHECK (authoriser <> operator)
);

-- Answers to requests that the journal does not answer; dropped by the retention job when older than the request memory.
CREATE TABLE kept_answer (
    request_id  uuid        NOT NULL,
    digest      bytea       NOT NULL,
    answer      jsonb       NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT kept_answer_pkey PRIMARY KEY (request_id)
);

CREATE INDEX kept_answer_recorded_at ON kept_answer (recorded_at);

-- The history is appended to; an account has its latest version only; kept answers go when they are old.
GRANT SELECT, INSERT ON base_record, business_day, account_version TO countinghouse_dml;
GRANT SELECT, INSERT, UPDATE ON account TO countinghouse_dml;
GRANT SELECT, INSERT, DELETE ON kept_answer TO countinghouse_dml;
