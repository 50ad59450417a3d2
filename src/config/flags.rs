//! Flags and environment variables of `testrun-operator run`.
//!
//! A flag has no default of its own: what is not given comes from the file, or from the type.

use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{LogFormat, Source, Store};
use crate::api::DEFAULT_CONNECTION;
use crate::connections::{Connection, Own, Signing};
use crate::github::{ApiBase, GITHUB_COM, InvalidBase};

/// Settings of the controller; each also has an entry in the configuration file.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// Configuration file: connections, and everything else that the flags below set
    #[arg(long, env = "TESTRUN_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the configuration as it is in force, without secrets, and end
    #[arg(long)]
    pub print_config: bool,
    /// API of GitHub for the default connection; https://HOST/api/v3 for GitHub Enterprise Server
    #[arg(long, env = "GITHUB_API_URL")]
    pub github_url: Option<String>,
    /// Token of the default connection; better given by the environment than by the flag
    #[arg(long, env = "GITHUB_TOKEN", hide_env_values = true, value_parser = token)]
    pub github_token: Option<SecretString>,
    /// Look only at reports of these namespaces, separated by commas [default: all]
    #[arg(
        long,
        env = "TESTRUN_NAMESPACES",
        alias = "namespace",
        value_delimiter = ',',
        value_name = "NAMESPACE"
    )]
    pub namespaces: Vec<String>,
    /// How soon it is noticed that a run has ended, where no webhook tells [default: 30s]
    #[arg(long, env = "TESTRUN_POLL_INTERVAL")]
    pub poll_interval: Option<String>,
    /// Time between two looks at the jobs of a running commit [default: growing gaps]
    #[arg(long, env = "TESTRUN_PROGRESS_INTERVAL")]
    pub progress_interval: Option<String>,
    /// How soon it is noticed that something followed a final verdict [default: 10m]
    #[arg(long, env = "TESTRUN_REFRESH_INTERVAL")]
    pub refresh_interval: Option<String>,
    /// Ask GitHub for everything anew, instead of whether what is known has changed
    #[arg(long, env = "TESTRUN_NO_CONDITIONAL_REQUESTS")]
    pub no_conditional_requests: bool,
    /// Ask by GraphQL how far undecided commits are, and read lists only where that shows news
    #[arg(long, env = "TESTRUN_GRAPHQL_SWEEP")]
    pub graphql_sweep: bool,
    /// Most requests to GitHub a minute for one credential, 0 for no bound [default: 800]
    #[arg(long, env = "TESTRUN_REQUESTS_PER_MINUTE")]
    pub requests_per_minute: Option<u32>,
    /// Most reports that are looked at at the same time [default: 8]
    #[arg(long, env = "TESTRUN_CONCURRENCY")]
    pub concurrency: Option<u16>,
    /// Address of /healthz, /readyz and /metrics [default: 0.0.0.0:8081]
    #[arg(long, env = "TESTRUN_HEALTH_ADDR")]
    pub health_addr: Option<String>,
    /// Address of the receiver of webhooks [default: none are received]
    #[arg(long, env = "TESTRUN_WEBHOOK_ADDR")]
    pub webhook_addr: Option<String>,
    /// IP address by which other replicas reach this one: that of the pod [default: that of --webhook-addr]
    #[arg(long, env = "TESTRUN_ADVERTISE_IP", value_name = "IP")]
    pub advertise_ip: Option<String>,
    /// Secret that the webhooks of the default connection are signed with; better given by the environment
    #[arg(long, env = "GITHUB_WEBHOOK_SECRET", hide_env_values = true)]
    pub webhook_secret: Option<SecretString>,
    /// Address of verdicts over HTTP, for tools that cannot read a condition [default: none]
    #[arg(long, env = "TESTRUN_HTTP_ADDR")]
    pub http_addr: Option<String>,
    /// Certificate for verdicts over HTTP, with its chain, PEM [default: no TLS]
    #[arg(long, env = "TESTRUN_HTTP_CERTIFICATE_FILE", value_name = "FILE")]
    pub http_certificate_file: Option<String>,
    /// Private key of the certificate, PEM
    #[arg(long, env = "TESTRUN_HTTP_KEY_FILE", value_name = "FILE")]
    pub http_key_file: Option<String>,
    /// Show the page for people at the address of verdicts over HTTP
    #[arg(long, env = "TESTRUN_PAGE")]
    pub page: bool,
    /// Where results of past commits are kept [default: none]
    #[arg(long, env = "TESTRUN_HISTORY", value_enum, value_name = "STORE")]
    pub history: Option<Store>,
    /// File of the history, for sqlite [default: /var/lib/testrun-operator/history.db]
    #[arg(long, env = "TESTRUN_HISTORY_FILE", value_name = "FILE")]
    pub history_file: Option<String>,
    /// File with the address of the server of the history, for postgres
    #[arg(long, env = "TESTRUN_HISTORY_URL_FILE", value_name = "FILE")]
    pub history_url_file: Option<String>,
    /// Where artifacts are copied to, file:///FOLDER or s3://BUCKET/PREFIX [default: nowhere]
    #[arg(long, env = "TESTRUN_ARTIFACTS_STORE", value_name = "URL")]
    pub artifacts_store: Option<String>,
    /// Address of the S3 server of that store [default: Amazon's]
    #[arg(long, env = "TESTRUN_ARTIFACTS_ENDPOINT", value_name = "URL")]
    pub artifacts_endpoint: Option<String>,
    /// Region of its bucket [default: that of AWS_REGION, else us-east-1]
    #[arg(long, env = "TESTRUN_ARTIFACTS_REGION", value_name = "REGION")]
    pub artifacts_region: Option<String>,
    /// Work only while a Lease is held; needed for more than one replica
    #[arg(long, env = "TESTRUN_LEADER_ELECT")]
    pub leader_elect: bool,
    /// Namespace of the Leases [default: that of the pod]
    #[arg(long, env = "TESTRUN_LEASE_NAMESPACE", value_name = "NAMESPACE")]
    pub lease_namespace: Option<String>,
    /// Shares that the namespaces are divided into between the replicas [default: 1]
    #[arg(long, env = "TESTRUN_SHARDS")]
    pub shards: Option<u16>,
    /// Form of the log on standard error [default: text]
    #[arg(long, env = "TESTRUN_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// What is logged, for example info or warn,testrun_operator=debug [default: info]
    #[arg(long, env = "RUST_LOG")]
    pub log_level: Option<String>,
    /// Collector of OpenTelemetry traces (OTLP over HTTP), such as http://otel-collector:4318
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
}

