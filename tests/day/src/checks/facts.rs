//! What is published on Kafka is what is in the books: each posting once and whole, the latest state of each account and hold, the
//! base data, the business day; and every record keeps the contract.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use platform::facts::RawRecord;
use prost::Message;
use proto_accounting::v1::{
    AccountChanged, BranchChanged, BusinessDayOpened, CalendarYearChanged, CurrencyChanged,
    ExchangeRateChanged, HoldChanged, InterestRateChanged, LedgerCodeChanged, ListAccountsRequest,
    OperatorChanged, ParameterChanged, PostingBooked, PostingTemplateChanged, base_record::Content,
};
use serde::de::DeserializeOwned;

use super::{Books, kafka::Reader};
use crate::{
    plan::HoldId,
    report::{Report, thousands},
};

const POSTING: &str = "countinghouse.accounting.posting.v1";
const ACCOUNT: &str = "countinghouse.accounting.account.v1";
const HOLD: &str = "countinghouse.accounting.hold.v1";
const BUSINESS_DAY: &str = "countinghouse.accounting.business_day.v1";
const BASE_DATA: [&str; 9] = [
    "countinghouse.accounting.branch.v1",
    "countinghouse.accounting.operator.v1",
    "countinghouse.accounting.currency.v1",
    "countinghouse.accounting.exchange_rate.v1",
    "countinghouse.accounting.calendar_year.v1",
    "countinghouse.accounting.interest_rate.v1",
    "countinghouse.accounting.parameter.v1",
    "countinghouse.accounting.ledger_code.v1",
    "countinghouse.accounting.posting_template.v1",
];

/// How far the facts may be behind the books, with room to spare on a busy machine.
const PUBLISHED_WITHIN: Duration = Duration::from_mins(1);

/// So many records of each topic are held against the contract whole; the others are only read.
const AGAINST_CONTRACT: usize = 200;

/// The digest of a message, to compare many without keeping them.
type Digest = [u8; 32];

/// What the books say.
#[derive(Debug, Default)]
struct Expected {
    /// By number.
    postings: HashMap<i64, Digest>,
    /// By topic and key: what the last record of the key must say.
    latest: HashMap<(&'static str, String), Digest>,
}

/// What Kafka says.
#[derive(Debug, Default)]
struct Published {
    records: usize,
    by_topic: BTreeMap<String, usize>,
    /// The id and content of each posting's fact.
    postings: HashMap<i64, (String, Digest)>,
    latest: HashMap<(String, String), Digest>,
    /// Facts that came more than once, each time the same.
    again: usize,
}

impl Books<'_> {
    /// Reads all topics, and makes the checks.
    pub(super) async fn facts(&self, report: &mut Report<'_>) -> Result<()> {
        let expected = self.expected().await?;
        let brokers = self.settings.brokers.clone();
        let read = tokio::task::spawn_blocking(move || read(&brokers, expected)).await?;
        let (expected, published) = match read {
            Ok(read) => read,
            Err(error) => {
                report.check("facts on Kafka", Err(error))?;
                return Ok(());
            }
        };
        report.check(
            "every posting is published on Kafka once, as it is in the journal",
            postings(&expected, &published),
        )?;
        report.check(
            "accounts, holds, base data and business day are published on Kafka as they are",
            latest(&expected, &published),
        )?;
        Ok(())
    }

    async fn expected(&self) -> Result<Expected> {
        let mut expected = Expected::default();
        let token = self.setup.reader()?;
        let client = self.setup.client;
        client
            .each_posting(&token, |posting| {
                expected.postings.insert(posting.number, digest(&posting));
            })
            .await?;
        for account in client.accounts(&token, ListAccountsRequest::default()).await? {
            expected.latest.insert((ACCOUNT, account.name.clone()), digest(&account));
        }
        for place in 0..self.plan.books.holds.len() {
            let name = self.day.names.hold(HoldId(place))?;
            let hold = client.hold(&token, &name).await?.context("a hold")?;
            expected.latest.insert((HOLD, name), digest(&hold));
        }
        let mut records: Vec<_> = self.setup.base_records().await?.into_values().collect();
        // The last fact of a record has what was set last.
        records.sort_by(|one, other| one.effective_date.cmp(&other.effective_date));
        for record in records {
            let (_, code) = record.name.split_once('/').context("a record's name")?;
            let content = record.content.as_ref().context("a record with content")?;
            expected.latest.insert((topic_of(content), code.to_owned()), of_content(content));
        }
        let day = client.business_day(&token).await?.context("a business day")?;
        expected.latest.insert((BUSINESS_DAY, day.business_date.clone()), digest(&day));
        Ok(expected)
    }
}

