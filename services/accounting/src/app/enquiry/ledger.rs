//! The ledger as a whole: the business day and the trial balance.

use std::collections::{BTreeMap, HashMap};

use money::Currency;
use platform::refusal::{Failure, field_invalid};
use proto_accounting::v1 as pb;
use rust_decimal::Decimal;
use sqlx::{Connection, PgConnection};

use super::{Enquiries, SNAPSHOT, as_of};
use crate::{
    domain::base::{BaseContent, BaseKind, LedgerCode},
    store::{
        base_records, opening,
        trial_balance::{self, CodeTotals},
    },
    wire::{base_content::class_to_proto, ledger},
};

/// Most levels of a chart that a trial balance adds up to: codes have at most 16 digits.
const LEVEL_MAX: i32 = 7;
/// More codes than a chart can have, so that it is read whole.
const CODES_MAX: i64 = 100_000;

/// Reads the business day that is open.
pub async fn business_day(
    on: &Enquiries,
    _: pb::GetBusinessDayRequest,
) -> Result<pb::GetBusinessDayResponse, Failure> {
    let day = opening::business_day(&mut *on.connection().await?).await?;
    Ok(pb::GetBusinessDayResponse { business_day: day.as_ref().map(ledger::day_to_proto) })
}

/// Adds up the accounts and proves that debits equal credits.
pub async fn trial_balance(
    on: &Enquiries,
    request: pb::GetTrialBalanceRequest,
) -> Result<pb::GetTrialBalanceResponse, Failure> {
    let up_to = form::date("business_date", &request.business_date)?;
    let digits = match request.level {
        0 => i32::MAX,
        level if (1..=LEVEL_MAX).contains(&level) => 2 + 2 * level,
        _ => return Err(field_invalid("level", format!("must be between 0 and {LEVEL_MAX}")).into()),
    };
    let branch = form::filter("branch", &request.branch)?;
    let currency = form::filter("currency", &request.currency)?;
    let mut conn = on.connection().await?;
    // One snapshot for both statements, so that the rows and the last posting belong together.
    let mut snapshot = conn.begin_with(SNAPSHOT).await?;
    let totals = trial_balance::totals(&mut snapshot, up_to, branch, currency, digits).await?;
    let last_posting = trial_balance::last_posting(&mut snapshot, up_to).await?;
    let date = as_of(&mut snapshot, up_to, &on.clock).await?;
    // Of history, which has no base data of its own, the codes are those of the first day here.
    let chart_on = opening::first_day(&mut snapshot).await?.map_or(date, |first_day| first_day.max(date));
    let chart = chart(&mut snapshot, chart_on).await?;
    snapshot.rollback().await?;

    let proofs = proofs(&totals);
    Ok(pb::GetTrialBalanceResponse {
        balanced: proofs.iter().all(|(_, debit, credit)| debit == credit),
        proofs: proofs
            .into_iter()
            .map(|(currency, debit, credit)| pb::TrialBalanceProof {
                currency: currency.code().to_owned(),
                debit_total: form::plain(currency, debit),
                credit_total: form::plain(currency, credit),
                difference: form::plain(currency, debit - credit),
            })
            .collect(),
        rows: totals.iter().map(|row| row_to_proto(row, chart.get(&row.ledger_code))).collect(),
        last_posting,
    })
}

async fn chart(
    conn: &mut PgConnection,
    on: chrono::NaiveDate,
) -> Result<HashMap<String, LedgerCode>, Failure> {
    let records = base_records::list(conn, BaseKind::LedgerCode, on, "", CODES_MAX).await?;
    Ok(records
        .into_iter()
        .filter_map(|record| match record.content {
            BaseContent::LedgerCode(code) => Some((code.code.to_string(), code)),
            _ => None,
        })
        .collect())
}

/// Debits and credits of each currency, off-balance codes left out.
fn proofs(totals: &[CodeTotals]) -> Vec<(Currency, Decimal, Decimal)> {
    let mut proofs: BTreeMap<&str, (Currency, Decimal, Decimal)> = BTreeMap::new();
    for row in totals.iter().filter(|row| !row.off_balance) {
        let (_, debit, credit) =
            proofs.entry(row.currency.code()).or_insert((row.currency, Decimal::ZERO, Decimal::ZERO));
        *debit += row.debit_total;
        *credit += row.credit_total;
    }
    proofs.into_values().collect()
}

fn row_to_proto(row: &CodeTotals, code: Option<&LedgerCode>) -> pb::TrialBalanceRow {
    pb::TrialBalanceRow {
        ledger_code: row.ledger_code.clone(),
        title: code.map(|code| code.title.clone()).unwrap_or_default(),
        currency: row.currency.code().to_owned(),
        class: code.map_or(pb::LedgerClass::Unspecified, |code| class_to_proto(code.class)).into(),
        debit_total: form::plain(row.currency, row.debit_total),
        credit_total: form::plain(row.currency, row.credit_total),
        debit_balance: form::plain(row.currency, row.debit_balance),
        credit_balance: form::plain(row.currency, row.credit_balance),
        accounts: row.accounts,
    }
}
