//! `make run`: the stack, the services on it, and a banking day; then it stays until it is stopped.

use std::{
    env,
    path::PathBuf,
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use testkit::{
    daemon::{Daemon, Program, Signal},
    services::names,
    stack::Stack,
};
use tokio::{
    net::TcpStream,
    process::Command,
    signal::unix::{SignalKind, signal},
};

use crate::{
    endpoints::{self, Endpoints},
    services,
};

/// A service checks its migrations, loads its memory and listens; on two busy cores that takes seconds.
const SERVICE_START_BOUND: Duration = Duration::from_mins(1);

/// A service drains its requests in flight, within a bound of its own that is shorter.
const SERVICE_STOP_BOUND: Duration = Duration::from_secs(40);

/// Runs it all. With `once` it ends after the day's summary, and says whether every check held.
pub async fn run(stack: &Stack, once: bool) -> Result<ExitCode> {
    let was_up = stack.postgres.is_running() && stack.broker.is_running();
    let outcome = tokio::select! {
        outcome = open(stack, once) => outcome,
        () = interrupted() => Ok(ExitCode::SUCCESS),
    };
    println!("\nStopping.");
    stop_services(stack).await?;
    if !was_up {
        services::down(stack).await?;
    }
    outcome
}

/// Runs `program` of this workspace on `stack` and its services, with where everything is in its environment; then stops what
/// was started.
pub async fn with(stack: &Stack, program: &str, arguments: &[String]) -> Result<ExitCode> {
    let was_up = stack.postgres.is_running() && stack.broker.is_running();
    let outcome = tokio::select! {
        outcome = run_with(stack, program, arguments) => outcome,
        () = interrupted() => Ok(ExitCode::FAILURE),
    };
    println!("\nStopping.");
    stop_services(stack).await?;
    if !was_up {
        services::down(stack).await?;
    }
    outcome
}

async fn run_with(stack: &Stack, program: &str, arguments: &[String]) -> Result<ExitCode> {
    let program = binary(program)?;
    let endpoints = serve(stack, &Progress(Instant::now())).await?;
    let mut command = Command::new(program);
    command.args(arguments).envs(endpoints.iter()).envs(processes(stack)).kill_on_drop(true);
    let ended = command.status().await?;
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The processes of `stack` by name, as `POSTGRES_PID`.
fn processes(stack: &Stack) -> Vec<(String, String)> {
    let services = names().into_iter().map(|service| (service, daemon(stack, service).running()));
    let all = [("postgres", stack.postgres.process()), ("kafka", stack.broker.process())]
        .into_iter()
        .chain(services);
    all.filter_map(|(name, process)| {
        Some((format!("{}_PID", name.to_uppercase()), process?.as_raw_nonzero().to_string()))
    })
    .collect()
}

/// Makes the topics of all services.
pub async fn topics(endpoints: &Endpoints) -> Result<()> {
    for service in names() {
        prepare(service, "topics", endpoints).await?;
    }
    Ok(())
}

/// Stops the services that run on `stack`.
pub async fn stop_services(stack: &Stack) -> Result<()> {
    for service in names() {
        daemon(stack, service).stop(Signal::TERM, SERVICE_STOP_BOUND).await?;
    }
    Ok(())
}

/// The process of `service` on `stack`.
pub fn daemon(stack: &Stack, service: &'static str) -> Daemon {
    Daemon::new(service, stack.folder())
}

/// Starts the stack and the services on it.
async fn serve(stack: &Stack, progress: &Progress) -> Result<Endpoints> {
    progress.say("starting Postgres and Kafka");
    let endpoints = services::up(stack).await?;
    // One that a killed run left behind may be of an older build.
    stop_services(stack).await?;
    // All topics are there before a service follows those of another.
    for service in names() {
        progress.say(&format!("preparing database and topics of {service}"));
        prepare(service, "migrate", &endpoints).await?;
    }
    for service in names() {
        progress.say(&format!("starting {service}"));
        start(stack, service, &endpoints).await?;
    }
    Ok(endpoints)
}

async fn open(stack: &Stack, once: bool) -> Result<ExitCode> {
    let progress = Progress(Instant::now());
    let endpoints = serve(stack, &progress).await?;
    progress.say("opening the bank's books, and running a banking day");
    let day = Command::new(binary("day")?).envs(endpoints.iter()).kill_on_drop(true).status().await?;
    let verdict = if day.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if once {
        return Ok(verdict);
    }
    println!("\nWhere to connect (also in {}):", endpoints::file(stack).display());
    endpoints.show();
    println!("\nIt all stays up until Ctrl-C.");
    std::future::pending().await
}

/// Runs a command of `service` as the owner of its tables.
async fn prepare(service: &'static str, command_name: &str, endpoints: &Endpoints) -> Result<()> {
    let url = endpoints.get(&format!("{}_OWNER_URL", service.to_uppercase()))?;
    let mut command = Command::new(binary(service)?);
    command.arg(command_name).envs(services::settings(service, endpoints)?);
    command.env(services::setting(service, "DATABASE__URL"), url).stdout(Stdio::null());
    let output = command
        .stderr(Stdio::piped())
        .output()
        .await
        .with_context(|| format!("run {service} {command_name}"))?;
    if !output.status.success() {
        bail!("{service} {command_name} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

async fn start(stack: &Stack, service: &'static str, endpoints: &Endpoints) -> Result<()> {
    let daemon = daemon(stack, service);
    let program = Program::new(binary(service)?, vec!["serve".to_owned()]);
    daemon.spawn(&program.with_environment(services::settings(service, endpoints)?))?;
    let address = endpoints.get(&format!("{}_GRPC", service.to_uppercase()))?.to_owned();
    let listens = || {
        let address = address.clone();
        async move { TcpStream::connect(address).await.is_ok() }
    };
    daemon.wait_until_ready(SERVICE_START_BOUND, listens).await
}

/// A program of this workspace, which was built into the folder that this one is in.
fn binary(name: &str) -> Result<PathBuf> {
    let path = env::current_exe()?.with_file_name(name);
    if !path.exists() {
        bail!("{} is not built: run `cargo build --workspace`, or use `make run`", path.display());
    }
    Ok(path)
}

/// Until somebody wants this program to end.
async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

/// Says what is done next, and how long it all has taken.
struct Progress(Instant);

impl Progress {
    fn say(&self, what: &str) {
        println!("[{:5.1} s] {what}", self.0.elapsed().as_secs_f64());
    }
}