/// Reads all topics until they say what is expected, or time is up.
fn read(brokers: &str, expected: Expected) -> Result<(Expected, Published)> {
    let topics: Vec<&str> = [POSTING, ACCOUNT, HOLD, BUSINESS_DAY].into_iter().chain(BASE_DATA).collect();
    let published = std::cell::RefCell::new(Published::default());
    Reader::of(brokers, &topics)?.read(
        PUBLISHED_WITHIN,
        |record| published.borrow_mut().take(&record),
        || postings(&expected, &published.borrow()).is_ok() && latest(&expected, &published.borrow()).is_ok(),
    )?;
    Ok((expected, published.into_inner()))
}

fn postings(expected: &Expected, published: &Published) -> Result<String> {
    let count = expected.postings.len();
    for number in (1..).take(count) {
        let in_journal =
            expected.postings.get(&number).with_context(|| format!("the journal has no posting {number}"))?;
        let (_, on_kafka) =
            published.postings.get(&number).with_context(|| format!("posting {number} is not published"))?;
        ensure!(in_journal == on_kafka, "posting {number} is published otherwise than it is in the journal");
    }
    ensure!(
        published.postings.len() == count,
        "{} postings are published, and the journal has {count}",
        published.postings.len()
    );
    let again =
        if published.again == 0 { String::new() } else { format!(", {} delivered again", published.again) };
    Ok(format!("1 to {}{again}", thousands(count)))
}

fn latest(expected: &Expected, published: &Published) -> Result<String> {
    for ((topic, key), state) in &expected.latest {
        let found = published.latest.get(&((*topic).to_owned(), key.clone()));
        let found = found.ok_or_else(|| anyhow!("{key} is not published on {topic}"))?;
        ensure!(found == state, "the last record of {key} on {topic} does not say how it is");
    }
    Ok(format!(
        "{} of them, in {} records of all topics",
        thousands(expected.latest.len()),
        thousands(published.records)
    ))
}

impl Published {
    fn take(&mut self, record: &RawRecord) -> Result<()> {
        self.records += 1;
        let of_topic = self.by_topic.entry(record.topic.clone()).or_default();
        *of_topic += 1;
        if *of_topic <= AGAINST_CONTRACT {
            keeps_contract(record)?;
        }
        let payload = record
            .payload
            .as_deref()
            .with_context(|| format!("a record on {} has no value", record.topic))?;
        let key = String::from_utf8(record.key.as_deref().unwrap_or_default().to_vec())?;
        if record.topic != POSTING {
            self.latest.insert((record.topic.clone(), key), state(&record.topic, payload)?);
            return Ok(());
        }
        let booked: PostingBooked = serde_json::from_slice(payload).context("PostingBooked")?;
        let posting = booked.posting.context("PostingBooked without a posting")?;
        ensure!(booked.name == posting.name && booked.name == key, "{key} tells of {}", posting.name);
        let id = header(record, "ce_id")?.to_owned();
        let published = (id, digest(&posting));
        match self.postings.get(&posting.number) {
            Some(before) if *before == published => self.again += 1,
            Some(_) => return Err(anyhow!("posting {} is published twice, as two facts", posting.number)),
            None => {
                self.postings.insert(posting.number, published);
            }
        }
        Ok(())
    }
}

