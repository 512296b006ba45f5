-- Which holds are open, so that what is due, and what an account has set aside, is found without its history. The journal says it
-- all: this only follows it, in the same append. Written by the journal's trigger alone, so that no other hand can make them differ.
-- A partial capture changes nothing here, and an append without holds costs nothing.
CREATE TABLE open_hold (
    hold       bigint      NOT NULL,
    account_id bigint      NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT open_hold_pkey PRIMARY KEY (hold)
);

INSERT INTO open_hold (hold, account_id, expires_at)
SELECT hold, account_id, expires_at
FROM (SELECT DISTINCT ON (hold) * FROM hold_event ORDER BY hold, version DESC) AS last
WHERE state = 'open';

CREATE INDEX open_hold_account ON open_hold (account_id, hold);
CREATE INDEX open_hold_due ON open_hold (expires_at);

CREATE FUNCTION follow_hold() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.state = 'open' THEN
        INSERT INTO open_hold (hold, account_id, expires_at) VALUES (NEW.hold, NEW.account_id, NEW.expires_at);
    ELSE
        DELETE FROM open_hold WHERE hold = NEW.hold;
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION follow_hold FROM PUBLIC;

CREATE TRIGGER hold_event_follow AFTER INSERT ON hold_event
FOR EACH ROW WHEN (NEW.version = 1 OR NEW.state <> 'open') EXECUTE FUNCTION follow_hold();

-- It held every open event, also of holds that had ended since.
DROP INDEX hold_event_due;

-- Those of an account that have ended, by how: each has one such event.
CREATE INDEX hold_event_ended ON hold_event (account_id, state, hold DESC) WHERE state <> 'open';

-- An account of a branch on a code and currency that is closed makes room for the next.
DROP INDEX account_of_branch;
CREATE UNIQUE INDEX account_of_branch ON account (branch, ledger_code, currency)
WHERE kind IN ('internal', 'inter_branch') AND status <> 'closed';

GRANT SELECT ON open_hold TO countinghouse_dml;
