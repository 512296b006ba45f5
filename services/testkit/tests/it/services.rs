//! The list of services.

use testkit::services;

fn entry(name: &str) -> String {
    format!("[[service]]\nname = \"{name}\"\ntitle = \"T\"\ntitle_zh = \"中\"\npurpose = \"p\"\n")
}

#[test]
fn the_list_has_accounting_first() {
    assert_eq!(services::names().first(), Some(&"accounting"));
}

#[test]
fn a_name_that_is_not_good_for_everything_is_refused() {
    assert_eq!(services::parse(&(entry("vault") + &entry("risk"))).unwrap().len(), 2);
    for name in ["", "Vault", "cash-vault", "vault2", "averyveryverylongname"] {
        assert!(services::parse(&entry(name)).is_err(), "{name}");
    }
    assert!(services::parse(&(entry("vault") + &entry("vault"))).is_err());
    assert!(services::parse(&(entry("vault") + "port = 1\n")).is_err());
}
