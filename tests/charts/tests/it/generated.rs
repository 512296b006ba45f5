//! What is committed is what is generated.

use charts::{chart, files, root, tools::Helm};
use testkit::services;

#[test]
fn charts_and_page_are_as_they_are_made() {
    files::check(&root(), &files::made(&root()).unwrap()).unwrap();
    files::check_links(&root(), &chart::links(services::all())).unwrap();
}

#[test]
fn each_set_of_values_renders_as_it_did() {
    files::check(&root(), &files::rendered(&Helm::installed().unwrap()).unwrap()).unwrap();
}
