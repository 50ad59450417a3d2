//! A whole control plane: started, used, broken on purpose, and removed.

use super::audit::{self, AuditEvent, AuditMark};
use super::binaries::Binaries;
use super::credentials::{self, Identity, TokenUser};
use super::error::Error;
use super::kubectl::Kubectl;
use super::ports::random;
use super::process::{OwnedDir, Supervised};
use super::servers::{Layout, standard_users};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a server may take to become ready, on a machine that is busy.
const READY_DEADLINE: Duration = Duration::from_secs(180);
/// How often a server is asked whether it is ready.
const POLL: Duration = Duration::from_millis(50);
/// How often the start is tried if another process takes a chosen port.
const PORT_TRIES: u32 = 3;

/// What a control plane is to be made of.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    audit: bool,
    controller_manager: bool,
    apiserver_args: Vec<String>,
    users: Vec<(String, Vec<String>)>,
}

impl Builder {
    /// Keeps an audit log, so that requests can be counted.
    #[must_use]
    pub fn audit(mut self, on: bool) -> Self {
        self.audit = on;
        self
    }

    /// Runs the controller manager: garbage collection, deletion of
    /// namespaces, service accounts, aggregated roles, workloads.
    #[must_use]
    pub fn controller_manager(mut self, on: bool) -> Self {
        self.controller_manager = on;
        self
    }

    /// Adds an argument for the API server, after those it gets anyway.
    #[must_use]
    pub fn apiserver_arg(mut self, arg: impl Into<String>) -> Self {
        self.apiserver_args.push(arg.into());
        self
    }

    /// Adds a user with a token of its own, besides `alice`, `bob` and
    /// `operator`, who are in no group.
    #[must_use]
    pub fn user(mut self, name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        self.users.push((name.to_owned(), groups));
        self
    }

    /// Starts the control plane and returns once it answers. Builds the
    /// binaries first, should that be needed.
    pub async fn start(self) -> Result<ControlPlane, Error> {
        let binaries = blocking(Binaries::ensure).await?;
        let controller_manager = match self.controller_manager {
            false => None,
            true => {
                let binaries = binaries.clone();
                Some(blocking(move || binaries.kube_controller_manager()).await?)
            }
        };
        let mut tries = 1;
        loop {
            let started = self.start_once(&binaries, controller_manager.as_deref());
            match started.await {
                // Someone else was quicker to bind it; the next try takes others.
                Err(Error::Server(text)) if tries < PORT_TRIES && text.contains("address already in use") => {
                    tries += 1;
                }
                other => return other,
            }
        }
    }

    async fn start_once(
        &self,
        binaries: &Binaries,
        controller_manager: Option<&Path>,
    ) -> Result<ControlPlane, Error> {
        let mut users = standard_users()?;
        for (name, groups) in &self.users {
            let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
            if users.iter().any(|user| user.name == *name) {
                return Err(Error::Usage(format!(
                    "expected a new user, but {name:?} exists in every control plane"
                )));
            }
            users.push(TokenUser::new(name, &groups)?);
        }
        let dir = OwnedDir::create("testrun-controlplane-")?;
        let layout =
            Layout::create(dir.path(), binaries.clone(), users, self.audit, self.apiserver_args.clone())?;
        let kubeconfig = layout.dir.join("kubeconfigs/admin.json");
        let token = layout.token(credentials::ADMIN).unwrap_or_default();
        credentials::write_kubeconfig(
            &kubeconfig,
            &layout.url(),
            &layout.authority(),
            &Identity::Token(token),
        )?;
        let admin = Kubectl::new(&layout.binaries.kubectl, &kubeconfig, &layout.dir.join("scratch"));
        let plane = ControlPlane { servers: Mutex::new(Servers::default()), layout, admin, _dir: dir };
        // The API server waits for etcd by itself: starting both is quicker.
        plane.servers().etcd = Some(plane.layout.spawn_etcd()?);
        plane.start_apiserver().await?;
        plane.wait_for("the namespace default", &["get", "namespace", "default"]).await?;
        if let Some(binary) = controller_manager {
            plane.servers().controller_manager = Some(plane.layout.spawn_controller_manager(binary)?);
            // One of its controllers makes this account: it works, then.
            let account = ["get", "serviceaccount", "default", "--namespace=default"];
            plane.wait_for("the controller manager", &account).await?;
        }
        Ok(plane)
    }
}

/// The running servers, in the order in which they are ended.
#[derive(Debug, Default)]
struct Servers {
    controller_manager: Option<Supervised>,
    apiserver: Option<Supervised>,
    etcd: Option<Supervised>,
}

