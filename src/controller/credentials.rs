//! Which token a report may use.

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt};
use secrecy::SecretString;

use crate::api::spec::CredentialsRef;
use crate::api::{DEFAULT_CONNECTION, Reason, TestRunReport};
use crate::verdict::facts::Trouble;

/// Longest token that is believed to be one.
const MAX_TOKEN_BYTES: usize = 4096;

/// Why there is no token.
#[derive(Debug)]
pub enum Denied {
    /// The report's fault, or the administrator's: it goes into the status.
    Trouble(Trouble),
    /// The API server did not answer properly: tried again, without a new status.
    Kube(kube::Error),
}

/// The token of a report: its own Secret's, else the operator's.
pub async fn token(
    client: &Client,
    report: &TestRunReport,
    operator: Option<&SecretString>,
) -> Result<Option<SecretString>, Denied> {
    let connection = &report.spec.source.github.connection;
    if connection != DEFAULT_CONNECTION {
        return Err(trouble(
            Reason::ConnectionDenied,
            format!(
                "the connection {connection:?} is not configured; \
                 set spec.source.github.connection to {DEFAULT_CONNECTION}, or leave it out"
            ),
        ));
    }
    match &report.spec.credentials_ref {
        None => Ok(operator.cloned()),
        Some(reference) => of_secret(client, report, reference).await.map(Some),
    }
}

async fn of_secret(
    client: &Client,
    report: &TestRunReport,
    reference: &CredentialsRef,
) -> Result<SecretString, Denied> {
    let namespace = report.namespace().unwrap_or_default();
    let CredentialsRef { name, key } = reference;
    let missing = |what: String, remedy: String| trouble(Reason::SecretNotFound, format!("{what}; {remedy}"));
    let create = format!("kubectl create secret generic {name} -n {namespace} --from-literal={key}=TOKEN");
    let secret = match Api::<Secret>::namespaced(client.clone(), &namespace).get(name).await {
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
    let Some(value) = secret.data.as_ref().and_then(|data| data.get(key)) else {
        return Err(missing(
            format!("the Secret {name} in namespace {namespace} has no key {key}"),
            "add the key, or name another in spec.credentialsRef.key".to_owned(),
        ));
    };
    let text = std::str::from_utf8(&value.0).unwrap_or_default().trim();
    if text.is_empty() || text.len() > MAX_TOKEN_BYTES || text.chars().any(|c| !c.is_ascii_graphic()) {
        return Err(missing(
            format!("the key {key} of the Secret {name} in namespace {namespace} holds no token"),
            "it must be one line of printable characters".to_owned(),
        ));
    }
    Ok(SecretString::from(text))
}

fn trouble(reason: Reason, message: String) -> Denied {
    Denied::Trouble(Trouble { reason, message, retry_at: None })
}
