//! The whole contract, read from its sources: services with their policies, facts with their topics, and the comments on all of
//! it. A comment or an option that is missing is an error here, so that no document is ever written with a gap in it. For tests,
//! that what is really sent keeps it ([`assert_matches_event`]); for documents, its shapes ([`schema`]).

mod asserts;
pub mod json;
pub mod schema;

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use anyhow::{Context, Result, bail, ensure};
use prost_reflect::{
    DescriptorPool, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FileDescriptor, Kind,
    MessageDescriptor, MethodDescriptor, OneofDescriptor, ServiceDescriptor,
};
use proto_common::{
    common::v1::{ApprovalRule, Policy},
    options,
};

use crate::folder;

/// What every package's name begins with.
pub const HOUSE: &str = "countinghouse.";

const ENVELOPE: &str = "countinghouse.event.v1.Envelope";

pub use asserts::{assert_matches_event, matches_event};

/// The contract of this work tree, compiled from its sources.
pub fn pool() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        compile(&folder::workspace().join("proto"))
            .expect("invariant: the contract compiles (the build has compiled it)")
    });
    &POOL
}

fn compile(root: &Path) -> Result<DescriptorPool> {
    let mut files = Vec::new();
    let mut folders = vec![root.join("countinghouse")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                files.push(path.strip_prefix(root)?.to_path_buf());
            }
        }
    }
    files.sort();
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    Ok(DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice())?)
}

/// The contract.
#[derive(Debug)]
pub struct Contract {
    /// The services of each package, by the package's name.
    pub packages: BTreeMap<String, Vec<Service>>,
    /// The facts, by topic, in the order in which they are declared.
    pub facts: Vec<PublishedFact>,
    /// The headers of every record.
    pub headers: Vec<RecordHeader>,
}

/// A gRPC service.
#[derive(Debug)]
pub struct Service {
    pub descriptor: ServiceDescriptor,
    pub rpcs: Vec<Rpc>,
}

/// A call of a service.
#[derive(Debug)]
pub struct Rpc {
    pub descriptor: MethodDescriptor,
    pub policy: Policy,
}

/// A message that is sent as the value of a record.
#[derive(Debug)]
pub struct PublishedFact {
    pub message: MessageDescriptor,
    /// The topic by its contract name.
    pub topic: String,
    /// The `ce_type` header.
    pub kind: String,
    /// The field of the message that is the record's key.
    pub key: FieldDescriptor,
    /// Whether the last record of each key is its present state.
    pub compacted: bool,
}

/// A header that every record carries.
#[derive(Debug)]
pub struct RecordHeader {
    /// Its name on the wire, for example `ce_id`.
    pub name: String,
    /// What it says.
    pub meaning: String,
}

impl Contract {
    /// The contract of this work tree.
    pub fn shipped() -> Result<Contract> {
        Contract::of(pool())
    }

    /// Reads a contract.
    pub fn of(pool: &DescriptorPool) -> Result<Contract> {
        let mut packages: BTreeMap<String, Vec<Service>> = BTreeMap::new();
        for service in pool.services() {
            let package = packages.entry(service.package_name().to_owned()).or_default();
            package.push(Service::read(service)?);
        }
        let mut facts = pool
            .all_messages()
            .filter_map(|message| PublishedFact::read(message).transpose())
            .collect::<Result<Vec<_>>>()?;
        facts.sort_by(|one, other| one.topic.cmp(&other.topic));
        let envelope =
            pool.get_message_by_name(ENVELOPE).with_context(|| format!("no message {ENVELOPE}"))?;
        let headers = envelope.fields().map(|field| RecordHeader::read(&field)).collect::<Result<_>>()?;
        Ok(Contract { packages, facts, headers })
    }

    /// All services.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.packages.values().flatten()
    }

    /// The fact of a topic that has this `ce_type`.
    pub fn fact(&self, topic: &str, kind: &str) -> Option<&PublishedFact> {
        self.facts.iter().find(|fact| fact.topic == topic && fact.kind == kind)
    }

    /// The topics, each with its facts.
    pub fn topics(&self) -> Vec<&[PublishedFact]> {
        self.facts.chunk_by(|one, other| one.topic == other.topic).collect()
    }
}

impl Service {
    fn read(descriptor: ServiceDescriptor) -> Result<Service> {
        let rpcs = descriptor.methods().map(Rpc::read).collect::<Result<_>>()?;
        Ok(Service { descriptor, rpcs })
    }
}

