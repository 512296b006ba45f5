//! What the service records of itself: docs/metrics.md has it.

use std::fs;

use testkit::{
    Collector, folder,
    harness::{BOUND, Replica},
    wait_for,
};

use crate::support::start;

const BEHIND: &str = "countinghouse.basedata.behind";

#[tokio::test]
async fn every_metric_is_in_the_documents() {
    let collector = Collector::serve().await;
    let harness = start().await;
    let _replica = Replica::observed_by(&collector, &harness, env!("CARGO_BIN_EXE_voucher"), "").await;
    wait_for(BOUND, "the copy of base data to be read", async || {
        collector.metrics().contains_key(BEHIND).then_some(())
    })
    .await;
    let documents = fs::read_to_string(folder::workspace().join("docs/metrics.md")).unwrap();
    let metrics = collector.metrics();
    for name in metrics.keys() {
        assert!(documents.contains(&format!("| `{name}` |")), "{name} is not in docs/metrics.md");
    }
    let row = metrics[BEHIND].row(BEHIND);
    assert!(documents.contains(&row), "docs/metrics.md should have: {row}");
}
