-- Notes, and how often each was written.

CREATE TABLE note (
    name text NOT NULL,
    text text NOT NULL,
    version integer NOT NULL,
    CONSTRAINT note_pk PRIMARY KEY (name)
);

GRANT SELECT, INSERT, UPDATE ON note TO countinghouse_dml;