/// Holds a record against the contract.
pub fn keeps_contract(record: &RawRecord) -> Result<()> {
    let headers = record.headers.iter().map(|(name, value)| (name, value.as_deref().unwrap_or_default()));
    testkit::contract::matches_event(&record.topic, record.payload.as_deref().unwrap_or_default(), headers)
        .with_context(|| format!("a record on {} breaks the contract", record.topic))
}

fn header<'a>(record: &'a RawRecord, name: &str) -> Result<&'a str> {
    let value =
        record.headers.iter().find(|(header, _)| header == name).and_then(|(_, value)| value.as_deref());
    Ok(str::from_utf8(value.with_context(|| format!("a record without {name}"))?)?)
}

/// What a record that is no posting says of its aggregate.
fn state(topic: &str, payload: &[u8]) -> Result<Digest> {
    fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T> {
        serde_json::from_slice(payload).context("the value of a record")
    }
    let [
        branch,
        operator,
        currency,
        exchange_rate,
        calendar_year,
        interest_rate,
        parameter,
        ledger_code,
        posting_template,
    ] = BASE_DATA;
    Ok(match topic {
        ACCOUNT => digest(&read::<AccountChanged>(payload)?.account.unwrap_or_default()),
        HOLD => digest(&read::<HoldChanged>(payload)?.hold.unwrap_or_default()),
        BUSINESS_DAY => digest(&read::<BusinessDayOpened>(payload)?.business_day.unwrap_or_default()),
        topic if topic == branch => digest(&read::<BranchChanged>(payload)?.branch.unwrap_or_default()),
        topic if topic == operator => digest(&read::<OperatorChanged>(payload)?.operator.unwrap_or_default()),
        topic if topic == currency => digest(&read::<CurrencyChanged>(payload)?.currency.unwrap_or_default()),
        topic if topic == exchange_rate => {
            digest(&read::<ExchangeRateChanged>(payload)?.exchange_rate.unwrap_or_default())
        }
        topic if topic == calendar_year => {
            digest(&read::<CalendarYearChanged>(payload)?.calendar_year.unwrap_or_default())
        }
        topic if topic == interest_rate => {
            digest(&read::<InterestRateChanged>(payload)?.interest_rate.unwrap_or_default())
        }
        topic if topic == parameter => {
            digest(&read::<ParameterChanged>(payload)?.parameter.unwrap_or_default())
        }
        topic if topic == ledger_code => {
            digest(&read::<LedgerCodeChanged>(payload)?.ledger_code.unwrap_or_default())
        }
        topic if topic == posting_template => {
            digest(&read::<PostingTemplateChanged>(payload)?.posting_template.unwrap_or_default())
        }
        other => bail!("nobody knows the topic {other}"),
    })
}

/// The topic on which a record of base data is published.
fn topic_of(content: &Content) -> &'static str {
    let [
        branch,
        operator,
        currency,
        exchange_rate,
        calendar_year,
        interest_rate,
        parameter,
        ledger_code,
        posting_template,
    ] = BASE_DATA;
    match content {
        Content::Branch(_) => branch,
        Content::Operator(_) => operator,
        Content::Currency(_) => currency,
        Content::ExchangeRate(_) => exchange_rate,
        Content::CalendarYear(_) => calendar_year,
        Content::InterestRate(_) => interest_rate,
        Content::Parameter(_) => parameter,
        Content::LedgerCode(_) => ledger_code,
        Content::PostingTemplate(_) => posting_template,
    }
}

fn of_content(content: &Content) -> Digest {
    match content {
        Content::Branch(content) => digest(content),
        Content::Operator(content) => digest(content),
        Content::Currency(content) => digest(content),
        Content::ExchangeRate(content) => digest(content),
        Content::CalendarYear(content) => digest(content),
        Content::InterestRate(content) => digest(content),
        Content::Parameter(content) => digest(content),
        Content::LedgerCode(content) => digest(content),
        Content::PostingTemplate(content) => digest(content),
    }
}

fn digest(message: &impl Message) -> Digest {
    blake3::hash(&message.encode_to_vec()).into()
}
