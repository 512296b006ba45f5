//! `docs/api/`: for whoever calls the services. A page for each service with its rpcs, and a page for each package with the
//! messages and enums that they share.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use proto_common::common::v1::ApprovalRule;

use testkit::contract::{
    Commented, Contract, HOUSE, Rpc, Service,
    schema::{Parts, map_value},
};

use crate::{
    markdown::{Page, code},
    refusals,
};

const FOLDER: &str = "docs/api";
const MESSAGES: &str = "messages.md";

const INTRODUCTION: &str = "\
The services speak gRPC. Every server offers reflection, so that a client needs no `.proto` file; for a generated client
take them from `proto/`. Messages have the protobuf JSON mapping too.

- **Who calls.** An operator sends a token in the metadata, `authorization: Bearer <JWT>`; another service shows its
  client certificate. The token's roles give permissions, and its scopes the branches in which the operator may act.
- **Permission and scope.** Each rpc below names the permission that it needs. Where it names a scope, that field of the
  request says in which branch the caller acts, and the token must cover that branch.
- **A second person (双人复核).** An rpc that needs one does not run for its maker: it is stored, and refused with reason
  `APPROVAL_REQUIRED` and the approval's name. Another person decides through [ApprovalService](approval.v1/ApprovalService.md);
  the maker then gets the answer by repeating the same request. `validate_only` checks a request without storing it.
- **Repeats.** Whatever changes something takes a `request_id`, a UUID chosen by the caller. A repeat with the same content
  gets the first answer; with other content it is refused.
- **Pages.** Lists answer at most `page_size` items and a `next_page_token`, which is good for the same filter only.
- **Refusals** carry a stable reason in `google.rpc.ErrorInfo`, with domain `countinghouse`; fields at fault are named in
  `google.rpc.BadRequest`. [errors.md](../errors.md) lists all reasons.
- **Amounts** are `Money`, decimal text with a currency. **Dates** are text, `YYYY-MM-DD`, in the bank's zone. **Times** are
  `google.protobuf.Timestamp`, in UTC.";

/// All pages, by path.
pub fn pages(contract: &Contract) -> Result<BTreeMap<String, String>> {
    let mut pages = BTreeMap::from([(format!("{FOLDER}/README.md"), index(contract)?)]);
    for service in contract.services() {
        let path = format!("{FOLDER}/{}", service_path(service));
        pages.insert(path, service_page(service)?);
    }
    for (package, shared) in shared_parts(contract) {
        pages.insert(format!("{FOLDER}/{}/{MESSAGES}", folder(&package)), messages_page(&package, &shared)?);
    }
    Ok(pages)
}

/// A package's folder: its name without the house's.
fn folder(package: &str) -> &str {
    package.trim_start_matches(HOUSE)
}

fn service_path(service: &Service) -> String {
    format!("{}/{}.md", folder(service.descriptor.package_name()), service.descriptor.name())
}

fn index(contract: &Contract) -> Result<String> {
    let mut page = Page::new("The API");
    page.block(INTRODUCTION);
    for (package, services) in &contract.packages {
        page.heading(2, &code(package));
        for service in services {
            let link = service_path(service);
            page.heading(3, &format!("[{}]({link})", service.descriptor.name()));
            page.block(&service.descriptor.comment()?);
            page.table(["Rpc", "What it does", "Permission", "Second person"], &rpc_rows(service, &link)?);
        }
    }
    Ok(page.finish())
}

fn rpc_rows(service: &Service, link: &str) -> Result<Vec<[String; 4]>> {
    let row = |rpc: &Rpc| {
        let second_person = match rpc.policy.approval() {
            ApprovalRule::Unspecified => "",
            ApprovalRule::Always => "always",
            ApprovalRule::OnDemand => "by content",
        };
        let name = rpc.descriptor.name();
        Ok([
            format!("[{name}]({link}#{})", name.to_lowercase()),
            rpc.descriptor.headline()?,
            code(&rpc.policy.permission),
            second_person.to_owned(),
        ])
    };
    service.rpcs.iter().map(row).collect()
}

fn service_page(service: &Service) -> Result<String> {
    let descriptor = &service.descriptor;
    let mut page = Page::new(descriptor.name());
    page.block(&descriptor.comment()?);
    page.block(&format!(
        "`{}`, in [{file}](../../../proto/{file}). [How to call](../README.md).",
        descriptor.full_name(),
        file = descriptor.parent_file().name()
    ));
    page.table(["Rpc", "What it does", "Permission", "Second person"], &rpc_rows(service, "")?);
    for rpc in &service.rpcs {
        rpc_section(&mut page, rpc)?;
    }
    Ok(page.finish())
}

fn rpc_section(page: &mut Page, rpc: &Rpc) -> Result<()> {
    let package = rpc.descriptor.parent_service().package_name().to_owned();
    page.heading(2, rpc.descriptor.name());
    page.block(&rpc.descriptor.comment()?);
    page.properties(&policy(rpc));
    for (part, message) in [("Request", rpc.descriptor.input()), ("Response", rpc.descriptor.output())] {
        page.heading(3, &format!("{part}: {}", message.name()));
        page.block(&message.comment()?);
        field_table(page, &message, &package)?;
    }
    let reasons = refusals::of_rpc(rpc);
    let links: Vec<_> = reasons
        .iter()
        .map(|reason| format!("[`{}`](../../errors.md#{})", reason.name, reason.name.to_lowercase()))
        .collect();
    page.heading(3, &format!("Refusals of {}", rpc.descriptor.name()));
    page.block(&format!("For how it is called: {}.", links.join(", ")));
    page.block("For what it asks: by the rules of its service, [errors.md](../../errors.md).");
    Ok(())
}

