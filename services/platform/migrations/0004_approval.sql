-- Requests that wait for a second person (双人复核), and how they were decided.

CREATE TABLE platform.approval (
    id uuid NOT NULL,
    method text NOT NULL,
    request_id uuid NOT NULL,
    digest bytea NOT NULL,
    request bytea NOT NULL,
    maker text NOT NULL,
    -- Who the maker was when asking: kind, roles, scopes, permissions. The request runs as this.
    maker_identity jsonb NOT NULL,
    scope text NOT NULL,
    state text NOT NULL,
    checker text,
    reason text,
    response bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    decided_at timestamptz,
    CONSTRAINT approval_pk PRIMARY KEY (id),
    CONSTRAINT approval_request_once UNIQUE (method, maker, request_id),
    CONSTRAINT approval_digest_whole CHECK (octet_length(digest) = 32),
    CONSTRAINT approval_request_bounded CHECK (octet_length(request) <= 4194304),
    CONSTRAINT approval_expires_later CHECK (expires_at > created_at),
    CONSTRAINT approval_checker_is_another CHECK (checker <> maker),
    CONSTRAINT approval_state_whole CHECK (
        CASE state
            WHEN 'pending' THEN num_nonnulls(checker, reason, response, decided_at) = 0
            WHEN 'executed' THEN num_nonnulls(checker, response, decided_at) = 3 AND reason IS NULL
            WHEN 'rejected' THEN num_nonnulls(checker, reason, decided_at) = 3 AND response IS NULL
            ELSE false
        END
    )
);
-- Lists, newest first; those that wait are few among many.
CREATE INDEX approval_newest ON platform.approval (created_at DESC, id DESC);
CREATE INDEX approval_pending ON platform.approval (created_at DESC, id DESC) WHERE state = 'pending';
CREATE INDEX approval_maker ON platform.approval (maker, created_at DESC, id DESC);
-- For clearing.
CREATE INDEX approval_settled ON platform.approval ((COALESCE(decided_at, expires_at)));

-- Clears approvals that were decided, or lapsed, before a time, a bounded number at once. The service's role has no other way to
-- delete one, and none to delete one younger than 40 days: until then a repeat must find it.
CREATE FUNCTION platform.clear_approvals(before timestamptz, rows_max bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH cleared AS (
        DELETE FROM platform.approval
        WHERE id IN (
            SELECT id FROM platform.approval
            WHERE COALESCE(decided_at, expires_at) < LEAST(before, now() - interval '40 days')
            LIMIT rows_max
            FOR UPDATE SKIP LOCKED
        )
        RETURNING 1
    )
    SELECT count(*) FROM cleared
$$;
REVOKE ALL ON FUNCTION platform.clear_approvals FROM PUBLIC;

GRANT SELECT, INSERT ON platform.approval TO countinghouse_dml;
-- The request itself, and who made it, never change.
GRANT UPDATE (state, checker, reason, response, decided_at) ON platform.approval TO countinghouse_dml;
GRANT EXECUTE ON FUNCTION platform.clear_approvals TO countinghouse_dml;
