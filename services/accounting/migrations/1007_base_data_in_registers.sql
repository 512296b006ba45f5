-- Base data is kept in the registers that all services have.
INSERT INTO platform.register_version
    (register, code, version, effective_date, content, reason, maker, checker, request_id, recorded_at)
SELECT kind, code, version, effective_date, content, reason, operator, authoriser, request_id, recorded_at
FROM base_record;

DROP TABLE base_record;
