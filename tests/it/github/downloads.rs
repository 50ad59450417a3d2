//! Logs and archives from the second origin, and everything that can be wrong with them.

use std::io::Read;
use std::process::Command;
use std::time::Duration;

use testkit::github::{ArtifactSpec, Fault, GitHub as Fake, Match, Origin, RunSpec, Scenario, secs, sha_of};
use testrun_operator::api::Reason;
use testrun_operator::github::api::Repo;
use testrun_operator::github::{Ask, Fetched, Priority, Ties, Transport, Unfetched};

use super::*;

const REPO: &str = "acme/shop";
const ZIP: i64 = 901;
const JOB: i64 = 501;
const MB: u64 = 1 << 20;

/// A finished run with an artifact and a log, and a job that still runs.
fn scenario() -> Scenario {
    Scenario::new().start_at("2026-01-23T16:00:00Z").setup(|s| {
        s.add_repo(REPO);
        s.repo(REPO).add_run(RunSpec::new(77).sha(sha_of("head")).job((501, "unit")).job((502, "slow")));
        s.job(501).start();
        s.job(501).log("Ran 1 of 1 Specs in 0.1 seconds").complete("failure");
        s.job(502).start();
        s.run(77).upload(ArtifactSpec::new("reports").id(901).file("junit.xml", "<testsuite/>".repeat(50)));
    })
}

fn start() -> Fake {
    let gh = Fake::start(scenario());
    gh.pause();
    gh
}

fn quick() -> Settings {
    Settings { timeout: Duration::from_millis(1500), download: Duration::from_secs(4), ..Settings::default() }
}

struct Bench {
    gh: Fake,
    client: GitHub,
}

impl Bench {
    fn start() -> Self {
        Self::of(start())
    }

    fn of(gh: Fake) -> Self {
        let client = client_with(&gh, Credential::Token(SecretString::from(fake::TOKEN)), quick());
        Self { gh, client }
    }

    async fn zip(&self, digest: Option<&str>, limit: u64) -> Result<Fetched, Unfetched> {
        Repo::new(&self.client, REPO, Ask::now(Priority::Finishing)).artifact_zip(ZIP, digest, limit).await
    }

    async fn log(&self, job: i64) -> Result<(bytes::Bytes, bool), Unfetched> {
        Repo::new(&self.client, REPO, Ask::now(Priority::Finishing)).log(job, 1 << 20).await
    }

    fn digest(&self) -> String {
        self.gh.read(|s| s.repos[0].artifacts[0].digest.clone().unwrap())
    }

    fn clean(&self) {
        assert!(self.gh.violations().is_empty(), "{:?}", self.gh.violations());
    }
}

fn why(result: Result<Fetched, Unfetched>) -> Unfetched {
    result.expect_err("nothing is fetched")
}

#[tokio::test]
async fn an_archive_is_verified_while_it_streams_into_a_file() {
    let bench = Bench::start();
    let zip = bench.gh.read(|s| s.repos[0].artifacts[0].zip.clone().unwrap());
    let digest = bench.digest();
    for (said, verified) in [(Some(digest.as_str()), true), (Some("sha512:00"), false), (None, false)] {
        let mut fetched = bench.zip(said, MB).await.unwrap();
        let mut read = Vec::new();
        fetched.file.read_to_end(&mut read).unwrap();
        assert_eq!((read, fetched.size, fetched.verified), (zip.clone(), zip.len() as u64, verified));
        assert_eq!(format!("sha256:{}", fetched.sha256), digest);
    }
    let upper = digest.to_uppercase().replace("SHA256", "sha256");
    assert!(bench.zip(Some(&upper), MB).await.unwrap().verified);
    let blobs: Vec<_> = bench.gh.requests().into_iter().filter(|r| r.origin == Origin::Blobs).collect();
    assert!(blobs.iter().all(|r| r.header("authorization").is_none() && r.status == 200));
    bench.clean();
}

