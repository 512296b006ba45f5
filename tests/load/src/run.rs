//! A run: the bank is opened, the baselines and the rows are measured, the books are checked after each.

use std::{
    io,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use day::{
    bank::Bank,
    client::{Client, Token},
    report::{Report, thousands},
    setup::{Onboarding, Setup},
    staff::{HeadOffice, Staff},
};
use platform::{
    clock::{Clock, SystemClock},
    ids::{SharedIds, UuidV7Ids},
};

use crate::{
    arguments::{Arguments, Row},
    baseline::{self, Cluster},
    customers::Customers,
    drive::{Effort, Outcome, Work, drive},
    figure::{Figure, Results},
    import,
    number::real,
    processes::Processes,
    relay::Records,
    work::{Batches, Choice, DayMix, Desk, Rpcs, Shape, Transfers},
    zipf::{STEEPNESS, Zipf},
};

/// How long each baseline is measured.
const BASELINE: Duration = Duration::from_secs(20);

/// Postings in an append of the baseline: 256 is what the writer finds waiting when so many requests are in flight.
const APPEND_SIZES: [usize; 3] = [10, 50, 256];

/// What single transfers are held against.
const APPEND_BASELINE: &str = "bare_append_256";
const PGBENCH_BASELINE: &str = "pgbench_tpcb";

/// Transfers in a batch, and batches in flight: enough that the service never waits for the client.
const BATCH_ITEMS: usize = 100;
const BATCHES_IN_FLIGHT: usize = 8;

/// What the import of a file is held against, and how long it may take.
const BATCHES: &str = "batch100";
const IMPORTED_WITHIN: Duration = Duration::from_mins(20);

/// Requests in flight in the sweep, and in the overload.
const SWEEP: [usize; 5] = [1, 8, 64, 256, 1_000];
const OVERLOAD: usize = 5_000;

/// Of so many requests one is refused in the row that has refusals, for this reason.
const REFUSED_OF: u32 = 10;
const SHORT: &str = "FUNDS_INSUFFICIENT";

/// How long a service that has just been started may need.
const SERVED_WITHIN: Duration = Duration::from_mins(1);

/// Measures what `arguments` ask for. Whether the books were right after every row.
pub async fn run(arguments: Arguments) -> Result<bool> {
    let mut out = io::stdout();
    let mut report = Report::to(&mut out);
    let mut bench = Bench::open(&arguments, &mut report).await?;
    bench.run_in(&mut report).await?;
    for row in arguments.chosen() {
        bench.cluster.settle().await?;
        bench.measure(row, &mut report).await?;
    }
    bench.results.push_ratio("single_uniform", PGBENCH_BASELINE);
    bench.results.push_ratio("single_zipf", PGBENCH_BASELINE);
    bench.results.push_ratio("single_hot", PGBENCH_BASELINE);

    report.title("Results")?;
    for line in bench.results.table() {
        report.line(line)?;
    }
    let path = arguments
        .out
        .clone()
        .unwrap_or_else(|| testkit::folder::local().join("bench").join("accounting.json"));
    bench.results.write(&path)?;
    report.line(format_args!("also in {}", path.display()))?;
    Ok(report.failed().is_empty())
}

/// What the rows are measured with.
struct Bench<'a> {
    arguments: &'a Arguments,
    cluster: Cluster,
    client: Client,
    /// Of someone who may read the books.
    reader: Token,
    customers: Rc<Customers>,
    /// Of the one who moves in what a file holds, and where.
    mover: Token,
    head_office: String,
    onboarding: Onboarding,
    rpcs: Rc<Rpcs>,
    processes: Processes,
    records: Records,
    shape: Shape,
    results: Results,
}

