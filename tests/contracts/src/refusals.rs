//! `docs/errors.md`: every reason for which a call, or an item of one, is refused.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use platform::{
    call::code_name,
    refusal::{Reason, code as code_of, reasons},
};

use testkit::contract::Rpc;

use crate::markdown::{Page, code};

const INTRODUCTION: &str = "\
A call that is refused ends with a gRPC status whose details say what a program needs to know: `google.rpc.ErrorInfo` with the
reason (one of those below, stable for ever), the domain `countinghouse` and the values that the reason speaks of;
`google.rpc.BadRequest` with each field at fault; `google.rpc.PreconditionFailure` when the state of something forbids it;
`google.rpc.RetryInfo` when the same call may succeed later. An item of a batch is refused with the same reasons, in its result.

A **refusal** is what the caller can act on. A fault of ours is `INTERNAL`, or `UNAVAILABLE` when it passes by itself; it says
nothing but a correlation id, by which operations find it in the logs.";

/// The reasons of one part of the house.
#[derive(Debug)]
pub struct Registry {
    pub title: &'static str,
    pub reasons: Vec<&'static Reason>,
}

/// Where reasons come from: what all services share, then each service.
pub fn registries() -> [Registry; 4] {
    [
        Registry { title: "Every service", reasons: reasons::ALL.to_vec() },
        Registry { title: "Base data", reasons: basedata::refusal::Rule::REASONS.to_vec() },
        Registry { title: "Accounting", reasons: accounting::error::reasons().collect() },
        Registry { title: "Voucher", reasons: voucher::domain::refusal::Rule::REASONS.to_vec() },
    ]
}

/// The page of all reasons.
pub fn page(registries: &[Registry]) -> Result<String> {
    check(registries)?;
    let mut page = Page::new("Refusals");
    page.block(INTRODUCTION);
    for registry in registries {
        page.heading(2, registry.title);
        let mut sorted = registry.reasons.clone();
        sorted.sort_by_key(|reason| reason.name);
        let rows: Vec<_> = sorted.iter().map(|reason| row(reason)).collect();
        page.table(["Reason", "Code", "Meaning", "What to do"], &rows);
    }
    Ok(page.finish())
}

fn row(reason: &Reason) -> [String; 4] {
    let anchor = format!("<a id=\"{}\"></a>", reason.name.to_lowercase());
    [
        anchor + code(reason.name).as_str(),
        code(code_name(code_of(reason.kind))),
        reason.meaning.to_owned(),
        reason.remedy.to_owned(),
    ]
}

/// Reasons differ by name, in the form of `ErrorInfo.reason`, and each says what it means and what to do.
fn check(registries: &[Registry]) -> Result<()> {
    let mut names = BTreeSet::new();
    for reason in registries.iter().flat_map(|registry| &registry.reasons) {
        ensure!(is_screaming_snake_case(reason.name), "{} is not in SCREAMING_SNAKE_CASE", reason.name);
        ensure!(names.insert(reason.name), "{} is there twice", reason.name);
        ensure!(!reason.meaning.is_empty(), "{} has no meaning", reason.name);
        ensure!(!reason.remedy.is_empty(), "{} does not say what to do", reason.name);
    }
    Ok(())
}

fn is_screaming_snake_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.split('_').all(|word| !word.is_empty())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// The reasons that an rpc has from the way in which it is called.
pub fn of_rpc(rpc: &Rpc) -> Vec<&'static Reason> {
    let mut found = vec![&reasons::UNAUTHENTICATED, &reasons::TOKEN_EXPIRED, &reasons::PERMISSION_DENIED];
    if !rpc.policy.scope_field.is_empty() {
        found.push(&reasons::SCOPE_DENIED);
    }
    found.extend([&reasons::FIELD_INVALID, &reasons::REQUEST_TOO_LARGE]);
    if rpc.repeats_safely() {
        found.extend([&reasons::REQUEST_ID_MISSING, &reasons::REQUEST_ID_REUSED]);
    }
    if rpc.may_need_approval() {
        found.extend([&reasons::APPROVAL_REQUIRED, &reasons::APPROVAL_REJECTED, &reasons::APPROVAL_EXPIRED]);
    }
    if rpc.is_paged() {
        found.extend([&reasons::PAGE_SIZE_INVALID, &reasons::PAGE_TOKEN_INVALID]);
    }
    found.extend([&reasons::DEADLINE_EXCEEDED, &reasons::OVERLOADED, &reasons::SHUTTING_DOWN]);
    found
}