#[tokio::test]
async fn what_became_of_an_archive_is_told_apart() {
    let other = format!("sha256:{}", "0".repeat(64));
    let of = async |set: &dyn Fn(&Fake), digest: Option<&str>, limit: u64| {
        let bench = Bench::start();
        set(&bench.gh);
        let why = why(bench.zip(digest, limit).await);
        bench.clean();
        why
    };
    let gone = |gh: &Fake| gh.update(|s| s.repos[0].artifacts.clear());
    assert_eq!(
        of(&gone, None, MB).await,
        Unfetched::Deleted,
        "or replaced by a re-run: it has a new id then"
    );
    let expired = |gh: &Fake| gh.advance(secs(91 * 86_400));
    assert_eq!(of(&expired, None, MB).await, Unfetched::Expired);
    let marked = |gh: &Fake| {
        gh.update(|s| {
            s.repos[0].artifacts[0].expired = true;
            s.repos[0].artifacts[0].zip = None;
        });
    };
    assert_eq!(of(&marked, None, MB).await, Unfetched::Expired);
    let late = |gh: &Fake| gh.update(|s| s.repos[0].artifacts[0].zip = None);
    assert_eq!(of(&late, None, MB).await, Unfetched::NotYet, "the storage answers BlobNotFound");
    let gone_below = |gh: &Fake| gh.fail(Match::blobs("/artifacts/"), Fault::Status(410));
    assert_eq!(of(&gone_below, None, MB).await, Unfetched::Expired);
    assert_eq!(of(&|_| (), None, 100).await, Unfetched::TooLarge { limit: 100 });
    let lies = |gh: &Fake| gh.fail(Match::blobs("/artifacts/"), Fault::Oversized(3 << 20));
    assert_eq!(of(&lies, None, MB).await, Unfetched::TooLarge { limit: MB }, "without a length in its head");
    assert!(matches!(
        of(&|_| (), Some(&other), MB).await,
        Unfetched::Mismatch { expected, found } if expected == "0".repeat(64) && found != expected
    ));
    let forbidden = |gh: &Fake| gh.fail(Match::path("/zip"), Fault::Status(403));
    let Unfetched::Trouble(trouble) = of(&forbidden, None, MB).await else { panic!() };
    assert_eq!(trouble.reason, Reason::Forbidden);
}

#[tokio::test]
async fn what_became_of_a_log_is_told_apart() {
    let bench = Bench::start();
    assert!(bench.log(JOB).await.unwrap().0.ends_with(b"Specs in 0.1 seconds\n"));
    assert_eq!(bench.log(502).await.unwrap_err(), Unfetched::NotYet, "the job still runs");
    assert_eq!(bench.log(999).await.unwrap_err(), Unfetched::Deleted, "there is no such job");
    bench.gh.update(|s| {
        s.job(501).data().log = None;
    });
    assert_eq!(bench.log(JOB).await.unwrap_err(), Unfetched::Deleted);
    bench.gh.update(|s| s.run(77).data().logs_gone = true);
    assert_eq!(bench.log(JOB).await.unwrap_err(), Unfetched::Expired);
    bench.clean();
}

#[tokio::test]
async fn a_storage_that_misbehaves_is_trouble_and_leaves_nothing_behind() {
    let unreachable = Reason::GitHubUnavailable;
    let cases = [
        ("slow without end", Fault::SlowBody(1, Duration::from_millis(100)), unreachable, "longer than 4 s"),
        ("silent", Fault::Hang, unreachable, "did not answer in time"),
        ("stands still", Fault::SlowBody(1, Duration::from_secs(60)), unreachable, "stood still"),
        ("cut", Fault::Truncate, unreachable, "the download"),
        ("reset", Fault::Reset, unreachable, "failed"),
        ("server error", Fault::Status(503), unreachable, "answered 503"),
        ("signature over", Fault::Status(403), unreachable, "answered 403"),
        ("loop", Fault::Redirect("LOOP".into()), Reason::InvalidAnswer, "redirects without end"),
        ("inwards", Fault::Redirect("http://169.254.169.254/x".into()), Reason::InvalidAnswer, "not allowed"),
        ("plain", Fault::Redirect("http://8.8.8.8/x".into()), Reason::InvalidAnswer, "not allowed"),
        ("a file", Fault::Redirect("file:///etc/passwd".into()), Reason::InvalidAnswer, "not allowed"),
        ("relative", Fault::Redirect("/artifacts/1".into()), Reason::InvalidAnswer, "not allowed"),
    ];
    for (name, fault, reason, says) in cases {
        let bench = Bench::start();
        let fault = match fault {
            Fault::Redirect(to) if to == "LOOP" => {
                Fault::Redirect(format!("{}/artifacts/1/901.zip", bench.gh.blobs_url()))
            }
            other => other,
        };
        bench.gh.fail(Match::blobs("/"), fault);
        let (zip, log) = tokio::join!(bench.zip(None, MB), bench.log(JOB));
        for why in [why(zip), log.unwrap_err()] {
            let Unfetched::Trouble(trouble) = why else { panic!("{name}: {why:?}") };
            assert_eq!(trouble.reason, reason, "{name}: {}", trouble.message);
            assert!(trouble.message.contains(says), "{name}: {}", trouble.message);
        }
        assert!(bench.gh.requests().len() <= 10, "{name}");
        bench.clean();
    }
}

