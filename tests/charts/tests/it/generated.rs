//! What is committed is what is generated.

use charts::{files, root, tools::Helm};

#[test]
fn values_schemas_and_page_are_as_they_are_made() {
    files::check(&root(), &files::made(&root()).unwrap()).unwrap();
}

#[test]
fn each_set_of_values_renders_as_it_did() {
    files::check(&root(), &files::rendered(&Helm::installed().unwrap()).unwrap()).unwrap();
}
