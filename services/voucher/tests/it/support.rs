//! Voucher in a small bank, its people, and the requests that tests make.

use proto_voucher::v1::{
    ChangeKindsRequest, Kind, KindCategory, KindToSet, ListHoldingsRequest, MoveRangeRequest, NumberRange,
    ReceivePrintBatchRequest,
};
use rdkafka::{Message, message::Headers};
use serde_json::Value;
use testkit::{
    TestKafka,
    bank::{BRANCH, DAY, HEAD_OFFICE, OTHER_SUB_BRANCH, SUB_BRANCH},
    contract::assert_matches_event,
    harness::{Launch, Person, ServiceHarness, new_id, yuan},
};
use tokio::sync::OnceCell;
use voucher::service::Vouchers;

pub type Harness = ServiceHarness<Vouchers>;

const KEEPER_ROLES: &[&str] = &["voucher_keeper"];

pub const MAKER: Person = Person { code: "B100003", roles: &["base_data_maker"], branches: &["*"] };
pub const CHECKER: Person = Person { code: "S100003", roles: &["base_data_checker"], branches: &["*"] };
/// Keep the vouchers of their branches.
pub const HEAD_KEEPER: Person = Person { code: "V100001", roles: KEEPER_ROLES, branches: &[HEAD_OFFICE] };
pub const KEEPER: Person = Person { code: "V110001", roles: KEEPER_ROLES, branches: &[BRANCH] };
pub const SUB_KEEPER: Person = Person { code: "V110101", roles: KEEPER_ROLES, branches: &[SUB_BRANCH] };
pub const OTHER_SUB_KEEPER: Person =
    Person { code: "V110201", roles: KEEPER_ROLES, branches: &[OTHER_SUB_BRANCH] };
/// Whom base data does not know.
pub const STRANGER: Person = Person { code: "V999999", roles: KEEPER_ROLES, branches: &[HEAD_OFFICE] };

/// Whom base data knows.
pub const OPERATORS: &[Person] = &[MAKER, CHECKER, HEAD_KEEPER, KEEPER, SUB_KEEPER, OTHER_SUB_KEEPER];

/// The kinds of the small bank: cheques and passbooks.
pub const CHEQUE: &str = "CHQ";
pub const PASSBOOK: &str = "PASSBOOK";

/// The service in a bank that all tests of this program share; nothing is in stock.
pub async fn start() -> Harness {
    static KAFKA: OnceCell<TestKafka> = OnceCell::const_new();
    start_on(KAFKA.get_or_init(bank).await.clone()).await
}

/// The same, with topics of the test's own.
pub async fn start_with_facts() -> Harness {
    start_on(bank().await).await
}

/// The same, with cheques and passbooks among its kinds.
pub async fn with_kinds(harness: Harness) -> Harness {
    let kinds = vec![kind(CHEQUE, "GB", "1"), kind(PASSBOOK, "", "10")];
    harness.approved(MAKER, CHECKER, change_kinds(DAY, kinds)).await;
    harness
}

/// The same, with these topics.
pub async fn start_on(kafka: TestKafka) -> Harness {
    Launch::<Vouchers>::new().on(kafka).start().await
}

async fn bank() -> TestKafka {
    let kafka = testkit::kafka().await;
    kafka.publish_bank(OPERATORS).await;
    kafka
}

pub fn kind(code: &str, prefix: &str, unit_value: &str) -> Kind {
    Kind {
        code: code.to_owned(),
        title: format!("kind {code}"),
        category: KindCategory::Sold.into(),
        prefix: prefix.to_owned(),
        digits: 8,
        unit_value: Some(yuan(unit_value)),
        closed: false,
    }
}

pub fn change_kinds(from: &str, kinds: Vec<Kind>) -> ChangeKindsRequest {
    let kinds = kinds
        .into_iter()
        .map(|kind| KindToSet { effective_date: from.to_owned(), kind: Some(kind) })
        .collect();
    ChangeKindsRequest { request_id: new_id(), validate_only: false, kinds, reason: "a new print".to_owned() }
}

pub fn range(kind: &str, first: &str, last: &str) -> NumberRange {
    NumberRange {
        kind: format!("kinds/{kind}"),
        first_number: first.to_owned(),
        last_number: last.to_owned(),
        count: 0,
    }
}

pub fn receive(branch: &str, range: NumberRange) -> ReceivePrintBatchRequest {
    ReceivePrintBatchRequest {
        request_id: new_id(),
        validate_only: false,
        branch: branch.to_owned(),
        range: Some(range),
        printer: "中钞实业".to_owned(),
    }
}

pub fn move_range(from: &str, to: &str, range: NumberRange) -> MoveRangeRequest {
    MoveRangeRequest {
        request_id: new_id(),
        validate_only: false,
        from_branch: from.to_owned(),
        to_branch: to.to_owned(),
        range: Some(range),
    }
}

/// Who holds which numbers of a kind, as `first-last branch`.
pub async fn holdings(harness: &Harness, kind: &str) -> Vec<String> {
    let request = ListHoldingsRequest { kind: format!("kinds/{kind}"), ..ListHoldingsRequest::default() };
    let found = harness.done(HEAD_KEEPER, request).await.holdings;
    let text = |range: NumberRange, branch| format!("{}-{} {branch}", range.first_number, range.last_number);
    found.into_iter().map(|holding| text(holding.range.expect("a range"), holding.branch)).collect()
}

/// The first facts of a topic: each as its contract says.
pub async fn facts(harness: &Harness, topic: &str, count: usize) -> Vec<Value> {
    let records = harness.records(topic, count).await;
    records
        .iter()
        .map(|record| {
            let headers = record.headers().expect("a fact has headers");
            let headers = headers.iter().map(|header| (header.key, header.value.unwrap_or_default()));
            let payload = record.payload().expect("a fact has a payload");
            assert_matches_event(harness.contract_name(record.topic()), payload, headers);
            serde_json::from_slice(payload).expect("a fact is JSON")
        })
        .collect()
}
