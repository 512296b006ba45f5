//! The writer's one statement, without the service around it: its own code appends batches that are ready, on one connection,
//! to a database of its own with the same tables. The rate is by the time that appending takes; making the next batch is no
//! part of it.

use std::{
    borrow::Cow,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use accounting::{
    domain::{
        Digest,
        base::TransactionKind,
        book::BatchRow,
        command::Records,
        ids::{
            AccountId, AccountNumber, BatchNumber, BranchCode, LedgerCodeNumber, OperatorCode, PostingNumber,
        },
        side::{NormalSide, Side},
        transaction::{Entry, Posting},
    },
    store::journal,
};
use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use hdrhistogram::Histogram;
use money::Currency;
use platform::{
    clock::{Clock, SystemClock},
    ids::{Ids, UuidV7Ids},
};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use rust_decimal::Decimal;
use sqlx::{Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions};

use super::Cluster;
use crate::{
    figure::Figure,
    number::{count, real},
};

const DATABASE: &str = "baseline_append";

/// Appends before it is measured: prepared statements, pages in memory.
const WARM_UP: Duration = Duration::from_secs(1);

/// The longest append that is measured exactly, in microseconds.
const LATENCY_MICROS_MAX: u64 = 60_000_000;

/// Appends batches of `size` postings for `time`, between `accounts` accounts.
pub async fn bare_append(cluster: &Cluster, size: usize, accounts: u32, time: Duration) -> Result<Figure> {
    cluster.make(DATABASE).await?;
    let options: PgConnectOptions = cluster.url(DATABASE).parse()?;
    // As the writer's own connection: its statements are prepared while the tables are empty.
    let mut conn = PgConnection::connect_with(&options.options([("enable_seqscan", "off")])).await?;
    migrations().await?.run(&mut conn).await.context("apply the migrations")?;
    let now = SystemClock.now();
    sqlx::query("SELECT ensure_journal_month($1)").bind(now.date_naive()).execute(&mut conn).await?;
    cluster.settle().await?;

    let mut journal = Journal::of(accounts, now)?;
    append_for(&mut conn, &mut journal, size, WARM_UP).await?;
    let (latency, spent) = append_for(&mut conn, &mut journal, size, time).await?;
    conn.close().await?;
    cluster.drop(DATABASE).await?;

    let postings = latency.len() * count(size);
    let millis = |quantile| Duration::from_micros(latency.value_at_quantile(quantile)).as_secs_f64() * 1e3;
    let figure =
        Figure::of(format!("bare_append_{size}"), real(postings) / spent.as_secs_f64(), "transfers/s");
    Ok(figure.with_latency(millis(0.5), millis(0.99)))
}

/// Appends until appending has taken `time`; gives what each took, and all together.
async fn append_for(
    conn: &mut PgConnection,
    journal: &mut Journal,
    size: usize,
    time: Duration,
) -> Result<(Histogram<u64>, Duration)> {
    let mut latency =
        Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, 3).context("the histogram's bounds")?;
    let mut spent = Duration::ZERO;
    while spent < time {
        let (batch, records) = journal.next(size);
        let began = Instant::now();
        journal::append(conn, &batch, &records).await?;
        let took = began.elapsed();
        latency.saturating_record(u64::try_from(took.as_micros()).unwrap_or(LATENCY_MICROS_MAX));
        spent += took;
    }
    Ok((latency, spent))
}

/// The platform's migrations and accounting's, as a service applies them.
async fn migrations() -> Result<Migrator> {
    let services = testkit::folder::workspace().join("services");
    let mut migrations = Vec::new();
    for folder in ["platform/migrations", "accounting/migrations"] {
        let folder = services.join(folder);
        let migrator: Migrator = read(&folder).await.with_context(|| format!("read {}", folder.display()))?;
        migrations.extend(migrator.iter().cloned());
    }
    Ok(Migrator { migrations: Cow::Owned(migrations), ..Migrator::DEFAULT })
}

async fn read(folder: &Path) -> Result<Migrator> {
    Ok(Migrator::new(folder).await?)
}

