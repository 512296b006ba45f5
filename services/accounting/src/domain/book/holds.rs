//! Holds (资金冻结/预授权): place, capture, release, expire. A hold never gives more than it set aside, and ends once (ACC-8).

use std::sync::Arc;

use chrono::{DateTime, Days, SubsecRound, Utc};
use rust_decimal::Decimal;

use super::{
    AccountState, Book,
    acting::Acting,
    amounts,
    posting::{self, AboveLimit},
};
use crate::domain::{
    command::{Answer, Origin, Records},
    hold::{Hold, HoldEvent, HoldState},
    ids::{AccountNumber, CurrencyCode, HoldNumber, PostingNumber},
    refusal::{Refusal, Rule},
    transaction::Transaction,
};

/// A hold to place.
pub(super) struct Requested<'a> {
    pub account: &'a AccountNumber,
    pub currency: &'a CurrencyCode,
    pub amount: Decimal,
    pub expires_at: DateTime<Utc>,
    pub purpose: &'a str,
    pub reference: &'a str,
}

impl Book {
    pub(super) fn place_hold(
        &mut self,
        origin: &Origin,
        requested: &Requested<'_>,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        let acting = Acting::on(&self.reference, origin, self.business_date()?)?.who_posts()?;
        let number = HoldNumber(if origin.dry_run { 0 } else { self.heads.hold + 1 });
        let hold = self.hold_to_place(&acting, requested, number, now)?;
        if !origin.dry_run {
            self.heads.hold = number.0;
            self.happened(hold.clone(), origin, None, now, records);
        }
        Ok(Answer::Hold(hold))
    }

    fn hold_to_place(
        &self,
        acting: &Acting<'_>,
        requested: &Requested<'_>,
        number: HoldNumber,
        now: DateTime<Utc>,
    ) -> Result<Hold, Refusal> {
        let account = || requested.account.clone();
        let state = self.memory.by_number(requested.account);
        let state = state.ok_or_else(|| Rule::AccountUnknown { account: account() }.at("account"))?;
        state.account.status.admits(requested.account, true).map_err(|rule| rule.at("account"))?;
        amounts::in_currency_of(&state.account, requested.currency)
            .map_err(|rule| rule.at("amount.currency"))?;
        let amount_max = acting.reference.amount_max(acting.on)?;
        amounts::check(requested.amount, state.account.currency, amount_max)
            .map_err(|rule| rule.at("amount"))?;
        let holds_max = acting.reference.open_holds_max(acting.on)?;
        let holds = state.holds.len();
        if u64::try_from(holds).is_ok_and(|holds| holds >= holds_max) {
            return Err(Rule::OpenHoldsTooMany { account: account(), holds, holds_max }.at("account"));
        }
        let days = Days::new(acting.reference.hold_days_max(acting.on)?);
        let latest = now.checked_add_days(days).unwrap_or(DateTime::<Utc>::MAX_UTC);
        // To the microsecond, which is what is recorded.
        let expires_at = requested.expires_at.trunc_subsecs(6);
        if expires_at <= now || expires_at > latest {
            return Err(Rule::HoldExpiryInvalid { expires_at, latest }.at("expire_time"));
        }
        let Some(available) = state.available(now) else {
            let message =
                "must have a limit: on accounts of either side and off-balance ones nothing is set aside";
            return Err(Rule::FieldInvalid(message.to_owned()).at("account"));
        };
        if requested.amount > available {
            let shortage = requested.amount - available;
            return Err(Rule::FundsInsufficient { account: account(), available, shortage }.at("amount"));
        }
        Ok(Hold {
            number,
            account_id: state.account.id,
            account: account(),
            currency: state.account.currency,
            state: HoldState::Open,
            amount: requested.amount,
            captured: Decimal::ZERO,
            remaining: requested.amount,
            purpose: requested.purpose.to_owned(),
            reference: requested.reference.to_owned(),
            branch: acting.origin.branch.clone(),
            operator: acting.origin.operator.clone(),
            placed_at: now,
            expires_at,
            version: 1,
        })
    }

