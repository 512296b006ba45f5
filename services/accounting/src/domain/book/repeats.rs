//! Repeats: a request is done once at most (ACC-4). The same content under the same id gets the first answer; other content is
//! refused.

use std::sync::Arc;

use uuid::Uuid;

use super::Book;
use crate::domain::{
    command::{Action, Answer, Command, Earlier, Kept, KeptAnswer, Records, Verdict, item_request_id},
    refusal::{Refusal, Rule},
    transaction::Posting,
};

impl Book {
    /// The verdict on a command whose request id was used before.
    pub(super) fn repeated(&self, command: &Command) -> Option<Verdict> {
        let origin = &command.origin;
        if !origin.is_remembered() {
            return None;
        }
        let answer = match (&command.action, self.answered.get(&origin.request_id)) {
            (Action::PostBatch { transactions, .. }, None) => {
                // Some other request may have taken the id of an item.
                let taken = |item| self.answered.contains_key(&item_request_id(origin.request_id, item));
                return (1..transactions.len())
                    .any(taken)
                    .then(|| Verdict::Refused(Rule::RequestIdReused.into()));
            }
            (_, None) => return None,
            (_, Some(earlier)) if earlier.digest != origin.digest => None,
            (Action::PostBatch { transactions, .. }, Some(Earlier { answer: Answer::Posted(_), .. })) => {
                self.posted_whole(origin.request_id, transactions.len())
            }
            (action, Some(earlier)) if answers(action, &earlier.answer) => Some(earlier.answer.clone()),
            (_, Some(_)) => None,
        };
        Some(answer.map_or_else(|| Verdict::Refused(Rule::RequestIdReused.into()), Verdict::Repeated))
    }

    /// The answer to a batch that was posted whole, from its postings.
    fn posted_whole(&self, batch: Uuid, items: usize) -> Option<Answer> {
        let item = |item| match &self.answered.get(&item_request_id(batch, item))?.answer {
            Answer::Posted(posting) => Some(Ok(posting.clone())),
            _ => None,
        };
        (0..items).map(item).collect::<Option<_>>().map(Answer::Batch)
    }

    /// Remembers a command's answer for repeats in the same batch, and records what later repeats cannot read from the journal.
    pub(super) fn remember(&mut self, command: &Command, answer: &Answer, records: &mut Records) {
        let origin = &command.origin;
        if !origin.is_remembered() {
            return;
        }
        let mut learn = |request_id, answer| {
            self.answered.insert(request_id, Earlier { digest: origin.digest, answer });
        };
        if let Answer::Batch(verdicts) = answer {
            for (item, verdict) in verdicts.iter().enumerate() {
                if let Ok(posting) = verdict {
                    learn(item_request_id(origin.request_id, item), Answer::Posted(posting.clone()));
                }
            }
        }
        learn(origin.request_id, answer.clone());
        if let Some(answer) = kept(answer) {
            records.answers.push(KeptAnswer { request_id: origin.request_id, digest: origin.digest, answer });
        }
    }
}

/// Whether an answer is one to such a command.
fn answers(action: &Action, answer: &Answer) -> bool {
    match action {
        Action::Post(_) | Action::PostBusiness(_) => matches!(answer, Answer::Posted(_)),
        Action::BookFact(_) => matches!(answer, Answer::Posted(_) | Answer::Suspended(_)),
        Action::PostBatch { .. } => matches!(answer, Answer::Batch(_)),
        Action::PlaceHold { .. } | Action::ReleaseHold { .. } => matches!(answer, Answer::Hold(_)),
        Action::CaptureHold { .. } => matches!(answer, Answer::Captured { .. }),
        Action::ExpireHolds { .. } => matches!(answer, Answer::Expired(_)),
        Action::OpenAccount(_) | Action::ChangeAccount { .. } => matches!(answer, Answer::Account { .. }),
        Action::ChangeBaseData { .. } => matches!(answer, Answer::BaseData(_)),
        Action::OpenBusinessDay { .. } => matches!(answer, Answer::BusinessDay(_)),
        Action::ImportAccounts { .. } => matches!(answer, Answer::AccountsImported(_)),
        Action::ImportPostings { .. } => matches!(answer, Answer::PostingsImported(_)),
    }
}

/// What is kept of an answer; nothing when the journal holds it.
fn kept(answer: &Answer) -> Option<Kept> {
    match answer {
        Answer::Posted(_) | Answer::Hold(_) | Answer::Captured { .. } | Answer::Expired(_) => None,
        Answer::Suspended(number) => Some(Kept::Suspended(*number)),
        Answer::Batch(verdicts) if verdicts.iter().all(Result::is_ok) => None,
        Answer::Batch(verdicts) => {
            let verdict = |verdict: &Result<Arc<Posting>, Refusal>| match verdict {
                Ok(posting) => Ok(posting.number),
                Err(refusal) => Err(refusal.clone()),
            };
            Some(Kept::Batch(verdicts.iter().map(verdict).collect()))
        }
        Answer::Account { before, account } => {
            Some(Kept::Account { before: before.clone(), account: account.clone() })
        }
        Answer::BaseData(changes) => Some(Kept::BaseData(changes.clone())),
        Answer::BusinessDay(day) => Some(Kept::BusinessDay(day.clone())),
        Answer::AccountsImported(verdicts) => Some(Kept::AccountsImported(verdicts.clone())),
        Answer::PostingsImported(verdicts) => Some(Kept::PostingsImported(verdicts.clone())),
    }
}
