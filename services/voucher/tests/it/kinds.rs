//! Kinds through the API: effective dates, two persons, history, and what never changes.

use std::collections::BTreeSet;

use platform::service::{RepublishArguments, republish};
use proto_voucher::v1::{GetKindRequest, Kind, ListKindVersionsRequest, ListKindsRequest};
use rdkafka::{
    Message,
    message::{Headers, OwnedMessage},
};
use serde_json::Value;
use testkit::{bank::DAY, harness::yuan};
use voucher::service::Vouchers;

use crate::support::{
    CHECKER, CHEQUE, Harness, MAKER, PASSBOOK, change_kinds, facts, kind, start, start_with_facts, with_kinds,
};

const KINDS: &str = "countinghouse.voucher.kind.v1";
const LATER: &str = "2026-03-09";

async fn value_on(harness: &Harness, date: &str) -> String {
    let request = GetKindRequest { name: format!("kinds/{CHEQUE}"), effective_on: date.to_owned() };
    let version = harness.done(MAKER, request).await.kind.expect("a version");
    version.kind.expect("a kind").unit_value.expect("a value").amount
}

#[tokio::test]
async fn a_kind_holds_from_its_date_when_a_second_person_has_agreed() {
    let harness = with_kinds(start_with_facts().await).await;
    let dearer = Kind { unit_value: Some(yuan("2")), ..kind(CHEQUE, "GB", "1") };
    let response = harness.approved(MAKER, CHECKER, change_kinds(LATER, vec![dearer])).await;
    let change = &response.changes[0];
    let version =
        |version: &Option<_>| version.clone().map_or(0, |v: proto_voucher::v1::KindVersion| v.version);
    assert_eq!((version(&change.before), version(&change.after)), (1, 2));
    assert_eq!(
        (value_on(&harness, DAY).await, value_on(&harness, "").await),
        ("1".to_owned(), "1".to_owned())
    );
    assert_eq!(value_on(&harness, LATER).await, "2");

    let request = ListKindVersionsRequest { name: format!("kinds/{CHEQUE}"), ..Default::default() };
    let versions = harness.done(MAKER, request).await.versions;
    let people: Vec<_> = versions.iter().map(|v| (v.maker.as_str(), v.checker.as_str())).collect();
    assert_eq!(people, [(MAKER.code, CHECKER.code); 2]);
    let listed = harness.done(MAKER, ListKindsRequest { page_size: 1, ..Default::default() }).await;
    assert_eq!((listed.kinds[0].name.as_str(), listed.kinds.len()), ("kinds/CHQ", 1));
    let next = ListKindsRequest { page_size: 1, page_token: listed.next_page_token, ..Default::default() };
    assert_eq!(harness.done(MAKER, next).await.kinds[0].name, format!("kinds/{PASSBOOK}"));

    let published = facts(&harness, KINDS, 3).await;
    let last = published.iter().rfind(|fact| fact["key"] == CHEQUE).unwrap();
    let versions: Vec<_> =
        last["versions"].as_array().unwrap().iter().map(|version| version["version"].as_i64()).collect();
    assert_eq!(versions, [Some(1), Some(2)], "what is in force, and what is to come");
}

#[tokio::test]
async fn what_stands_of_each_kind_is_published_again() {
    let harness = with_kinds(start_with_facts().await).await;
    let dearer = Kind { unit_value: Some(yuan("2")), ..kind(CHEQUE, "GB", "1") };
    harness.approved(MAKER, CHECKER, change_kinds(LATER, vec![dearer])).await;
    let before = harness.records(KINDS, 3).await;

    let pool = &harness.database.dml;
    let again = |topic: &str, on| RepublishArguments { topic: Some(topic.to_owned()), on };
    let later = LATER.parse().ok();
    republish::<Vouchers>(pool, again(KINDS, None)).await.expect_err("the business date is not known");
    let batches = "countinghouse.voucher.batch.v1";
    republish::<Vouchers>(pool, again(batches, later)).await.expect_err("the topic is not compacted");
    assert_eq!(republish::<Vouchers>(pool, again(KINDS, DAY.parse().ok())).await.unwrap(), 2);
    assert_eq!(republish::<Vouchers>(pool, again(KINDS, later)).await.unwrap(), 2);

    let all = harness.records(KINDS, 7).await;
    let ids: BTreeSet<Vec<u8>> = all.iter().map(id).collect();
    assert_eq!(ids.len(), 7, "no reader takes one for another");
    assert!(before.iter().all(|record| ids.contains(&id(record))));
    let cheques: Vec<Value> = facts(&harness, KINDS, 7).await;
    let cheques: Vec<&Value> = cheques.iter().filter(|fact| fact["key"] == CHEQUE).collect();
    assert_eq!(cheques[1], cheques[2], "the same as when it was changed");
    let versions = cheques[3]["versions"].as_array().unwrap();
    assert_eq!((versions.len(), versions[0]["version"].as_i64()), (1, Some(2)), "what is in force later");
}

fn id(record: &OwnedMessage) -> Vec<u8> {
    let headers = record.headers().expect("a fact has headers");
    let id = headers.iter().find(|header| header.key == "ce_id").expect("a fact has an id");
    id.value.expect("an id").to_vec()
}

#[tokio::test]
async fn a_kind_that_is_wrong_is_refused_before_anyone_has_to_check_it() {
    let harness = with_kinds(start().await).await;
    let cases = [
        (LATER, kind("chq", "", "1"), "kind.code"),
        (LATER, kind("CHQ2", "too-long", "1"), "kind.prefix"),
        (LATER, Kind { digits: 19, ..kind("CHQ2", "", "1") }, "kind.digits"),
        (LATER, kind("CHQ2", "", "0"), "kind.unit_value.amount"),
        (LATER, kind("CHQ2", "", "0.001"), "kind.unit_value.amount"),
        (LATER, Kind { category: 0, ..kind("CHQ2", "", "1") }, "kind.category"),
        (LATER, kind(CHEQUE, "GC", "1"), "kind.prefix"),
        ("2026-02-27", kind("CHQ2", "", "1"), "effective_date"),
    ];
    for (from, wrong, field) in cases {
        let mut request = change_kinds(LATER, vec![kind("GOOD", "", "1"), wrong]);
        request.kinds[1].effective_date = from.to_owned();
        let refused = harness.refused(MAKER, request).await;
        assert_eq!(refused.field, format!("kinds[1].{field}"), "{refused:?}");
    }
    let empty = harness.refused(MAKER, change_kinds(LATER, Vec::new())).await;
    assert_eq!((empty.reason.as_str(), empty.field.as_str()), ("FIELD_INVALID", "kinds"));
    let unknown = GetKindRequest { name: "kinds/GOOD".to_owned(), effective_on: LATER.to_owned() };
    assert_eq!(harness.refused(MAKER, unknown).await.reason, "NOT_FOUND");
}
