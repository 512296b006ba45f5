CREATE TABLE note (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text text NOT NULL
);

GRANT SELECT, INSERT ON note TO countinghouse_dml;
