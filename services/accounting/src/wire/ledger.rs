//! The ledger as a whole: the business day and the trial balance.

use ::refusal::{Refusal, field_invalid};
use form::{date, filter, plain, required_date, timestamp};
use platform::refusal::Failure;
use proto_accounting::v1 as pb;

use super::{base_content::class_to_proto, posting::unexpected};
use crate::domain::{
    base::LedgerCode,
    command::{Action, Answer, BusinessDay},
    trial_balance::{CodeTotals, Proof, TrialBalance, TrialBalanceQuery},
};

/// Most levels of a chart that a trial balance adds up to: codes have at most 16 digits.
const LEVEL_MAX: i32 = 7;

/// The command of `OpenBusinessDay`.
pub fn open_business_day(request: &pb::OpenBusinessDayRequest) -> Result<Action, Refusal> {
    Ok(Action::OpenBusinessDay { date: required_date("business_date", &request.business_date)? })
}

/// What `OpenBusinessDay` answers.
pub fn opened(answer: Answer) -> Result<pb::OpenBusinessDayResponse, Failure> {
    match answer {
        Answer::BusinessDay(day) => {
            Ok(pb::OpenBusinessDayResponse { business_day: Some(day_to_proto(&day)) })
        }
        other => Err(unexpected(&other)),
    }
}

/// A business day, for the contract.
pub fn day_to_proto(day: &BusinessDay) -> pb::BusinessDay {
    pb::BusinessDay {
        business_date: day.date.to_string(),
        open_time: Some(timestamp(day.opened_at)),
        opened_by: day.opened_by.to_string(),
    }
}

/// What `GetTrialBalance` adds up.
pub fn trial_balance_from_proto(
    request: &pb::GetTrialBalanceRequest,
) -> Result<TrialBalanceQuery<'_>, Refusal> {
    Ok(TrialBalanceQuery {
        up_to: date("business_date", &request.business_date)?,
        digits: match request.level {
            0 => i32::MAX,
            level if (1..=LEVEL_MAX).contains(&level) => 2 + 2 * level,
            _ => return Err(field_invalid("level", format!("must be between 0 and {LEVEL_MAX}"))),
        },
        branch: filter("branch", &request.branch)?,
        currency: filter("currency", &request.currency)?,
    })
}

/// A trial balance, for the contract.
pub fn trial_balance_to_proto(balance: &TrialBalance) -> pb::GetTrialBalanceResponse {
    let proofs = balance.proofs();
    pb::GetTrialBalanceResponse {
        balanced: proofs.iter().all(|proof| proof.difference().is_zero()),
        proofs: proofs.iter().map(proof_to_proto).collect(),
        rows: balance.rows.iter().map(|row| row_to_proto(row, balance.chart.get(&row.ledger_code))).collect(),
        last_posting: balance.last_posting,
    }
}

fn proof_to_proto(proof: &Proof) -> pb::TrialBalanceProof {
    pb::TrialBalanceProof {
        currency: proof.currency.code().to_owned(),
        debit_total: plain(proof.currency, proof.debit_total),
        credit_total: plain(proof.currency, proof.credit_total),
        difference: plain(proof.currency, proof.difference()),
    }
}

fn row_to_proto(row: &CodeTotals, code: Option<&LedgerCode>) -> pb::TrialBalanceRow {
    pb::TrialBalanceRow {
        ledger_code: row.ledger_code.clone(),
        title: code.map(|code| code.title.clone()).unwrap_or_default(),
        currency: row.currency.code().to_owned(),
        class: code.map_or(pb::LedgerClass::Unspecified, |code| class_to_proto(code.class)).into(),
        debit_total: plain(row.currency, row.debit_total),
        credit_total: plain(row.currency, row.credit_total),
        debit_balance: plain(row.currency, row.debit_balance),
        credit_balance: plain(row.currency, row.credit_balance),
        accounts: row.accounts,
    }
}
