//! A banking day over the public API: the sample bank is set up, thousands of postings are made, and the books are checked.
//!
//! What is done follows from a seed. Each step of the day is planned with what must come of it, and the plan keeps books of
//! its own, as naively as possible; at the end the service must agree with them account by account, and so must the trial
//! balance, the chain of the journal, and what is published on Kafka.
//!
//! | module | what it is for |
//! |---|---|
//! | [`settings`] | where everything is |
//! | [`bank`] | the sample bank, as data |
//! | [`staff`] | its operators and their tokens |
//! | [`client`] | the API, with repeats and approvals |
//! | [`setup`] | base data, business day, the bank's own accounts, its founding; what is there already is left |
//! | [`vouchers`] | vouchers received and moved, and booked by accounting |
//! | [`plan`] | the steps of the day, and the books after them |
//! | [`run`] | does the steps, many at once |
//! | [`checks`] | holds the books against the plan |
//! | [`report`] | what the day prints |
//! | [`program`] | the programs of the workspace |

pub mod bank;
pub mod checks;
pub mod client;
pub mod ids;
pub mod plan;
pub mod program;
pub mod report;
pub mod run;
pub mod settings;
pub mod setup;
pub mod staff;
pub mod vouchers;

use std::time::{Duration, Instant};

use anyhow::Result;
use platform::{clock::SharedClock, ids::SharedIds};

use bank::Bank;
use checks::Books;
use client::{Client, wait_until_served};
use plan::{Days, Plan, Scale};
use report::{Report, thousands};
use run::{Day, Tally};
use settings::Settings;
use setup::{Onboarding, Setup};
use staff::{HeadOffice, Staff};
use vouchers::Vouchers;

/// A service that has just been started loads its memory first.
const SERVED_WITHIN: Duration = Duration::from_mins(1);

/// Runs it all. An error is something that kept the day from being run; checks that failed are in the report.
pub async fn run(
    settings: &Settings,
    clock: SharedClock,
    ids: SharedIds,
    report: &mut Report<'_>,
) -> Result<()> {
    let bank = Bank::sample()?;
    let staff = Staff::of(&bank, &settings.keys, clock.now())?;
    let office = HeadOffice::of(&bank)?;
    let client = Client::of(&format!("http://{}", settings.grpc))?;
    wait_until_served(&client, &staff.token(&office.book_keeper)?, SERVED_WITHIN).await?;

    let onboarding = Onboarding::beside(&settings.keys, &settings.grpc);
    let setup = Setup {
        bank: &bank,
        staff: &staff,
        office: &office,
        client: &client,
        ids: &ids,
        onboarding: &onboarding,
    };
    report.title("The bank")?;
    let (business_date, names) = setup.found_bank(clock.now(), settings.same_day, report).await?;
    match &settings.voucher_grpc {
        Some(grpc) => {
            report.title("Vouchers")?;
            let client = Client::of(&format!("http://{grpc}"))?;
            let vouchers = Vouchers { client: &client, setup: &setup, brokers: &settings.brokers };
            vouchers.day(business_date, &names, report).await?;
        }
        None => report.line("no voucher service is named: the day has no vouchers")?,
    }
    let opened = setup.stand(business_date, names).await?;

    let began = Instant::now();
    let days = Days::around(opened.business_date, &bank)?;
    let scale = Scale { seed: settings.seed, postings: settings.postings };
    let plan = Plan::of(&bank, opened.own.clone(), days, scale)?;
    report.title(format_args!("The banking day of {}", days.business))?;
    report.line(format_args!(
        "{} steps are planned with {} postings, from seed {}",
        thousands(plan.steps.len()),
        thousands(plan.postings),
        settings.seed
    ))?;
    let day = Day::new(
        &plan,
        &staff,
        &client,
        &clock,
        format!("{} {} {}", settings.seed, days.business, opened.last_posting),
    );
    let mut tally: Tally = day.run(settings.in_flight, report).await?;
    let took = began.elapsed();

    tally.tell(took, report)?;
    report.title("The books")?;
    let books = Books { settings, setup: &setup, opened: &opened, plan: &plan, day: &day };
    books.check(&tally, report).await?;
    report.line(match report.failed() {
        [] => "Every check held.".to_owned(),
        failed => format!("{} of the checks FAILED: {}", failed.len(), failed.join(", ")),
    })?;
    Ok(())
}
