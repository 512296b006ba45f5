//! `accounting probe`, as an orchestrator runs it beside a replica: whose database is lost, and which hangs.

use std::process::Output;

use testkit::wait_for;

use crate::support::{BOUND, BankFixture, WRITER};

/// What a probe says when the answer is no; nothing when it is yes.
fn complaint(answered: &Output) -> Option<String> {
    assert_eq!(String::from_utf8_lossy(&answered.stdout), "");
    let said = String::from_utf8_lossy(&answered.stderr).trim_end().to_owned();
    assert_eq!(answered.status.success(), said.is_empty(), "{answered:?}");
    assert!(said.lines().count() <= 1, "one line: {said}");
    (!said.is_empty()).then_some(said)
}

#[tokio::test]
async fn a_replica_without_its_database_is_not_started_again() {
    let mut bank = BankFixture::open().await;
    bank.harness().stop().await;
    let proxy = bank.harness().through_proxy(WRITER).await;
    let replica = bank.replica().await;
    for question in ["started", "ready", "alive"] {
        let answered = || async { complaint(&replica.probe(question).await).is_none().then_some(()) };
        wait_for(BOUND, question, answered).await;
    }

    proxy.freeze();
    let lost =
        wait_for(BOUND, "it to lose the lead", || async { complaint(&replica.probe("started").await) });
    assert!(lost.await.contains("does not know which replica makes changes"));
    for question in ["ready", "alive"] {
        assert_eq!(complaint(&replica.probe(question).await), None, "{question}");
    }
    proxy.thaw();
    wait_for(BOUND, "it to lead again", || async {
        complaint(&replica.probe("started").await).is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_replica_that_hangs_or_is_gone_is_not_alive() {
    let mut bank = BankFixture::open().await;
    bank.harness().stop().await;
    let replica = bank.replica().await;
    replica.halt();
    let said = complaint(&replica.probe("alive").await).expect("it hangs");
    assert!(said.contains("nothing answers") && said.contains(&replica.address), "{said}");
    replica.wake();
    replica.kill().await;
    let said = complaint(&replica.probe("alive").await).expect("it is gone");
    assert!(said.contains("cannot be reached") && said.contains(&replica.address), "{said}");
}
