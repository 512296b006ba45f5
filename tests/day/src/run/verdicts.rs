//! What an answer must say.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use proto_accounting::v1::{
    AccountStatus, Entry, HoldState, PostBatchResponse, Posting, batch_result::Outcome,
};
use rust_decimal::Decimal;

use super::{
    Deeds, Names,
    planned::{Answer, of_another_kind},
};
use crate::{
    ids,
    plan::{Action, Standing, Step},
    setup::amount,
};

/// Remembers what the service called what was opened or placed, and checks that it is as requested.
pub(super) fn learn(step: &Step, answer: &Answer, names: &Names) -> Result<()> {
    match (&step.action, answer) {
        (Action::Open { customer, terms }, Answer::OpenAccount(answer)) => {
            let account = answer.account.as_ref().context("an account")?;
            ensure!(ids::is_account_number(&account.number), "{} has a wrong check digit", account.number);
            ensure!(
                account.number.starts_with(&terms.branch),
                "{} is not of branch {}",
                account.number,
                terms.branch
            );
            let status = if terms.is_active() { AccountStatus::Active } else { AccountStatus::Pending };
            ensure!(account.status() == status, "{} is {:?}, not {status:?}", account.name, account.status());
            names.set_account(*customer, account.name.clone());
        }
        (Action::Hold { hold, amount: requested, .. }, Answer::PlaceHold(answer)) => {
            let placed = answer.hold.as_ref().context("a hold")?;
            ensure!(placed.state() == HoldState::Open, "{} is {:?}", placed.name, placed.state());
            let remaining = amount(placed.remaining.as_ref())?;
            ensure!(
                remaining == requested.parse::<Decimal>()?,
                "{} has {remaining} set aside, not {requested}",
                placed.name
            );
            names.set_hold(*hold, placed.name.clone());
        }
        (Action::Open { .. } | Action::Hold { .. }, other) => return Err(of_another_kind(other)),
        _ => {}
    }
    Ok(())
}

/// Each item of a batch is posted, or refused for its reason.
pub(super) fn verdicts(answer: &Answer, expected: &[Option<&'static str>], deeds: &mut Deeds) -> Result<()> {
    let Answer::PostBatch(PostBatchResponse { results, .. }) = answer else {
        return Err(of_another_kind(answer));
    };
    ensure!(results.len() == expected.len(), "{} verdicts for {} items", results.len(), expected.len());
    for (place, (result, expected)) in results.iter().zip(expected).enumerate() {
        match (result.outcome.as_ref().context("a verdict")?, expected) {
            (Outcome::Posting(_), None) => {}
            (Outcome::Refusal(refusal), Some(reason)) if refusal.reason == *reason => {
                deeds.refusals.push(refusal.reason.clone());
            }
            (outcome, expected) => bail!("item {place} was to be {expected:?}, and is {outcome:?}"),
        }
    }
    Ok(())
}

/// The accounts stand as foreseen, by the last entry that the answer shows of each.
pub(super) fn standings(step: &Step, answer: &Answer, names: &Names) -> Result<()> {
    if step.after.is_empty() {
        return Ok(());
    }
    let postings = postings(answer)?;
    let numbered = !matches!(step.action, Action::Post { dry_run: true, .. });
    for posting in &postings {
        ensure!((posting.number > 0) == numbered, "posting number {}", posting.number);
    }
    let entries = postings.iter().flat_map(|posting| &posting.entries);
    let last: HashMap<&str, &Entry> = entries.map(|entry| (entry.account.as_str(), entry)).collect();
    for standing in &step.after {
        let name = names.account(standing.account)?;
        let entry = last.get(name.as_str()).with_context(|| format!("no entry of {name}"))?;
        stands(entry, standing).with_context(|| name.clone())?;
    }
    Ok(())
}

fn stands(entry: &Entry, standing: &Standing) -> Result<()> {
    let (ledger, available) = (amount(entry.ledger.as_ref())?, amount(entry.available.as_ref())?);
    let found = (entry.number, ledger, available);
    let foreseen = (standing.entries, standing.ledger, standing.available);
    ensure!(
        found == foreseen,
        "entries, ledger and available balance are {found:?}, and were to be {foreseen:?}"
    );
    Ok(())
}

fn postings(answer: &Answer) -> Result<Vec<&Posting>> {
    Ok(match answer {
        Answer::PostTransaction(answer) => answer.posting.iter().collect(),
        Answer::PostBusiness(answer) => answer.posting.iter().collect(),
        Answer::CaptureHold(answer) => answer.posting.iter().collect(),
        Answer::PostBatch(answer) => answer
            .results
            .iter()
            .filter_map(|result| match &result.outcome {
                Some(Outcome::Posting(posting)) => Some(posting),
                _ => None,
            })
            .collect(),
        other => bail!("no postings in {other:?}"),
    })
}
