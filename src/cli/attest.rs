//! `attest` and `verify`: a verdict that is trusted without the cluster.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::cluster::{ClusterArgs, Missing};
use super::exit::Exit;
use super::oneshot::{self, Until};
use super::source::SourceArgs;
use super::{files, print};
use crate::api::DEFAULT_CONNECTION;
use crate::attest::{self, Image, Origin, PublicKey, SigningKey, Statement, Wanted};
use crate::github::ApiBase;
use crate::verdict::gate::{Word, judge_commit};
use crate::verdict::text::clean;

/// Bytes of a key or an envelope.
const MAX_FILE: u64 = (1 << 20) + 1;

/// Arguments of `attest`.
#[derive(Args, Debug)]
pub(super) struct AttestArgs {
    /// Name of a report in a cluster; with it --repo and --sha say which commit it must be about
    name: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Private key to sign with: Ed25519 or ECDSA P-256, PKCS#8 in PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Image that was built from the commit, as NAME@sha256:DIGEST; can be given several times
    #[arg(long = "image", value_name = "IMAGE")]
    images: Vec<Image>,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// File with the attestation; - for standard input
    file: PathBuf,
    /// Public key of who must have signed it, in PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Full id of the commit that it must be about
    #[arg(long, value_name = "SHA")]
    sha: Option<String>,
    /// Repository that it must be about
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<String>,
    /// Where the repository is: the host of GitHub, or the name of the operator's connection
    #[arg(long, value_name = "HOST", default_value = DEFAULT_CONNECTION)]
    server: String,
    /// Image that it must be about, as NAME@sha256:DIGEST
    #[arg(long, value_name = "IMAGE")]
    image: Option<Image>,
    /// Longest time since it was made, for example 720h
    #[arg(long, value_parser = super::reports::duration, value_name = "DURATION")]
    max_age: Option<Duration>,
    /// Nothing may be excused: no waiver, and no required job that was let through
    #[arg(long)]
    strict: bool,
}

/// Signs a final verdict. The exit code is the verdict's; a final red one is signed too.
pub(super) async fn attest(args: &AttestArgs) -> anyhow::Result<Exit> {
    let key = SigningKey::from_pem(&read(&args.key)?).with_context(|| shown(&args.key))?;
    let source = &args.source;
    let server;
    let (report, origin) = match &args.name {
        Some(_) if source.names_more() => {
            return usage("with the name of a report only --repo and --sha say what it must be about");
        }
        Some(name) => match args.cluster.connect().await?.get(name).await {
            Ok(report) => (report, Origin::Cluster),
            Err(Missing::NotFound(message)) => bail!("{}", clean(&message, 512)),
            Err(Missing::Other(error)) => return Err(error),
        },
        None if source.is_given() => {
            let ready = source
                .report_to_judge()
                .and_then(|report| Ok((report, source.client()?, ApiBase::parse(&source.github_url)?)));
            let (mut report, github, base) = match ready {
                Ok(ready) => ready,
                Err(error) => return usage(&format!("{error:#}")),
            };
            oneshot::fill(&github, &mut report, Until::Once, Duration::ZERO).await;
            server = if base.is_github_com() {
                DEFAULT_CONNECTION.to_owned()
            } else {
                base.authority().to_owned()
            };
            (report, Origin::Server(&server))
        }
        None => {
            return usage(
                "name a report, or a commit with --repo and --pr, --sha, --run or --branch, or -f FILE",
            );
        }
    };
    let gate = judge_commit(&report, source.repo.as_deref(), source.sha.as_deref());
    let fit = match gate.word {
        Word::Passed | Word::Failed => attest::statement(&report, origin, &args.images, Timestamp::now()),
        word => Err(attest::Unfit { word, message: gate.message.clone() }),
    };
    let statement = match fit {
        Ok(statement) => statement,
        Err(unfit) => {
            eprintln!("nothing is attested: {}", clean(&unfit.message, 2048));
            return Ok(if unfit.word == Word::Unreadable { Exit::Unreadable } else { Exit::Undecided });
        }
    };
    let envelope = attest::sign(&key, &statement.bytes()?)?;
    print(&format!("{}\n", serde_json::to_string(&envelope)?))?;
    eprintln!("{}: {}", statement.predicate.result, clean(&gate.message, 2048));
    Ok(exit(gate.word))
}

/// Says whether an attestation is a pass of what is asked for. Needs neither a network nor a cluster.
pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<Exit> {
    if args.sha.as_ref().is_some_and(|sha| !attest::is_commit(sha)) {
        return usage("--sha must be the full commit id, 40 or 64 lower-case hexadecimal digits");
    }
    if args.repo.as_ref().is_some_and(|r| r.split('/').filter(|p| !p.is_empty()).count() != 2) {
        return usage("--repo must be owner/name");
    }
    let key = PublicKey::from_pem(&read(&args.key)?).with_context(|| shown(&args.key))?;
    let payload = attest::verify(&read(&args.file)?, &key).with_context(|| shown(&args.file))?;
    let statement = Statement::read(&payload).with_context(|| shown(&args.file))?;
    let wanted = Wanted {
        sha: args.sha.as_deref(),
        repository: args.repo.as_deref(),
        server: &args.server,
        image: args.image.as_ref(),
        max_age: args.max_age.map(SignedDuration::try_from).transpose()?,
        strict: args.strict,
    };
    let answer = attest::check(&statement, &wanted, Timestamp::now());
    let code = exit(answer.word);
    if code != Exit::Success {
        eprintln!("{}: {}", if code == Exit::Failure { "failed" } else { "undecided" }, answer.message);
        return Ok(code);
    }
    if args.sha.is_none() || args.repo.is_none() {
        eprintln!(
            "warning: give --sha and --repo: an attestation of any commit that its signer knows is taken"
        );
    }
    print(&format!("passed: {}\n", answer.message))
}

fn exit(word: Word) -> Exit {
    match word {
        Word::Passed => Exit::Success,
        Word::Failed => Exit::Failure,
        Word::Undecided => Exit::Undecided,
        Word::Unreadable => Exit::Unreadable,
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match path == Path::new("-") {
        true => std::io::stdin().lock().take(MAX_FILE).read_to_end(&mut bytes),
        false => files::open(path)?.take(MAX_FILE).read_to_end(&mut bytes),
    }
    .with_context(|| format!("cannot read {}", shown(path)))?;
    Ok(bytes)
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { clean(&path.display().to_string(), 300) }
}

fn usage(text: &str) -> anyhow::Result<Exit> {
    eprintln!("error: {text}");
    Ok(Exit::Usage)
}