/// Makes batches that follow one another.
struct Journal {
    rng: SmallRng,
    now: DateTime<Utc>,
    currency: Currency,
    branch: BranchCode,
    operator: OperatorCode,
    ledger_code: LedgerCodeNumber,
    /// Of each account, how many entries it has, its debits and its credits.
    totals: Vec<(i64, Decimal, Decimal)>,
    batch: i64,
    posting: i64,
    hash: Digest,
}

impl Journal {
    fn of(accounts: u32, now: DateTime<Utc>) -> Result<Self> {
        Ok(Self {
            rng: SmallRng::seed_from_u64(1),
            now,
            currency: Currency::new("CNY", 2)?,
            branch: BranchCode::new("110100"),
            operator: OperatorCode::new("T110101"),
            ledger_code: LedgerCodeNumber::new("201101"),
            totals: vec![(0, Decimal::ZERO, Decimal::ZERO); usize::try_from(accounts)?],
            batch: 0,
            posting: 0,
            hash: Digest([0; 32]),
        })
    }

    /// The next batch: `size` transfers between accounts by chance.
    fn next(&mut self, size: usize) -> (BatchRow, Records) {
        let first = self.posting + 1;
        let postings = (0..size).map(|_| Arc::new(self.transfer())).collect();
        self.batch += 1;
        let previous = self.hash;
        self.hash = Digest(self.rng.random());
        let batch = BatchRow {
            number: BatchNumber(self.batch),
            first_posting: Some(first),
            last_posting: Some(self.posting),
            first_hold_event: None,
            last_hold_event: None,
            previous,
            hash: self.hash,
            recorded_at: self.now,
        };
        (batch, Records { postings, ..Records::default() })
    }

    fn transfer(&mut self) -> Posting {
        self.posting += 1;
        let date: NaiveDate = self.now.date_naive();
        let amount = Decimal::new(self.rng.random_range(1..1_000), 2);
        let from = self.rng.random_range(0..self.totals.len());
        let to = (from + self.rng.random_range(1..self.totals.len())) % self.totals.len();
        Posting {
            number: PostingNumber(self.posting),
            request_id: UuidV7Ids.next(),
            digest: Digest(self.rng.random()),
            branch: self.branch.clone(),
            code: "TRANSFER".to_owned(),
            kind: TransactionKind::Transfer,
            transaction_date: date,
            accounting_date: date,
            value_date: date,
            recorded_at: self.now,
            operator: self.operator.clone(),
            authoriser: None,
            source: "LOAD".to_owned(),
            narrative: "load".to_owned(),
            voucher: None,
            hold: None,
            traceparent: None,
            entries: vec![self.entry(from, Side::Debit, amount), self.entry(to, Side::Credit, amount)],
        }
    }

    fn entry(&mut self, place: usize, side: Side, amount: Decimal) -> Entry {
        let (n, debits, credits) = &mut self.totals[place];
        *n += 1;
        match side {
            Side::Debit => *debits += amount,
            Side::Credit => *credits += amount,
        }
        Entry {
            account_id: AccountId(i64::try_from(place).expect("invariant: there are far fewer accounts")),
            account: AccountNumber::new(format!("{}01{place:010}0", self.branch)),
            branch: self.branch.clone(),
            ledger_code: self.ledger_code.clone(),
            currency: self.currency,
            normal_side: NormalSide::Credit,
            side,
            amount,
            narrative: "load".to_owned(),
            inter_branch: false,
            n: *n,
            debit_total: *debits,
            credit_total: *credits,
            available: Some(Decimal::new(1_000_000, 2) + *credits - *debits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_follow_one_another() {
        let mut journal = Journal::of(10, SystemClock.now()).unwrap();
        let (first, _) = journal.next(3);
        let (second, records) = journal.next(2);
        assert_eq!((first.first_posting, first.last_posting), (Some(1), Some(3)));
        assert_eq!((second.number.0, second.first_posting, second.last_posting), (2, Some(4), Some(5)));
        assert_eq!(second.previous, first.hash);
        assert_eq!(records.postings.len(), 2);
        assert!(
            records
                .postings
                .iter()
                .all(|posting| posting.entries[0].account_id != posting.entries[1].account_id)
        );
    }
}
