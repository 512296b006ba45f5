//! The copy of base data that a service decides by. It follows accounting's compacted topics, on which each record has the versions
//! in force and those to come, so a copy that begins today knows what holds today and tomorrow.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use dated::{Register, Version};
use opentelemetry::global;
use platform::{
    clock::SharedClock,
    facts::{KafkaConfig, Record},
    follower::{Copy, Follower, Freshness},
};
use proto_accounting::v1::{self as pb, base_record::Content};
use proto_common::Published as _;
use serde::Deserialize;

use crate::{
    ids::{BranchCode, CurrencyCode, OperatorCode},
    records::{
        Branch, BranchKind, CalendarYear, CurrencyRecord, Operator, OperatorKind, OperatorLimit, Parameter,
        TransactionKind,
    },
    refusal::{Refusal, Rule},
    snapshot::BaseData,
};

/// How a copy of base data is used.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderConfig {
    /// How old the copy may be for decisions to use it: the time since it had read everything there was.
    pub behind_max_s: u32,
}

/// The copy, as decisions see it.
#[derive(Clone, Debug)]
pub struct Reader {
    copy: Arc<Taking>,
    freshness: Freshness,
    clock: SharedClock,
    behind_max: TimeDelta,
}

/// The task that keeps the copy.
pub type Following = Follower<Taking>;

impl Reader {
    /// A reader, and the follower that keeps its copy.
    pub fn new(config: &ReaderConfig, kafka: KafkaConfig, clock: SharedClock) -> (Self, Following) {
        let copy = Arc::new(Taking::default());
        let topics = [
            pb::BranchChanged::TOPIC,
            pb::OperatorChanged::TOPIC,
            pb::CurrencyChanged::TOPIC,
            pb::CalendarYearChanged::TOPIC,
            pb::ParameterChanged::TOPIC,
            pb::BusinessDayOpened::TOPIC,
        ];
        let follower = Follower::new(copy.clone(), &topics, kafka, clock.clone());
        let behind_max = TimeDelta::seconds(config.behind_max_s.into());
        let reader = Self { copy, freshness: follower.freshness(), clock, behind_max };
        reader.observe();
        (reader, follower)
    }

    /// The copy, unless it is too far behind to decide by.
    pub fn current(&self) -> Result<Arc<BaseData>, Refusal> {
        let read_at = self.read_at().ok_or(Rule::BaseDataMissing)?;
        if self.clock.now() - read_at > self.behind_max {
            return Err(Rule::BaseDataBehind { read_at }.into());
        }
        Ok(self.copy.known().clone())
    }

    /// When the copy had last read everything there was.
    pub fn read_at(&self) -> Option<DateTime<Utc>> {
        *self.freshness.borrow()
    }

    /// Records how far behind the copy is, for as long as the process lives.
    fn observe(&self) {
        let (freshness, clock) = (self.freshness.clone(), self.clock.clone());
        global::meter("countinghouse.basedata")
            .f64_observable_gauge("countinghouse.basedata.behind")
            .with_unit("s")
            .with_description("how long ago the copy of base data had read everything there was")
            .with_callback(move |observer| {
                if let Some(read_at) = *freshness.borrow() {
                    observer.observe((clock.now() - read_at).as_seconds_f64().max(0.0), &[]);
                }
            })
            .build();
    }
}

/// Takes facts of base data into the copy.
#[derive(Debug, Default)]
pub struct Taking {
    /// Copied for a change only while a decision still uses it: thousands of records are read at a start, and none is copied then.
    known: Mutex<Arc<BaseData>>,
}

impl Taking {
    fn known(&self) -> MutexGuard<'_, Arc<BaseData>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Copy for Taking {
    fn take(&self, record: &Record) -> Result<(), serde_json::Error> {
        let mut known = self.known();
        let known = Arc::make_mut(&mut known);
        match record.fact.kind.as_str() {
            pb::BranchChanged::KIND => {
                let fact: pb::BranchChanged = record.decode()?;
                stand(&mut known.branches, &fact.key, fact.versions, branch);
            }
            pb::OperatorChanged::KIND => {
                let fact: pb::OperatorChanged = record.decode()?;
                stand(&mut known.operators, &fact.key, fact.versions, operator);
            }
            pb::CurrencyChanged::KIND => {
                let fact: pb::CurrencyChanged = record.decode()?;
                stand(&mut known.currencies, &fact.key, fact.versions, currency);
            }
            pb::CalendarYearChanged::KIND => {
                let fact: pb::CalendarYearChanged = record.decode()?;
                stand(&mut known.calendars, &fact.key, fact.versions, calendar_year);
            }
            pb::ParameterChanged::KIND => {
                let fact: pb::ParameterChanged = record.decode()?;
                stand(&mut known.parameters, &fact.key, fact.versions, parameter);
            }
            pb::BusinessDayOpened::KIND => {
                let fact: pb::BusinessDayOpened = record.decode()?;
                let opened = fact.business_date.parse().ok();
                // Days are read from several partitions, in no order.
                known.business_date = known.business_date.max(opened);
            }
            // A newer accounting may publish kinds of facts that this build does not know.
            _ => {}
        }
        Ok(())
    }
}

