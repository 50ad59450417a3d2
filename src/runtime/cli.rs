//! Command line of the operator, and the process around the controller.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use secrecy::{ExposeSecret, SecretString};

use super::telemetry::LogFormat;
use super::{health, metrics, shutdown, telemetry};
use crate::api::DEFAULT_CONNECTION;
use crate::connections::{self, Connection, Connections, Own};
use crate::controller::{self, Observer, Pace};
use crate::github::ApiBase;

/// Kubernetes operator that turns the CI results of a commit into a TestRunReport.
#[derive(Parser, Debug)]
#[command(name = "testrun-operator", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run the controller until SIGTERM or SIGINT
    Run(RunArgs),
}

/// Settings of the controller.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// Look only at reports of these namespaces, separated by commas [default: all]
    #[arg(
        long,
        env = "TESTRUN_NAMESPACES",
        alias = "namespace",
        value_delimiter = ',',
        value_name = "NAMESPACE"
    )]
    pub namespaces: Vec<String>,
    /// API of GitHub; https://HOST/api/v3 for GitHub Enterprise Server
    #[arg(long, env = "GITHUB_API_URL", default_value = "https://api.github.com")]
    pub github_url: String,
    /// File with connections: hosts, credentials, and who may use them
    #[arg(long, env = "TESTRUN_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Token for reports without a Secret; better given by the environment than by the flag
    #[arg(long, env = "GITHUB_TOKEN", hide_env_values = true, value_parser = token)]
    pub github_token: Option<SecretString>,
    /// Time between two looks while jobs run
    #[arg(long, env = "TESTRUN_POLL_INTERVAL", default_value = "30s", value_parser = interval)]
    pub poll_interval: Duration,
    /// Time between two looks at a final verdict
    #[arg(long, env = "TESTRUN_REFRESH_INTERVAL", default_value = "10m", value_parser = interval)]
    pub refresh_interval: Duration,
    /// Ask GitHub for everything anew, instead of whether what is known has changed
    #[arg(long, env = "TESTRUN_NO_CONDITIONAL_REQUESTS")]
    pub no_conditional_requests: bool,
    /// Most reports that are looked at at the same time
    #[arg(long, env = "TESTRUN_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// Address of /healthz, /readyz and /metrics
    #[arg(long, env = "TESTRUN_HEALTH_ADDR", default_value = "0.0.0.0:8081")]
    pub health_addr: SocketAddr,
    /// Form of the log on standard error
    #[arg(long, env = "TESTRUN_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// What is logged, for example info or warn,testrun_operator=debug
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    pub log_level: String,
}

/// The connections of the file, and the default one of the flags where the file has none of its name.
fn connections(args: &RunArgs) -> anyhow::Result<Connections> {
    let all = match &args.config {
        Some(path) => connections::read(path)?,
        None => Connections::default(),
    };
    let token = args.github_token.clone().filter(|t| !t.expose_secret().is_empty());
    let own = token.map_or(Own::None, Own::Token);
    Ok(all.or_else(Connection::open(DEFAULT_CONNECTION, ApiBase::parse(&args.github_url)?, own)))
}

/// Runs the operator until a signal ends it. The observer is made after logging has started.
pub fn run<O: Observer>(
    args: RunArgs,
    observer: impl FnOnce(&RunArgs, &metrics::Metrics) -> anyhow::Result<O>,
) -> anyhow::Result<()> {
    telemetry::init(args.log_format, &args.log_level)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let counters = metrics::Metrics::new();
        let observer = Arc::new(observer(&args, &counters)?);
        process(args, observer, counters).await
    });
    // What still runs was given its time; it must not keep the process.
    runtime.shutdown_background();
    result
}

async fn process(
    args: RunArgs,
    observer: Arc<dyn Observer>,
    counters: metrics::Metrics,
) -> anyhow::Result<()> {
    let end = shutdown::on_signals()?;
    let listener = health::bind(args.health_addr).await?;
    let address = listener.local_addr()?;
    let state = health::Health::new();
    tokio::spawn(health::serve(listener, state.clone(), counters.clone(), end.child_token()));
    let connections = Arc::new(connections(&args)?);
    let mut config = kube::Config::infer().await.map_err(|error| {
        anyhow::anyhow!(
            "cannot find a cluster: {error}; run in a pod with a service account, or set KUBECONFIG"
        )
    })?;
    // So that audit logs and flow schemas tell this client from others.
    let agent = http::HeaderValue::from_static(concat!("testrun-operator/", env!("CARGO_PKG_VERSION")));
    config.headers.push((http::header::USER_AGENT, agent));
    let client = kube::Client::try_from(config)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), health = %address, "testrun-operator starts");
    let config = controller::Config {
        namespace: None,
        connections,
        pace: Pace { poll: args.poll_interval, refresh: args.refresh_interval },
        concurrency: args.concurrency,
    };
    let namespaces: BTreeSet<String> = args.namespaces.into_iter().filter(|n| !n.is_empty()).collect();
    if namespaces.is_empty() {
        controller::run(client, observer, config, state, counters, end).await;
    } else {
        // A controller for each namespace: the rights end at its border, and so does a broken watch.
        let parts: Vec<(String, health::Health)> =
            namespaces.into_iter().map(|n| (n, health::Health::new())).collect();
        state.follow(&parts, end.child_token());
        let runs = parts.into_iter().map(|(namespace, part)| {
            let config = controller::Config { namespace: Some(namespace), ..config.clone() };
            controller::run(
                client.clone(),
                Arc::clone(&observer),
                config,
                part,
                counters.clone(),
                end.clone(),
            )
        });
        futures::future::join_all(runs).await;
    }
    tracing::info!("testrun-operator ends");
    Ok(())
}

/// A duration such as `30s`, `10m` or `1h30m`, of at least a second.
fn interval(text: &str) -> Result<Duration, String> {
    let expected = || format!("{text:?} must be a duration of 1s to 24h, such as 30s or 10m");
    let span: jiff::SignedDuration = text.parse().map_err(|_| expected())?;
    let duration = Duration::try_from(span).map_err(|_| expected())?;
    let sane = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);
    if sane.contains(&duration) { Ok(duration) } else { Err(expected()) }
}

/// A token, without the line end that files and shells leave; an empty variable means none.
fn token(text: &str) -> Result<SecretString, String> {
    let text = text.trim();
    if text.chars().any(|c| !c.is_ascii_graphic()) {
        return Err("the token must be one line of printable characters".to_owned());
    }
    Ok(SecretString::from(text))
}
