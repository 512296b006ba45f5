//! Whoever changes the journal by hand is found, and the service itself cannot.

use sqlx::AssertSqlSafe;

use crate::support::{
    BankFixture, launch,
    people::{SUB_BRANCH, TELLER},
};

/// Changes that the owner of the tables makes, and what verification says of each. Each is made on books of its own.
const CHANGES: &[(&str, &str)] = &[
    ("UPDATE entry SET amount = amount + 1 WHERE posting = 3", "posting 3"),
    ("UPDATE entry SET narrative = 'other' WHERE posting = 3", "content"),
    ("UPDATE posting SET operator = 'T999999' WHERE number = 3", "content"),
    ("DELETE FROM posting WHERE number = 3", "should have postings 3 to 3"),
    ("DELETE FROM entry WHERE posting = 3 AND line = 0", "posting 3"),
    ("UPDATE batch SET hash = previous_hash WHERE number = 5", "batch 5"),
    ("DELETE FROM batch WHERE number = 5", "batch 5"),
    ("INSERT INTO entry SELECT account_id, n + 900, accounting_date, 900000, line, debit, amount, debit_total, credit_total,
                               available, narrative, inter_branch FROM entry WHERE posting = 3", "entries"),
    ("UPDATE account SET branch = '110200' WHERE branch = '110100' AND ledger_code = '100101' AND currency = 'USD'", "batch"),
    ("UPDATE platform.audit_record SET actor = 'T999999' WHERE position = 3", "the audit"),
];

#[tokio::test]
async fn each_change_by_hand_is_found() {
    let mut bank = BankFixture::open().await;
    bank.open_funded(TELLER, "C1", "1000").await;
    bank.harness().stop().await;
    sealed(&bank).await;
    bank.prove().await.unwrap();
    for (change, said) in CHANGES {
        let mut changed = bank.database.owner.begin().await.unwrap();
        // Verification reads what is committed, so the change is committed and taken back by a copy of the rows.
        let table = ["entry", "posting", "batch", "account", "platform.audit_record"]
            .into_iter()
            .find(|table| change.split_whitespace().any(|word| word == *table))
            .unwrap();
        let keep = format!("CREATE TABLE kept AS SELECT * FROM {table}");
        sqlx::query(AssertSqlSafe(keep)).execute(&mut *changed).await.unwrap();
        let done = sqlx::query(*change).execute(&mut *changed).await.unwrap();
        assert!(done.rows_affected() > 0, "{change}");
        changed.commit().await.unwrap();

        let broken = bank.prove().await.expect_err(change);
        assert!(broken.contains(said), "{change}: {broken}");
        for back in [
            format!("DELETE FROM {table}"),
            format!("INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept"),
            "DROP TABLE kept".to_owned(),
        ] {
            sqlx::query(AssertSqlSafe(back)).execute(&bank.database.owner).await.unwrap();
        }
    }
    bank.prove().await.unwrap();
}

/// Waits until the audit is sealed: a record that is not, is no part of the chain yet.
async fn sealed(bank: &BankFixture) {
    let sealer = platform::audit::Sealer::new(bank.database.dml.clone(), bank.clock.clone());
    let stop = tokio_util::sync::CancellationToken::new();
    let all_sealed = async {
        testkit::wait_for(crate::support::BOUND, "the audit to be sealed", || async {
            let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM platform.audit_waiting")
                .fetch_one(&bank.database.dml)
                .await
                .ok()?;
            (waiting == 0).then_some(())
        })
        .await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(sealer.run(stop.clone()), all_sealed);
    ended.unwrap();
}

#[tokio::test]
async fn the_service_itself_can_change_nothing_that_is_written() {
    let harness = launch().start().await;
    for table in [
        "batch",
        "posting",
        "entry",
        "hold_event",
        "platform.register_version",
        "business_day",
        "account_version",
        "platform.audit_record",
        "platform.audit_seal",
    ] {
        for statement in [format!("DELETE FROM {table}"), format!("TRUNCATE {table}")] {
            let error = sqlx::query(AssertSqlSafe(statement.clone()))
                .execute(&harness.database.dml)
                .await
                .expect_err(&statement);
            assert!(error.to_string().contains("permission denied"), "{statement}: {error}");
        }
    }
    for (table, column) in [("posting", "narrative"), ("entry", "narrative"), ("hold_event", "purpose")] {
        let statement = format!("UPDATE {table} SET {column} = '{SUB_BRANCH}'");
        let error = sqlx::query(AssertSqlSafe(statement)).execute(&harness.database.dml).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{table}: {error}");
    }
}
