-- Facts on their way out (outbox, relay cursor) and on their way in (inbox, dead letters).

CREATE SCHEMA IF NOT EXISTS platform;

-- Facts inserted by the transaction that made them true, waiting to be published. Published rows stay for a few days, for
-- questions, and then go by bounded deletes: a partition could only be dropped when none of its rows was still waiting.
CREATE TABLE platform.outbox (
    position bigint GENERATED ALWAYS AS IDENTITY,
    fact_id uuid NOT NULL,
    topic text NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    correlation_id uuid NOT NULL,
    traceparent text,
    payload bytea NOT NULL,
    published_at timestamptz,
    CONSTRAINT outbox_pk PRIMARY KEY (position),
    CONSTRAINT outbox_key_given CHECK (key <> ''),
    CONSTRAINT outbox_payload_bounded CHECK (octet_length(payload) BETWEEN 1 AND 786432)
);
-- What the relay reads. It holds only what waits, so it stays small however many published rows are kept.
CREATE INDEX outbox_waiting ON platform.outbox (position) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON platform.outbox (published_at) WHERE published_at IS NOT NULL;

-- How far the journal of each source has been published. Never moves back.
CREATE TABLE platform.relay_cursor (
    source text NOT NULL,
    position bigint NOT NULL,
    advanced_at timestamptz NOT NULL,
    CONSTRAINT relay_cursor_pk PRIMARY KEY (source),
    CONSTRAINT relay_cursor_position_not_negative CHECK (position >= 0)
) WITH (fillfactor = 10); -- one row a source, updated many times a second: room for its versions on one page

-- Which facts a handler has taken in. Written in the transaction that holds the handler's effect.
CREATE TABLE platform.inbox (
    handler text NOT NULL,
    fact_id uuid NOT NULL,
    taken_at timestamptz NOT NULL,
    CONSTRAINT inbox_pk PRIMARY KEY (handler, fact_id)
);
CREATE INDEX inbox_taken ON platform.inbox (taken_at);

-- Records that a handler refused for good, whole, so that they can be replayed.
CREATE TABLE platform.dead_letter (
    number bigint GENERATED ALWAYS AS IDENTITY,
    handler text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    fact_id uuid,
    record_key bytea,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    payload bytea,
    reason text NOT NULL,
    failed_at timestamptz NOT NULL,
    replayed_at timestamptz,
    CONSTRAINT dead_letter_pk PRIMARY KEY (number),
    CONSTRAINT dead_letter_headers_paired CHECK (cardinality(header_names) = cardinality(header_values)),
    CONSTRAINT dead_letter_replay_after_failure CHECK (replayed_at >= failed_at)
);
CREATE INDEX dead_letter_open ON platform.dead_letter (handler, number) WHERE replayed_at IS NULL;
CREATE INDEX dead_letter_replayed ON platform.dead_letter (replayed_at) WHERE replayed_at IS NOT NULL;

GRANT USAGE ON SCHEMA platform TO countinghouse_dml;
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.outbox, platform.dead_letter TO countinghouse_dml;
GRANT SELECT, INSERT, UPDATE ON platform.relay_cursor TO countinghouse_dml;
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.inbox TO countinghouse_dml;