/// Replaces the known versions of a record by those of a fact. Versions that this build does not understand are left out.
fn stand<C: dated::Content>(
    register: &mut Register<C>,
    code: &str,
    versions: Vec<pb::BaseRecord>,
    from_proto: fn(Content) -> Option<C>,
) {
    let standing = versions.into_iter().filter_map(|record| {
        let content = from_proto(record.content?)?;
        Some(Version { version: record.version, effective_date: date(&record.effective_date)?, content })
    });
    register.replace(code, standing.collect());
}

fn date(text: &str) -> Option<NaiveDate> {
    text.parse().ok()
}

fn branch(content: Content) -> Option<Branch> {
    let Content::Branch(branch) = content else { return None };
    let kind = match branch.kind() {
        pb::BranchKind::Unspecified => return None,
        pb::BranchKind::HeadOffice => BranchKind::HeadOffice,
        pb::BranchKind::Branch => BranchKind::Branch,
        pb::BranchKind::SubBranch => BranchKind::SubBranch,
        pb::BranchKind::Counter => BranchKind::Counter,
    };
    Some(Branch {
        code: BranchCode::new(branch.code),
        title: branch.title,
        kind,
        parent: Some(branch.parent).filter(|parent| !parent.is_empty()).map(BranchCode::new),
        closed: branch.closed,
    })
}

fn operator(content: Content) -> Option<Operator> {
    let Content::Operator(operator) = content else { return None };
    let kind = match operator.kind() {
        pb::OperatorKind::Unspecified => return None,
        pb::OperatorKind::Teller => OperatorKind::Teller,
        pb::OperatorKind::Supervisor => OperatorKind::Supervisor,
        pb::OperatorKind::BookKeeper => OperatorKind::BookKeeper,
        pb::OperatorKind::System => OperatorKind::System,
    };
    let limits = operator.limits.into_iter().map(limit).collect::<Option<_>>()?;
    Some(Operator {
        code: OperatorCode::new(operator.code),
        title: operator.title,
        branch: BranchCode::new(operator.branch),
        kind,
        suspended: operator.suspended,
        limits,
    })
}

fn limit(limit: pb::OperatorLimit) -> Option<OperatorLimit> {
    let kind = match limit.kind() {
        pb::TransactionKind::Unspecified => return None,
        pb::TransactionKind::Cash => TransactionKind::Cash,
        pb::TransactionKind::Transfer => TransactionKind::Transfer,
        pb::TransactionKind::Internal => TransactionKind::Internal,
    };
    let single_max = limit.single_max?;
    Some(OperatorLimit {
        kind,
        currency: CurrencyCode::new(single_max.currency),
        single_max: single_max.amount.parse().ok()?,
    })
}

fn currency(content: Content) -> Option<CurrencyRecord> {
    let Content::Currency(currency) = content else { return None };
    Some(CurrencyRecord {
        code: CurrencyCode::new(currency.code),
        numeric_code: currency.numeric_code,
        exponent: currency.exponent.try_into().ok()?,
        title: currency.title,
    })
}

fn calendar_year(content: Content) -> Option<CalendarYear> {
    let Content::CalendarYear(calendar) = content else { return None };
    let dates = |dates: Vec<String>| dates.iter().map(|text| date(text)).collect::<Option<Vec<_>>>();
    Some(CalendarYear {
        year: calendar.year,
        holidays: dates(calendar.holidays)?,
        working_weekends: dates(calendar.working_weekends)?,
        source: calendar.source,
    })
}

fn parameter(content: Content) -> Option<Parameter> {
    let Content::Parameter(parameter) = content else { return None };
    Some(Parameter { code: parameter.code, value: parameter.value })
}
