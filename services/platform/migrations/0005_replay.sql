-- Replays of dead letters are requested here by an operator, and run by the service that has the handler.
ALTER TABLE platform.dead_letter
    ADD COLUMN replay_requested_at timestamptz,
    ADD COLUMN replay_failure text,
    ADD CONSTRAINT dead_letter_replay_requested_once CHECK (replay_requested_at IS NULL OR replay_failure IS NULL);

CREATE INDEX dead_letter_requested ON platform.dead_letter (handler, number)
    WHERE replay_requested_at IS NOT NULL AND replayed_at IS NULL;
