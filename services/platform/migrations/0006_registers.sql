-- Registers: records that hold from a date on, in all their versions.
CREATE TABLE platform.register_version (
    register       text        NOT NULL,
    code           text        NOT NULL,
    version        integer     NOT NULL,
    effective_date date        NOT NULL,
    content        jsonb       NOT NULL,
    reason         text        NOT NULL,
    maker          text        NOT NULL,
    checker        text,
    request_id     uuid        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    CONSTRAINT register_version_pk PRIMARY KEY (register, code, version),
    CONSTRAINT register_version_positive CHECK (version > 0),
    CONSTRAINT register_version_two_persons CHECK (checker <> maker)
);
CREATE INDEX register_version_by_date ON platform.register_version (register, code, effective_date DESC, version DESC);

-- Versions are never changed or deleted.
GRANT SELECT, INSERT ON platform.register_version TO countinghouse_dml;