#[tokio::test]
async fn what_a_storage_says_is_no_news_of_ours() {
    let bench = Bench::start();
    let xml =
        "<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code><Message>secret-detail</Message></Error>";
    bench.gh.fail(Match::blobs("/"), Fault::Answer(404, xml.into()));
    assert_eq!(why(bench.zip(None, MB).await), Unfetched::NotYet, "the API still lists it");
    assert_eq!(bench.log(JOB).await.unwrap_err(), Unfetched::Deleted);
    bench.gh.clear_faults();
    bench.gh.fail(Match::blobs("/"), Fault::Answer(500, xml.into()));
    let said = why(bench.zip(None, MB).await).to_string();
    assert!(!said.contains("secret-detail") && said.contains("500"), "{said}");
}

#[tokio::test]
async fn an_enterprise_server_has_no_digest() {
    let bench = Bench::of(Fake::start(scenario().ghes()));
    let repo = Repo::new(&bench.client, REPO, Ask::now(Priority::Finishing));
    let artifacts = repo.artifacts(77).await.unwrap();
    assert_eq!(artifacts[0].digest, None);
    assert!(!bench.zip(None, MB).await.unwrap().verified);
    bench.clean();
}

#[tokio::test]
async fn a_log_that_is_gone_is_asked_for_once() {
    let gh = start();
    gh.update(|s| {
        s.repo(REPO).branch("main", &sha_of("head"));
        s.job(502).log("x").complete("success");
        s.run(77).settle();
    });
    gh.advance(secs(7200));
    gh.update(|s| s.run(77).data().logs_gone = true);
    let client = client(&gh);
    let memory = Memory::new();
    let spec = spec(REPO, |s| s.sha = Some(sha_of("head")));
    for _ in 0..3 {
        let seen = facts(collect(&client, &spec, &memory, Look::whole()).await);
        let says: Vec<&str> = seen.gaps.iter().map(|g| g.message.as_str()).collect();
        assert_eq!(says, ["the log of job 501 is not kept any more: its retention is over"]);
    }
    let asked = gh.requests().iter().filter(|r| r.path.ends_with("/logs")).count();
    assert_eq!(asked, 1);
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

/// Says in the process that does it that it does.
const ALONE: &str = "TESTRUN_TEST_ALONE";

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_large_archive_is_never_in_memory() {
    // The most memory that a process ever had says something only of a process that does nothing else.
    if std::env::var_os(ALONE).is_none() {
        let name = "github::downloads::a_large_archive_is_never_in_memory";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let output = child.args(["--exact", name]).env(ALONE, "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let most = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    };
    let gh = start();
    let settings = Settings { download: Duration::from_secs(100), ..Settings::default() };
    let client = client_with(&gh, Credential::Token(SecretString::from(fake::TOKEN)), settings);
    let repo = Repo::new(&client, REPO, Ask::now(Priority::Finishing));
    repo.artifact_zip(ZIP, None, MB).await.unwrap();
    let before = most();
    gh.fail(Match::blobs("/"), Fault::Oversized(64 << 20));
    let fetched = repo.artifact_zip(ZIP, None, 100 * MB).await.unwrap();
    assert_eq!(fetched.size, 64 * MB);
    assert_eq!(fetched.file.metadata().unwrap().len(), 64 * MB);
    let grew = most() - before;
    assert!(grew < 16 * MB, "{} MB", grew / MB);
}

#[tokio::test]
async fn only_hosts_that_are_allowed_are_read_and_others_are_named() {
    let gh = start();
    gh.fail(Match::path("/logs$"), Fault::Redirect("https://storage.example.com/log?sig=secret".into()));
    let (base, settings) = (ApiBase::parse(gh.url()).unwrap(), quick());
    let list = ["*.minio.corp".to_owned()];
    let transport = Transport::with_downloads(&base, &list, settings.timeout).unwrap();
    let token = Credential::Token(SecretString::from(fake::TOKEN));
    let client = GitHub::with(&transport, &token, &settings, Ties::new(&settings));
    let bench = Bench { gh, client };
    let Unfetched::Trouble(trouble) = bench.log(JOB).await.unwrap_err() else { panic!() };
    assert_eq!(trouble.reason, Reason::InvalidAnswer);
    for part in ["storage.example.com, which is not allowed", "downloadHosts"] {
        assert!(trouble.message.contains(part), "{}", trouble.message);
    }
    assert!(!trouble.message.contains("secret"), "{}", trouble.message);
    assert!(bench.zip(None, MB).await.is_ok(), "what is on the server itself is its own");
    // In a report it is a gap, and the job is as red as it was.
    let by_sha = spec(REPO, |s| s.sha = Some(sha_of("head")));
    let seen = facts(collect(&bench.client, &by_sha, &Memory::new(), Look::whole()).await);
    assert!(seen.gaps.iter().any(|g| g.message.contains("storage.example.com")), "{:?}", seen.gaps);
    bench.clean();
}
