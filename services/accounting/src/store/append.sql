-- What a batch writes into the journal, in one statement. The arrays of a table are its columns.
WITH new_batch AS (
    INSERT INTO batch (number, first_posting, last_posting, first_hold_event, last_hold_event, previous_hash, hash,
                       recorded_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
), new_posting AS (
    INSERT INTO posting (number, accounting_date, request_id, digest, branch, code, kind, transaction_date,
                         value_date, operator, authoriser, source, narrative, voucher_kind, voucher_number, hold,
                         traceparent, recorded_at)
    SELECT column_list.*, $8
    FROM UNNEST($9::bigint[], $10::date[], $11::uuid[], $12::bytea[], $13::text[], $14::text[], $15::text[],
                $16::date[], $17::date[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[],
                $23::text[], $24::bigint[], $25::text[]) AS column_list
), new_entry AS (
    INSERT INTO entry (account_id, n, accounting_date, posting, line, debit, amount, debit_total, credit_total,
                       available, narrative, inter_branch)
    SELECT * FROM UNNEST($26::bigint[], $27::bigint[], $28::date[], $29::bigint[], $30::integer[], $31::boolean[],
                         $32::numeric[], $33::numeric[], $34::numeric[], $35::numeric[], $36::text[],
                         $37::boolean[])
), new_hold_event AS (
    INSERT INTO hold_event (number, hold, version, account_id, state, amount, captured, remaining, purpose,
                            reference, branch, placed_by, placed_at, expires_at, request_id, digest, operator,
                            posting, traceparent, recorded_at)
    SELECT column_list.*, $8
    FROM UNNEST($38::bigint[], $39::bigint[], $40::integer[], $41::bigint[], $42::text[], $43::numeric[],
                $44::numeric[], $45::numeric[], $46::text[], $47::text[], $48::text[], $49::text[],
                $50::timestamptz[], $51::timestamptz[], $52::uuid[], $53::bytea[], $54::text[], $55::bigint[],
                $56::text[]) AS column_list
)
SELECT pg_notify('accounting_journal', '')::text AS notified
