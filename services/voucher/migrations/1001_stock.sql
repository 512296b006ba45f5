-- Numbers of vouchers as ranges: never a row a number.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- 印制批次. The only place where numbers enter (VOU-1).
CREATE TABLE print_batch (
    number       bigint      GENERATED ALWAYS AS IDENTITY,
    kind         text        NOT NULL,
    first_number bigint      NOT NULL,
    last_number  bigint      NOT NULL,
    branch       text        NOT NULL,
    printer      text        NOT NULL,
    value        numeric     NOT NULL,
    received_on  date        NOT NULL,
    operator     text        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    CONSTRAINT print_batch_pk PRIMARY KEY (number),
    CONSTRAINT print_batch_in_order CHECK (0 <= first_number AND first_number <= last_number),
    CONSTRAINT print_batch_value_positive CHECK (value > 0),
    CONSTRAINT print_batch_disjoint EXCLUDE USING gist (kind WITH =, int8range(first_number, last_number, '[]') WITH &&)
);

-- 调拨. Each line is a part of a move that was one holding before it (VOU-5).
CREATE TABLE move_line (
    line         bigint      GENERATED ALWAYS AS IDENTITY,
    -- The move; 0 for the receipt of a batch.
    move         bigint      NOT NULL,
    kind         text        NOT NULL,
    first_number bigint      NOT NULL,
    last_number  bigint      NOT NULL,
    -- Absent for the receipt of a batch.
    from_branch  text,
    to_branch    text        NOT NULL,
    giver        text        NOT NULL,
    taker        text,
    moved_on     date        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    -- The line by which the giver got them; absent for the receipt of a batch.
    previous     bigint,
    CONSTRAINT move_line_pk PRIMARY KEY (line),
    CONSTRAINT move_line_previous FOREIGN KEY (previous) REFERENCES move_line (line),
    CONSTRAINT move_line_in_order CHECK (0 <= first_number AND first_number <= last_number),
    CONSTRAINT move_line_first_or_handed_over CHECK (
        (move = 0) = (from_branch IS NULL) AND (move = 0) = (previous IS NULL) AND (move = 0) = (taker IS NULL)),
    CONSTRAINT move_line_two_persons CHECK (giver <> taker),
    CONSTRAINT move_line_to_another CHECK (from_branch <> to_branch)
);
CREATE INDEX move_line_of_move ON move_line (move) WHERE move > 0;

CREATE SEQUENCE range_move_number;

-- 持有号段. Who holds what now; changed only by taking parts out of locked rows (VOU-2).
CREATE TABLE holding (
    kind         text   NOT NULL,
    first_number bigint NOT NULL,
    last_number  bigint NOT NULL,
    branch       text   NOT NULL,
    batch        bigint NOT NULL,
    line         bigint NOT NULL,
    CONSTRAINT holding_pk PRIMARY KEY (kind, first_number),
    CONSTRAINT holding_in_order CHECK (0 <= first_number AND first_number <= last_number),
    CONSTRAINT holding_batch FOREIGN KEY (batch) REFERENCES print_batch (number),
    CONSTRAINT holding_line FOREIGN KEY (line) REFERENCES move_line (line)
);
CREATE INDEX holding_of_branch ON holding (branch, kind, first_number);

GRANT SELECT, INSERT ON print_batch, move_line TO countinghouse_dml;
GRANT SELECT, INSERT, UPDATE, DELETE ON holding TO countinghouse_dml;
GRANT USAGE ON SEQUENCE range_move_number TO countinghouse_dml;