impl<'a> Bench<'a> {
    /// Opens the bank and its customers' accounts, as far as they are not there.
    async fn open(arguments: &'a Arguments, report: &mut Report<'_>) -> Result<Self> {
        let stack = &arguments.stack;
        let cluster = Cluster::at(&stack.postgres_url)?;
        let client = Client::of(&format!("http://{}", stack.accounting_grpc))?;
        let bank = Bank::sample()?;
        let staff = Staff::of(&bank, &stack.keys, SystemClock.now())?;
        let office = HeadOffice::of(&bank)?;
        let reader = staff.token(&office.book_keeper)?;
        day::client::wait_until_served(&client, &reader, SERVED_WITHIN).await?;

        report.title("The sample bank")?;
        let ids: SharedIds = Arc::new(UuidV7Ids);
        let onboarding = Onboarding::beside(&stack.keys, &stack.accounting_grpc);
        let setup = Setup {
            bank: &bank,
            staff: &staff,
            office: &office,
            client: &client,
            ids: &ids,
            onboarding: &onboarding,
        };
        Box::pin(setup.open(SystemClock.now(), true, report)).await?;
        report.line(format_args!("{} accounts of customers", thousands(arguments.accounts)))?;
        let customers = Customers::provide(&client, &bank, &staff, arguments.accounts, report).await?;
        Ok(Self {
            arguments,
            cluster,
            client,
            reader,
            customers: Rc::new(customers),
            mover: staff.token(&office.migration_operator)?,
            head_office: office.code.clone(),
            onboarding,
            rpcs: Rc::new(Rpcs::at(&stack.accounting_grpc)?),
            processes: Processes::of(stack),
            records: Records::of(&stack.kafka_brokers)?,
            shape: Shape::new()?,
            results: Results::default(),
        })
    }

    /// Transfers that no row counts: a broker that has just started takes four times what it takes a minute later, and the first
    /// row would pay for it.
    async fn run_in(&self, report: &mut Report<'_>) -> Result<()> {
        let measured = self.arguments.run_in();
        if !measured.is_zero() {
            report.title(format!("Running in for {} s", measured.as_secs()))?;
            let in_flight = usize::try_from(self.arguments.in_flight)?;
            let effort = Effort { in_flight, warm_up: Duration::ZERO, measured };
            let work = self.transfers(&Choice::Uniform, 0);
            drive(&self.arguments.stack.accounting_grpc, effort, &self.processes, work).await?;
        }
        Ok(())
    }

    async fn measure(&mut self, row: Row, report: &mut Report<'_>) -> Result<()> {
        let in_flight = usize::try_from(self.arguments.in_flight)?;
        let name = row.name();
        report.title(&name)?;
        match row {
            Row::PgbenchTpcb => self.tell(baseline::tpcb(&self.cluster, BASELINE).await?, report)?,
            Row::BareAppend => {
                for size in APPEND_SIZES {
                    let accounts = self.arguments.accounts;
                    self.tell(baseline::bare_append(&self.cluster, size, accounts, BASELINE).await?, report)?;
                }
            }
            Row::SingleUniform => self.single_uniform(&name, in_flight, report).await?,
            Row::SingleZipf => {
                let zipf = Rc::new(Zipf::of(self.arguments.accounts, STEEPNESS));
                self.single(&name, in_flight, &Choice::Zipf(zipf), 0, report).await?;
            }
            Row::SingleHot => self.single(&name, in_flight, &Choice::Hot, 0, report).await?,
            Row::SingleRefused10 => {
                self.single(&name, in_flight, &Choice::Uniform, REFUSED_OF, report).await?;
            }
            Row::Batch100 => self.batches(&name, report).await?,
            Row::DayMix => self.day_mix(&name, in_flight, report).await?,
            Row::ImportPostings => Box::pin(self.import(&name, report)).await?,
            Row::InFlight => {
                for in_flight in SWEEP {
                    self.single(&format!("{name}_{in_flight}"), in_flight, &Choice::Uniform, 0, report)
                        .await?;
                }
            }
            Row::Overload5000 => self.overload(&name, report).await?,
        }
        Ok(())
    }

    /// Single transfers; then how far Kafka is behind, and what memory it took.
    async fn single_uniform(&mut self, name: &str, in_flight: usize, report: &mut Report<'_>) -> Result<()> {
        let posted = self.last_posting().await?;
        let records = self.records.settled(posted).await?;
        let work = self.transfers(&Choice::Uniform, 0);
        let outcome = self.driven(in_flight, work).await?;
        let lag = self.records.lag(records + outcome.acknowledged, outcome.acknowledged_at).await?;
        self.keep_single(name, &outcome, report)?;
        report.check("what was refused", refused_as_meant(&outcome, false))?;
        self.check_books(posted, &outcome, report).await?;
        self.tell(Figure::of("relay_lag_s", lag.time.as_secs_f64(), "s"), report)?;
        self.tell(Figure::of("relay_backlog", real(lag.backlog), "postings"), report)?;
        self.tell(Figure::of("rss_mib", self.processes.resident_mib_max()?, "MiB"), report)
    }

