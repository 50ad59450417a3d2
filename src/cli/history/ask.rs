//! Who is asked: an operator over HTTP, or the file that one wrote.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use http_body_util::{BodyExt, Limited};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::super::cluster::ClusterArgs;
use crate::github::GITHUB_COM;
use crate::history::{Answer, Asked, By, Of, Past, Ranking, Store, Top, Unanswered};
use crate::verdict::text::clean;

/// Bytes of an answer; a page of 500 rows is far below it.
const MAX_ANSWER: usize = 16 << 20;
/// How long a token is valid that is made for one question.
const TOKEN_SECONDS: i64 = 600;

/// Where the history is.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Place {
    /// File of the history that an operator writes, or a copy of it
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    db: Option<PathBuf>,
    /// Address at which an operator answers over HTTP
    #[arg(long, env = "TESTRUN_SERVER", value_name = "URL")]
    server: Option<String>,
    /// File with a token for that operator; - is standard input [default: the variable TESTRUN_TOKEN]
    #[arg(long, value_name = "FILE", conflicts_with = "account")]
    token_file: Option<PathBuf>,
    /// Service account of the namespace to ask as; a token is made for it
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Certificate that the operator's is signed with, PEM
    #[arg(long, value_name = "FILE")]
    certificate_authority: Option<PathBuf>,
    /// Name that the operator's certificate is for, where the address has another
    #[arg(long, value_name = "NAME")]
    tls_server_name: Option<String>,
}

/// Where the history is, and whose it is.
#[derive(Args, Debug)]
pub(super) struct Source {
    #[command(flatten)]
    place: Place,
    /// API of GitHub, where neither is given; https://HOST/api/v3 for GitHub Enterprise Server
    #[arg(long, env = "GITHUB_API_URL", default_value = GITHUB_COM, value_name = "URL")]
    pub github_url: String,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Why there is no answer.
pub(in crate::cli) enum Failure {
    Usage(String),
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<Unanswered> for Failure {
    fn from(error: Unanswered) -> Self {
        match error {
            Unanswered::Wrong(why) => Self::Usage(why.to_owned()),
            Unanswered::Store(error) => Self::Other(error.into()),
        }
    }
}

impl Source {
    pub fn names_a_store(&self) -> bool {
        self.place.is_given()
    }

    pub async fn page(&self, asked: &mut Asked) -> Result<Answer, Failure> {
        self.place.page(&self.cluster, asked).await
    }

    pub async fn past(&self, asked: &mut Asked) -> Result<Past, Failure> {
        self.place.past(&self.cluster, asked).await
    }

    pub async fn top(&self, ranking: &mut Ranking, now: i64) -> Result<Top, Failure> {
        self.place.top(&self.cluster, ranking, now).await
    }
}

impl Place {
    pub fn is_given(&self) -> bool {
        self.db.is_some() || self.server.is_some()
    }

    /// A page of the history.
    pub async fn page(&self, cluster: &ClusterArgs, asked: &mut Asked) -> Result<Answer, Failure> {
        if let Some(file) = &self.db {
            asked.namespace = namespace(cluster)?;
            return Ok(open(file).await?.page(asked).await?);
        }
        let mut query = query(&asked.repository, &asked.branch, asked.limit);
        match &asked.of {
            Of::Commits => {}
            Of::Job(name) => query.push(("job", name.clone())),
            Of::Test(name) => query.push(("test", name.clone())),
        }
        if let Some(before) = &asked.before {
            query.push(("before", before.clone()));
        }
        Ok(self.get(cluster, "", &query).await?)
    }

    /// A page of commits with what decided about each.
    pub async fn past(&self, cluster: &ClusterArgs, asked: &mut Asked) -> Result<Past, Failure> {
        if let Some(file) = &self.db {
            asked.namespace = namespace(cluster)?;
            return Ok(open(file).await?.past(asked).await?);
        }
        let mut query = query(&asked.repository, &asked.branch, asked.limit);
        if let Some(before) = &asked.before {
            query.push(("before", before.clone()));
        }
        Ok(self.get(cluster, "/facts", &query).await?)
    }

    /// A ranking.
    pub async fn top(&self, cluster: &ClusterArgs, ranking: &mut Ranking, now: i64) -> Result<Top, Failure> {
        if let Some(file) = &self.db {
            ranking.namespace = namespace(cluster)?;
            return Ok(open(file).await?.top(ranking, now).await?);
        }
        if self.server.is_none() {
            return Err(Failure::Usage(
                "a ranking needs a history: name --server URL or --db FILE".to_owned(),
            ));
        }
        let mut query = query(&ranking.repository, &ranking.branch, ranking.limit);
        query.push(("of", if ranking.tests { "tests" } else { "jobs" }.to_owned()));
        let by = match ranking.by {
            By::Flakes => "flakes",
            By::Failures => "failures",
            By::Seconds => "seconds",
        };
        query.push(("by", by.to_owned()));
        query.push(("days", ranking.days.to_string()));
        Ok(self.get(cluster, "/top", &query).await?)
    }

