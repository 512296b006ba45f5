//! Steps as requests of the API.

use anyhow::{Context, Result, bail};
use pbjson_types::Timestamp;
use proto_accounting::v1::{
    AccountKind, ActivateAccountRequest, BaseRecord, BusinessField, CaptureHoldRequest, ChangeAccountRequest,
    ChangeBaseDataRequest, CloseAccountRequest, ExchangeRate, FreezeAccountRequest, Holder, HolderRole,
    MarkAccountDormantRequest, OpenAccountRequest, OpenBusinessDayRequest, Parameter, PlaceHoldRequest,
    PostBatchRequest, PostBusinessRequest, PostTransactionRequest, ReleaseHoldRequest, Transaction,
    TransactionLine, UnfreezeAccountRequest, Voucher, base_record::Content, business_field::Value,
};
use proto_common::common::v1::Money;

use super::{Day, planned::Request};
use crate::{
    ids::request_id,
    plan::{Action, Customer, Deal, OddRequest, Party, Step},
};

/// Where the postings of the day come from.
const SOURCE: &str = "COUNTER";

/// Why anything is done that needs a reason.
const REASON: &str = "营业日演练";

/// A number that no hold has.
const NO_HOLD: &str = "holds/999999999999";

impl Day<'_> {
    /// The request that a step makes; none for one that only waits.
    pub(super) fn request(&self, place: usize, step: &Step) -> Result<Option<Request>> {
        let request_id = request_id(&[&self.key, &place.to_string()]).to_string();
        let branch = step.branch.clone();
        let request: Request = match &step.action {
            Action::Open { terms, .. } => open(request_id, branch, terms).into(),
            Action::Activate { .. }
            | Action::MarkDormant { .. }
            | Action::Close { .. }
            | Action::Freeze { .. }
            | Action::Unfreeze { .. }
            | Action::Retitle { .. } => self.account_request(request_id, branch, &step.action)?,
            Action::Post { deal, dry_run } if deal.by_template => {
                self.fee(request_id, branch, deal, *dry_run)?.into()
            }
            Action::Post { deal, dry_run } => PostTransactionRequest {
                request_id,
                branch,
                transaction: Some(self.transaction(deal)?),
                validate_only: *dry_run,
            }
            .into(),
            Action::Batch { mode, deals } => PostBatchRequest {
                request_id,
                branch,
                mode: (*mode).into(),
                transactions: deals.iter().map(|deal| self.transaction(deal)).collect::<Result<_>>()?,
                validate_only: false,
            }
            .into(),
            Action::Hold { .. } | Action::Capture { .. } | Action::Release { .. } => {
                self.hold_request(request_id, branch, &step.action)?
            }
            Action::AwaitExpiry { .. } => return Ok(None),
            Action::Odd(odd) => self.odd(request_id, branch, odd)?,
        };
        Ok(Some(request))
    }

    fn account_request(&self, request_id: String, branch: String, action: &Action) -> Result<Request> {
        let name = |account| self.names.account(account);
        let reason = REASON.to_owned();
        Ok(match action {
            Action::Activate { account } => {
                ActivateAccountRequest { request_id, branch, account: name(*account)?, reason }.into()
            }
            Action::MarkDormant { account } => {
                MarkAccountDormantRequest { request_id, branch, account: name(*account)?, reason }.into()
            }
            Action::Close { account } => {
                CloseAccountRequest { request_id, branch, account: name(*account)?, reason }.into()
            }
            Action::Freeze { account, freeze, amount } => FreezeAccountRequest {
                request_id,
                branch,
                account: name(*account)?,
                freeze: (*freeze).into(),
                amount: amount.map(|amount| yuan(&amount.to_string())),
                reason,
            }
            .into(),
            Action::Unfreeze { account } => {
                let account = name(*account)?;
                UnfreezeAccountRequest { request_id, branch, account, reason, validate_only: false }.into()
            }
            Action::Retitle { account, title, version } => ChangeAccountRequest {
                request_id,
                branch,
                account: name(*account)?,
                title: Some(title.clone()),
                version: *version,
                ..ChangeAccountRequest::default()
            }
            .into(),
            other => bail!("{other:?} changes no account"),
        })
    }

    fn hold_request(&self, request_id: String, branch: String, action: &Action) -> Result<Request> {
        Ok(match action {
            Action::Hold { account, amount, life, .. } => PlaceHoldRequest {
                request_id,
                branch,
                account: self.names.account(*account)?,
                amount: Some(yuan(amount)),
                expire_time: Some(timestamp(self.clock.now() + *life)),
                purpose: "预授权".to_owned(),
                reference: String::new(),
            }
            .into(),
            Action::Capture { hold, deal, keep_rest, .. } => CaptureHoldRequest {
                request_id,
                branch,
                hold: self.names.hold(*hold)?,
                transaction: Some(self.transaction(deal)?),
                keep_rest: *keep_rest,
                validate_only: false,
            }
            .into(),
            Action::Release { hold, .. } => ReleaseHoldRequest {
                request_id,
                branch,
                hold: self.names.hold(*hold)?,
                reason: REASON.to_owned(),
            }
            .into(),
            other => bail!("{other:?} is about no hold"),
        })
    }

    fn odd(&self, request_id: String, branch: String, odd: &OddRequest) -> Result<Request> {
        Ok(match odd {
            OddRequest::MalformedRequestId(deal) => PostTransactionRequest {
                request_id: format!("{request_id}-1"),
                branch,
                transaction: Some(self.transaction(deal)?),
                validate_only: false,
            }
            .into(),
            OddRequest::ReleaseUnknownHold => {
                ReleaseHoldRequest { request_id, branch, hold: NO_HOLD.to_owned(), reason: String::new() }
                    .into()
            }
            OddRequest::OpenOnCode { kind, ledger_code, currency } => OpenAccountRequest {
                request_id,
                branch,
                kind: (*kind).into(),
                ledger_code: (*ledger_code).to_owned(),
                currency: (*currency).to_owned(),
                title: "王敏".to_owned(),
                holders: vec![owner("C000000001", "王敏")],
                ..OpenAccountRequest::default()
            }
            .into(),
            OddRequest::OpenInternalAgain(place) => OpenAccountRequest {
                request_id,
                branch,
                kind: AccountKind::Internal.into(),
                ledger_code: place.ledger_code.clone(),
                currency: place.currency.clone(),
                title: "重复开户".to_owned(),
                ..OpenAccountRequest::default()
            }
            .into(),
            OddRequest::OpenBusinessDay { date } => OpenBusinessDayRequest {
                request_id,
                branch,
                business_date: date.clone(),
                validate_only: false,
            }
            .into(),
            OddRequest::SetParameter { code, value, effective_date } => {
                let content = Parameter { code: (*code).to_owned(), value: (*value).to_owned() };
                change(request_id, branch, effective_date, Content::Parameter(content)).into()
            }
            OddRequest::SellBelowBuying { currency, effective_date } => {
                let content = ExchangeRate {
                    currency: (*currency).to_owned(),
                    unit: 100,
                    buy: "700.00".to_owned(),
                    sell: "690.00".to_owned(),
                    middle: "695.00".to_owned(),
                };
                change(request_id, branch, effective_date, Content::ExchangeRate(content)).into()
            }
        })
    }

    /// A fee, by its template: who pays, how much, and which income it is.
    fn fee(
        &self,
        request_id: String,
        branch: String,
        deal: &Deal,
        validate_only: bool,
    ) -> Result<PostBusinessRequest> {
        let [payer, income] = deal.lines.as_slice() else { bail!("{deal:?} is no fee") };
        let Party::Own(place) = &income.party else { bail!("{deal:?} is no income") };
        let amount = Money { currency: payer.currency.clone(), amount: payer.amount.clone() };
        let field = |name: &str, value| BusinessField { name: name.to_owned(), value: Some(value) };
        Ok(PostBusinessRequest {
            request_id,
            branch,
            code: deal.code.to_owned(),
            fields: vec![
                field("payer", Value::Text(self.names.of_line(payer)?)),
                field("amount", Value::Amount(amount)),
                field("income", Value::Text(place.ledger_code.clone())),
            ],
            transaction_date: deal.transaction_date.clone(),
            accounting_date: deal.accounting_date.clone(),
            value_date: deal.value_date.clone(),
            source: SOURCE.to_owned(),
            narrative: deal.narrative.clone(),
            voucher: voucher(deal),
            validate_only,
        })
    }

    fn transaction(&self, deal: &Deal) -> Result<Transaction> {
        let line = |line: &crate::plan::Line| {
            Ok(TransactionLine {
                account: self.names.of_line(line)?,
                side: line.side.into(),
                amount: Some(Money { currency: line.currency.clone(), amount: line.amount.clone() }),
                narrative: String::new(),
            })
        };
        Ok(Transaction {
            code: deal.code.to_owned(),
            transaction_date: deal.transaction_date.clone(),
            accounting_date: deal.accounting_date.clone(),
            value_date: deal.value_date.clone(),
            source: SOURCE.to_owned(),
            narrative: deal.narrative.clone(),
            voucher: voucher(deal),
            lines: deal.lines.iter().map(line).collect::<Result<_>>()?,
        })
    }
}

