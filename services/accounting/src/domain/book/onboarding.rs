//! Moving in (数据迁移): the accounts and postings that a bank brings from the books it kept before, in the opening period
//! (建账期). Two persons agree to the period when they set it as base data, so what is moved in within it needs no second
//! person and counts against no operator's limit (ACC-10). All else holds as it does for any posting (ACC-1 to ACC-7).

use std::sync::Arc;

use chrono::{DateTime, Datelike, Utc};

use super::{
    Book, Needs,
    accounts::first_version,
    acting::{Acting, open_branch},
    opening::Opening,
    posting::{AboveLimit, Requested},
};
use crate::domain::{
    command::{AccountToImport, Action, Answer, Command, Origin, Records, item_request_id},
    ids::AccountNumber,
    refusal::{Refusal, Rule},
    transaction::Transaction,
};

/// Most accounts, or transactions, of one import. Bounds the time that the writer spends on one command.
pub const IMPORTED_MAX: usize = 1_000;

impl Book {
    pub(super) fn import_accounts(
        &mut self,
        origin: &Origin,
        accounts: &[Result<AccountToImport, Refusal>],
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        check_count(accounts.len(), "accounts")?;
        let reference = Arc::clone(&self.reference);
        let acting = Acting::on(&reference, origin, self.business_date()?)?;
        self.opening(&acting)?;
        let opened_before = self.heads.account;
        let mut verdicts = Vec::with_capacity(accounts.len());
        for (item, account) in accounts.iter().enumerate() {
            verdicts.push(match account {
                Ok(account) => self
                    .import_account(&acting, account, now, records)
                    .map_err(|refusal| refusal.of_item(&format!("accounts[{item}]"))),
                Err(refusal) => Err(refusal.clone()),
            });
        }
        if origin.dry_run {
            for verdict in verdicts.iter_mut().flatten() {
                self.memory.remove(verdict);
                *verdict = AccountNumber::new("");
            }
            self.heads.account = opened_before;
        }
        Ok(Answer::AccountsImported(verdicts))
    }

    /// Opens an account, so that those after it find it.
    fn import_account(
        &mut self,
        acting: &Acting<'_>,
        requested: &AccountToImport,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<AccountNumber, Refusal> {
        if requested.branch != acting.origin.branch {
            acting.at_head_office().map_err(|rule| rule.at("branch"))?;
        }
        open_branch(acting.reference, &requested.branch, acting.on).map_err(|rule| rule.at("branch"))?;
        let mut account = self.account_to_open(acting, &requested.branch, &requested.terms)?;
        if let Some(date) = requested.open_date {
            if date > acting.on {
                let message = format!("must not be after {}, the open business day", acting.on);
                return Err(Rule::FieldInvalid(message).at("open_date"));
            }
            account.open_date = date;
        }
        if let Some(former_number) = &requested.former_number {
            if let Some(there) = self.memory.by_former_number(former_number) {
                let (former_number, account) = (former_number.clone(), there.account.number.clone());
                return Err(Rule::FormerNumberTaken { former_number, account }.at("former_number"));
            }
            account.former_number = Some(former_number.clone());
        }
        self.enter(&mut account);
        if !acting.origin.dry_run {
            records.accounts.push(first_version(&account, acting.origin, now));
        }
        Ok(account.number)
    }

    pub(super) fn import_postings(
        &mut self,
        origin: &Origin,
        transactions: &[Result<Transaction, Refusal>],
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        check_count(transactions.len(), "transactions")?;
        let reference = Arc::clone(&self.reference);
        let acting = Acting::on(&reference, origin, self.business_date()?)?.who_posts()?;
        let opening = self.opening(&acting)?;
        let mut done = self.nothing_done(records);
        let mut verdicts = Vec::with_capacity(transactions.len());
        for (item, transaction) in transactions.iter().enumerate() {
            let transaction = match transaction {
                Ok(transaction) => transaction,
                Err(refusal) => {
                    verdicts.push(Err(refusal.clone()));
                    continue;
                }
            };
            let requested = Requested {
                request_id: item_request_id(origin.request_id, item),
                transaction,
                capture: None,
                above_limit: AboveLimit::IsAllowed,
                opening: Some(opening),
                by_template: false,
                now,
            };
            let verdict = self.post_item(&acting, &requested, &mut done, records);
            let verdict = verdict.map(|posting| posting.number);
            verdicts.push(verdict.map_err(|refusal| refusal.of_item(&format!("transactions[{item}]"))));
        }
        if origin.dry_run {
            self.undo(done, records);
        }
        Ok(Answer::PostingsImported(verdicts))
    }

    /// The months of the journal into which the command would post history.
    pub(super) fn want_months(&self, command: &Command, needs: &mut Needs) {
        let Action::ImportPostings { transactions } = &command.action else { return };
        let Some((open, first_day)) = self.day.as_ref().map(|day| day.date).zip(self.first_day) else {
            return;
        };
        let Ok(from) = self.reference.opening_history_from(open) else { return };
        let is_on = self.reference.opening_period_until(open).is_ok_and(|until| open <= until);
        if command.origin.dry_run || !is_on {
            return;
        }
        let dates = transactions.iter().take(IMPORTED_MAX).flatten().filter_map(|it| it.accounting_date);
        needs.months.extend(
            dates.filter(|date| (from..first_day).contains(date)).filter_map(|date| date.with_day(1)),
        );
    }

    /// The opening period, when it is on.
    fn opening(&self, acting: &Acting<'_>) -> Result<Opening, Rule> {
        let until = acting.reference.opening_period_until(acting.on)?;
        if acting.on > until {
            return Err(Rule::OpeningPeriodOver { until, open: acting.on });
        }
        Ok(Opening {
            first_day: self.first_day.unwrap_or(acting.on),
            history_from: acting.reference.opening_history_from(acting.on).ok(),
        })
    }
}

fn check_count(count: usize, field: &'static str) -> Result<(), Refusal> {
    match count {
        0 => Err(Rule::Empty { what: "an import".into() }.at(field)),
        1..=IMPORTED_MAX => Ok(()),
        count => Err(Rule::TooMany { what: "an import".into(), count, max: IMPORTED_MAX }.at(field)),
    }
}
