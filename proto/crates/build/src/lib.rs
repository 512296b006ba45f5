//! Compiles a part of the contract, for the build scripts of the crates beside this one: messages and services (tonic, prost), the
//! JSON mapping (pbjson) of what is published on Kafka, and the descriptor set that reflection, policies and facts are read from.

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use prost_reflect::{DescriptorPool, EnumDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value};

/// The contract, from the folder of a crate that compiles a part of it.
const CONTRACT: &str = "../..";

/// What all parts of the contract use is in this crate, and has its JSON mapping whole.
const COMMON: &str = "countinghouse.common.v1";
const COMMON_CRATE: &str = "::proto_common";

/// Every server has this service, beside its own: its policies are read from the same descriptor set, and reflection shows it.
const APPROVAL: &str = "countinghouse.approval.v1";

/// Messages with this option are published, as JSON.
const FACT_OPTION: &str = "countinghouse.event.v1.fact";

/// Compiles these packages, as `countinghouse.accounting.v1`; whatever else they import is in the crate `proto-common`.
pub fn compile(packages: &[&str]) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(CONTRACT);
    writeln!(io::stdout(), "cargo::rerun-if-changed={CONTRACT}/countinghouse")?;
    let mut files = Vec::new();
    let described: BTreeSet<&str> = packages.iter().copied().chain([APPROVAL]).collect();
    for package in described {
        files.extend(files_of(&folder.join(package.replace('.', "/")))?);
    }
    let mut compiler = protox::Compiler::new([folder])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    // Encoded by protox and not by prost, which would drop the policy and fact options.
    let descriptor_set = compiler.encode_file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("contract.bin"), &descriptor_set)?;

    let pool = DescriptorPool::decode(descriptor_set.as_slice())?;
    let others: BTreeSet<String> = pool
        .files()
        .map(|file| file.package_name().to_owned())
        .filter(|package| package.starts_with("countinghouse.") && !packages.contains(&package.as_str()))
        .collect();

    let mut config = prost_build::Config::new();
    config.enable_type_names();
    let mut tonic = tonic_prost_build::configure()
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .bytes(".");
    let mut json = pbjson_build::Builder::new();
    json.register_descriptors(&descriptor_set)?;
    for package in &others {
        let module = package.replacen("countinghouse.", "", 1).replace('.', "::");
        let (package, path) = (format!(".{package}"), format!("{COMMON_CRATE}::{module}"));
        tonic = tonic.extern_path(&package, &path);
        json.extern_path(package, path);
    }
    tonic.compile_fds_with_config(compiler.file_descriptor_set(), config)?;
    let published = published(&pool);
    json.exclude(
        declared(&pool).into_iter().filter(|name| !published.contains(name)).map(|name| format!(".{name}")),
    );
    for package in packages {
        let file = out.join(format!("{package}.rs"));
        let code = fs::read_to_string(&file)? + &rpcs(&pool, package) + &facts(&pool, package);
        fs::write(file, code)?;
    }
    // A package of which nothing is published has no mapping.
    for package in packages {
        fs::write(out.join(format!("{package}.serde.rs")), "")?;
    }
    json.build(&packages.iter().map(|package| format!(".{package}")).collect::<Vec<_>>())?;
    Ok(())
}

/// The files of a package, from the contract's root.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path.strip_prefix(CONTRACT)?.to_path_buf());
        }
    }
    files.sort();
    Ok(files)
}

/// The full names of all messages and enums.
fn declared(pool: &DescriptorPool) -> BTreeSet<String> {
    let messages = pool.all_messages().map(|message| message.full_name().to_owned());
    messages.chain(pool.all_enums().map(|each| each.full_name().to_owned())).collect()
}

/// The full names of what a record on Kafka can hold: facts, and whatever is in them.
fn published(pool: &DescriptorPool) -> BTreeSet<String> {
    let option = pool.get_extension_by_name(FACT_OPTION);
    let is_fact = |message: &MessageDescriptor| {
        option.as_ref().is_some_and(|option| message.options().has_extension(option))
    };
    let is_common = |message: &MessageDescriptor| message.package_name() == COMMON;
    let mut found = BTreeSet::new();
    let mut open: Vec<MessageDescriptor> =
        pool.all_messages().filter(|message| is_fact(message) || is_common(message)).collect();
    while let Some(message) = open.pop() {
        if !found.insert(message.full_name().to_owned()) {
            continue;
        }
        for field in message.fields() {
            match field.kind() {
                Kind::Message(part) => open.push(part),
                Kind::Enum(part) => {
                    found.insert(EnumDescriptor::full_name(&part).to_owned());
                }
                _ => {}
            }
        }
    }
    found
}

/// Says of each request which rpc it is sent to and what is answered, so that a client needs no list of them.
fn rpcs(pool: &DescriptorPool, package: &str) -> String {
    let services = pool.services().filter(|service| service.package_name() == package);
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.map(|method| rpc(&method)).collect()
}

fn rpc(method: &MethodDescriptor) -> String {
    let (request, response) = (method.input(), method.output());
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    format!(
        "impl {COMMON_CRATE}::Rpc for {} {{ type Response = {}; const PATH: &'static str = {path:?}; }}\n",
        request.name(),
        response.name(),
    )
}

/// Says of each fact where it is published and as what, so that its readers do not write that down a second time.
fn facts(pool: &DescriptorPool, package: &str) -> String {
    let Some(option) = pool.get_extension_by_name(FACT_OPTION) else { return String::new() };
    let messages = pool.all_messages().filter(|message| message.package_name() == package);
    let facts = messages.filter(|message| message.options().has_extension(&option));
    facts.map(|message| fact(&message, &message.options().get_extension(&option))).collect()
}

fn fact(message: &MessageDescriptor, option: &Value) -> String {
    let text = |field: &str| {
        let value = option.as_message().and_then(|option| option.get_field_by_name(field));
        value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let (topic, kind) = (text("topic"), text("type"));
    format!(
        "impl {COMMON_CRATE}::Published for {} {{ const TOPIC: &'static str = {topic:?}; const KIND: &'static str = {kind:?}; }}\n",
        message.name(),
    )
}
