-- 挂账: what facts of other services left open. A line on a suspense account, with the posting that it is in; or a fact of which
-- nothing could be booked, which is kept whole.
CREATE TABLE suspense_item (
    number        bigint      NOT NULL,
    branch        text        NOT NULL,
    state         text        NOT NULL,
    posting       bigint,
    line          integer,
    account       text,
    debit         boolean,
    currency      text,
    exponent      smallint,
    amount        numeric,
    meant         jsonb,
    refusal       jsonb       NOT NULL,
    code          text        NOT NULL,
    service       text        NOT NULL,
    topic         text        NOT NULL,
    kind          text        NOT NULL,
    fact_id       uuid        NOT NULL,
    fact_key      text        NOT NULL,
    fact_time     timestamptz NOT NULL,
    payload       jsonb,
    opened_on     date        NOT NULL,
    operator      text        NOT NULL,
    request_id    uuid        NOT NULL,
    traceparent   text,
    recorded_at   timestamptz NOT NULL,
    CONSTRAINT suspense_item_pkey PRIMARY KEY (number),
    CONSTRAINT suspense_item_state CHECK (state IN ('open')),
    CONSTRAINT suspense_item_line CHECK (
        num_nulls(posting, line, account, debit, currency, exponent, amount, meant) IN (0, 8)),
    CONSTRAINT suspense_item_kept CHECK ((posting IS NULL) = (payload IS NOT NULL)),
    CONSTRAINT suspense_item_fact UNIQUE NULLS NOT DISTINCT (service, fact_id, line)
);

CREATE INDEX suspense_item_branch ON suspense_item (branch, number);

GRANT SELECT, INSERT ON suspense_item TO countinghouse_dml;
