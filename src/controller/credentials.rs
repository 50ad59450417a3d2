//! Which connection and credential a report may use.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use secrecy::SecretString;

use crate::api::spec::CredentialsRef;
use crate::api::{Reason, TestRunReport};
use crate::connections::{self, AppKey, Connection, Connections, Held};
use crate::verdict::facts::Trouble;
use crate::verdict::publish::{self, deployment};

/// Why there is no credential.
#[derive(Debug)]
pub enum Denied {
    /// The report's fault, or the administrator's: it goes into the status.
    Trouble(Trouble),
    /// The API server did not answer properly: tried again, without a new status.
    Kube(kube::Error),
}

/// A connection that a report may use, and what it proves itself with there.
#[derive(Clone, Debug)]
pub struct Access {
    pub connection: Arc<Connection>,
    pub held: Held,
    /// Whose credential it is: what is remembered of GitHub's answers is never shared between owners.
    pub owner: String,
}

/// What somebody wants to read, and with what.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub namespace: &'a str,
    pub connection: &'a str,
    pub repository: &'a str,
    pub credentials: Option<&'a CredentialsRef>,
}

impl<'a> Wish<'a> {
    /// That of a report.
    pub fn of(report: &'a TestRunReport) -> Self {
        let github = &report.spec.source.github;
        Self {
            namespace: report.metadata.namespace.as_deref().unwrap_or_default(),
            connection: &github.connection,
            repository: &github.repository,
            credentials: report.spec.credentials_ref.as_ref(),
        }
    }
}

/// What it may use: its own Secret, else the operator's credential of the connection.
pub async fn access(client: &Client, wish: Wish<'_>, connections: &Connections) -> Result<Access, Denied> {
    let Wish { namespace, connection: name, repository, credentials } = wish;
    let Some(connection) = connections.allowed(name, namespace, repository) else {
        return Err(denied(name));
    };
    let (held, owner) = match credentials {
        None => match connection.hold().await {
            Ok(held) => (held, String::new()),
            Err(problem) => {
                tracing::warn!("the credential of the connection {}: {problem}", connection.name);
                return Err(trouble(
                    Reason::Unauthorized,
                    format!(
                        "the operator's credential of the connection {} cannot be read; its administrator finds the reason in its log",
                        connection.name
                    ),
                ));
            }
        },
        Some(_) if !connection.report_secrets => {
            return Err(trouble(
                Reason::ConnectionDenied,
                format!(
                    "Secrets of reports may not be used with the connection {}; leave spec.credentialsRef out",
                    connection.name
                ),
            ));
        }
        Some(reference) => {
            (of_secret(client, namespace, reference).await?, format!("{namespace}/{}", reference.name))
        }
    };
    Ok(Access { connection, held, owner })
}

/// Says the same of a connection that does not exist and of one that may not be used.
pub(super) fn denied(name: &str) -> Denied {
    trouble(Reason::ConnectionDenied, denial(name))
}

pub(super) fn denial(name: &str) -> String {
    format!(
        "the connection {name:?} is not configured, or not for this namespace and repository; \
         set spec.source.github.connection to one that is, or ask the operator's administrator"
    )
}

/// Why a report may not publish under the names that it wants. It does not look away from what others
/// require under such a name either, so that nothing else is asked.
pub fn unpublishable(report: &TestRunReport, connection: &Connection) -> Option<String> {
    let Connection { name: connection, publish, .. } = connection;
    let denied = |field: &str, name: &str, allowed: &[String]| {
        let allowed = match allowed {
            [] => "none".to_owned(),
            some => crate::verdict::text::list(some.iter().map(String::as_str), 10),
        };
        format!(
            "{field}: the connection {connection} does not allow to publish under {name:?}; allowed are: {allowed}; \
             use one of them, or ask the operator's administrator"
        )
    };
    let asked = report.spec.publish.as_ref()?;
    let names = publish::names(&report.spec).into_iter().find(|(_, name)| !publish.allows_name(name));
    let key = asked.commit_status.as_ref().filter(|s| !publish.allows_key(&s.key));
    let mut environments = deployment::environments(&report.spec).iter();
    let environment = environments.find(|e| !publish.allows_environment(e));
    names
        .map(|(field, name)| denied(field, name, &publish.names))
        .or_else(|| {
            let field = "spec.publish.deploymentProtection.environments";
            environment.map(|name| denied(field, name, &publish.environments))
        })
        .or_else(|| key.map(|s| denied("spec.publish.commitStatus.key", &s.key, &publish.commit_status_keys)))
}

async fn of_secret(client: &Client, namespace: &str, reference: &CredentialsRef) -> Result<Held, Denied> {
    let CredentialsRef { name, key } = reference;
    let missing = |what: String, remedy: String| trouble(Reason::SecretNotFound, format!("{what}; {remedy}"));
    let create = format!("kubectl create secret generic {name} -n {namespace} --from-literal={key}=TOKEN");
    let secret = match Api::<Secret>::namespaced(client.clone(), namespace).get(name).await {
        Ok(secret) => secret,
        Err(kube::Error::Api(status)) if status.is_not_found() => {
            return Err(missing(
                format!("the Secret {name} does not exist in namespace {namespace}"),
                format!("create it: {create}"),
            ));
        }
        Err(kube::Error::Api(status)) if status.is_forbidden() => {
            return Err(missing(
                format!("the operator may not read the Secret {name} in namespace {namespace}"),
                "allow its service account to get secrets there".to_owned(),
            ));
        }
        Err(error) => return Err(Denied::Kube(error)),
    };
    let text = |key: &str| {
        let value = secret.data.as_ref()?.get(key)?;
        Some(std::str::from_utf8(&value.0).unwrap_or_default().trim().to_owned())
    };
    if let Some(value) = text(key) {
        return connections::token(&value).map(Held::Token).ok_or_else(|| {
            missing(
                format!("the key {key} of the Secret {name} in namespace {namespace} holds no token"),
                "it must be one line of printable characters".to_owned(),
            )
        });
    }
    let number = |key: &str| text(key).and_then(|t| t.parse::<u64>().ok()).filter(|id| *id > 0);
    let installation = (text("installationId").is_some(), number("installationId"));
    match (text("appId").is_some(), number("appId"), text("privateKey")) {
        (true, Some(app_id), Some(private_key)) if installation != (true, None) => Ok(Held::App(AppKey {
            app_id,
            installation_id: installation.1,
            private_key: SecretString::from(private_key),
        })),
        (true, ..) => Err(missing(
            format!("the Secret {name} in namespace {namespace} names no App"),
            "appId must be a number, privateKey its RSA private key in PEM, and installationId, which may be left \
             out, a number"
                .to_owned(),
        )),
        (false, ..) => Err(missing(
            format!("the Secret {name} in namespace {namespace} has no key {key}"),
            "add the key, name another in spec.credentialsRef.key, or give appId and privateKey of a GitHub App"
                .to_owned(),
        )),
    }
}

fn trouble(reason: Reason, message: String) -> Denied {
    Denied::Trouble(Trouble { reason, message, retry_at: None })
}