/// Which entry of the file a flag stands for: its path, and the name of the flag's argument.
pub const OVERRIDES: [(&str, &str); 27] = [
    ("controller.namespaces", "namespaces"),
    ("controller.pollInterval", "poll_interval"),
    ("controller.progressInterval", "progress_interval"),
    ("controller.refreshInterval", "refresh_interval"),
    ("controller.conditionalRequests", "no_conditional_requests"),
    ("controller.graphqlSweep", "graphql_sweep"),
    ("controller.requestsPerMinute", "requests_per_minute"),
    ("controller.concurrency", "concurrency"),
    ("listeners.health", "health_addr"),
    ("listeners.webhooks", "webhook_addr"),
    ("listeners.advertise", "advertise_ip"),
    ("listeners.http", "http_addr"),
    ("http.certificateFile", "http_certificate_file"),
    ("http.keyFile", "http_key_file"),
    ("page.enabled", "page"),
    ("history.store", "history"),
    ("history.file", "history_file"),
    ("history.urlFile", "history_url_file"),
    ("artifacts.store", "artifacts_store"),
    ("artifacts.endpoint", "artifacts_endpoint"),
    ("artifacts.region", "artifacts_region"),
    ("leaderElection.enabled", "leader_elect"),
    ("leaderElection.namespace", "lease_namespace"),
    ("sharding.shards", "shards"),
    ("logging.format", "log_format"),
    ("logging.level", "log_level"),
    ("tracing.endpoint", "otlp_endpoint"),
];

