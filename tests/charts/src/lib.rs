//! The charts: what is generated in them, and how helm renders them.
//!
//! `charts/values.toml` lists the values that every service's chart has, `charts/<service>.toml` what is a service's own, and the
//! service's `config/default.toml` its settings. From these are made each chart's `values.yaml` and `values.schema.json`, those of
//! the umbrella, and `docs/configuration.md`. `golden/` holds what helm makes of each set of values in [`SETS`]; the tests hold the
//! charts to both.

pub mod files;
pub mod form;
pub mod page;
pub mod schema;
pub mod settings;
pub mod tools;
pub mod tree;
pub mod values;
pub mod yaml;

/// The root of the work tree.
pub use testkit::folder::workspace as root;

/// The services that have a chart. A new one is one name here, and one dependency of the umbrella.
pub const SERVICES: &[&str] = &["accounting"];

/// The umbrella.
pub const UMBRELLA: &str = "charts/countinghouse";

/// The release and the namespace that are rendered.
pub const RELEASE: &str = "countinghouse";
pub const NAMESPACE: &str = "bank";

/// A set of values, by the name of its golden file and where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Set {
    pub name: &'static str,
    pub values: &'static str,
}

/// The sets of values that are rendered.
pub const SETS: &[Set] = &[
    Set { name: "minimal", values: "charts/countinghouse/ci/minimal-values.yaml" },
    Set { name: "tls", values: "charts/countinghouse/ci/tls-values.yaml" },
    Set { name: "monitored", values: "charts/countinghouse/ci/monitored-values.yaml" },
    Set { name: "single", values: "charts/countinghouse/ci/single-values.yaml" },
    Set { name: "fenced", values: "charts/countinghouse/ci/fenced-values.yaml" },
    Set { name: "operators", values: "deploy/examples/values.yaml" },
];
