//! Business transactions through the API: the template in force makes the lines; refusals, repeats, dry runs, approval.

use proto_accounting::v1::{
    BaseRecord, BusinessField, ChangeBaseDataRequest, PostBusinessRequest, Posting, PostingTemplate,
    base_record::Content, business_field::Value,
};
use proto_common::approval::v1::ApproveRequestRequest;

use crate::support::{
    BankFixture, debit, new_id, own,
    people::{CHECKER, HEAD_OFFICE, MAKER, SUB_BRANCH, SUPERVISOR, TELLER},
    post, record, templates, yuan,
};

fn field(name: &str, value: Value) -> BusinessField {
    BusinessField { name: name.to_owned(), value: Some(value) }
}

fn text(name: &str, value: &str) -> BusinessField {
    field(name, Value::Text(value.to_owned()))
}

fn business(code: &str, fields: impl Into<Vec<BusinessField>>) -> PostBusinessRequest {
    PostBusinessRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        code: code.to_owned(),
        fields: fields.into(),
        source: "COUNTER".to_owned(),
        ..PostBusinessRequest::default()
    }
}

fn sale(payer: &str, price: &str, pieces: i64) -> PostBusinessRequest {
    business(
        "VOUCHER_SALE",
        [
            text("payer", payer),
            field("price", Value::Amount(yuan(price))),
            field("pieces", Value::Integer(pieces)),
        ],
    )
}

fn delivery(amount: &str) -> PostBusinessRequest {
    business("CASH_DELIVERY", [field("amount", Value::Amount(yuan(amount))), text("keeper", HEAD_OFFICE)])
}

async fn done(bank: &BankFixture, request: PostBusinessRequest) -> Posting {
    bank.done(TELLER, request).await.posting.expect("a posting")
}

async fn with_vouchers() -> (BankFixture, String) {
    let bank = BankFixture::open().await;
    let account = bank.open_funded(TELLER, "C1", "100").await;
    bank.post(TELLER, post(SUB_BRANCH, "RECEIVE", [debit(&own(SUB_BRANCH, "8001"), yuan("25"))]))
        .await
        .unwrap();
    (bank, account)
}

fn change(from: &str, template: PostingTemplate) -> ChangeBaseDataRequest {
    let records: Vec<BaseRecord> = vec![record(from, Content::PostingTemplate(template))];
    ChangeBaseDataRequest {
        request_id: new_id(),
        branch: HEAD_OFFICE.to_owned(),
        records,
        reason: "a new tariff".to_owned(),
        validate_only: false,
    }
}

fn template(code: &str) -> PostingTemplate {
    templates().into_iter().find(|template| template.code == code).expect("a template of the small bank")
}

#[tokio::test]
async fn a_business_transaction_is_posted_by_its_template_and_a_repeat_gets_its_answer() {
    let (mut bank, account) = with_vouchers().await;
    let checked = PostBusinessRequest { validate_only: true, ..sale(&account, "7.50", 2) };
    let preview = done(&bank, checked).await;
    assert_eq!((preview.number, preview.entries.len()), (0, 3));
    assert_eq!(bank.available(TELLER, &account).await, "100.00", "nothing was posted");

    let request = sale(&account, "7.50", 2);
    let posting = done(&bank, request.clone()).await;
    assert_eq!((posting.code.as_str(), posting.narrative.as_str()), ("VOUCHER_SALE", "vouchers sold"));
    let amounts: Vec<_> = posting.entries.iter().map(|entry| entry.amount.clone().unwrap().amount).collect();
    assert_eq!(amounts, ["15.00", "15.00", "2.00"]);
    assert_eq!(posting.entries[0].narrative, "2 vouchers");
    assert_eq!(posting.entries[1].ledger_code, "6021", "which takes nothing by hand");
    assert_eq!(bank.available(TELLER, &account).await, "85.00");

    bank.harness().stop().await;
    bank.harness().start_again().await;
    assert_eq!(done(&bank, request.clone()).await, posting);
    let mut other = request;
    other.fields[2] = field("pieces", Value::Integer(3));
    assert_eq!(bank.refused(TELLER, other).await.reason, "REQUEST_ID_REUSED");
    assert!(bank.trial_balance().await.balanced);
}

