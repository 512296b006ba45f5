-- The journal: the only truth of the books. Rows are appended and never updated or deleted.

-- One row an append. Its number is the fence: of two writers that append the same number one fails (ACC-6).
CREATE TABLE batch (
    number           bigint      NOT NULL,
    first_posting    bigint,
    last_posting     bigint,
    first_hold_event bigint,
    last_hold_event  bigint,
    previous_hash    bytea       NOT NULL,
    hash             bytea       NOT NULL,
    recorded_at      timestamptz NOT NULL,
    CONSTRAINT batch_pkey PRIMARY KEY (number),
    CONSTRAINT batch_number_positive CHECK (number > 0),
    CONSTRAINT batch_hash_size CHECK (octet_length(hash) = 32 AND octet_length(previous_hash) = 32),
    CONSTRAINT batch_posting_range CHECK ((first_posting IS NULL) = (last_posting IS NULL) AND first_posting <= last_posting),
    CONSTRAINT batch_hold_event_range CHECK
        ((first_hold_event IS NULL) = (last_hold_event IS NULL) AND first_hold_event <= last_hold_event)
);

-- 记账流水. By month of the business date; a month is archived by detaching its partition.
CREATE TABLE posting (
    number           bigint      NOT NULL,
    accounting_date  date        NOT NULL,
    request_id       uuid        NOT NULL,
    digest           bytea       NOT NULL,
    branch           text        NOT NULL,
    code             text        NOT NULL,
    kind             text        NOT NULL,
    transaction_date date        NOT NULL,
    value_date       date        NOT NULL,
    recorded_at      timestamptz NOT NULL,
    operator         text        NOT NULL,
    authoriser       text,
    source           text        NOT NULL,
    narrative        text        NOT NULL,
    voucher_kind     text,
    voucher_number   text,
    hold             bigint,
    traceparent      text,
    CONSTRAINT posting_pkey PRIMARY KEY (number, accounting_date),
    CONSTRAINT posting_request UNIQUE (request_id, accounting_date),
    CONSTRAINT posting_kind CHECK (kind IN ('cash', 'transfer', 'internal')),
    CONSTRAINT posting_two_persons CHECK (authoriser <> operator),
    CONSTRAINT posting_transaction_date CHECK (transaction_date <= accounting_date)
) PARTITION BY RANGE (accounting_date);

-- 分录. The last entry of an account is its balance (ACC-2); n makes the key, so that no balance row is ever locked.
CREATE TABLE entry (
    account_id      bigint  NOT NULL,
    n               bigint  NOT NULL,
    accounting_date date    NOT NULL,
    posting         bigint  NOT NULL,
    line            integer NOT NULL,
    debit           boolean NOT NULL,
    amount          numeric NOT NULL,
    debit_total     numeric NOT NULL,
    credit_total    numeric NOT NULL,
    available       numeric,
    narrative       text    NOT NULL,
    inter_branch    boolean NOT NULL,
    CONSTRAINT entry_pkey PRIMARY KEY (account_id, n, accounting_date),
    CONSTRAINT entry_n_positive CHECK (n > 0),
    CONSTRAINT entry_amount_not_zero CHECK (amount <> 0)
) PARTITION BY RANGE (accounting_date);

CREATE INDEX entry_posting ON entry (posting);

-- Each row is the hold after what happened to it; the last of a hold is the hold.
CREATE TABLE hold_event (
    number      bigint      NOT NULL,
    hold        bigint      NOT NULL,
    version     integer     NOT NULL,
    account_id  bigint      NOT NULL,
    state       text        NOT NULL,
    amount      numeric     NOT NULL,
    captured    numeric     NOT NULL,
    remaining   numeric     NOT NULL,
    purpose     text        NOT NULL,
    reference   text        NOT NULL,
    branch      text        NOT NULL,
    placed_by   text        NOT NULL,
    placed_at   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    request_id  uuid        NOT NULL,
    digest      bytea       NOT NULL,
    operator    text        NOT NULL,
    posting     bigint,
    recorded_at timestamptz NOT NULL,
    traceparent text,
    CONSTRAINT hold_event_pkey PRIMARY KEY (number),
    CONSTRAINT hold_event_version UNIQUE (hold, version),
    CONSTRAINT hold_event_state CHECK (state IN ('open', 'captured', 'released', 'expired')),
    CONSTRAINT hold_event_amounts CHECK (amount > 0 AND captured >= 0 AND remaining >= 0 AND captured + remaining <= amount),
    CONSTRAINT hold_event_open CHECK ((state = 'open') = (remaining > 0))
);

CREATE INDEX hold_event_account ON hold_event (account_id, hold DESC, version DESC);
CREATE INDEX hold_event_request ON hold_event (request_id);
CREATE INDEX hold_event_due ON hold_event (expires_at) WHERE state = 'open';

-- Makes the partitions of the journal for a month, when they are missing. Runs as its owner: the service itself changes no
-- tables. It waits for the lock on the journal no longer than a moment, since everyone else waits behind it.
CREATE FUNCTION ensure_journal_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    first date := date_trunc('month', day)::date;
    after date := (date_trunc('month', day) + interval '1 month')::date;
    parent text;
    part text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['posting', 'entry'] LOOP
        part := parent || '_' || to_char(first, 'YYYYMM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(hashtextextended('accounting.journal_month', 0));
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                       part, parent, first, after);
    END LOOP;
END $$;

-- Appended, read, and nothing else.
GRANT SELECT, INSERT ON batch, posting, entry, hold_event TO countinghouse_dml;
REVOKE EXECUTE ON FUNCTION ensure_journal_month FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_journal_month TO countinghouse_dml;
