//! `docs/events.md`: for whoever reads the topics. Each topic with its key, an example of each record, and all fields by the
//! path at which a query finds them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use testkit::contract::{
    Commented, Contract, PublishedFact,
    schema::{self, Parts, map_value},
};

use crate::{
    examples,
    markdown::{Page, code},
};

const MONEY: &str = "countinghouse.common.v1.Money";
const TIMESTAMP: &str = "google.protobuf.Timestamp";

const INTRODUCTION: &str = "\
Each service publishes what has happened as facts on Kafka. A record is a CloudEvent 1.0 in binary mode: the headers say what
it is and where it came from, the value is the fact as JSON. No code of ours is needed to read it.

- A fact may be delivered more than once, with the same `ce_id`. Facts of one key come in the order in which they happened.
- A fact speaks for itself: it carries the whole state that it is about, with its version where it has one.
- Names are in lowerCamelCase. **What has its zero value is left out**: an absent text is empty, an absent number is 0, an
  absent truth value is false, an absent list has no items.
- Whole numbers of 64 bits are text (`\"4211\"`), those of 32 bits are numbers. Enums are names.
- `Money` is `{\"currency\": \"CNY\", \"amount\": \"1250.50\"}`: the amount is decimal text; read it as a decimal, never as a float.
- Times are RFC 3339 text in UTC. Dates are text, `YYYY-MM-DD`, in the bank's zone.
- Fields may be added to a fact; a reader ignores those it does not know. A change that breaks readers makes a new topic.

For tools: [asyncapi.json](asyncapi.json) (AsyncAPI 3), and a JSON Schema (2020-12) for each fact under [schemas](schemas).";

/// The page.
pub fn page(contract: &Contract) -> Result<String> {
    let mut page = Page::new("Facts on Kafka");
    page.block(INTRODUCTION);
    page.heading(2, "Headers");
    let headers: Vec<_> = contract.headers.iter().map(|h| [code(&h.name), h.meaning.clone()]).collect();
    page.table(["Header", "What it says"], &headers);
    page.heading(2, "Topics");
    page.table(["Topic", "Facts", "Key", "Compacted"], &topic_rows(contract));
    for facts in contract.topics() {
        topic_section(&mut page, facts)?;
    }
    page.heading(2, "Enums");
    enum_sections(&mut page, contract)?;
    Ok(page.finish())
}

fn topic_rows(contract: &Contract) -> Vec<[String; 4]> {
    let row = |facts: &&[PublishedFact]| {
        let topic = &facts[0];
        let names: Vec<_> = facts.iter().map(|fact| fact.message.name()).collect();
        let link = format!("[`{}`](#{})", topic.topic, topic.topic.replace('.', ""));
        [link, names.join(", "), code(topic.key.json_name()), yes_or_no(topic.compacted)]
    };
    contract.topics().iter().map(row).collect()
}

fn topic_section(page: &mut Page, facts: &[PublishedFact]) -> Result<()> {
    let topic = &facts[0];
    page.heading(2, &topic.topic);
    let compaction = if topic.compacted {
        "compacted: the last record of each key is its present state, and stays for ever"
    } else {
        "not compacted: every record stays for the time that the installation keeps records"
    };
    let key = topic.key.comment()?;
    page.properties(&[
        ("Published by", format!("{} (`ce_source` `{}`)", topic.service(), topic.source())),
        ("Key", format!("`{}`: {}", topic.key.json_name(), key.trim_start_matches("The key: "))),
        ("Retention", compaction.to_owned()),
    ]);
    for fact in facts {
        fact_section(page, fact)?;
    }
    Ok(())
}

fn fact_section(page: &mut Page, fact: &PublishedFact) -> Result<()> {
    page.heading(3, fact.message.name());
    page.block(&fact.message.comment()?);
    page.block(&format!("`ce_type` `{}`. [Schema]({}).", fact.kind, schema::path_in_docs(fact)));
    let example = examples::of(fact)?;
    let mut record = vec![format!("topic: {}", example.fact.topic), format!("key: {}", example.fact.key)];
    record.extend(example.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    page.code("yaml", &record.join("\n"));
    page.code("json", &example.value);
    let mut rows = Vec::new();
    field_rows(&fact.message, "", &mut Vec::new(), &mut rows)?;
    page.table(["Path", "Type", "Meaning"], &rows);
    Ok(())
}

/// A row for each field that holds a value, at any depth.
fn field_rows(
    message: &MessageDescriptor,
    prefix: &str,
    above: &mut Vec<String>,
    rows: &mut Vec<[String; 3]>,
) -> Result<()> {
    above.push(message.full_name().to_owned());
    for field in message.fields() {
        let path = format!("{prefix}{}{}", field.json_name(), if field.is_list() { "[]" } else { "" });
        rows.push([code(&path), json_type(&field), field.comment()?]);
        if let Kind::Message(part) = field.kind() {
            let is_leaf = field.is_map() || matches!(part.full_name(), MONEY | TIMESTAMP);
            if !is_leaf && !above.iter().any(|name| name == part.full_name()) {
                field_rows(&part, &format!("{path}."), above, rows)?;
            }
        }
    }
    above.pop();
    Ok(())
}

fn json_type(field: &FieldDescriptor) -> String {
    if let Some(value) = map_value(field) {
        return format!("object of {}", json_type(&value));
    }
    match field.kind() {
        Kind::Message(part) if part.full_name() == TIMESTAMP => "time".to_owned(),
        Kind::Message(part) if part.full_name() == MONEY => "Money".to_owned(),
        Kind::Message(_) => "object".to_owned(),
        Kind::Enum(part) => format!("[{}](#{})", part.name(), part.name().to_lowercase()),
        Kind::Bool => "boolean".to_owned(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => {
            "integer as text".to_owned()
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32 => "integer".to_owned(),
        Kind::Bytes => "base64 text".to_owned(),
        Kind::String => "text".to_owned(),
        Kind::Double | Kind::Float => "number".to_owned(),
    }
}

fn enum_sections(page: &mut Page, contract: &Contract) -> Result<()> {
    let (mut parts, mut seen) = (Parts::default(), BTreeSet::new());
    for fact in &contract.facts {
        parts.collect(&fact.message, &mut seen);
    }
    let by_name: BTreeMap<String, EnumDescriptor> =
        parts.enums.into_iter().map(|part| (part.name().to_owned(), part)).collect();
    for (name, part) in by_name {
        page.heading(3, &name);
        page.block(&part.comment()?);
        let rows = part
            .values()
            .filter(|value| value.number() != 0)
            .map(|value| Ok([code(value.name()), value.comment()?]))
            .collect::<Result<Vec<_>>>()?;
        page.table(["Value", "Meaning"], &rows);
    }
    Ok(())
}

fn yes_or_no(truth: bool) -> String {
    if truth { "yes" } else { "no" }.to_owned()
}
