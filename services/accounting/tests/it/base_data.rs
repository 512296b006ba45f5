//! Base data through the API: effective dates, two persons, before and after, history.

use proto_accounting::v1::{
    BaseRecord, ChangeBaseDataRequest, GetBaseRecordRequest, ListBaseRecordVersionsRequest, Parameter,
    base_record::Content,
};
use proto_common::approval::v1::GetApprovalRequest;

use crate::support::{
    BankFixture, DAY, new_id,
    people::{CHECKER, HEAD_OFFICE, MAKER},
    record,
};

fn amount_max(from: &str, value: &str) -> BaseRecord {
    record(from, Content::Parameter(Parameter { code: "AMOUNT_MAX".to_owned(), value: value.to_owned() }))
}

fn change(records: Vec<BaseRecord>) -> ChangeBaseDataRequest {
    ChangeBaseDataRequest {
        request_id: new_id(),
        branch: HEAD_OFFICE.to_owned(),
        records,
        reason: "a new limit".to_owned(),
        validate_only: false,
    }
}

async fn in_force(bank: &BankFixture, on: &str) -> String {
    let name = "parameters/AMOUNT_MAX".to_owned();
    let request = GetBaseRecordRequest { name, effective_on: on.to_owned() };
    match bank.done(MAKER, request).await.record.and_then(|record| record.content) {
        Some(Content::Parameter(parameter)) => parameter.value,
        other => panic!("no parameter: {other:?}"),
    }
}

#[tokio::test]
async fn a_change_holds_from_its_date_when_a_second_person_has_seen_before_and_after() {
    let bank = BankFixture::open().await;
    let before = in_force(&bank, DAY).await;
    let request = change(vec![amount_max("2026-04-01", "5000")]);
    let name = bank.refused(MAKER, request.clone()).await.metadata["approval"].clone();
    let shown = bank.done(CHECKER, GetApprovalRequest { name }).await.approval.unwrap();
    assert!(shown.preview_json.contains(&format!("\"{before}\"")), "{}", shown.preview_json);
    assert!(shown.preview_json.contains("\"5000\""), "{}", shown.preview_json);
    assert_eq!(in_force(&bank, "2026-04-01").await, before, "nothing has changed yet");

    bank.approved(MAKER, CHECKER, request).await;
    assert_eq!(in_force(&bank, "2026-03-31").await, before);
    assert_eq!(in_force(&bank, "2026-04-01").await, "5000");

    let name = "parameters/AMOUNT_MAX".to_owned();
    let request = ListBaseRecordVersionsRequest { name, ..ListBaseRecordVersionsRequest::default() };
    let versions = bank.done(MAKER, request).await.versions;
    let people: Vec<(&str, &str)> =
        versions.iter().map(|version| (version.maker.as_str(), version.checker.as_str())).collect();
    assert_eq!(people, [(MAKER.code, CHECKER.code), (MAKER.code, CHECKER.code)]);
}

#[tokio::test]
async fn a_change_that_is_wrong_is_refused_before_anyone_has_to_check_it() {
    let bank = BankFixture::open().await;
    let cases = [
        (amount_max(DAY, "5000"), "EFFECTIVE_DATE_PAST"),
        (amount_max("2026-04-01", "plenty"), "BASE_RECORD_INVALID"),
        (amount_max("1 April", "5000"), "FIELD_INVALID"),
    ];
    for (wrong, reason) in cases {
        let refused = bank.refused(MAKER, change(vec![amount_max("2026-05-01", "7000"), wrong])).await;
        assert_eq!(refused.reason, reason);
        assert!(refused.field.starts_with("records[1]"), "{}", refused.field);
    }
    assert_eq!(bank.refused(MAKER, change(Vec::new())).await.reason, "EMPTY");
    assert_ne!(in_force(&bank, "2026-05-01").await, "7000");
}