#[tokio::test]
async fn what_is_wrong_is_named_with_the_field_or_the_templates_line() {
    let (bank, account) = with_vouchers().await;
    let without = |name: &str| {
        let mut request = sale(&account, "7.50", 2);
        request.fields.retain(|field| field.name != name);
        request
    };
    let with = |extra: BusinessField| {
        let mut request = sale(&account, "7.50", 2);
        request.fields.retain(|field| field.name != extra.name);
        request.fields.push(extra);
        request
    };
    let too_dear = field("price", Value::Amount(yuan("7.5055")));
    let cases = [
        (business("NONE", []), "TEMPLATE_UNKNOWN", "code"),
        (without("price"), "FIELD_MISSING", "fields"),
        (with(text("tip", "1")), "FIELD_UNKNOWN", "fields[3]"),
        (with(text("pieces", "two")), "FIELD_INVALID", "fields[2]"),
        (with(BusinessField { name: "pieces".to_owned(), value: None }), "FIELD_INVALID", "fields[2]"),
        (with(too_dear), "AMOUNT_TOO_PRECISE", "template.lines[0].amount"),
        (sale("accounts/1101000100000099994", "1", 1), "ACCOUNT_UNKNOWN", "template.lines[0].account"),
        (sale(&account, "90.00", 2), "FUNDS_INSUFFICIENT", "template.lines[0].amount"),
        (sale(&account, "0.10", 26), "REGISTER_SHORT", "template.lines[2].amount"),
        (sale(&account, "79228162514264337593543950", 9_000_000), "EXPRESSION_FAILED", "template.lines[0]"),
    ];
    for (request, reason, field) in cases {
        let refused = bank.refused(TELLER, request).await;
        assert_eq!((refused.reason.as_str(), refused.field.as_str()), (reason, field), "{}", refused.message);
    }
    assert_eq!(bank.available(TELLER, &account).await, "100.00");
}

#[tokio::test]
async fn above_the_limit_a_second_person_agrees() {
    let bank = BankFixture::open().await;
    done(&bank, delivery("50000")).await;
    let request = delivery("50000.01");
    let refused = bank.refused(TELLER, request.clone()).await;
    assert_eq!(refused.reason, "APPROVAL_REQUIRED");
    bank.done(SUPERVISOR, ApproveRequestRequest { name: refused.metadata["approval"].clone() }).await;
    let posting = done(&bank, request).await;
    assert_eq!((posting.authoriser.as_str(), posting.entries.len()), (SUPERVISOR.code, 4));
}

#[tokio::test]
async fn a_template_counts_from_its_date_and_one_that_is_not_sound_is_never_saved() {
    let (bank, account) = with_vouchers().await;
    let mut unbalanced = template("VOUCHER_SALE");
    unbalanced.lines[1].amount = "price".to_owned();
    let refused = bank.refused(MAKER, change("2026-03-03", unbalanced)).await;
    let at = "records[0].posting_template.examples[0]";
    assert_eq!((refused.reason.as_str(), refused.field.as_str()), ("BASE_RECORD_INVALID", at));

    let mut free = template("VOUCHER_SALE");
    free.lines[0].condition = "price > 10".to_owned();
    free.lines[1].condition = "price > 10".to_owned();
    free.examples[0].lines.drain(..2);
    bank.approved(MAKER, CHECKER, change("2026-03-03", free.clone())).await;
    assert_eq!(done(&bank, sale(&account, "1", 1)).await.entries.len(), 3, "it is not tomorrow yet");
    bank.open_day("2026-03-03").await;
    assert_eq!(done(&bank, sale(&account, "1", 1)).await.entries.len(), 1);

    bank.approved(MAKER, CHECKER, change("2026-03-04", PostingTemplate { closed: true, ..free })).await;
    bank.open_day("2026-03-04").await;
    assert_eq!(bank.refused(TELLER, sale(&account, "1", 1)).await.reason, "TEMPLATE_CLOSED");
}
