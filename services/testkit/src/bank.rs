//! Base data as accounting publishes it, for the tests of the services that keep a copy of it.

use platform::clock::{Clock as _, SystemClock};
use platform::facts::{Contract, Fact, FactMetadata, KafkaConfig, record::headers, topics};
use prost::Name;
use proto_accounting::v1::{
    BaseRecord, Branch, BranchChanged, BranchKind, BusinessDay, BusinessDayOpened, CalendarYear,
    CalendarYearChanged, Currency, CurrencyChanged, Operator, OperatorChanged, OperatorKind,
    base_record::Content,
};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    TestKafka,
    harness::{BOUND, Person},
};

/// The business day that is open: a Monday.
pub const DAY: &str = "2026-03-02";

/// Head office.
pub const HEAD_OFFICE: &str = "100000";
/// A branch, and two sub-branches under it.
pub const BRANCH: &str = "110000";
pub const SUB_BRANCH: &str = "110100";
pub const OTHER_SUB_BRANCH: &str = "110200";

/// The date from which all of it holds.
const FROM: &str = "2026-01-01";

impl TestKafka {
    /// Publishes the base data of a small bank: its branches, these operators, yuan, this year's calendar, and the business day.
    /// An operator is of the first branch that the token names, or of head office.
    pub async fn publish_bank(&self, operators: &[Person]) {
        let contract = Contract::of(proto_accounting::descriptors()).expect("the contract holds");
        let mut kafka = KafkaConfig::plaintext(self.brokers(), self.prefix());
        kafka.topics.partitions = 1;
        let declared = contract.topics("accounting", &kafka.topics);
        topics::ensure(&kafka, &declared).await.expect("the topics are made");
        let config = kafka.producer().expect("the settings hold");
        let producer: FutureProducer = config.create().expect("a producer can be made");
        for fact in facts(&contract, operators) {
            let topic = kafka.prefixed(&fact.topic);
            let headers = headers(&fact, "accounting");
            let record = FutureRecord::to(&topic).key(&fact.key).payload(&*fact.payload).headers(headers);
            producer.send(record, BOUND).await.expect("the fact is published");
        }
    }
}

fn facts(contract: &Contract, operators: &[Person]) -> Vec<Fact> {
    let branches = branches().map(|branch| to_fact(contract, &branch));
    let operators = operators.iter().map(|person| to_fact(contract, &operator(person)));
    let others = [to_fact(contract, &yuan()), to_fact(contract, &calendar()), to_fact(contract, &day())];
    branches.into_iter().chain(operators).chain(others).collect()
}

fn to_fact<M: Name + Serialize>(contract: &Contract, message: &M) -> Fact {
    let metadata = FactMetadata {
        id: Uuid::from_u128(rand::random()),
        time: SystemClock.now(),
        actor: "M100001".to_owned(),
        correlation_id: Uuid::from_u128(rand::random()),
        traceparent: None,
    };
    contract.fact(message, metadata).expect("the message is a fact of the contract")
}

/// What is in force of a record: its first version.
fn standing(content: Content) -> Vec<BaseRecord> {
    vec![BaseRecord {
        effective_date: FROM.to_owned(),
        version: 1,
        content: Some(content),
        ..BaseRecord::default()
    }]
}

fn branches() -> [BranchChanged; 4] {
    [
        (HEAD_OFFICE, BranchKind::HeadOffice, ""),
        (BRANCH, BranchKind::Branch, HEAD_OFFICE),
        (SUB_BRANCH, BranchKind::SubBranch, BRANCH),
        (OTHER_SUB_BRANCH, BranchKind::SubBranch, BRANCH),
    ]
    .map(|(code, kind, parent)| {
        let branch = Branch {
            code: code.to_owned(),
            title: format!("branch {code}"),
            kind: kind.into(),
            parent: parent.to_owned(),
            closed: false,
        };
        BranchChanged {
            key: code.to_owned(),
            effective_date: FROM.to_owned(),
            version: 1,
            branch: Some(branch.clone()),
            versions: standing(Content::Branch(branch)),
        }
    })
}

fn operator(person: &Person) -> OperatorChanged {
    let branch = person.branches.first().filter(|branch| **branch != "*").unwrap_or(&HEAD_OFFICE);
    let operator = Operator {
        code: person.code.to_owned(),
        title: format!("operator {}", person.code),
        branch: (*branch).to_owned(),
        kind: OperatorKind::Teller.into(),
        suspended: false,
        limits: Vec::new(),
    };
    OperatorChanged {
        key: person.code.to_owned(),
        effective_date: FROM.to_owned(),
        version: 1,
        operator: Some(operator.clone()),
        versions: standing(Content::Operator(operator)),
    }
}

fn yuan() -> CurrencyChanged {
    let currency = Currency {
        code: "CNY".to_owned(),
        numeric_code: "156".to_owned(),
        exponent: 2,
        title: "人民币".to_owned(),
    };
    CurrencyChanged {
        key: "CNY".to_owned(),
        effective_date: FROM.to_owned(),
        version: 1,
        currency: Some(currency.clone()),
        versions: standing(Content::Currency(currency)),
    }
}

fn calendar() -> CalendarYearChanged {
    let calendar = CalendarYear {
        year: 2026,
        holidays: vec!["2026-01-01".to_owned()],
        working_weekends: vec!["2026-01-04".to_owned()],
        source: "made up for tests".to_owned(),
    };
    CalendarYearChanged {
        key: "2026".to_owned(),
        effective_date: FROM.to_owned(),
        version: 1,
        calendar_year: Some(calendar.clone()),
        versions: standing(Content::CalendarYear(calendar)),
    }
}

fn day() -> BusinessDayOpened {
    let business_day = BusinessDay { business_date: DAY.to_owned(), ..BusinessDay::default() };
    BusinessDayOpened { business_date: DAY.to_owned(), business_day: Some(business_day) }
}
