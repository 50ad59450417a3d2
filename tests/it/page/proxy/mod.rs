//! The page as most people reach it: behind oauth2-proxy, with the set-up of `examples/page`, a provider of its own and an
//! API server that takes the provider's tokens.

mod browser;
mod ends;
mod person;
mod provider;
mod sees;

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use testkit::controlplane::{ControlPlane, OidcProxy};
use testkit::github::GitHub;
use testrun_operator::serve::tls::Files;

use super::access;
use crate::chart::examples::{documents, rendered};
use crate::cluster::{eventually, install};
use crate::generated::in_repository;
use crate::story::operator::Operator;
use person::Tab;
use provider::{CLIENT, Person, Provider};

const FOLDER: &str = "examples/page";
/// What the examples call the places that a test has at addresses of its own.
const ISSUER: &str = "https://login.example.com";
const SITE: &str = "https://testrun.example.com";
const SERVICE: &str = "https://testrun-operator-http.testrun-operator.svc";
/// How old a login may be before the proxy asks for a newer one; the example has minutes.
const REFRESH: &str = "1s";

struct Scene {
    plane: ControlPlane,
    provider: Provider,
    proxy: OidcProxy,
    /// The address that people open.
    site: String,
    operator: Operator,
    /// The operator's own address.
    straight: String,
    /// A namespace in which `examples/page/rights.yaml` says who sees what, and one that the group `qa` sees.
    ours: String,
    theirs: String,
    roots: Vec<Vec<u8>>,
    github: GitHub,
    _folder: tempfile::TempDir,
}

fn example(file: &str) -> String {
    std::fs::read_to_string(in_repository(FOLDER).join(file)).unwrap()
}

/// A text of an example in which a place has another address; it has to be there.
fn at(text: &str, place: &str, address: &str) -> String {
    assert!(text.contains(place), "{place} is not in {text}");
    text.replace(place, address)
}

