//! The charts: what is generated in them, and how helm renders them.
//!
//! Each service of `services.toml` has a chart. `charts/values.toml` lists the values that every service's chart has,
//! `charts/<service>.toml` what is a service's own, `charts/shared.toml` the bounds of the settings that all share; the settings
//! themselves are in `config/default.toml` of the platform and of the service. From these are made each chart, whole, with its
//! `values.yaml`, `values.schema.json` and alerts, what the umbrella says of its services, and `docs/configuration.md`.
//! `golden/` holds what helm makes of each set of values in [`SETS`]; the tests hold the charts to both.

pub mod alerts;
pub mod chart;
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
