//! Command line of the operator, and the process around the controller.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{health, metrics, shutdown, telemetry};
use crate::config::{self, Config, InvalidConfig, Loaded, Reload, RunArgs, Source, Span};
use crate::connections::{Connection, Connections, Live};
use crate::controller::{self, Hints, Observer, Pace, Vigil};
use crate::copies;
use crate::history::History;
use crate::leader::{self, Ownership, Peers};
use crate::notify::{Notifier, Retries};
use crate::serve::{self, Reports};
use crate::webhooks;

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
    #[command(args_override_self = true)]
    Run(Box<RunArgs>),
}

/// Runs the operator until a signal ends it. The observer is made after logging has started.
pub fn run<O: Observer>(
    args: RunArgs,
    observer: impl FnOnce(&Config, &metrics::Metrics) -> anyhow::Result<O>,
) -> anyhow::Result<()> {
    let start = Start::read(&args)?;
    if args.print_config {
        print!("{}", start.printed(&args)?);
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let traces = telemetry::init(&start.config.logging, &start.config.tracing, runtime.handle())?;
    let result = runtime.block_on(async {
        let counters = metrics::Metrics::new();
        let observer = Arc::new(observer(&start.config, &counters)?);
        // Not on this thread: it is none of the runtime's, and each of its wake-ups would take the kernel.
        tokio::spawn(process(start, observer, counters)).await?
    });
    if let Some(traces) = traces {
        traces.end();
    }
    // What still runs was given its time; it must not keep the process.
    runtime.shutdown_background();
    result
}

/// What the process starts from.
struct Start {
    source: Source,
    config: Config,
    connections: Connections,
    /// The connection of the flags, for where the file has none of its name.
    default: Connection,
}

impl Start {
    fn read(args: &RunArgs) -> Result<Self, InvalidConfig> {
        let source = args.source();
        let default = args.connection().map_err(|error| format!("--github-url or GITHUB_API_URL: {error}"));
        match (source.load(), default) {
            (Ok(Loaded { config, connections }), Ok(default)) => {
                let connections = connections.or_else(default.clone());
                Ok(Self { source, config, connections, default })
            }
            (loaded, default) => {
                let mut wrong: Vec<String> = loaded.err().map(|e| e.0).unwrap_or_default();
                wrong.extend(default.err());
                Err(InvalidConfig(wrong))
            }
        }
    }

    /// The configuration as a file that would have the same effect, but for the token of the environment.
    fn printed(&self, args: &RunArgs) -> anyhow::Result<String> {
        let mut text = serde_saphyr::to_string(&self.config)?;
        if !self.config.connections.iter().any(|c| c.name == self.default.name) {
            let token = args.github_token.as_ref().is_some_and(|t| !t.expose_secret().is_empty());
            text.push_str(&format!(
                "# The connection {} comes from flags or the environment: API of {}, {}, for all namespaces and repositories.\n",
                self.default.name,
                self.default.base.authority(),
                if token { "with a token that is not shown" } else { "without a token" },
            ));
        }
        Ok(text)
    }
}

async fn process(
    start: Start,
    observer: Arc<dyn Observer>,
    counters: metrics::Metrics,
) -> anyhow::Result<()> {
    let Start { source, config, connections, default } = start;
    let end = shutdown::on_signals()?;
    let listener = health::bind(config.listeners.health).await?;
    let address = listener.local_addr()?;
    let state = health::Health::new();
    tokio::spawn(health::serve(listener, state.clone(), counters.clone(), end.child_token()));
    let mut kube = kube::Config::infer().await.map_err(|error| {
        anyhow::anyhow!(
            "cannot find a cluster: {error}; run in a pod with a service account, or set KUBECONFIG"
        )
    })?;
    // So that audit logs and flow schemas tell this client from others.
    let agent = http::HeaderValue::from_static(concat!("testrun-operator/", env!("CARGO_PKG_VERSION")));
    kube.headers.push((http::header::USER_AGENT, agent));
    let client = kube::Client::try_from(kube)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), health = %address, "testrun-operator starts");
    let connections = Live::from(connections);
    if source.file.is_some() {
        let complete = move |loaded: Loaded| loaded.connections.or_else(default.clone());
        let counters = counters.clone();
        let count = move |reload| counters.config_changed(reload == Reload::Applied);
        tokio::spawn(config::follow(
            source,
            config.clone(),
            connections.clone(),
            complete,
            count,
            end.child_token(),
        ));
    }
    let reports = Reports::default();
    // It ends after the controllers, with what their last looks saw.
    let told = CancellationToken::new();
    if let Some(doubt) = config.history.doubt() {
        tracing::warn!("{doubt}");
    }
    let (place, bounds) = (config.history.place(), config.history.bounds());
    let (history, recording) = History::start(place, bounds, counters.clone(), told.clone());
    if let Some(address) = config.listeners.http {
        let site = serve::Site::new(client.clone(), reports.clone(), config.http.audiences.clone());
        let site = site.with_history(history.clone()).with_page(&config.page);
        answer(site, address, &config.http, end.child_token()).await?;
    }
    let hints = Hints::default();
    let ownership = match config.leader_election.enabled {
        false => Ownership::everything(),
        true => Ownership::nothing(config.sharding.shards),
    };
    let (mut peers, mut receiving) = (Peers::new(None), None);
    if let Some(address) = config.listeners.webhooks {
        let listener = webhooks::bind(address).await?;
        let bound = listener.local_addr()?;
        tracing::info!(webhooks = %bound, "receives webhooks");
        let ip = config.listeners.advertise.unwrap_or(bound.ip());
        if config.leader_election.enabled {
            peers = Peers::new(Some((ip, bound.port()).into()));
        }
        let leaders = webhooks::Leaders::new(ownership.clone(), peers.clone());
        let (lead, connections, asks) = ((leaders, ownership.clone()), connections.clone(), observer.clone());
        receiving = Some(receive(listener, lead, &hints, connections, asks, &counters, end.clone()));
    }
    let settings = controller::Config {
        namespace: None,
        connections,
        ownership,
        report_waivers: config.controller.report_waivers,
        pace: Pace {
            poll: config.controller.poll_interval.get(),
            progress: config.controller.progress_interval.map(Span::get),
            refresh: config.controller.refresh_interval.get(),
        },
        vigil: Vigil::default(),
        concurrency: config.controller.concurrency,
        hints,
        sweeps: config.controller.graphql_sweep,
        reports,
        archive: archive(&config),
        attestor: config.attestation.attestor(),
        notifier: Notifier::start(config.events.sinks(), Retries::default(), counters.clone(), &end)?,
        history,
    };
    let leases = leases(&client, &config, &settings.ownership, peers, &counters, &end);
    let work = control(client, &config, settings, observer, state, counters, end);
    tokio::join!(work, leases);
    told.cancel();
    if let Some(recording) = recording {
        let _ = recording.await;
    }
    if let Some(receiving) = receiving {
        // It was told to end together with the controllers, and takes as long as its last delivery.
        let _ = receiving.await;
    }
    tracing::info!("testrun-operator ends");
    Ok(())
}