impl RunArgs {
    /// Where the configuration comes from.
    pub fn source(&self) -> Source {
        Source { file: self.config.clone(), overrides: self.overrides() }
    }

    /// The value that a flag or variable gives an argument; an empty variable gives none.
    fn given(&self, argument: &str) -> Option<Value> {
        let text = |value: &Option<String>| value.clone().filter(|v| !v.is_empty()).map(Value::from);
        match argument {
            "namespaces" => {
                let all: Vec<&String> = self.namespaces.iter().filter(|n| !n.is_empty()).collect();
                (!all.is_empty()).then(|| serde_json::json!(all))
            }
            "poll_interval" => text(&self.poll_interval),
            "progress_interval" => text(&self.progress_interval),
            "refresh_interval" => text(&self.refresh_interval),
            "no_conditional_requests" => self.no_conditional_requests.then_some(Value::Bool(false)),
            "graphql_sweep" => self.graphql_sweep.then_some(Value::Bool(true)),
            "requests_per_minute" => self.requests_per_minute.map(Value::from),
            "concurrency" => self.concurrency.map(Value::from),
            "health_addr" => text(&self.health_addr),
            "webhook_addr" => text(&self.webhook_addr),
            "advertise_ip" => text(&self.advertise_ip),
            "http_addr" => text(&self.http_addr),
            "http_certificate_file" => text(&self.http_certificate_file),
            "http_key_file" => text(&self.http_key_file),
            "page" => self.page.then_some(Value::Bool(true)),
            "history" => self.history.and_then(|s| serde_json::to_value(s).ok()),
            "history_file" => text(&self.history_file),
            "history_url_file" => text(&self.history_url_file),
            "artifacts_store" => text(&self.artifacts_store),
            "artifacts_endpoint" => text(&self.artifacts_endpoint),
            "artifacts_region" => text(&self.artifacts_region),
            "leader_elect" => self.leader_elect.then_some(Value::Bool(true)),
            "lease_namespace" => text(&self.lease_namespace),
            "shards" => self.shards.map(Value::from),
            "log_format" => self.log_format.and_then(|f| serde_json::to_value(f).ok()),
            "log_level" => text(&self.log_level),
            "otlp_endpoint" => text(&self.otlp_endpoint),
            _ => None,
        }
    }

    fn overrides(&self) -> Vec<(&'static str, Value)> {
        OVERRIDES.iter().filter_map(|(path, argument)| Some((*path, self.given(argument)?))).collect()
    }

    /// The connection that the flags make; it counts where the file has none of its name.
    pub fn connection(&self) -> Result<Connection, InvalidBase> {
        let token = self.github_token.clone().filter(|t| !t.expose_secret().is_empty());
        let own = token.map_or(Own::None, Own::Token);
        let url = self.github_url.as_deref().filter(|u| !u.is_empty()).unwrap_or(GITHUB_COM);
        let signing = self.webhook_secret.iter().map(|s| s.expose_secret().trim()).filter(|s| !s.is_empty());
        let webhooks = signing.map(|s| Signing::Secret(SecretString::from(s))).collect();
        Ok(Connection { webhooks, ..Connection::open(DEFAULT_CONNECTION, ApiBase::parse(url)?, own) })
    }
}

/// A token, without the line end that files and shells leave; an empty variable means none.
fn token(text: &str) -> Result<SecretString, String> {
    let text = text.trim();
    if text.chars().any(|c| !c.is_ascii_graphic()) {
        return Err("the token must be one line of printable characters".to_owned());
    }
    Ok(SecretString::from(text))
}
