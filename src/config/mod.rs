//! What the administrator decides: one typed configuration of file, environment and flags.
//!
//! `load` puts the three together (flags win over the environment, that over the file, that over the
//! defaults) and says everything that is wrong at once; `reload` notices a changed file. The doc
//! comments here are the reference in docs/configuration.md.

mod artifacts;
mod attestation;
mod connections;
mod events;
mod flags;
mod history;
mod http;
mod load;
mod page;
mod reload;
mod span;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::github::Pace;
pub use artifacts::Artifacts;
pub use attestation::Attestation;
pub use connections::{App, Entry};
pub use events::{Events, Sink};
pub use flags::{OVERRIDES, RunArgs};
pub use history::{History, Store};
pub use http::Http;
pub use load::{InvalidConfig, Loaded, Source};
pub use page::Page;
pub use reload::{Reload, follow};
pub use span::Span;

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// Hosts of GitHub, the operator's credentials for them, and who may use them. Changes are taken over
    /// while the operator runs.
    pub connections: Vec<Entry>,
    /// What is looked at, and how often.
    pub controller: Controller,
    /// Addresses that the operator listens on.
    pub listeners: Listeners,
    /// Verdicts over HTTP, where `listeners.http` is set.
    pub http: Http,
    /// A page that people look at, where `listeners.http` is set.
    pub page: Page,
    /// CloudEvents over HTTP for each change of a verdict.
    pub events: Events,
    /// Where results of past commits are kept, and how much of them.
    pub history: History,
    /// Copies of artifacts in a store of one's own, which keeps them longer than GitHub does.
    pub artifacts: Artifacts,
    /// Verdicts as signed statements, where reports ask for them.
    pub attestation: Attestation,
    /// What is logged, on standard error.
    pub logging: Logging,
    /// Several replicas, of which one works and the others wait.
    pub leader_election: LeaderElection,
    /// Several replicas that work at the same time, each on its share of the namespaces.
    pub sharding: Sharding,
    /// Traces for OpenTelemetry.
    pub tracing: Tracing,
}

/// What is looked at, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Controller {
    /// Namespaces whose reports are looked at, each with a watch and rights of its own. Empty: all.
    pub namespaces: Vec<String>,
    /// How soon it is noticed that a run has ended, where no webhook tells: time between two questions to a
    /// repository with undecided reports, 1s to 24h.
    pub poll_interval: Span,
    /// Time between two looks at the jobs of a running commit, 1s to 24h. Default: growing gaps of 4 to 40
    /// times `pollInterval`, because each look at them costs a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_interval: Option<Span>,
    /// How soon it is noticed that something followed a final verdict, where no webhook tells, 1s to 24h. The
    /// older the verdict, the longer.
    pub refresh_interval: Span,
    /// Most reports that are looked at at the same time, 1 to 256.
    pub concurrency: u16,
    /// Ask GitHub whether what is known has changed, instead of for everything anew.
    pub conditional_requests: bool,
    /// Ask GitHub's GraphQL API, which has a limit of its own, how far the undecided commits of a repository are,
    /// fifty in a request, and read lists only where that shows news. Worth it where many runs end all the time.
    pub graphql_sweep: bool,
    /// Waivers in the specs of reports count. If not, only those of `TestRunWaiver` objects do, so that who writes
    /// a report cannot excuse its failures.
    pub report_waivers: bool,
    /// Most requests to GitHub a minute for one credential. GitHub.com refuses more than 900 points; 0 is no
    /// bound, for a server of one's own that has none.
    pub requests_per_minute: u32,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            namespaces: Vec::new(),
            poll_interval: Span::seconds(30),
            progress_interval: None,
            refresh_interval: Span::seconds(600),
            concurrency: 8,
            conditional_requests: true,
            graphql_sweep: false,
            report_waivers: true,
            requests_per_minute: Pace::default().per_minute,
        }
    }
}

/// Addresses that the operator listens on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Listeners {
    /// Address of `/healthz`, `/readyz` and `/metrics`.
    #[schemars(with = "String")]
    pub health: SocketAddr,
    /// Address of the receiver of webhooks, `POST /webhooks/CONNECTION`. Default: none are received.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub webhooks: Option<SocketAddr>,
    /// IP address by which other replicas send webhooks on to this one: that of the pod. Default: that of `webhooks`.
    /// Needed where several replicas receive webhooks on all addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub advertise: Option<IpAddr>,
    /// Address of verdicts over HTTP, such as `0.0.0.0:8443`. Default: none.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
}

impl Default for Listeners {
    fn default() -> Self {
        Self { health: (Ipv4Addr::UNSPECIFIED, 8081).into(), webhooks: None, advertise: None, http: None }
    }
}

/// What is logged, on standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Logging {
    /// Form of a line: `text` for people, or `json`, one object a line.
    pub format: LogFormat,
    /// What is logged, for example `info` or `warn,testrun_operator=debug`.
    pub level: String,
}

impl Default for Logging {
    fn default() -> Self {
        Self { format: LogFormat::default(), level: "info".to_owned() }
    }
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Several replicas, of which one works and the others wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LeaderElection {
    /// Work only while a Lease is held. Needed for more than one replica.
    pub enabled: bool,
    /// Namespace of the Leases. Empty: that of the pod.
    pub namespace: String,
    /// Name of the Lease; shards add their number to it.
    pub lease_name: String,
    /// How long a Lease is valid that nobody renews: the longest pause after a crash.
    pub lease_duration: Span,
    /// How long the holder tries to renew before it stops working; shorter than `leaseDuration`, so that it
    /// has stopped before another can start.
    pub renew_deadline: Span,
    /// Time between two tries to take or renew a Lease.
    pub retry_period: Span,
}

impl Default for LeaderElection {
    fn default() -> Self {
        Self {
            enabled: false,
            namespace: String::new(),
            lease_name: "testrun-operator".to_owned(),
            lease_duration: Span::seconds(15),
            renew_deadline: Span::seconds(10),
            retry_period: Span::seconds(2),
        }
    }
}

/// Several replicas that work at the same time, each on its share of the namespaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Sharding {
    /// How many shares the namespaces are divided into, 1 to 64, by a hash of their names; each has a Lease
    /// of its own. Must be the same for all replicas; more than one needs `leaderElection.enabled`.
    pub shards: u16,
}

impl Default for Sharding {
    fn default() -> Self {
        Self { shards: 1 }
    }
}

/// Traces for OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Tracing {
    /// Address of a collector that takes OTLP over HTTP, for example `http://otel-collector:4318`. Empty: no
    /// traces.
    pub endpoint: String,
    /// Share of the traces that are sent, 0 to 1.
    pub sample_ratio: f64,
}

impl Default for Tracing {
    fn default() -> Self {
        Self { endpoint: String::new(), sample_ratio: 1.0 }
    }
}
