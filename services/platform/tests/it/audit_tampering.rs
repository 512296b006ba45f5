//! Tampering with the audit, by somebody who may do anything to its tables: each way is found, and where.

use platform::audit::{self, Broken, Head, VerifyError};
use sqlx::AssertSqlSafe;
use testkit::TestDatabase;

use crate::{
    audit::{append, broken, run, sealed_reach},
    support::bench::MIGRATOR,
};

/// A chain of three seals with three records each, whose tables can be put back as they were.
struct Chain {
    database: TestDatabase,
    /// After each seal.
    heads: Vec<Head>,
}

impl Chain {
    async fn new() -> Chain {
        let database = testkit::database(&MIGRATOR).await;
        let mut heads = Vec::new();
        let sealer = run(&database.dml);
        for seal in 1..=3_u128 {
            append(&database.dml, seal * 3 - 2..=seal * 3).await;
            sealed_reach(&database.dml, i64::try_from(seal * 3).unwrap()).await;
            heads.push(audit::verify(&database.dml).await.unwrap().head);
        }
        sealer.stop().await;
        let chain = Chain { database, heads };
        // Whoever tampers would do as much.
        chain.owner("ALTER TABLE platform.audit_record ALTER position DROP IDENTITY").await;
        for table in TABLES {
            chain.owner(&format!("CREATE TABLE kept_{table} AS TABLE platform.{table}")).await;
        }
        assert_eq!(chain.heads.iter().map(|head| head.number).collect::<Vec<_>>(), [1, 2, 3]);
        chain
    }

    async fn owner(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&self.database.owner)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// Tampers, checks what is found, and puts everything back.
    async fn finds(&self, tampering: &str, expected: &Broken) {
        self.owner(tampering).await;
        assert_eq!(&broken(&self.database.dml).await, expected, "{tampering}");
        self.restore().await;
    }

    async fn restore(&self) {
        for table in TABLES {
            self.owner(&format!(
                "TRUNCATE platform.{table}; INSERT INTO platform.{table} TABLE kept_{table}"
            ))
            .await;
        }
        audit::verify(&self.database.dml).await.expect("everything is as it was");
    }
}

const TABLES: [&str; 4] = ["audit_record", "audit_waiting", "audit_seal", "audit_origin"];

/// Seal 2, which holds the records 4 to 6: an approved one, one that is neither, an approved refusal.
const UNFIT: Broken = Broken::SealUnfit { number: 2, first: 4, last: 6 };

#[tokio::test]
async fn a_change_of_any_column_of_a_record_is_found() {
    let chain = Chain::new().await;
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns
         WHERE table_schema = 'platform' AND table_name = 'audit_record' ORDER BY ordinal_position",
    )
    .fetch_all(&chain.database.owner)
    .await
    .unwrap();
    assert_eq!(columns.len(), 12);
    for column in columns {
        let changes: &[&str] = match column.as_str() {
            "position" => {
                chain
                    .finds(
                        "UPDATE platform.audit_record SET position = 50 WHERE position = 5",
                        &Broken::RecordMissing { number: 2, position: 5 },
                    )
                    .await;
                continue;
            }
            "at" => &["at = at + interval '1 microsecond'"],
            "actor" => &["actor = 'T110102'", "actor = actor || '/', method = substr(method, 2)"],
            "approver" => &["approver = coalesce(approver, '') || 'x'", "approver = ''"],
            "method" => &["method = method || ' '"],
            "resource" => &["resource = 'drawers/7'"],
            "scope" => &["scope = ''"],
            "outcome" => &["outcome = 'refused', reason = 'NO_ROOM'"],
            "reason" => &["reason = 'NO_DRAWER', outcome = 'refused'"],
            "request_id" => &["request_id = NULL", "request_id = gen_random_uuid()"],
            "correlation_id" => &["correlation_id = gen_random_uuid()"],
            "detail" => &["detail = 'null'", "detail = detail || '{\"after\": [1.50, null, true]}'"],
            other => panic!("{other} is not tested"),
        };
        for change in changes {
            chain
                .finds(&format!("UPDATE platform.audit_record SET {change} WHERE position = 5"), &UNFIT)
                .await;
        }
    }
    let approved = "UPDATE platform.audit_record SET approver = NULL WHERE position = 4";
    chain.finds(approved, &UNFIT).await;
    let refused = "UPDATE platform.audit_record SET outcome = 'done', reason = NULL WHERE position = 6";
    chain.finds(refused, &UNFIT).await;
}