fn policy(rpc: &Rpc) -> Vec<(&'static str, String)> {
    let policy = &rpc.policy;
    let scope = match policy.scope_field.as_str() {
        "" => "not bound to a branch".to_owned(),
        field => format!("the branch in `{field}`"),
    };
    let second_person = match policy.approval() {
        ApprovalRule::Unspecified => "not needed".to_owned(),
        ApprovalRule::Always => format!("always, with permission `{}`", policy.checking_permission),
        ApprovalRule::OnDemand => format!(
            "when the service finds from the content that it must, with permission `{}`",
            policy.checking_permission
        ),
    };
    let mut properties = vec![
        ("Path", code(&rpc.path())),
        ("Permission", code(&policy.permission)),
        ("Scope", scope),
        ("Second person", second_person),
    ];
    if rpc.repeats_safely() {
        properties.push(("Repeat", "by `request_id`: the same answer, and no second effect".to_owned()));
    }
    properties
}

/// What a package's rpcs share: all that their requests and responses are made of, but for these themselves.
fn shared_parts(contract: &Contract) -> BTreeMap<String, Parts> {
    let (mut all, mut seen, mut own) = (Parts::default(), BTreeSet::new(), BTreeSet::new());
    for rpc in contract.services().flat_map(|service| &service.rpcs) {
        for message in [rpc.descriptor.input(), rpc.descriptor.output()] {
            own.insert(message.full_name().to_owned());
            all.collect(&message, &mut seen);
        }
    }
    let mut packages: BTreeMap<String, Parts> = BTreeMap::new();
    for message in all.messages.into_iter().filter(|message| !own.contains(message.full_name())) {
        packages.entry(message.package_name().to_owned()).or_default().messages.push(message);
    }
    for part in all.enums {
        packages.entry(part.package_name().to_owned()).or_default().enums.push(part);
    }
    packages
}

fn messages_page(package: &str, parts: &Parts) -> Result<String> {
    let mut page = Page::new(&format!("Messages of {}", folder(package)));
    page.block(&format!("What the requests and responses of the services hold of `{package}`."));
    let (mut messages, mut enums) = (parts.messages.clone(), parts.enums.clone());
    messages.sort_by(|one, other| one.name().cmp(other.name()));
    enums.sort_by(|one, other| one.name().cmp(other.name()));
    for message in &messages {
        page.heading(2, message.name());
        page.block(&message.comment()?);
        field_table(&mut page, message, package)?;
    }
    for part in &enums {
        page.heading(2, part.name());
        page.block(&part.comment()?);
        page.table(["Value", "Number", "Meaning"], &enum_rows(part)?);
    }
    Ok(page.finish())
}

fn enum_rows(descriptor: &EnumDescriptor) -> Result<Vec<[String; 3]>> {
    descriptor.values().map(|v| Ok([code(v.name()), v.number().to_string(), v.comment()?])).collect()
}

fn field_table(page: &mut Page, message: &MessageDescriptor, from_package: &str) -> Result<()> {
    let row = |field: FieldDescriptor| {
        let choice = match field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
            Some(oneof) => format!("One of `{}`: ", oneof.name()),
            None => String::new(),
        };
        Ok([code(field.name()), field_type(&field, from_package), choice + field.comment()?.as_str()])
    };
    let rows = message.fields().map(row).collect::<Result<Vec<_>>>()?;
    if rows.is_empty() {
        page.block("No fields.");
    }
    page.table(["Field", "Type", "Meaning"], &rows);
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        page.block(&format!("`{}`: {} At most one of its fields is set.", oneof.name(), oneof.comment()?));
    }
    Ok(())
}

fn field_type(field: &FieldDescriptor, from_package: &str) -> String {
    if let Some(value) = map_value(field) {
        return format!("map of string to {}", value_type(&value, from_package));
    }
    let value = value_type(field, from_package);
    if field.is_list() {
        format!("list of {value}")
    } else if field.containing_oneof().is_some_and(|oneof| oneof.is_synthetic()) {
        format!("{value}, optional")
    } else {
        value
    }
}

fn value_type(field: &FieldDescriptor, from_package: &str) -> String {
    let link = |package: &str, name: &str| {
        let page = if package == from_package {
            MESSAGES.to_owned()
        } else {
            format!("../{}/{MESSAGES}", folder(package))
        };
        format!("[{name}]({page}#{})", name.to_lowercase())
    };
    match field.kind() {
        Kind::Message(part) if part.full_name().starts_with(HOUSE) => link(part.package_name(), part.name()),
        Kind::Message(part) => code(part.name()),
        Kind::Enum(part) => link(part.package_name(), part.name()),
        scalar => code(&format!("{scalar:?}").to_lowercase()),
    }
}
