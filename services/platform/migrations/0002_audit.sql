-- The audit: who did what, chained so that tampering shows. What is chained, and how, is in platform::audit.

-- Appended in the transaction of what it tells of. Nobody may change or delete a row; the service cannot.
CREATE TABLE platform.audit_record (
    position bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    approver text,
    method text NOT NULL,
    resource text NOT NULL,
    scope text NOT NULL,
    outcome text NOT NULL,
    reason text,
    request_id uuid,
    correlation_id uuid NOT NULL,
    detail jsonb NOT NULL,
    CONSTRAINT audit_record_pk PRIMARY KEY (position),
    CONSTRAINT audit_record_outcome CHECK (outcome IN ('done', 'refused')),
    CONSTRAINT audit_record_reason_of_refusal CHECK ((outcome = 'refused') = (reason IS NOT NULL))
);
-- For people: what was done to a thing, what a person did, what a request did.
CREATE INDEX audit_record_resource ON platform.audit_record (resource, position);
CREATE INDEX audit_record_actor ON platform.audit_record (actor, position);
CREATE INDEX audit_record_request ON platform.audit_record (request_id) WHERE request_id IS NOT NULL;

-- Which rows are not sealed yet. A row is put here with its record and deleted with its seal, so the table stays small.
CREATE TABLE platform.audit_waiting (
    position bigint NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT audit_waiting_pk PRIMARY KEY (position)
);

-- The chain. The hash is over the number, the time, the records and the hash of the seal before.
CREATE TABLE platform.audit_seal (
    number bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    positions bigint[] NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_seal_pk PRIMARY KEY (number),
    CONSTRAINT audit_seal_not_empty CHECK (cardinality(positions) BETWEEN 1 AND 1000),
    CONSTRAINT audit_seal_hash_size CHECK (octet_length(hash) = 32)
);

-- The seal that the chain follows on: the last one that was retired; number 0 until one is. Always one row.
CREATE TABLE platform.audit_origin (
    one boolean NOT NULL DEFAULT true,
    number bigint NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamptz,
    CONSTRAINT audit_origin_pk PRIMARY KEY (one),
    CONSTRAINT audit_origin_is_one CHECK (one),
    CONSTRAINT audit_origin_hash_size CHECK (octet_length(hash) = 32)
);
INSERT INTO platform.audit_origin (number, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- Retires the oldest seals with their records: those in front of the first that was sealed at retired_before or later, at
-- most seals_max. Gives the number of records that went. Runs as the owner of the tables, since the service itself may
-- delete nothing here, and lets nothing of the last year go, whoever asks.
CREATE FUNCTION platform.retire_audit(retired_before timestamptz, seals_max integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last bigint;
    records bigint;
BEGIN
    IF retired_before > now() - interval '1 year' THEN
        RAISE EXCEPTION 'audit records are kept for a year at least' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- One at a time.
    PERFORM FROM platform.audit_origin FOR UPDATE;
    SELECT max(number) INTO last
    FROM (
        SELECT number, bool_and(sealed_at < retired_before) OVER (ORDER BY number) AS old
        FROM (SELECT number, sealed_at FROM platform.audit_seal ORDER BY number LIMIT seals_max) AS oldest
    ) AS seal
    WHERE old;
    IF last IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM platform.audit_record
    WHERE position IN (SELECT unnest(positions) FROM platform.audit_seal WHERE number <= last);
    GET DIAGNOSTICS records = ROW_COUNT;
    UPDATE platform.audit_origin SET number = seal.number, hash = seal.hash, sealed_at = seal.sealed_at
    FROM platform.audit_seal AS seal WHERE seal.number = last;
    DELETE FROM platform.audit_seal WHERE number <= last;
    RETURN records;
END $$;

GRANT SELECT, INSERT ON platform.audit_record, platform.audit_seal TO countinghouse_dml;
GRANT SELECT, INSERT, DELETE ON platform.audit_waiting TO countinghouse_dml;
GRANT SELECT ON platform.audit_origin TO countinghouse_dml;
REVOKE ALL ON FUNCTION platform.retire_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.retire_audit TO countinghouse_dml;
