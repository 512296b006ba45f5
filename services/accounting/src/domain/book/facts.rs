//! Facts of other services, booked by template. A fact cannot be refused: a line that its account does not accept goes to the
//! branch's suspense account (挂账), and a fact that cannot be booked at all is kept whole in an open item.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    Book, Place,
    acting::Acting,
    business::{expand, transaction},
    posting::{AboveLimit, Plan, Requested},
};
use crate::domain::{
    command::{Answer, Business, Origin, Records},
    ids::{BranchCode, SuspenseNumber},
    reference::Reference,
    refusal::{Refusal, Rule},
    side::Side,
    suspense::{ReceivedFact, SuspenseItem, SuspenseLine, SuspenseRecord, SuspenseState},
    template::{Compiled, FromFact},
    transaction::{AccountRef, Line},
};

/// A fact that can be booked.
struct Bookable {
    plan: Plan,
    code: String,
    diverted: Vec<Diverted>,
}

/// A line that goes to suspense.
struct Diverted {
    line: usize,
    meant: AccountRef,
    refusal: Refusal,
}

/// A fact of which nothing can be booked.
struct Unbookable {
    /// The acting branch, when it is known.
    branch: Option<BranchCode>,
    code: String,
    refusal: Refusal,
}

impl Book {
    /// Books a fact. Only a book without an open day refuses it, and then it waits for one.
    pub(super) fn book_fact(
        &mut self,
        origin: &Origin,
        fact: &ReceivedFact,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        let on = self.business_date()?;
        let reference = Arc::clone(&self.reference);
        match self.plan_fact(&reference, origin, fact, on, now) {
            Ok(Bookable { plan, code, diverted }) => {
                let posting = self.book(plan, records);
                for Diverted { line, meant, refusal } in diverted {
                    let entry = &posting.entries[line];
                    let line = SuspenseLine {
                        posting: posting.number,
                        line,
                        account: entry.account.clone(),
                        side: entry.side,
                        currency: entry.currency,
                        amount: entry.amount,
                        meant,
                    };
                    let number = self.next_suspense();
                    let item = SuspenseItem {
                        number,
                        branch: posting.branch.clone(),
                        state: SuspenseState::Open,
                        line: Some(line),
                        refusal,
                        code: code.clone(),
                        fact: fact.identity.clone(),
                        opened_on: on,
                        opened: origin.recorded(now),
                    };
                    records.suspense_items.push(SuspenseRecord { item, payload: None });
                }
                Ok(Answer::Posted(posting))
            }
            Err(unbookable) => {
                let Unbookable { branch, code, refusal } = *unbookable;
                let number = self.next_suspense();
                let head_office = || reference.head_office(on).map(|branch| branch.code.clone());
                let item = SuspenseItem {
                    number,
                    branch: branch.or_else(head_office).unwrap_or_else(|| origin.branch.clone()),
                    state: SuspenseState::Open,
                    line: None,
                    refusal,
                    code,
                    fact: fact.identity.clone(),
                    opened_on: on,
                    opened: origin.recorded(now),
                };
                records.suspense_items.push(SuspenseRecord { item, payload: Some(fact.payload.clone()) });
                Ok(Answer::Suspended(number))
            }
        }
    }

    fn next_suspense(&mut self) -> SuspenseNumber {
        self.heads.suspense += 1;
        SuspenseNumber(self.heads.suspense)
    }