impl Servers {
    fn check(&mut self) -> Result<(), Error> {
        [&mut self.etcd, &mut self.apiserver, &mut self.controller_manager]
            .into_iter()
            .flatten()
            .try_for_each(Supervised::check)
    }
}

/// A running control plane: etcd, kube-apiserver and, if asked for,
/// kube-controller-manager, on loopback ports and with data of their own.
///
/// Dropping it kills the servers and removes the data; so does the end of the
/// process in any way. It holds nothing that belongs to an async runtime, so
/// that tests with a runtime each can share it.
#[derive(Debug)]
pub struct ControlPlane {
    // The order matters: the servers end before their directory is removed.
    servers: Mutex<Servers>,
    layout: Layout,
    admin: Kubectl,
    _dir: OwnedDir,
}

impl ControlPlane {
    /// Options for a control plane.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts a control plane without options.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// The address of the API server, e.g. `https://127.0.0.1:12345`.
    pub fn url(&self) -> String {
        self.layout.url()
    }

    /// The PEM file that the certificate of the API server is checked with.
    pub fn authority_path(&self) -> PathBuf {
        self.layout.authority()
    }

    /// The bearer token of a user that has one, e.g. `admin` or `alice`.
    pub fn token(&self, user: &str) -> Option<&str> {
        self.layout.token(user)
    }

    /// The kubeconfig of an administrator.
    pub fn kubeconfig_path(&self) -> &Path {
        self.admin.kubeconfig()
    }

    /// Writes a kubeconfig for another identity. A user that was declared
    /// with exactly these groups gets its own token; any other is impersonated
    /// by the administrator, which the server treats alike.
    pub fn kubeconfig_for(&self, user: &str, groups: &[&str]) -> Result<PathBuf, Error> {
        let declared = self.layout.users.iter().find(|known| known.name == user && known.groups == groups);
        let admin_token = self.token(credentials::ADMIN).unwrap_or_default();
        let identity = match declared {
            Some(known) => Identity::Token(&known.token),
            None => Identity::As { admin_token, user, groups },
        };
        self.write_kubeconfig(&identity)
    }

    /// Writes a kubeconfig for a service account, with a token of one hour, as
    /// a pod would get it. The account must exist.
    pub async fn kubeconfig_for_service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<PathBuf, Error> {
        let namespace = format!("--namespace={namespace}");
        let token = self.kubectl_ok(&["create", "token", name, &namespace, "--duration=1h"]).await?;
        self.write_kubeconfig(&Identity::Token(token.trim()))
    }

    fn write_kubeconfig(&self, identity: &Identity<'_>) -> Result<PathBuf, Error> {
        let name = format!("kubeconfigs/user-{:016x}.json", random());
        let path = self.layout.dir.join(name);
        credentials::write_kubeconfig(&path, &self.url(), &self.authority_path(), identity)?;
        Ok(path)
    }

    /// kubectl with the identity of an administrator.
    pub fn admin(&self) -> &Kubectl {
        &self.admin
    }

    /// kubectl with the identity of a kubeconfig.
    pub fn kubectl_with(&self, kubeconfig: &Path) -> Kubectl {
        Kubectl::new(&self.layout.binaries.kubectl, kubeconfig, &self.layout.dir.join("scratch"))
    }

    /// kubectl with the identity of [`ControlPlane::kubeconfig_for`].
    pub fn kubectl_as(&self, user: &str, groups: &[&str]) -> Result<Kubectl, Error> {
        Ok(self.kubectl_with(&self.kubeconfig_for(user, groups)?))
    }

    /// Runs kubectl as the administrator; see [`Kubectl::run`].
    pub async fn kubectl(&self, args: &[&str]) -> Result<Output, Error> {
        self.admin.run(args).await
    }

    /// Runs kubectl as the administrator; see [`Kubectl::ok`].
    pub async fn kubectl_ok(&self, args: &[&str]) -> Result<String, Error> {
        self.admin.ok(args).await
    }

    /// Applies manifests as the administrator; see [`Kubectl::apply`].
    pub async fn apply(&self, manifests: &str) -> Result<String, Error> {
        self.admin.apply(manifests).await
    }

    /// Creates a namespace of its own for a test and returns its name, which
    /// starts with the prefix.
    pub async fn namespace(&self, prefix: &str) -> Result<String, Error> {
        let name = format!("{prefix}-{:08x}", random() >> 32);
        self.kubectl_ok(&["create", "namespace", &name]).await?;
        Ok(name)
    }

    /// The binaries in use, e.g. to get at helm.
    pub fn binaries(&self) -> &Binaries {
        &self.layout.binaries
    }

