//! Applies each rule to this work tree.

#![cfg(test)]

use std::collections::BTreeSet;

use tidy::{
    Finding, arrows, contract, links, manifests, migrations, services, size, targets,
    tree::{self, Source},
    words,
};

fn sources() -> Vec<Source> {
    let sources = tree::sources().unwrap();
    assert!(sources.iter().any(|source| source.path == "Cargo.toml"), "the work tree was not found");
    sources
}

fn rust() -> Vec<Source> {
    sources().into_iter().filter(|source| source.path.ends_with(".rs")).collect()
}

#[track_caller]
fn none(findings: impl IntoIterator<Item = Finding>) {
    let lines: Vec<String> = findings.into_iter().map(|finding| finding.to_string()).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn files_and_functions_are_short() {
    none(rust().iter().flat_map(|source| size::check(source).unwrap()));
}

#[test]
fn arrows_between_layers_run_one_way() {
    let names = testkit::services::names();
    none(rust().iter().flat_map(|source| arrows::check(source, &names).unwrap()));
}

#[test]
fn crates_take_versions_and_lints_from_the_workspace_and_services_do_not_meet() {
    let manifests: Vec<Source> =
        sources().into_iter().filter(|source| source.path.ends_with("/Cargo.toml")).collect();
    let services = testkit::services::names();
    none(manifests.iter().flat_map(|manifest| manifests::check(manifest, &services).unwrap()));
}

#[test]
fn every_test_is_run_and_nothing_is_compiled_for_tests_that_are_not_there() {
    let sources = sources();
    let manifests = sources.iter().filter(|source| source.path.ends_with("/Cargo.toml"));
    none(manifests.flat_map(|manifest| targets::check(manifest, &sources).unwrap()));
}

#[test]
fn the_list_of_services_is_whole_and_the_workspace_follows_it() {
    let (sources, names) = (sources(), testkit::services::names());
    let workspace = sources.iter().find(|source| source.path == "Cargo.toml").unwrap();
    let paths: BTreeSet<String> = sources.iter().map(|source| source.path.clone()).collect();
    none(services::unlisted(&paths, &names));
    none(services::members(workspace, &paths, &names).unwrap());
}

#[test]
fn every_rpc_says_who_may_call_it_and_every_change_can_be_repeated() {
    none(contract::check(testkit::contract::pool()));
}

#[test]
fn migrations_are_numbered_without_a_gap() {
    none(migrations::misnumbered(&migrations::migrations(&sources())));
}

#[test]
fn migrations_on_main_are_as_they_were() {
    let main = ["origin/main", "main", "HEAD"]
        .into_iter()
        .find(|name| tree::git(&["rev-parse", "-q", "--verify", name]).is_ok());
    let main = main.expect("a commit to compare with");
    let listing = tree::git(&["ls-tree", "-r", "--name-only", main, "services"]).unwrap();
    let published: Vec<Source> = listing
        .lines()
        .filter(|path| path.ends_with(".sql"))
        .map(|path| Source::new(path, &tree::git(&["show", &format!("{main}:{path}")]).unwrap()))
        .collect();
    none(migrations::edited(&migrations::migrations(&published), &migrations::migrations(&sources())));
}

#[test]
fn nothing_is_left_half_done() {
    none(sources().iter().flat_map(words::unfinished));
}

#[test]
fn lints_are_silenced_with_a_reason_only() {
    none(sources().iter().flat_map(words::silenced_lints));
}

#[test]
fn nothing_names_a_folder_of_one_machine() {
    none(sources().iter().flat_map(words::machine_paths));
}

#[test]
fn files_that_tell_what_a_service_does_say_what_they_are_for() {
    none(sources().iter().flat_map(words::missing_introduction));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let sources = sources();
    let paths: BTreeSet<String> = sources.iter().map(|source| source.path.clone()).collect();
    let documents: Vec<Source> = sources.into_iter().filter(|source| source.path.ends_with(".md")).collect();
    none(links::broken(&documents, &paths));
}
