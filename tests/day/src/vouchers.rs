//! Vouchers in the day: kinds are set, a batch of each comes from the printer, a part of it goes to a branch, and accounting books
//! both from Kafka.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use chrono::NaiveDate;
use proto_accounting::v1::BranchKind;
use proto_voucher::v1::{
    ChangeKindsRequest, KindToSet, ListHoldingsRequest, ListKindsRequest, MoveRangeRequest, NumberRange,
    PrintBatch, RangeMove, ReceivePrintBatchRequest,
};
use rust_decimal::Decimal;

use crate::{
    bank::VoucherKind,
    checks::{kafka, keeps_contract},
    client::{Client, Refusal, Token},
    plan::Place,
    report::{Report, thousands},
    setup::{Setup, amount},
    staff::Caller,
};

const BATCHES: &str = "countinghouse.voucher.batch.v1";
const MOVES: &str = "countinghouse.voucher.move.v1";

/// Pieces of each kind that the printer delivers on a day, and that go on to a branch.
const RECEIVED: i64 = 1_000;
const MOVED: i64 = 200;

/// How far Kafka and the books may be behind, on a busy machine.
const BOOKED_WITHIN: Duration = Duration::from_mins(1);
const LOOKED_EVERY: Duration = Duration::from_millis(100);

/// What the day does with vouchers.
#[derive(Debug, Clone, Copy)]
pub struct Vouchers<'a> {
    /// The API of `voucher`.
    pub client: &'a Client,
    pub setup: &'a Setup<'a>,
    pub brokers: &'a str,
}

/// The branches between which vouchers go, and who keeps them there.
struct Keepers {
    head_office: String,
    giver: Token,
    branch: String,
    taker: Token,
}