impl Rpc {
    fn read(descriptor: MethodDescriptor) -> Result<Rpc> {
        let policy = options::policy(&descriptor)
            .with_context(|| format!("{} does not say who may call it", descriptor.full_name()))?;
        ensure!(!policy.permission.is_empty(), "the policy of {} has no permission", descriptor.full_name());
        Ok(Rpc { descriptor, policy })
    }

    /// The path on the wire, `/package.Service/Method`.
    pub fn path(&self) -> String {
        format!("/{}/{}", self.descriptor.parent_service().full_name(), self.descriptor.name())
    }

    /// Whether the request carries an id by which a repeat is known.
    pub fn repeats_safely(&self) -> bool {
        self.descriptor.input().get_field_by_name("request_id").is_some()
    }

    /// Whether the answer comes in pages.
    pub fn is_paged(&self) -> bool {
        self.descriptor.input().get_field_by_name("page_token").is_some()
    }

    /// Whether a second person may have to agree.
    pub fn may_need_approval(&self) -> bool {
        self.policy.approval() != ApprovalRule::Unspecified
    }
}

impl PublishedFact {
    fn read(message: MessageDescriptor) -> Result<Option<PublishedFact>> {
        let Some(fact) = options::fact(&message) else { return Ok(None) };
        let name = message.full_name();
        ensure!(
            fact.r#type == format!("{}.{}", fact.topic, message.name()),
            "type of {name} is not topic.Name"
        );
        let key = message
            .get_field_by_name(&fact.key_field)
            .filter(|field| field.kind() == Kind::String && !field.is_list())
            .with_context(|| format!("key_field {} of {name} is not a string field of it", fact.key_field))?;
        Ok(Some(PublishedFact {
            key,
            topic: fact.topic,
            kind: fact.r#type,
            compacted: fact.compacted,
            message,
        }))
    }

    /// The service that publishes it, as in its topic `countinghouse.<service>.<aggregate>.v1`.
    pub fn service(&self) -> &str {
        self.topic.split('.').nth(1).unwrap_or_default()
    }

    /// The `ce_source` header.
    pub fn source(&self) -> String {
        format!("/countinghouse/{}", self.service())
    }
}

impl RecordHeader {
    /// A header's comment in `envelope.proto` is its name on the wire, a colon, and what it says.
    fn read(field: &FieldDescriptor) -> Result<RecordHeader> {
        let comment = field.comment()?;
        let named = comment.strip_prefix('`').and_then(|rest| rest.split_once("`: "));
        let Some((name, meaning)) = named else {
            bail!("the comment on {} names no header", field.full_name())
        };
        Ok(RecordHeader { name: name.to_owned(), meaning: capitalised(meaning) })
    }
}

/// What carries a comment in the contract.
pub trait Commented {
    /// The comment: its lines joined, paragraphs kept.
    fn comment(&self) -> Result<String>;

    /// The comment's first sentence.
    fn headline(&self) -> Result<String> {
        let comment = self.comment()?;
        let first = comment.split("\n\n").next().unwrap_or_default();
        Ok(first.split_once(". ").map_or_else(|| first.to_owned(), |(sentence, _)| format!("{sentence}.")))
    }
}

macro_rules! commented {
    ($($descriptor:ty => $file:expr;)*) => {
        $(impl Commented for $descriptor {
            fn comment(&self) -> Result<String> {
                let file: fn(&$descriptor) -> FileDescriptor = $file;
                comment_at(&file(self), self.path())
                    .with_context(|| format!("{} has no comment", self.full_name()))
            }
        })*
    };
}

commented! {
    ServiceDescriptor => ServiceDescriptor::parent_file;
    MethodDescriptor => |method| method.parent_service().parent_file();
    MessageDescriptor => MessageDescriptor::parent_file;
    FieldDescriptor => |field| field.parent_message().parent_file();
    OneofDescriptor => |oneof| oneof.parent_message().parent_file();
    EnumDescriptor => EnumDescriptor::parent_file;
    EnumValueDescriptor => |value| value.parent_enum().parent_file();
}

fn comment_at(file: &FileDescriptor, path: &[i32]) -> Option<String> {
    let locations = &file.file_descriptor_proto().source_code_info.as_ref()?.location;
    let comment = locations.iter().find(|location| location.path == path)?.leading_comments.as_deref()?;
    let paragraphs: Vec<String> = comment
        .split("\n\n")
        .map(|paragraph| paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned())
        .filter(|paragraph| !paragraph.is_empty())
        .collect();
    (!paragraphs.is_empty()).then(|| paragraphs.join("\n\n"))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
