-- Requests that were carried out, with their answers, so that a repeat gets the first answer.

CREATE TABLE platform.request (
    request_id uuid NOT NULL,
    method text NOT NULL,
    digest bytea NOT NULL,
    response bytea,
    claimed_at timestamptz NOT NULL,
    CONSTRAINT request_pk PRIMARY KEY (request_id),
    CONSTRAINT request_digest_size CHECK (octet_length(digest) = 32),
    CONSTRAINT request_response_bounded CHECK (octet_length(response) <= 1048576)
) WITH (fillfactor = 70); -- each row is written twice in its transaction: room for the second version on the page
CREATE INDEX request_claimed ON platform.request (claimed_at);

-- A request that were committed without its answer could never be answered again.
CREATE FUNCTION platform.check_request_answered() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM platform.request WHERE request_id = NEW.request_id AND response IS NULL) THEN
        RAISE EXCEPTION 'request % is to be committed without its answer', NEW.request_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'request_answered';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER request_answered AFTER INSERT ON platform.request
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION platform.check_request_answered();

GRANT SELECT, INSERT, UPDATE, DELETE ON platform.request TO countinghouse_dml;

-- At its start the service asks which migrations have run, and may not serve before all have.
GRANT SELECT ON _sqlx_migrations TO countinghouse_dml;
