//! The three servers: their flags, and how one sees that they are ready.

use super::audit;
use super::binaries::Binaries;
use super::credentials::{self, CONTROLLER_MANAGER, Identity, MASTERS, TokenUser};
use super::error::Error;
use super::ports::free_port;
use super::process::{Program, Supervised};
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What the controllers are for that run here: those which tidy up, hand out
/// identities and turn workloads into pods. No node ever runs the pods.
const CONTROLLERS: &str = "garbage-collector-controller,namespace-controller,\
serviceaccount-controller,serviceaccount-token-controller,\
root-ca-certificate-publisher-controller,clusterrole-aggregation-controller,\
ttl-after-finished-controller,job-controller,cronjob-controller,\
deployment-controller,replicaset-controller,resourcequota-controller,\
validatingadmissionpolicy-status-controller";

/// Everything the servers are started with; the same for every restart.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) dir: PathBuf,
    pub(super) binaries: Binaries,
    pub(super) users: Vec<TokenUser>,
    pub(super) audit: bool,
    pub(super) apiserver_args: Vec<String>,
    etcd_port: u16,
    etcd_peer_port: u16,
    apiserver_port: u16,
}

impl Layout {
    /// Chooses ports and writes the files that the servers read.
    pub(super) fn create(
        dir: &Path,
        binaries: Binaries,
        users: Vec<TokenUser>,
        audit: bool,
        apiserver_args: Vec<String>,
    ) -> Result<Self, Error> {
        let layout = Self {
            dir: dir.to_path_buf(),
            binaries,
            users,
            audit,
            apiserver_args,
            etcd_port: free_port()?,
            etcd_peer_port: free_port()?,
            apiserver_port: free_port()?,
        };
        for name in ["pki", "kubeconfigs", "scratch"] {
            let path = layout.dir.join(name);
            fs::create_dir(&path).map_err(|e| Error::path("create", &path, e))?;
        }
        credentials::write_token_file(&layout.token_file(), &layout.users)?;
        let policy = layout.audit_policy();
        fs::write(&policy, audit::POLICY).map_err(|e| Error::path("write", &policy, e))?;
        Ok(layout)
    }

    /// The address of the API server.
    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.apiserver_port)
    }

    /// The address of etcd for clients.
    pub(super) fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.etcd_port)
    }

    /// The certificate that the API server is checked against. It exists once
    /// the server has started for the first time.
    pub(super) fn authority(&self) -> PathBuf {
        self.dir.join("pki/apiserver.crt")
    }

    /// The audit log.
    pub(super) fn audit_log(&self) -> PathBuf {
        self.dir.join("audit.log")
    }

    /// The log of a server.
    pub(super) fn log(&self, server: &str) -> PathBuf {
        self.dir.join(format!("{server}.log"))
    }

    /// The token of a user, if it has one of its own.
    pub(super) fn token(&self, user: &str) -> Option<&str> {
        let user = self.users.iter().find(|known| known.name == user)?;
        Some(&user.token)
    }

    fn token_file(&self) -> PathBuf {
        self.dir.join("tokens.csv")
    }

    fn audit_policy(&self) -> PathBuf {
        self.dir.join("audit-policy.json")
    }

    /// The key that signs service account tokens. The API server makes a key
    /// pair for its own certificate before it reads this one, so that one file
    /// serves for both and no key needs to be made here or kept in the sources.
    fn signing_key(&self) -> String {
        self.dir.join("pki/apiserver.key").display().to_string()
    }

    /// Starts etcd.
    pub(super) fn spawn_etcd(&self) -> Result<Supervised, Error> {
        let client = format!("http://127.0.0.1:{}", self.etcd_port);
        let peer = format!("http://127.0.0.1:{}", self.etcd_peer_port);
        Program::new(&self.binaries.etcd)
            .args([
                "--name=bench".to_owned(),
                format!("--data-dir={}", self.dir.join("etcd").display()),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=bench={peer}"),
                "--unsafe-no-fsync".to_owned(),
                "--log-level=warn".to_owned(),
            ])
            .clean_env()
            .spawn(&self.log("etcd"))
    }

    /// Whether etcd says that it is ready.
    pub(super) async fn etcd_ready(&self) -> bool {
        http_ok(self.etcd_port, "/readyz").await
    }

    /// Starts the API server.
    pub(super) fn spawn_apiserver(&self) -> Result<Supervised, Error> {
        let mut args = vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            "--bind-address=127.0.0.1".to_owned(),
            // The certificate is made for this address.
            "--advertise-address=127.0.0.1".to_owned(),
            // A loopback address may not become an endpoint of the service.
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--secure-port={}", self.apiserver_port),
            format!("--cert-dir={}", self.dir.join("pki").display()),
            format!("--token-auth-file={}", self.token_file().display()),
            "--authorization-mode=RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-signing-key-file={}", self.signing_key()),
            format!("--service-account-key-file={}", self.signing_key()),
            "--service-cluster-ip-range=10.96.0.0/24".to_owned(),
        ];
        if self.audit {
            args.extend([
                format!("--audit-policy-file={}", self.audit_policy().display()),
                format!("--audit-log-path={}", self.audit_log().display()),
                // An answered request is in the log, and the log is one file.
                "--audit-log-mode=blocking".to_owned(),
                "--audit-log-maxsize=100000".to_owned(),
            ]);
        }
        args.extend(self.apiserver_args.iter().cloned());
        Program::new(&self.binaries.kube_apiserver).args(args).clean_env().spawn(&self.log("kube-apiserver"))
    }

    /// Whether something listens where the API server should.
    pub(super) async fn apiserver_listens(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.apiserver_port)).await.is_ok()
    }

    /// Starts the controller manager.
    pub(super) fn spawn_controller_manager(&self, binary: &Path) -> Result<Supervised, Error> {
        let kubeconfig = self.dir.join("kubeconfigs/controller-manager.json");
        let token = self
            .token(CONTROLLER_MANAGER)
            .ok_or_else(|| Error::Usage("expected a token for the controller manager".to_owned()))?;
        credentials::write_kubeconfig(&kubeconfig, &self.url(), &self.authority(), &Identity::Token(token))?;
        Program::new(binary)
            .args([
                format!("--kubeconfig={}", kubeconfig.display()),
                "--leader-elect=false".to_owned(),
                // It serves nothing that is needed here.
                "--secure-port=0".to_owned(),
                format!("--controllers={CONTROLLERS}"),
                format!("--service-account-private-key-file={}", self.signing_key()),
                format!("--root-ca-file={}", self.authority().display()),
                "--kube-api-qps=200".to_owned(),
                "--kube-api-burst=400".to_owned(),
            ])
            .clean_env()
            .spawn(&self.log("kube-controller-manager"))
    }
}

/// The users every control plane has: the bench itself, the controllers, and
/// some without any rights to give rights to.
pub(super) fn standard_users() -> Result<Vec<TokenUser>, Error> {
    [
        (credentials::ADMIN, &[MASTERS][..]),
        (CONTROLLER_MANAGER, &[MASTERS][..]),
        ("alice", &[][..]),
        ("bob", &[][..]),
        ("operator", &[][..]),
    ]
    .into_iter()
    .map(|(name, groups)| TokenUser::new(name, groups))
    .collect()
}

/// Whether a plain HTTP server on the loopback address answers with 200.
async fn http_ok(port: u16, path: &str) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut head = [0_u8; 12];
        stream.read_exact(&mut head).await?;
        Ok::<_, std::io::Error>(head.ends_with(b" 200"))
    };
    matches!(tokio::time::timeout(Duration::from_secs(2), ask).await, Ok(Ok(true)))
}