    pub(super) fn capture_hold(
        &mut self,
        origin: &Origin,
        number: HoldNumber,
        transaction: &Transaction,
        keep_rest: bool,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        let reference = Arc::clone(&self.reference);
        let acting = Acting::on(&reference, origin, self.business_date()?)?.who_posts()?;
        let (_, hold) = self.open_hold(number, now)?;
        let requested = posting::Requested {
            request_id: origin.request_id,
            transaction,
            capture: Some((hold, keep_rest)),
            above_limit: AboveLimit::NeedsSecondPerson,
            opening: None,
            by_template: false,
            now,
        };
        let plan = self.plan(&acting, &requested).map_err(|refusal| refusal.within("transaction"))?;
        let remaining = if keep_rest { hold.remaining - plan.captured } else { Decimal::ZERO };
        let state = if remaining.is_zero() { HoldState::Captured } else { HoldState::Open };
        let captured = hold.captured + plan.captured;
        let hold = Hold { state, captured, remaining, version: hold.version + 1, ..hold.clone() };
        if origin.dry_run {
            return Ok(Answer::Captured { posting: Arc::new(plan.posting), hold });
        }
        let posting = self.book(plan, records);
        self.happened(hold.clone(), origin, Some(posting.number), now, records);
        Ok(Answer::Captured { posting, hold })
    }

    pub(super) fn release_hold(
        &mut self,
        origin: &Origin,
        number: HoldNumber,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        Acting::on(&self.reference, origin, self.business_date()?)?.who_posts()?;
        let (_, hold) = self.open_hold(number, now)?;
        let hold = ended(hold, HoldState::Released);
        if !origin.dry_run {
            self.happened(hold.clone(), origin, None, now, records);
        }
        Ok(Answer::Hold(hold))
    }

    /// Records that holds have lapsed. It needs no request: it only states what is true already.
    pub(super) fn expire_holds(
        &mut self,
        origin: &Origin,
        holds: &[HoldNumber],
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Answer {
        let mut expired = 0;
        for number in holds {
            let lapsed = self.memory.hold(*number).filter(|(_, hold)| hold.expires_at <= now);
            let Some(hold) = lapsed.map(|(_, hold)| ended(hold, HoldState::Expired)) else { continue };
            expired += 1;
            if !origin.dry_run {
                self.happened(hold, origin, None, now, records);
            }
        }
        Answer::Expired(expired)
    }

    /// A hold of which something is still set aside, with its account.
    fn open_hold(&self, number: HoldNumber, now: DateTime<Utc>) -> Result<(&AccountState, &Hold), Refusal> {
        let rule = match self.memory.hold(number) {
            Some((_, hold)) if hold.expires_at <= now => {
                Rule::HoldExpired { hold: number, expired_at: hold.expires_at }
            }
            Some(found) => return Ok(found),
            // Numbers have no gaps: a hold whose number was given and that is not open has ended.
            None if (1..=self.heads.hold).contains(&number.0) => Rule::HoldNotOpen { hold: number },
            None => Rule::HoldUnknown { hold: number },
        };
        Err(rule.at("hold"))
    }

    /// Records what happened to a hold.
    fn happened(
        &mut self,
        hold: Hold,
        origin: &Origin,
        posting: Option<PostingNumber>,
        now: DateTime<Utc>,
        records: &mut Records,
    ) {
        self.memory.put_hold(&hold);
        self.heads.hold_event += 1;
        records.hold_events.push(HoldEvent {
            number: self.heads.hold_event,
            hold,
            request_id: origin.request_id,
            digest: origin.digest,
            operator: origin.operator.clone(),
            posting,
            recorded_at: now,
            traceparent: origin.traceparent.clone(),
        });
    }
}

/// A hold that has ended without giving more.
fn ended(hold: &Hold, state: HoldState) -> Hold {
    Hold { state, remaining: Decimal::ZERO, version: hold.version + 1, ..hold.clone() }
}