    /// Asks an operator.
    async fn get<T: DeserializeOwned>(
        &self,
        cluster: &ClusterArgs,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<T> {
        let server = self.server.as_deref().unwrap_or_default();
        let base =
            url::Url::parse(server).ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        let base = base
            .with_context(|| format!("{:?} is no address such as https://HOST:8443", clean(server, 200)))?;
        let local = |host: &str| matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if base.scheme() == "http" && !base.host_str().is_some_and(local) {
            bail!("a token is not sent in the clear: name an address with https, or one of this machine");
        }
        let (token, namespace) = self.token(cluster).await?;
        let mut config = kube::Config::new(base.as_str().parse()?);
        config.auth_info.token = Some(token);
        config.tls_server_name = self.tls_server_name.clone();
        config.root_cert = match &self.certificate_authority {
            None => None,
            Some(path) => Some(certificates(path)?),
        };
        let client = kube::Client::try_from(config)?;
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let uri = format!("/apis/v1alpha1/namespaces/{namespace}/history{path}?{query}");
        let request = http::Request::get(uri).body(kube::client::Body::empty())?;
        let answer = client.send(request).await.with_context(|| format!("{base} cannot be asked"))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|e| anyhow!("{base} broke off: {e}"))?.to_bytes();
        if !status.is_success() {
            let said = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default();
            let said = said.get("error").and_then(|e| e.as_str()).unwrap_or("no reason is given");
            bail!("{base} answers {}: {}", status.as_u16(), clean(said, 500));
        }
        serde_json::from_slice(&body).with_context(|| format!("{base} answers with something else"))
    }

    /// A token for the operator, and the namespace that is asked for.
    async fn token(&self, args: &ClusterArgs) -> anyhow::Result<(SecretString, String)> {
        if let Some(account) = &self.account {
            let cluster = args.connect().await?;
            let spec = TokenRequestSpec {
                audiences: vec!["testrun-operator".to_owned()],
                expiration_seconds: Some(TOKEN_SECONDS),
                ..Default::default()
            };
            let request = TokenRequest { spec, ..Default::default() };
            let api = cluster.namespaced::<ServiceAccount>();
            let made = api.create_token_request(account, &PostParams::default(), &request).await;
            let made = made.with_context(|| format!("no token for the service account {account}"))?;
            let token = made.status.map(|s| s.token).context("the API server made no token")?;
            return Ok((SecretString::from(token), cluster.namespace));
        }
        let text = match &self.token_file {
            Some(path) if path.as_os_str() == "-" => std::io::read_to_string(std::io::stdin())?,
            Some(path) => {
                std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?
            }
            None => std::env::var("TESTRUN_TOKEN").map_err(|_| {
                anyhow!(
                    "who asks? Name --account or --token-file, or set TESTRUN_TOKEN: \
                     kubectl create token ACCOUNT --audience=testrun-operator"
                )
            })?,
        };
        let namespace = match &args.namespace {
            Some(namespace) => namespace.clone(),
            None => args.connect().await?.namespace,
        };
        Ok((SecretString::from(text.trim()), namespace))
    }
}

/// The namespace whose history it is; a file needs no cluster to be read.
fn namespace(cluster: &ClusterArgs) -> Result<String, Failure> {
    cluster.namespace.clone().ok_or_else(|| {
        Failure::Usage("with --db name the namespace whose history it is: -n NAMESPACE".to_owned())
    })
}

async fn open(file: &std::path::Path) -> anyhow::Result<Store> {
    if !file.is_file() {
        bail!("{} is no file", file.display());
    }
    let store = Store::read(file).await;
    store.with_context(|| format!("{} cannot be read as a history", file.display()))
}

fn query(repository: &str, branch: &str, limit: i64) -> Vec<(&'static str, String)> {
    let mut query = vec![("limit", limit.to_string())];
    for (name, value) in [("repository", repository), ("branch", branch)] {
        if !value.is_empty() {
            query.push((name, value.to_owned()));
        }
    }
    query
}

fn certificates(path: &std::path::Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let all = CertificateDer::pem_file_iter(path)
        .and_then(|all| all.map(|one| one.map(|c| c.to_vec())).collect::<Result<Vec<_>, _>>())
        .map_err(|_| anyhow!("{} has no certificate in PEM", path.display()))?;
    match all.is_empty() {
        true => bail!("{} has no certificate in PEM", path.display()),
        false => Ok(all),
    }
}
