//! A run: the stack, the bank, the kills, and what they have shown.

use std::{io::Write, sync::Arc};

use anyhow::{Context, Result};
use day::report::Report;
use rand::{SeedableRng, rngs::StdRng};
use tokio::sync::Mutex;

use crate::{
    Arguments,
    customers::Customers,
    proof,
    reader::Reader,
    round::{Ground, Round},
    stack::Stack,
    summary::Summary,
    victim::{self, Victim},
};

/// Kills as `arguments` say. `name` parts the files of runs that may go on at the same time. Whether everything held.
pub async fn run(arguments: &Arguments, name: &str, out: &mut (dyn Write + Send)) -> Result<bool> {
    let mut report = Report::to(out);
    let seed = arguments.seed.unwrap_or_else(rand::random);
    report
        .title(format_args!("{} kills and {} restores, seed {seed}", arguments.kills, arguments.restores))?;
    report.line("starting Postgres, Kafka and two replicas, and opening a bank")?;
    let stack = Stack::start(name).await?;
    let reader = Reader::start(&stack);
    let (writer, _) = stack.writer().await?;
    let customers = Arc::new(Customers::provide(&writer.address, &stack.keys, &mut report).await?);
    let backup = Mutex::default();
    let ground = Ground { stack: &stack, customers: &customers, callers: arguments.callers, backup: &backup };

    let mut rng = StdRng::seed_from_u64(seed);
    let mut summary = Summary::default();
    let order = victim::order(&arguments.victims, arguments.kills, &mut rng);
    let restores = (0..arguments.restores).map(|_| Victim::Disk);
    let all = arguments.kills + arguments.restores;
    for (number, victim) in (1..).zip(order.into_iter().chain(restores)) {
        // Each from a seed of its own, so that one kill's calls do not shift the next one's.
        let mut own = StdRng::seed_from_u64(seed.wrapping_add(number));
        let round = ground.round(victim, &mut own).await;
        let round = round.with_context(|| format!("kill {number}, {victim}, seed {seed}"))?;
        report.line(describe(number, all, &round))?;
        summary.add(&round);
        let is_due = number % u64::from(arguments.verify_every) == 0 || number == u64::from(all);
        if is_due || victim == Victim::Disk {
            prove(&stack, &reader, &mut report).await?;
        }
    }
    drop(reader);
    report.title("Summary")?;
    for line in summary.table() {
        report.line(line)?;
    }
    Ok(report.failed().is_empty())
}

/// The whole chain, every balance, and all facts.
async fn prove(stack: &Stack, reader: &Reader, report: &mut Report<'_>) -> Result<()> {
    report.check("chain and balances", stack.verify().await)?;
    let last = proof::last_posting(stack.books()).await?;
    let published = reader.prove_published(stack, last).await;
    report.check("facts", published.map(|()| format!("{last} postings, each published once in effect")))?;
    Ok(())
}

fn describe(number: u64, all: u32, round: &Round) -> String {
    format!(
        "kill {number}/{all} {:<8} after {:>4} ms: {} acknowledged, {} lost ({} of them written), served again after {} ms",
        round.victim,
        round.after.as_millis(),
        round.acknowledged,
        round.lost,
        round.lost_and_there,
        round.served_after.as_millis()
    )
}