    /// The log of `etcd`, `kube-apiserver` or `kube-controller-manager`.
    pub fn log_path(&self, server: &str) -> PathBuf {
        self.layout.log(server)
    }

    /// All requests so far, oldest first. Needs [`Builder::audit`].
    pub fn audit_events(&self) -> Result<Vec<AuditEvent>, Error> {
        self.audit_events_since(AuditMark::default())
    }

    /// The present end of the audit log, to count from.
    pub fn audit_mark(&self) -> Result<AuditMark, Error> {
        audit::mark(&self.audit_log()?)
    }

    /// The requests after the mark. A request that was answered is among them;
    /// one that is still being answered may not be.
    pub fn audit_events_since(&self, mark: AuditMark) -> Result<Vec<AuditEvent>, Error> {
        audit::events(&self.audit_log()?, mark)
    }

    fn audit_log(&self) -> Result<PathBuf, Error> {
        match self.layout.audit {
            true => Ok(self.layout.audit_log()),
            false => Err(Error::Usage(
                "this control plane keeps no audit log: start it with `.audit(true)`".to_owned(),
            )),
        }
    }

    /// Kills the API server as if its machine lost power. Returns once its
    /// port is free; does nothing if it does not run.
    pub fn stop_apiserver(&self) {
        let server = self.servers().apiserver.take();
        drop(server);
    }

    /// Starts the API server, on the same port and data as before, and returns
    /// once it is ready. Does nothing but wait if it runs.
    pub async fn start_apiserver(&self) -> Result<(), Error> {
        {
            let mut servers = self.servers();
            if servers.apiserver.is_none() {
                servers.apiserver = Some(self.layout.spawn_apiserver()?);
            }
        }
        self.wait_ready().await
    }

    /// Kills etcd as if its machine lost power. The API server keeps running
    /// and fails what it is asked.
    pub fn stop_etcd(&self) {
        let server = self.servers().etcd.take();
        drop(server);
    }

    /// Starts etcd on the same port and data as before, and returns once it is
    /// ready, and the API server too if that runs.
    pub async fn start_etcd(&self) -> Result<(), Error> {
        {
            let mut servers = self.servers();
            if servers.etcd.is_none() {
                servers.etcd = Some(self.layout.spawn_etcd()?);
            }
        }
        let deadline = Instant::now() + READY_DEADLINE;
        while !self.layout.etcd_ready().await {
            self.still_possible("etcd", deadline, "")?;
            tokio::time::sleep(POLL).await;
        }
        let apiserver_runs = self.servers().apiserver.is_some();
        match apiserver_runs {
            true => self.wait_ready().await,
            false => Ok(()),
        }
    }

    /// Where etcd listens for clients, plain HTTP.
    pub fn etcd_url(&self) -> String {
        self.layout.etcd_url()
    }

    /// What etcd stores; to be copied or replaced while it does not run.
    pub fn etcd_data(&self) -> PathBuf {
        self.layout.dir.join("etcd")
    }

    /// Waits until the API server says that it is ready.
    pub async fn wait_ready(&self) -> Result<(), Error> {
        let deadline = Instant::now() + READY_DEADLINE;
        while !self.layout.apiserver_listens().await {
            self.still_possible("kube-apiserver", deadline, "it does not listen")?;
            tokio::time::sleep(POLL).await;
        }
        self.wait_for("kube-apiserver", &["get", "--raw=/readyz"]).await
    }

    /// Repeats a kubectl call until it succeeds.
    async fn wait_for(&self, what: &str, args: &[&str]) -> Result<(), Error> {
        let deadline = Instant::now() + READY_DEADLINE;
        let mut args = args.to_vec();
        args.push("--request-timeout=10s");
        loop {
            match self.kubectl_ok(&args).await {
                Ok(_) => return Ok(()),
                Err(last) => self.still_possible(what, deadline, &last.to_string())?,
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// An error if waiting has become pointless: a server ended, or it is late.
    fn still_possible(&self, what: &str, deadline: Instant, last: &str) -> Result<(), Error> {
        self.servers().check()?;
        match Instant::now() < deadline {
            true => Ok(()),
            false => Err(Error::Timeout(format!(
                "{what} was not ready within {} s: {last}; the end of the log of kube-apiserver:\n{}",
                READY_DEADLINE.as_secs(),
                super::process::tail(&self.layout.log("kube-apiserver"), 0)
            ))),
        }
    }

    fn servers(&self) -> MutexGuard<'_, Servers> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what blocks beside the async tasks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::io("wait for a build", e))?
}
