-- The replica that writes the book: where the others reach it, in which session it writes, and when it last said that it is
-- alive, by this database's clock. One row; what makes a second writer harmless is the batch's number, and not this.
CREATE TABLE leader (
    single        boolean     NOT NULL DEFAULT true,
    address       text        NOT NULL,
    session_pid   integer     NOT NULL,
    session_began timestamptz NOT NULL,
    beat_at       timestamptz NOT NULL,
    CONSTRAINT leader_pkey PRIMARY KEY (single),
    CONSTRAINT leader_single CHECK (single)
);

GRANT SELECT, INSERT, UPDATE ON leader TO countinghouse_dml;