    async fn single(
        &mut self,
        name: &str,
        in_flight: usize,
        choice: &Choice,
        refused_of: u32,
        report: &mut Report<'_>,
    ) -> Result<()> {
        let posted = self.last_posting().await?;
        let work = self.transfers(choice, refused_of);
        let outcome = self.driven(in_flight, work).await?;
        self.keep_single(name, &outcome, report)?;
        report.check("what was refused", refused_as_meant(&outcome, refused_of > 0))?;
        self.check_books(posted, &outcome, report).await
    }

    async fn batches(&mut self, name: &str, report: &mut Report<'_>) -> Result<()> {
        let posted = self.last_posting().await?;
        let template = Batches::template(BATCH_ITEMS)?;
        let desks = self.desks(&Choice::Uniform);
        let outcome =
            self.driven(BATCHES_IN_FLIGHT, |slot| Batches::of(desks(slot), &template, BATCH_ITEMS)).await?;
        let figure = figure(name, outcome.postings, "transfers/s", &outcome);
        self.keep(figure, Some(APPEND_BASELINE), &outcome, report)?;
        report.check("what was refused", refused_as_meant(&outcome, false))?;
        self.check_books(posted, &outcome, report).await
    }

    async fn day_mix(&mut self, name: &str, in_flight: usize, report: &mut Report<'_>) -> Result<()> {
        let posted = self.last_posting().await?;
        let desks = self.desks(&Choice::Uniform);
        let outcome = self.driven(in_flight, |slot| DayMix::of(desks(slot), Arc::new(SystemClock))).await?;
        let figure = figure(name, outcome.calls, "requests/s", &outcome);
        self.keep(figure, None, &outcome, report)?;
        report.check("what was refused", refused_as_meant(&outcome, false))?;
        self.check_books(posted, &outcome, report).await
    }

    async fn overload(&mut self, name: &str, report: &mut Report<'_>) -> Result<()> {
        let posted = self.last_posting().await?;
        let work = self.transfers(&Choice::Uniform, 0);
        let outcome = self.driven(OVERLOAD, work).await?;
        let figure = figure(name, outcome.postings, "transfers/s", &outcome);
        self.keep(figure, Some("single_uniform"), &outcome, report)?;
        report.check("what was refused", refused_as_meant(&outcome, false))?;
        self.check_books(posted, &outcome, report).await?;
        self.tell(Figure::of("overload_rss_mib", self.processes.resident_mib_max()?, "MiB"), report)
    }

    /// A file of transfers, from the start of the program that imports it to its end.
    async fn import(&mut self, name: &str, report: &mut Report<'_>) -> Result<()> {
        let posted = self.last_posting().await?;
        let file = self.onboarding.file("load.csv")?;
        import::write(&file, &self.customers, posted)?;
        let began = Instant::now();
        self.onboarding.import("postings", &file, &self.mover, &self.head_office, IMPORTED_WITHIN).await?;
        let rate = f64::from(import::TRANSFERS) / began.elapsed().as_secs_f64();
        let figure = Figure::of(name, rate, "postings/s");
        report.line(describe(&figure))?;
        self.results.push_against(figure, BATCHES);
        let found = self.last_posting().await? - posted;
        let meant = u64::from(import::TRANSFERS);
        let all = if found == meant {
            Ok(thousands(found))
        } else {
            Err(anyhow::anyhow!("{} in the file, {} in the books", thousands(meant), thousands(found)))
        };
        report
            .check("postings in the file = postings in the books", all)
            .context("tell what became of the file")
    }

    /// What gives each slot its desk.
    fn desks(&self, choice: &Choice) -> impl Fn(usize) -> Desk + use<> {
        let (customers, rpcs) = (self.customers.clone(), self.rpcs.clone());
        let (choice, seed) = (choice.clone(), self.arguments.seed);
        move |slot| Desk::of(&customers, &rpcs, &choice, seed, slot)
    }

    fn transfers(&self, choice: &Choice, refused_of: u32) -> impl Fn(usize) -> Transfers + use<> {
        let (desks, shape) = (self.desks(choice), self.shape.clone());
        move |slot| Transfers::of(desks(slot), &shape, refused_of)
    }