    /// Decides how a fact is booked, and changes nothing.
    fn plan_fact(
        &self,
        reference: &Reference,
        origin: &Origin,
        fact: &ReceivedFact,
        on: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Bookable, Box<Unbookable>> {
        let kind = &fact.identity.kind;
        let nothing = |refusal: Refusal| Box::new(Unbookable { branch: None, code: String::new(), refusal });
        let unknown = || nothing(Rule::FactUnknown { kind: kind.clone(), on }.into());
        let code = reference.template_of_fact(kind, on).ok_or_else(unknown)?;
        let template = reference.template(code, on).map_err(|rule| nothing(rule.into()))?;
        let of_code = |branch: Option<BranchCode>, refusal| {
            Box::new(Unbookable { branch, code: code.to_owned(), refusal })
        };
        let from = FromFact::read(template, kind, &fact.payload).map_err(|refusal| of_code(None, refusal))?;
        let known = reference.branch(&from.branch, on).map(|branch| branch.code.clone());
        let origin = Origin { branch: from.branch.clone(), ..origin.clone() };
        let planned = self.plan_from(reference, &origin, template, &fact.identity.service, from, on, now);
        let (plan, diverted) = planned.map_err(|refusal| of_code(known, refusal))?;
        Ok(Bookable { plan, code: code.to_owned(), diverted })
    }

    #[expect(clippy::too_many_arguments, reason = "what a posting rests on, each by itself")]
    fn plan_from(
        &self,
        reference: &Reference,
        origin: &Origin,
        template: &Compiled,
        service: &str,
        from: FromFact,
        on: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<(Plan, Vec<Diverted>), Refusal> {
        let acting = Acting::on(reference, origin, on)?.who_posts()?;
        let mut expanded = expand(reference, template, &origin.branch, &from.fields, on)?;
        let business = Business {
            code: template.template.code.clone(),
            fields: from.fields,
            transaction_date: from.transaction_date,
            accounting_date: None,
            value_date: None,
            source: service.to_owned(),
            narrative: String::new(),
            voucher: None,
        };
        let mut transaction = transaction(&business, &mut expanded);
        let mut diverted: Vec<Diverted> = Vec::new();
        loop {
            let requested = Requested {
                request_id: origin.request_id,
                transaction: &transaction,
                capture: None,
                // No caller waits who could involve a second person.
                above_limit: AboveLimit::IsRefused,
                opening: None,
                by_template: true,
                now,
            };
            let refusal = match self.plan(&acting, &requested) {
                Ok(plan) => return Ok((plan, diverted)),
                Err(refusal) => refusal,
            };
            let line = expanded.line_refused(&refusal).filter(|_| is_the_accounts(&refusal.rule));
            let Some(line) = line.filter(|line| diverted.iter().all(|other| other.line != *line)) else {
                return Err(expanded.locate(refusal));
            };
            let to = suspense_account(reference, &origin.branch, transaction.lines[line].side, on)?;
            let meant = std::mem::replace(&mut transaction.lines[line].account, to);
            diverted.push(Diverted { line, meant, refusal: expanded.locate(refusal) });
        }
    }

    /// The lines that a fact may have, and the suspense accounts of those that cannot be booked.
    pub(super) fn fact_ahead(&self, fact: &ReceivedFact) -> (Vec<Line>, Vec<Place>) {
        let days = self.day.iter().map(|day| day.date).chain(self.ahead.days.iter().copied());
        let (mut lines, mut places) = (Vec::new(), Vec::new());
        let in_force = days.clone().filter_map(|on| {
            let code = self.reference.template_of_fact(&fact.identity.kind, on)?;
            self.reference.template(code, on).ok()
        });
        for template in in_force.chain(&self.ahead.templates) {
            let Ok(from) = FromFact::read(template, &fact.identity.kind, &fact.payload) else { continue };
            let made = expand(&self.reference, template, &from.branch, &from.fields, NaiveDate::MAX);
            let Ok(made) = made else { continue };
            for line in made.lines {
                let to = |on| suspense_account(&self.reference, &from.branch, line.side, on).ok();
                places.extend(days.clone().filter_map(to).filter_map(|account| match account {
                    AccountRef::OfBranch { branch, ledger_code } => {
                        Some((branch, ledger_code, line.currency.clone()))
                    }
                    AccountRef::Number(_) | AccountRef::Former(_) => None,
                }));
                lines.push(line);
            }
        }
        (lines, places)
    }
}

/// The suspense account for a line that its own account does not accept: receivables for debits, payables for credits.
fn suspense_account(
    reference: &Reference,
    branch: &BranchCode,
    side: Side,
    on: NaiveDate,
) -> Result<AccountRef, Rule> {
    let ledger_code = match side {
        Side::Debit => reference.suspense_receivable_code(on)?,
        Side::Credit => reference.suspense_payable_code(on)?,
    };
    Ok(AccountRef::OfBranch { branch: branch.clone(), ledger_code })
}

/// Whether the line's account is the cause of the refusal, so that another account may accept the line.
fn is_the_accounts(rule: &Rule) -> bool {
    matches!(
        rule,
        Rule::AccountUnknown { .. }
            | Rule::LedgerAccountMissing { .. }
            | Rule::AccountPending { .. }
            | Rule::AccountDormant { .. }
            | Rule::AccountFrozen { .. }
            | Rule::AccountClosed { .. }
            | Rule::CurrencyMismatch { .. }
            | Rule::LedgerCodeClosed { .. }
            | Rule::LedgerCodeUnknown { .. }
            | Rule::BranchUnknown { .. }
            | Rule::FundsInsufficient { .. }
    )
}