fn voucher(deal: &Deal) -> Option<Voucher> {
    let (kind, number) = deal.voucher.as_ref()?;
    Some(Voucher { kind: (*kind).to_owned(), number: number.clone() })
}

fn open(request_id: String, branch: String, terms: &Customer) -> OpenAccountRequest {
    OpenAccountRequest {
        request_id,
        branch,
        kind: terms.kind.into(),
        ledger_code: terms.ledger_code.to_owned(),
        currency: terms.currency.clone(),
        title: terms.title.clone(),
        holders: vec![owner(&terms.owner, &terms.title)],
        overdraft_limit: (!terms.overdraft.is_zero())
            .then(|| Money { currency: terms.currency.clone(), amount: terms.overdraft.to_string() }),
        pending: !terms.is_active(),
        validate_only: false,
    }
}

fn owner(customer: &str, title: &str) -> Holder {
    Holder { customer: customer.to_owned(), title: title.to_owned(), role: HolderRole::Owner.into() }
}

fn change(
    request_id: String,
    branch: String,
    effective_date: &str,
    content: Content,
) -> ChangeBaseDataRequest {
    let record = BaseRecord {
        effective_date: effective_date.to_owned(),
        content: Some(content),
        ..BaseRecord::default()
    };
    ChangeBaseDataRequest {
        request_id,
        branch,
        records: vec![record],
        reason: REASON.to_owned(),
        validate_only: false,
    }
}

fn yuan(amount: &str) -> Money {
    Money { currency: "CNY".to_owned(), amount: amount.to_owned() }
}

fn timestamp(time: chrono::DateTime<chrono::Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default(),
    }
}

/// Another request under the same id.
pub(super) fn altered(request: &Request) -> Result<Request> {
    let mut other = request.clone();
    let narrative = match &mut other {
        Request::PostBusiness(request) => Some(&mut request.narrative),
        Request::PostTransaction(request) => {
            request.transaction.as_mut().map(|transaction| &mut transaction.narrative)
        }
        Request::PostBatch(request) => {
            request.transactions.first_mut().map(|transaction| &mut transaction.narrative)
        }
        _ => None,
    };
    narrative.context("only postings are altered")?.push_str(" (改)");
    Ok(other)
}