    async fn driven<W: Work>(&self, in_flight: usize, work_of: impl Fn(usize) -> W) -> Result<Outcome> {
        let (warm_up, measured) = (self.arguments.warm_up(), self.arguments.measured());
        let effort = Effort { in_flight, warm_up, measured };
        drive(&self.arguments.stack.accounting_grpc, effort, &self.processes, work_of).await
    }

    fn keep_single(&mut self, name: &str, outcome: &Outcome, report: &mut Report<'_>) -> Result<()> {
        let figure = figure(name, outcome.postings, "transfers/s", outcome);
        self.keep(figure, Some(APPEND_BASELINE), outcome, report)
    }

    /// Keeps a figure and tells it, with what else came of the row.
    fn keep(
        &mut self,
        figure: Figure,
        baseline: Option<&str>,
        outcome: &Outcome,
        report: &mut Report<'_>,
    ) -> Result<()> {
        report.line(describe(&figure))?;
        match baseline {
            Some(baseline) => self.results.push_against(figure, baseline),
            None => self.results.push(figure),
        }
        report.line(outcome.processors.each(outcome.calls))?;
        if outcome.retried > 0 {
            report.line(format_args!(
                "{} attempts refused for the moment, and repeated",
                thousands(outcome.retried)
            ))?;
        }
        for (reason, refused) in &outcome.refused {
            report.line(format_args!("{} refused: {reason}", thousands(*refused)))?;
        }
        Ok(())
    }

    fn tell(&mut self, figure: Figure, report: &mut Report<'_>) -> Result<()> {
        report.line(describe(&figure))?;
        self.results.push(figure);
        Ok(())
    }

    /// The trial balance is zero, and the books have the postings that were acknowledged and no other.
    async fn check_books(
        &self,
        posted_before: u64,
        outcome: &Outcome,
        report: &mut Report<'_>,
    ) -> Result<()> {
        let balance = self.client.trial_balance(&self.reader).await?;
        let differences: Vec<&str> = balance.proofs.iter().map(|proof| proof.difference.as_str()).collect();
        let found = if balance.balanced {
            Ok(format!("{} currencies", balance.proofs.len()))
        } else {
            Err(anyhow::anyhow!("the differences are {}", differences.join(", ")))
        };
        report.check("the trial balance is zero", found)?;
        let posted = u64::try_from(balance.last_posting)? - posted_before;
        let found = if posted == outcome.acknowledged {
            Ok(thousands(posted))
        } else {
            Err(anyhow::anyhow!(
                "{} acknowledged, {} in the books",
                thousands(outcome.acknowledged),
                thousands(posted)
            ))
        };
        report.check("postings acknowledged = postings in the books", found)?;
        Ok(())
    }

    async fn last_posting(&self) -> Result<u64> {
        let balance = self.client.trial_balance(&self.reader).await?;
        ensure!(balance.balanced, "the books are wrong before the row begins");
        u64::try_from(balance.last_posting).context("a posting's number below zero")
    }
}

fn figure(name: &str, done: u64, unit: &'static str, outcome: &Outcome) -> Figure {
    let rate = real(done) / outcome.measured.as_secs_f64();
    Figure::of(name, rate, unit).with_latency(outcome.p50_ms, outcome.p99_ms)
}

fn describe(figure: &Figure) -> String {
    let latency = match (figure.p50_ms, figure.p99_ms) {
        (Some(p50), Some(p99)) => format!(", p50 {p50:.2} ms, p99 {p99:.2} ms"),
        _ => String::new(),
    };
    format!("{}: {:.1} {}{latency}", figure.name, figure.value, figure.unit)
}

/// Whether what accounts lacked was refused, when the row has such requests, and nothing else.
fn refused_as_meant(outcome: &Outcome, asks_for_too_much: bool) -> Result<String> {
    let all = outcome.refused.values().sum::<u64>();
    let short = outcome.refused.get(SHORT).copied().unwrap_or_default();
    let meant = if asks_for_too_much { short } else { 0 };
    ensure!(all == meant && (short > 0) == asks_for_too_much, "{all} requests, {short} of them {SHORT}");
    Ok(if asks_for_too_much {
        format!("{} requests, all {SHORT}", thousands(all))
    } else {
        "nothing".to_owned()
    })
}