impl Vouchers<'_> {
    /// Receives and moves vouchers, and checks registers, facts and books.
    pub async fn day(
        &self,
        business_date: NaiveDate,
        accounts: &BTreeMap<Place, String>,
        report: &mut Report<'_>,
    ) -> Result<()> {
        let keepers = self.keepers()?;
        self.set_kinds(business_date, report).await?;
        let before = self.on_books(&keepers, accounts).await?;
        let mut facts = BTreeSet::new();
        let mut refused = Vec::new();
        for VoucherKind { kind, .. } in &self.setup.bank.voucher_kinds {
            let first = self.next_number(&keepers, &kind.code).await?;
            let digits = usize::try_from(kind.digits)?;
            let number = |number: i64| format!("{}{number:0digits$}", kind.prefix);
            let range = |first, last| NumberRange {
                kind: format!("kinds/{}", kind.code),
                first_number: number(first),
                last_number: number(last),
                count: 0,
            };
            let batch = self.receive(&keepers, range(first, first + RECEIVED - 1)).await?;
            let moved = self.move_to_branch(&keepers, range(first, first + MOVED - 1)).await?;
            refused.push(self.receive(&keepers, range(first, first + 1)).await);
            report.line(format_args!(
                "{}: {} received at {}, {} of them moved to {}",
                kind.title,
                thousands(RECEIVED),
                batch.branch,
                thousands(MOVED),
                moved.to_branch
            ))?;
            facts.extend([(BATCHES, batch.name), (MOVES, moved.name)]);
        }
        report.check("numbers that were received before are refused", received_once(refused))?;
        report.check("every number is held by one branch", self.held_once(&keepers).await)?;
        report.check(
            "accounting has booked what was received and moved",
            self.booked(&keepers, accounts, before).await,
        )?;
        report.check("vouchers are published on Kafka as the contract says", self.published(facts).await)?;
        Ok(())
    }

    fn keepers(&self) -> Result<Keepers> {
        let Setup { bank, staff, office, .. } = self.setup;
        let branch = bank.branches().find(|branch| branch.kind() == BranchKind::Branch);
        let branch = branch.context("branches.csv has no branch below head office")?.code.clone();
        let keeper = |at: &str| {
            let operator =
                bank.operators().find(|operator| operator.branch == at && !operator.limits.is_empty());
            let operator =
                operator.with_context(|| format!("operators.csv has nobody with limits at {at}"))?;
            staff.token(&Caller::Holding {
                operator: operator.code.clone(),
                roles: vec!["voucher_keeper".to_owned()],
                scopes: vec![at.to_owned()],
            })
        };
        Ok(Keepers {
            giver: keeper(&office.code)?,
            taker: keeper(&branch)?,
            head_office: office.code.clone(),
            branch,
        })
    }

    /// Sets the kinds that are not there yet, from today on.
    async fn set_kinds(&self, business_date: NaiveDate, report: &mut Report<'_>) -> Result<()> {
        let Setup { bank, staff, office, .. } = self.setup;
        let (maker, checker) =
            (staff.token(&office.base_data_maker)?, staff.token(&office.base_data_checker)?);
        let there = self.client.send(&maker, &ListKindsRequest::default()).await?.kinds;
        let codes: Vec<&str> = there.iter().filter_map(|kind| kind.name.strip_prefix("kinds/")).collect();
        let missing: Vec<KindToSet> = bank
            .voucher_kinds
            .iter()
            .filter(|known| !codes.contains(&known.kind.code.as_str()))
            .map(|known| KindToSet {
                effective_date: business_date.to_string(),
                kind: Some(known.kind.clone()),
            })
            .collect();
        let (all, set) = (bank.voucher_kinds.len(), missing.len());
        if !missing.is_empty() {
            let request = ChangeKindsRequest {
                request_id: self.fresh_id(),
                validate_only: false,
                kinds: missing,
                reason: "样本银行建行".to_owned(),
            };
            self.client.send_approved(&maker, &checker, &request).await.context("kinds of vouchers")?;
        }
        report.line(format_args!("kinds of vouchers: {all}, {set} of them set now"))?;
        Ok(())
    }

    /// The number after the last that was received of a kind.
    async fn next_number(&self, keepers: &Keepers, code: &str) -> Result<i64> {
        let held = self.holdings(keepers, code).await?;
        Ok(1 + held.iter().map(|(range, _)| range.count).sum::<i64>())
    }

    async fn holdings(&self, keepers: &Keepers, code: &str) -> Result<Vec<(NumberRange, String)>> {
        let mut found = Vec::new();
        let mut request = ListHoldingsRequest {
            kind: format!("kinds/{code}"),
            page_size: 500,
            ..ListHoldingsRequest::default()
        };
        loop {
            let page = self.client.send(&keepers.giver, &request).await?;
            for holding in page.holdings {
                found.push((holding.range.context("a holding without numbers")?, holding.branch));
            }
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            request.page_token = page.next_page_token;
        }
    }

    async fn receive(&self, keepers: &Keepers, range: NumberRange) -> Result<PrintBatch, Refusal> {
        let request = ReceivePrintBatchRequest {
            request_id: self.fresh_id(),
            validate_only: false,
            branch: keepers.head_office.clone(),
            range: Some(range),
            printer: "样本印制有限公司".to_owned(),
        };
        Ok(self.client.send(&keepers.giver, &request).await?.batch.unwrap_or_default())
    }

    async fn move_to_branch(&self, keepers: &Keepers, range: NumberRange) -> Result<RangeMove> {
        let request = MoveRangeRequest {
            request_id: self.fresh_id(),
            validate_only: false,
            from_branch: keepers.head_office.clone(),
            to_branch: keepers.branch.clone(),
            range: Some(range),
        };
        let moved = self.client.send_approved(&keepers.giver, &keepers.taker, &request).await?.r#move;
        moved.context("a move without an answer")
    }

    async fn held_once(&self, keepers: &Keepers) -> Result<String> {
        let mut pieces = 0;
        for VoucherKind { kind, .. } in &self.setup.bank.voucher_kinds {
            let digits = usize::try_from(kind.digits)?;
            let mut next = 1;
            for (range, branch) in self.holdings(keepers, &kind.code).await? {
                let expected = format!("{}{next:0digits$}", kind.prefix);
                ensure!(
                    range.first_number == expected,
                    "{branch} holds {}, not {expected}",
                    range.first_number
                );
                next += range.count;
            }
            pieces += next - 1;
        }
        Ok(format!("{} pieces", thousands(pieces)))
    }

    /// What stands off balance for vouchers at both branches, by place.
    async fn on_books(
        &self,
        keepers: &Keepers,
        accounts: &BTreeMap<Place, String>,
    ) -> Result<BTreeMap<Place, Decimal>> {
        let reader = self.setup.reader()?;
        let mut balances = BTreeMap::new();
        for kind in &self.setup.bank.voucher_kinds {
            for branch in [&keepers.head_office, &keepers.branch] {
                let place = Place::of(branch, &kind.ledger_code, "CNY");
                let name = accounts.get(&place).with_context(|| format!("no account {place}"))?;
                let balance = self.setup.client.account(&reader, name).await?.balance.context("a balance")?;
                let total = amount(balance.debit_total.as_ref())? - amount(balance.credit_total.as_ref())?;
                balances.insert(place, total);
            }
        }
        Ok(balances)
    }

    /// Waits until the books have moved as the registers have.
    async fn booked(
        &self,
        keepers: &Keepers,
        accounts: &BTreeMap<Place, String>,
        mut expected: BTreeMap<Place, Decimal>,
    ) -> Result<String> {
        for kind in &self.setup.bank.voucher_kinds {
            let unit = amount(kind.kind.unit_value.as_ref())?;
            for (branch, pieces) in [(&keepers.head_office, RECEIVED - MOVED), (&keepers.branch, MOVED)] {
                let place = Place::of(branch, &kind.ledger_code, "CNY");
                *expected.entry(place).or_default() += unit * Decimal::from(pieces);
            }
        }
        let began = Instant::now();
        loop {
            let found = self.on_books(keepers, accounts).await?;
            if found == expected {
                return Ok(format!("{} accounts off balance", found.len()));
            }
            ensure!(began.elapsed() < BOOKED_WITHIN, "off balance stand {found:?}, and should {expected:?}");
            tokio::time::sleep(LOOKED_EVERY).await;
        }
    }

    /// Reads both topics until they have the facts.
    async fn published(&self, facts: BTreeSet<(&'static str, String)>) -> Result<String> {
        let brokers = self.brokers.to_owned();
        let read = move || {
            let missing = std::cell::RefCell::new(facts);
            let count = missing.borrow().len();
            kafka::Reader::of(&brokers, &[BATCHES, MOVES])?.read(
                BOOKED_WITHIN,
                |record| {
                    keeps_contract(&record)?;
                    let key = String::from_utf8(record.key.clone().unwrap_or_default().to_vec())?;
                    missing
                        .borrow_mut()
                        .retain(|(topic, name)| (*topic, name) != (record.topic.as_str(), &key));
                    Ok(())
                },
                || missing.borrow().is_empty(),
            )?;
            let missing = missing.into_inner();
            ensure!(missing.is_empty(), "not published: {missing:?}");
            Ok(format!("{count} facts of today"))
        };
        tokio::task::spawn_blocking(read).await?
    }

    fn fresh_id(&self) -> String {
        self.setup.ids.next().to_string()
    }
}

fn received_once(outcomes: Vec<Result<PrintBatch, Refusal>>) -> Result<String> {
    let count = outcomes.len();
    for outcome in outcomes {
        let reason = outcome.map_or_else(|refusal| refusal.reason, |batch| batch.name);
        ensure!(reason == "NUMBERS_RECEIVED", "{reason} instead of NUMBERS_RECEIVED");
    }
    Ok(format!("{count} batches"))
}