impl Scene {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authentication = folder.path().join("authentication.yaml");
        // What it is told once it runs: the provider has the same certificate.
        let none = json!({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"});
        std::fs::write(&authentication, none.to_string()).unwrap();
        let config = page_config(folder.path()).await;
        let plane = ControlPlane::builder()
            .audit(true)
            .apiserver_arg(format!("--authentication-config={}", authentication.display()))
            .apiserver_arg(format!("--api-audiences={}", audience(&config)))
            .start()
            .await
            .unwrap();
        install(&plane).await;
        let certificate = plane.authority_path();
        let files = Files { key: certificate.with_extension("key"), certificate: certificate.clone() };
        let port = OidcProxy::port().unwrap();
        let site = format!("https://127.0.0.1:{port}");
        let provider = Provider::start(files.clone(), format!("{site}/oauth2/callback")).await;
        trust(&authentication, &provider, &certificate);

        let (ours, theirs) =
            (access::place(&plane, "oidc-ours").await, access::place(&plane, "oidc-theirs").await);
        let rights = at(&example("rights.yaml"), "namespace: ci", &format!("namespace: {ours}"));
        plane.apply(&rights).await.unwrap();
        let n = format!("--namespace={theirs}");
        let qa = ["create", "rolebinding", "qa", "--role=reader", "--group=oidc:qa", &n];
        plane.kubectl_ok(&qa).await.unwrap();

        let github = access::github();
        let (config, key) = (config.display().to_string(), files.key.display().to_string());
        let certificate = certificate.display().to_string();
        let args = [
            "--page", "--http-addr", "127.0.0.1:0", "--refresh-interval", "1s", "--config", &config,
            "--http-certificate-file", &certificate, "--http-key-file", &key,
        ];
        let operator = Operator::start(&plane, &format!("{ours},{theirs}"), github.url(), &args).await;
        let straight = operator.http().replace("http://", "https://");
        let proxy = proxy(port, &site, &straight, &provider, &files).await;
        let roots = CertificateDer::pem_file_iter(&files.certificate).unwrap();
        let roots = roots.map(|der| der.unwrap().as_ref().to_vec()).collect();
        Self {
            plane,
            provider,
            proxy,
            site,
            operator,
            straight,
            ours,
            theirs,
            roots,
            github,
            _folder: folder,
        }
    }

    fn tab(&self) -> Tab {
        Tab::new(&self.roots)
    }

    fn page(&self, path: &str) -> String {
        format!("{}{path}", self.site)
    }

    fn report(&self, namespace: &str) -> String {
        self.page(&format!("/reports/{namespace}/r"))
    }

    /// A tab in which a person has logged in, on the overview.
    async fn logged_in(&self, person: Person) -> Tab {
        self.provider.seat(person.clone());
        let mut tab = self.tab();
        let (there, shown) = tab.open(&self.page("/")).await;
        assert_eq!((there, shown.status), (self.page("/"), 200), "{}: {}", person.email, self.proxy.log());
        self.provider.seat(None);
        tab
    }

    /// Questions of who somebody is that were asked of the API server.
    fn reviews(&self) -> usize {
        let events = self.plane.audit_events().unwrap();
        events.iter().filter(|e| e.verb == "create" && e.target() == "tokenreviews").count()
    }
}

/// The configuration that the chart makes of the values of the example, as a file.
async fn page_config(folder: &Path) -> PathBuf {
    let (deployment, config) = rendered("page").await;
    let args = deployment["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    for flag in ["--page", "--http-addr=0.0.0.0:8443", "--http-certificate-file=", "--config="] {
        assert!(args.contains(flag), "{flag}: {args}");
    }
    let file = folder.join("config.yaml");
    std::fs::write(&file, config).unwrap();
    file
}

fn audience(config: &Path) -> String {
    let config: Value = serde_saphyr::from_str(&std::fs::read_to_string(config).unwrap()).unwrap();
    config["page"]["audiences"][0].as_str().unwrap().to_owned()
}

/// Tells the API server of the provider, by the file of the example.
fn trust(file: &Path, provider: &Provider, authority: &Path) {
    let text = at(&example("authentication.yaml"), ISSUER, provider.url());
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(config["jwt"][0]["issuer"]["audiences"], json!([CLIENT.0]));
    config["jwt"][0]["issuer"]["certificateAuthority"] = json!(std::fs::read_to_string(authority).unwrap());
    // In one step, as a mounted ConfigMap changes.
    let next = file.with_extension("next");
    std::fs::write(&next, config.to_string()).unwrap();
    std::fs::rename(next, file).unwrap();
}

/// The proxy with the arguments of its Deployment.
async fn proxy(port: u16, site: &str, upstream: &str, provider: &Provider, tls: &Files) -> OidcProxy {
    let text = example("proxy.yaml");
    let text = at(&at(&at(&text, ISSUER, provider.url()), SITE, site), SERVICE, upstream);
    let text = at(&text, "--https-address=:8443", &format!("--https-address=127.0.0.1:{port}"));
    let text = at(&text, "/etc/proxy/tls/tls.crt", &tls.certificate.display().to_string());
    let text = at(&text, "/etc/proxy/tls/tls.key", &tls.key.display().to_string());
    let text = at(&text, "--cookie-refresh=2m", &format!("--cookie-refresh={REFRESH}"));
    let all: Vec<Value> = text.split("\n---\n").map(|part| serde_saphyr::from_str(part).unwrap()).collect();
    let of = |kind: &str| all.iter().find(|o| o["kind"] == kind).unwrap();
    let container = &of("Deployment")["spec"]["template"]["spec"]["containers"][0];
    let args: Vec<String> = serde_json::from_value(container["args"].clone()).unwrap();
    let folder = tls.certificate.parent().unwrap().display().to_string();
    let cookies: String = std::iter::repeat_with(fastrand::alphanumeric).take(32).collect();
    let mut env = Vec::new();
    for variable in container["env"].as_array().unwrap() {
        let reference = &variable["valueFrom"]["secretKeyRef"];
        let value = match reference["key"].as_str() {
            Some("client-secret") => CLIENT.1,
            Some("cookie-secret") => &cookies,
            _ => variable["value"].as_str().unwrap(),
        };
        let value = value.replace("/etc/proxy/authority", &folder);
        let key = reference["key"].as_str();
        assert!(key.is_none_or(|key| of("Secret")["stringData"][key].is_string()), "{variable}");
        env.push((variable["name"].as_str().unwrap().to_owned(), value));
    }
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // The secret that everybody could read is taken by no proxy.
    let mut copied = env.clone();
    let cookie = copied.iter_mut().find(|(name, _)| *name == "OAUTH2_PROXY_COOKIE_SECRET").unwrap();
    cookie.1 = of("Secret")["stringData"]["cookie-secret"].as_str().unwrap();
    let refused = OidcProxy::start(port, &args, &copied).await.unwrap_err().to_string();
    assert!(refused.contains("cookie_secret must be"), "{refused}");
    OidcProxy::start(port, &args, &env).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_each_sees_what_a_binding_for_their_address_or_group_gives() {
    let scene = Scene::start().await;
    sees::nobody_without_a_login(&scene).await;
    sees::each_their_namespaces(&scene).await;
    sees::nothing_by_headers(&scene).await;
    sees::with_many_groups(&scene).await;
    // Its token grows old meanwhile.
    let old = ends::with_a_token_that_is_not_renewed(&scene).await;
    ends::who_is_locked_out(&scene).await;
    browser::who_has_to_log_in_again_gets_where_they_wanted(&scene).await;
    ends::an_old_token(&scene, old).await;
    scene.operator.stop().await;
    assert!(scene.github.violations().is_empty(), "{:?}", scene.github.violations());
}

#[tokio::test]
async fn the_proxy_of_the_example_is_the_one_that_is_tested_and_the_cluster_takes_it() {
    let plane = crate::cluster::cluster().await;
    let module = std::fs::read_to_string(in_repository("tests/controlplane/oauth2-proxy/go.mod")).unwrap();
    let version = module.split("oauth2-proxy/v7 ").nth(1).unwrap().split_whitespace().next().unwrap();
    let mut kinds = Vec::new();
    for file in ["proxy.yaml", "rights.yaml"] {
        for mut object in documents(&in_repository(FOLDER).join(file)) {
            object["metadata"].as_object_mut().unwrap().remove("namespace");
            let args = ["create", "--dry-run=server", "--validate=strict", "--namespace=default"];
            plane.admin().with_file(&object.to_string(), &args).await.unwrap();
            kinds.push(object["kind"].as_str().unwrap().to_owned());
            if object["kind"] == "Deployment" {
                let image = object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
                assert_eq!(image.rsplit(':').next(), Some(version));
            }
        }
    }
    assert_eq!(kinds, ["Secret", "Deployment", "Service", "Role", "RoleBinding"]);
}

/// Waits until an address has an answer like this.
async fn until(what: &str, tab: &mut Tab, url: &str, is: impl Fn(&super::Shown) -> bool) -> super::Shown {
    let tab = tokio::sync::Mutex::new(tab);
    let answer = async || {
        let shown = tab.lock().await.get(url).await;
        is(&shown).then_some(shown)
    };
    eventually(|| what, answer).await
}
