//! Reports in a cluster, with kubectl's flags.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind, NamespaceResourceScope};
use kube::{Api, Client, Config, Resource, ResourceExt};

use crate::api::{GROUP, TestRunReport, VERSION};

/// Reports of one page of a list.
const PAGE: u32 = 500;

/// Which cluster and namespace.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ClusterArgs {
    /// Namespace [default: that of the context]
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// Context of the kubeconfig
    #[arg(long)]
    pub context: Option<String>,
    /// Path of the kubeconfig
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
}

/// A connection to a cluster.
pub(super) struct Cluster {
    client: Client,
    pub namespace: String,
}

/// What came of a write.
pub(super) enum Recorded {
    Done,
    /// Another field manager owns a field.
    Conflict(String),
    /// The object would not be valid, or the user may not write it.
    Refused(String),
}

/// Why an object could not be had.
pub(super) enum Missing {
    NotFound(String),
    Other(anyhow::Error),
}

impl ClusterArgs {
    /// Connects as kubectl would.
    pub async fn connect(&self) -> anyhow::Result<Cluster> {
        let options = KubeConfigOptions { context: self.context.clone(), ..Default::default() };
        let config = match &self.kubeconfig {
            Some(path) => {
                let file = Kubeconfig::read_from(path)
                    .with_context(|| format!("cannot read the kubeconfig {}", path.display()))?;
                Config::from_custom_kubeconfig(file, &options).await?
            }
            None => match Config::from_kubeconfig(&options).await {
                Ok(config) => config,
                Err(error) if self.context.is_some() => return Err(error.into()),
                Err(error) => Config::incluster()
                    .map_err(|_| error)
                    .context("no cluster: set KUBECONFIG or --kubeconfig, or name a commit with --repo")?,
            },
        };
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        Ok(Cluster { client: Client::try_from(config)?, namespace })
    }
}

impl Cluster {
    /// Reports of the namespace, readable or not.
    pub fn dynamic(&self) -> Api<DynamicObject> {
        self.api(false)
    }

    fn api(&self, all: bool) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk(GROUP, VERSION, "TestRunReport"),
            "testrunreports",
        );
        if all {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
        }
    }

    /// Objects of a kind in the namespace.
    pub fn namespaced<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Changes a report that is as it was read.
    pub async fn merge(
        &self,
        report: &TestRunReport,
        mut change: serde_json::Value,
    ) -> anyhow::Result<Recorded> {
        if let Some(metadata) = change.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
            metadata.insert("uid".to_owned(), report.uid().into());
            metadata.insert("resourceVersion".to_owned(), report.resource_version().into());
        }
        let params =
            PatchParams { field_manager: Some("kubectl-testrun".to_owned()), ..PatchParams::default() };
        match self.api(false).patch(&report.name_any(), &params, &Patch::Merge(change)).await {
            Ok(_) => Ok(Recorded::Done),
            Err(kube::Error::Api(status)) if status.is_conflict() => {
                Ok(Recorded::Conflict(status.message.clone()))
            }
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 422) => {
                Ok(Recorded::Refused(status.message.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One report.
    pub async fn get(&self, name: &str) -> Result<TestRunReport, Missing> {
        match self.api(false).get(name).await {
            Ok(object) => typed(object).map_err(Missing::Other),
            Err(kube::Error::Api(status)) if status.is_not_found() => {
                Err(Missing::NotFound(status.message.clone()))
            }
            Err(error) => Err(Missing::Other(error.into())),
        }
    }

    /// Applies fields of a report that exists. A report that was deleted meanwhile is not made anew.
    pub async fn apply(
        &self,
        name: &str,
        manager: &str,
        fields: serde_json::Value,
        force: bool,
    ) -> Result<Recorded, Missing> {
        let missing = |error: kube::Error| match error {
            kube::Error::Api(status) if status.is_not_found() => Missing::NotFound(status.message.clone()),
            error => Missing::Other(error.into()),
        };
        let known = self.api(false).get(name).await.map_err(missing)?;
        let mut object = fields;
        if let Some(object) = object.as_object_mut() {
            object.insert("apiVersion".to_owned(), format!("{GROUP}/{VERSION}").into());
            object.insert("kind".to_owned(), "TestRunReport".into());
            let metadata = serde_json::json!({"name": name, "uid": known.metadata.uid});
            object.insert("metadata".to_owned(), metadata);
        }
        let mut params = PatchParams::apply(manager);
        params.force = force;
        match self.api(false).patch(name, &params, &Patch::Apply(object)).await {
            Ok(_) => Ok(Recorded::Done),
            Err(kube::Error::Api(status)) if status.is_conflict() => {
                Ok(Recorded::Conflict(status.message.clone()))
            }
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 422) => {
                Ok(Recorded::Refused(status.message.clone()))
            }
            Err(error) => Err(missing(error)),
        }
    }

    /// All reports of the namespace or the cluster, and remarks about those that cannot be read.
    pub async fn list(
        &self,
        all: bool,
        selector: Option<&str>,
    ) -> anyhow::Result<(Vec<TestRunReport>, Vec<String>)> {
        let (mut reports, mut remarks) = (Vec::new(), Vec::new());
        let mut page = ListParams::default().limit(PAGE);
        page.label_selector = selector.map(str::to_owned);
        loop {
            let list = self.api(all).list(&page).await?;
            for object in list.items {
                let name = object.metadata.name.clone().unwrap_or_default();
                match typed(object) {
                    Ok(report) => reports.push(report),
                    Err(error) => remarks.push(format!("{name} cannot be read: {error:#}")),
                }
            }
            match list.metadata.continue_.filter(|c| !c.is_empty()) {
                Some(next) => page.continue_token = Some(next),
                None => return Ok((reports, remarks)),
            }
        }
    }
}

pub(super) fn typed(object: DynamicObject) -> anyhow::Result<TestRunReport> {
    Ok(serde_json::from_value(serde_json::to_value(object)?)?)
}
