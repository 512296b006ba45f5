//! Postings (记账): a transaction is planned whole, against what the book holds, and then done.
//!
//! The plan goes: dates; each line with its account ([`lines`]); each currency, and each branch ([`balance`]); entries and
//! funds ([`funds`]); and last, when nothing else stands against it, the limits of those who act ([`limits`]), so that nobody
//! has to approve what would be refused anyway.

mod balance;
mod dates;
mod funds;
mod limits;
mod lines;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

pub(super) use limits::AboveLimit;

use super::{Book, acting::Acting, opening::Opening};
use crate::domain::{
    balance::RunningBalance,
    command::{Answer, Origin, Records},
    hold::Hold,
    ids::{AccountNumber, PostingNumber},
    refusal::Refusal,
    transaction::{Posting, Transaction},
};
use funds::Moved;

/// A transaction to plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requested<'a> {
    pub request_id: Uuid,
    pub transaction: &'a Transaction,
    /// The hold that it captures, and whether the rest stays set aside.
    pub capture: Option<(&'a Hold, bool)>,
    pub above_limit: AboveLimit,
    /// The opening period, when it is moved in.
    pub opening: Option<Opening>,
    /// Whether a template made its lines, and no hand.
    pub by_template: bool,
    pub now: DateTime<Utc>,
}

/// A posting that may be done: decided, and not yet done.
#[derive(Debug)]
pub(super) struct Plan {
    /// Its number is still zero.
    pub posting: Posting,
    /// The balance of each account that it moves, after it.
    pub balances: Vec<(AccountNumber, RunningBalance)>,
    /// What it takes from the account of the hold that it captures.
    pub captured: Decimal,
}

impl Book {
    pub(super) fn post(
        &mut self,
        origin: &Origin,
        transaction: &Transaction,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        let reference = Arc::clone(&self.reference);
        let acting = Acting::on(&reference, origin, self.business_date()?)?.who_posts()?;
        let above_limit = AboveLimit::NeedsSecondPerson;
        let requested = Requested {
            request_id: origin.request_id,
            transaction,
            capture: None,
            above_limit,
            opening: None,
            by_template: false,
            now,
        };
        let plan = self.plan(&acting, &requested).map_err(|refusal| refusal.within("transaction"))?;
        Ok(Answer::Posted(if origin.dry_run { Arc::new(plan.posting) } else { self.book(plan, records) }))
    }

    /// Decides a transaction, and changes nothing. Fields are named from the transaction on.
    pub(super) fn plan(&self, acting: &Acting<'_>, requested: &Requested<'_>) -> Result<Plan, Refusal> {
        let transaction = requested.transaction;
        let dates = dates::of(acting, transaction, requested.opening)?;
        let mut draft = lines::draft(&self.memory, acting, requested)?;
        draft.check_balanced(acting).map_err(|rule| rule.at("lines"))?;
        draft.add_inter_branch(&self.memory).map_err(|rule| rule.at("lines"))?;
        let captured = requested.capture.map_or(Ok(Decimal::ZERO), |(hold, _)| draft.captured(hold))?;
        let Moved { entries, balances } = draft.moved(requested, captured)?;
        let kind = draft.kind();
        limits::check(acting, kind, draft.amounts(), requested.above_limit)?;
        let origin = acting.origin;
        let posting = Posting {
            number: PostingNumber(0),
            request_id: requested.request_id,
            digest: origin.digest,
            branch: origin.branch.clone(),
            code: transaction.code.clone(),
            kind,
            transaction_date: dates.transaction,
            accounting_date: dates.accounting,
            value_date: dates.value,
            recorded_at: requested.now,
            operator: origin.operator.clone(),
            authoriser: origin.authoriser.clone(),
            source: transaction.source.clone(),
            narrative: transaction.narrative.clone(),
            voucher: transaction.voucher.clone(),
            hold: requested.capture.map(|(hold, _)| hold.number),
            traceparent: origin.traceparent.clone(),
            entries,
        };
        Ok(Plan { posting, balances, captured })
    }

    /// Does what was planned: the posting gets the next number.
    pub(super) fn book(&mut self, mut plan: Plan, records: &mut Records) -> Arc<Posting> {
        for (account, balance) in &plan.balances {
            self.memory.set_balance(account, *balance);
        }
        self.heads.posting += 1;
        plan.posting.number = PostingNumber(self.heads.posting);
        let posting = Arc::new(plan.posting);
        records.postings.push(Arc::clone(&posting));
        posting
    }
}