#[tokio::test]
async fn records_that_were_deleted_inserted_or_swapped_are_found() {
    let chain = Chain::new().await;
    let swap = |one: i64, other: i64| {
        format!(
            "UPDATE platform.audit_record SET position = -1 WHERE position = {one};
             UPDATE platform.audit_record SET position = {one} WHERE position = {other};
             UPDATE platform.audit_record SET position = {other} WHERE position = -1"
        )
    };
    chain.finds(&swap(4, 5), &UNFIT).await;
    chain.finds(&swap(4, 9), &UNFIT).await;
    for (position, number) in [(1, 1), (5, 2), (9, 3)] {
        let delete = format!("DELETE FROM platform.audit_record WHERE position = {position}");
        chain.finds(&delete, &Broken::RecordMissing { number, position }).await;
    }
    let copy = |position: i64| {
        format!(
            "INSERT INTO platform.audit_record
             SELECT {position}, at, actor, approver, method, resource, scope, outcome, reason, request_id,
                    correlation_id, detail
             FROM platform.audit_record WHERE position = 5"
        )
    };
    chain.finds(&copy(0), &Broken::RecordOutside { position: 0 }).await;
    chain.finds(&copy(10), &Broken::RecordOutside { position: 10 }).await;
    let into_the_past = "UPDATE platform.audit_seal SET positions = '{0, 4, 5, 6}' WHERE number = 2";
    chain
        .finds(&format!("{}; {into_the_past}", copy(0)), &Broken::SealUnfit { number: 2, first: 0, last: 6 })
        .await;
    let sealed_twice = "INSERT INTO platform.audit_waiting VALUES (5, now())";
    chain.finds(sealed_twice, &Broken::RecordRepeated { position: 5, times: 2 }).await;
    let unsealed_and_gone = "INSERT INTO platform.audit_waiting VALUES (10, now())";
    chain.finds(unsealed_and_gone, &Broken::WaitingMissing { position: 10 }).await;
}

#[tokio::test]
async fn seals_that_were_changed_or_deleted_are_found() {
    let chain = Chain::new().await;
    for change in [
        "sealed_at = sealed_at - interval '1 microsecond'",
        "hash = decode(repeat('ab', 32), 'hex')",
        "positions = '{5, 4, 6}'",
        "positions = '{4, 5}'",
    ] {
        let last = if change.ends_with("5}'") { 5 } else { 6 };
        chain
            .finds(
                &format!("UPDATE platform.audit_seal SET {change} WHERE number = 2"),
                &Broken::SealUnfit { number: 2, first: 4, last },
            )
            .await;
    }
    for number in [1, 2] {
        let delete = format!("DELETE FROM platform.audit_seal WHERE number = {number}");
        chain.finds(&delete, &Broken::SealMissing { number }).await;
    }
    chain
        .finds("DELETE FROM platform.audit_seal WHERE number = 3", &Broken::RecordOutside { position: 7 })
        .await;
    let renumbered = "DELETE FROM platform.audit_seal WHERE number = 2;
                      UPDATE platform.audit_seal SET number = 2 WHERE number = 3";
    chain.finds(renumbered, &Broken::SealUnfit { number: 2, first: 7, last: 9 }).await;
    let another_start = "UPDATE platform.audit_origin SET hash = decode(repeat('ab', 32), 'hex')";
    chain.finds(another_start, &Broken::SealUnfit { number: 1, first: 1, last: 3 }).await;
}

#[tokio::test]
async fn a_chain_that_was_cut_off_or_rewritten_no_longer_has_the_head_that_was_noted() {
    let chain = Chain::new().await;
    let pool = &chain.database.dml;
    for head in &chain.heads {
        audit::verify_noted(pool, head).await.unwrap();
    }
    let noted = chain.heads[2];
    chain
        .owner(
            "DELETE FROM platform.audit_seal WHERE number = 3;
             DELETE FROM platform.audit_record WHERE position > 6",
        )
        .await;
    audit::verify(pool).await.expect("the chain alone cannot show it");
    let error = audit::verify_noted(pool, &noted).await.unwrap_err();
    assert!(matches!(error, VerifyError::Broken(Broken::HeadUnknown { number: 3 })), "{error}");
    chain.restore().await;

    // Seals 2 and 3 are taken back, a record is changed, and the sealer is left to chain it again.
    chain
        .owner(
            "INSERT INTO platform.audit_waiting SELECT position, at FROM platform.audit_record WHERE position > 3;
             DELETE FROM platform.audit_seal WHERE number > 1;
             UPDATE platform.audit_record SET actor = 'T999999' WHERE position = 5",
        )
        .await;
    let sealer = run(pool);
    sealed_reach(pool, 9).await;
    sealer.stop().await;
    let verified = audit::verify_noted(pool, &chain.heads[0]).await.unwrap();
    assert_eq!(verified.records, 9);
    let error = audit::verify_noted(pool, &chain.heads[1]).await.unwrap_err();
    assert!(matches!(error, VerifyError::Broken(Broken::HeadUnknown { number: 2 })), "{error}");
}