/// Where artifacts are copied to, if anywhere.
fn archive(config: &Config) -> Option<controller::Archive> {
    let store = Arc::new(copies::Store::new(config.artifacts.place()?));
    Some(controller::Archive { store, bounds: config.artifacts.bounds() })
}

/// Starts to receive webhooks, each of which is a hint for the controllers, and to ask for those that failed.
fn receive(
    listener: TcpListener,
    (leaders, ownership): (webhooks::Leaders, Ownership),
    hints: &Hints,
    connections: Live,
    observer: Arc<dyn Observer>,
    counters: &metrics::Metrics,
    end: CancellationToken,
) -> JoinHandle<()> {
    let stats = webhooks::Stats::default();
    counters.count_deliveries(stats.clone());
    let hints = hints.clone();
    let sink: webhooks::Sink = Arc::new(move |connection, event| hints.tell(connection, event));
    let limits = webhooks::Limits::default();
    let receiver = webhooks::Receiver::among(leaders, connections.clone(), sink, stats, limits);
    let (again, counters) = (receiver.clone(), counters.clone());
    let apps: webhooks::Apps = Arc::new(move |connection| {
        let observer = observer.clone();
        Box::pin(async move { observer.app(&connection).await })
    });
    tokio::spawn(webhooks::redeliver(again, connections, ownership, apps, counters, end.clone()));
    tokio::spawn(webhooks::serve(listener, receiver, end))
}

/// Answers for verdicts over HTTP from now on.
async fn answer(
    site: serve::Site,
    address: SocketAddr,
    settings: &config::Http,
    end: CancellationToken,
) -> anyhow::Result<()> {
    let listener = serve::bind(address).await?;
    let address = listener.local_addr()?;
    let files =
        serve::tls::Files { certificate: settings.certificate_file.clone(), key: settings.key_file.clone() };
    let tls = match files.key.as_os_str().is_empty() {
        true => None,
        false => Some(serve::tls::Tls::follow(files, end.clone())?),
    };
    if tls.is_none() && !address.ip().is_loopback() {
        tracing::warn!("tokens reach {address} in the clear; set http.certificateFile and http.keyFile");
    }
    tracing::info!(http = %address, tls = tls.is_some(), "answers for verdicts over HTTP");
    tokio::spawn(serve::serve(listener, tls, site, end));
    Ok(())
}

/// Runs a controller for all namespaces, or one for each that is listed.
async fn control(
    client: kube::Client,
    config: &Config,
    settings: controller::Config,
    observer: Arc<dyn Observer>,
    state: health::Health,
    counters: metrics::Metrics,
    end: CancellationToken,
) {
    let namespaces: std::collections::BTreeSet<String> =
        config.controller.namespaces.iter().cloned().collect();
    if namespaces.is_empty() {
        return controller::run(client, observer, settings, state, counters, end).await;
    }
    // A controller for each namespace: the rights end at its border, and so does a broken watch.
    let parts: Vec<(String, health::Health)> =
        namespaces.into_iter().map(|n| (n, health::Health::new())).collect();
    state.follow(&parts, end.child_token());
    let runs = parts.into_iter().map(|(namespace, part)| {
        let settings = controller::Config { namespace: Some(namespace), ..settings.clone() };
        controller::run(client.clone(), Arc::clone(&observer), settings, part, counters.clone(), end.clone())
    });
    futures::future::join_all(runs).await;
}

/// Holds Leases until the end, where that is asked for.
fn leases(
    client: &kube::Client,
    config: &Config,
    ownership: &Ownership,
    peers: Peers,
    counters: &metrics::Metrics,
    end: &CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let hold = config.leader_election.enabled.then(|| {
        leader::hold(
            client.clone(),
            config.leader_election.clone(),
            config.sharding.shards,
            ownership.clone(),
            peers,
            counters.clone(),
            end.clone(),
        )
    });
    async move {
        if let Some(hold) = hold {
            hold.await;
        }
    }
}
