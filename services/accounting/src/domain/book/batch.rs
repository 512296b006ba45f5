//! Batches of transactions: all or none, or each by itself with a verdict for each.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    Book,
    acting::Acting,
    posting::{AboveLimit, Requested},
};
use crate::domain::{
    balance::RunningBalance,
    command::{Answer, BatchMode, Origin, Records, item_request_id},
    ids::AccountNumber,
    refusal::{Refusal, Rule},
    transaction::{Posting, Transaction},
};

/// Most transactions of a batch. Bounds the time that the writer spends on one command.
pub const TRANSACTIONS_MAX: usize = 1_000;

/// What the items of a batch have done so far, to undo it.
pub(super) struct Done {
    /// The balances that accounts had, in the order in which they were moved.
    balances: Vec<(AccountNumber, RunningBalance)>,
    posting_before: i64,
    recorded_before: usize,
}

impl Book {
    pub(super) fn post_batch(
        &mut self,
        origin: &Origin,
        mode: BatchMode,
        transactions: &[Transaction],
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        let count = transactions.len();
        if count == 0 {
            return Err(Rule::Empty { what: "a batch".into() }.at("transactions"));
        }
        if count > TRANSACTIONS_MAX {
            return Err(
                Rule::TooMany { what: "a batch".into(), count, max: TRANSACTIONS_MAX }.at("transactions")
            );
        }
        let reference = Arc::clone(&self.reference);
        let acting = Acting::on(&reference, origin, self.business_date()?)?.who_posts()?;
        let mut done = self.nothing_done(records);
        let mut verdicts = Vec::with_capacity(count);
        for (item, transaction) in transactions.iter().enumerate() {
            let requested = Requested {
                request_id: item_request_id(origin.request_id, item),
                transaction,
                capture: None,
                opening: None,
                above_limit: match mode {
                    BatchMode::Atomic => AboveLimit::NeedsSecondPerson,
                    BatchMode::ItemByItem => AboveLimit::IsRefused,
                },
                by_template: false,
                now,
            };
            let verdict = self.post_item(&acting, &requested, &mut done, records);
            let verdict = verdict.map_err(|refusal| refusal.of_item(&format!("transactions[{item}]")));
            match (mode, verdict) {
                (BatchMode::Atomic, Err(refusal)) => {
                    self.undo(done, records);
                    return Err(refusal);
                }
                (_, verdict) => verdicts.push(verdict),
            }
        }
        if origin.dry_run {
            self.undo(done, records);
        }
        Ok(Answer::Batch(verdicts))
    }

    /// What the items of a batch have done before the first of them.
    pub(super) fn nothing_done(&self, records: &Records) -> Done {
        Done {
            balances: Vec::new(),
            posting_before: self.heads.posting,
            recorded_before: records.postings.len(),
        }
    }

    /// Posts an item, so that those after it find the balances that it leaves. When the batch is only checked, the posting is
    /// not recorded and has no number.
    pub(super) fn post_item(
        &mut self,
        acting: &Acting<'_>,
        requested: &Requested<'_>,
        done: &mut Done,
        records: &mut Records,
    ) -> Result<Arc<Posting>, Refusal> {
        let mut plan = self.plan(acting, requested)?;
        for (account, balance) in std::mem::take(&mut plan.balances) {
            let before = self.memory.set_balance(&account, balance);
            done.balances.push((account, before));
        }
        Ok(if acting.origin.dry_run { Arc::new(plan.posting) } else { self.book(plan, records) })
    }

    pub(super) fn undo(&mut self, done: Done, records: &mut Records) {
        for (account, balance) in done.balances.into_iter().rev() {
            self.memory.set_balance(&account, balance);
        }
        self.heads.posting = done.posting_before;
        records.postings.truncate(done.recorded_before);
    }
}
