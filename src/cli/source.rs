//! What a command is about: a commit on GitHub named by flags or by a file.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use secrecy::SecretString;

use crate::api::spec::{GitHubSource, Source};
use crate::api::{DEFAULT_CONNECTION, TestRunReport, TestRunReportSpec};
use crate::github::{ApiBase, Credential, GITHUB_COM, GitHub, Settings, Ties, Transport, is_host_pattern};
use crate::verdict;

/// Bytes of a report file; the API server takes no more either.
const MAX_FILE: u64 = 1 << 20;

/// A commit, and where to ask for it.
#[derive(Args, Debug, Default)]
pub(super) struct SourceArgs {
    /// File with a TestRunReport in YAML or JSON; - for standard input
    #[arg(short = 'f', long = "filename", value_name = "FILE", conflicts_with_all = ["repo", "pr", "run", "branch"])]
    pub file: Option<PathBuf>,
    /// Repository, as owner/name
    #[arg(long, value_name = "OWNER/NAME")]
    pub repo: Option<String>,
    /// Number of a pull request
    #[arg(long, value_name = "N", requires = "repo", conflicts_with_all = ["sha", "run", "branch"])]
    pub pr: Option<i64>,
    /// Full commit id
    #[arg(long, value_name = "SHA", conflicts_with_all = ["run", "branch"])]
    pub sha: Option<String>,
    /// Id of a workflow run
    #[arg(long, value_name = "ID", requires = "repo", conflicts_with = "branch")]
    pub run: Option<i64>,
    /// Name of a branch
    #[arg(long, value_name = "NAME", requires = "repo")]
    pub branch: Option<String>,
    /// API of GitHub; https://HOST/api/v3 for GitHub Enterprise Server
    #[arg(long, env = "GITHUB_API_URL", default_value = GITHUB_COM, value_name = "URL")]
    pub github_url: String,
}

impl SourceArgs {
    /// Whether a commit is named at all.
    pub fn is_given(&self) -> bool {
        self.file.is_some() || self.repo.is_some()
    }

    /// Whether more is named than the commit that a report of a cluster must be about.
    pub fn names_more(&self) -> bool {
        self.file.is_some() || self.pr.is_some() || self.run.is_some() || self.branch.is_some()
    }

    /// The report that the arguments describe; an error is wrong usage.
    pub fn report(&self) -> anyhow::Result<TestRunReport> {
        if self.file.is_some() && self.sha.is_some() {
            bail!("with -f the file names the commit; leave --sha out");
        }
        self.report_to_judge()
    }

    /// The same for who judges what comes of it: beside a file `--sha` says which commit that must be about.
    pub fn report_to_judge(&self) -> anyhow::Result<TestRunReport> {
        if let Some(file) = &self.file {
            let report = read(file)?;
            if report.spec.source.github.connection != DEFAULT_CONNECTION {
                bail!(
                    "spec.source.github.connection: connections belong to an operator; here only {DEFAULT_CONNECTION} works, with --github-url for another host"
                );
            }
            return Ok(report);
        }
        let repository = self
            .repo
            .clone()
            .context("name a commit: --repo OWNER/NAME with --pr, --sha, --run or --branch, or -f FILE")?;
        let github = GitHubSource {
            repository,
            pull_request: self.pr,
            sha: self.sha.clone(),
            run_id: self.run,
            branch: self.branch.clone(),
            connection: DEFAULT_CONNECTION.to_owned(),
        };
        let named = [
            github.pull_request.is_some(),
            github.sha.is_some(),
            github.run_id.is_some(),
            github.branch.is_some(),
        ];
        if !named.contains(&true) {
            bail!("--repo needs one of --pr, --sha, --run and --branch");
        }
        let spec = TestRunReportSpec { source: Source { github }, ..Default::default() };
        verdict::validate(&spec).map_err(|e| anyhow!(e))?;
        let mut report = TestRunReport::new("", spec);
        report.metadata.name = None;
        Ok(report)
    }

    /// A client for GitHub with the token of the environment.
    pub fn client(&self) -> anyhow::Result<GitHub> {
        let base = ApiBase::parse(&self.github_url)?;
        let token = ["GITHUB_TOKEN", "GH_TOKEN"].into_iter().find_map(|name| std::env::var(name).ok());
        let credential = match token.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()) {
            Some(token) => Credential::Token(SecretString::from(token)),
            None => Credential::None,
        };
        let (settings, hosts) = (Settings::default(), download_hosts()?);
        let transport = Transport::with_downloads(&base, &hosts, settings.timeout)?;
        Ok(GitHub::with(&transport, &credential, &settings, Ties::new(&settings)))
    }
}

/// Hosts that logs and archives may come from in place of the server's own, as a connection has them.
fn download_hosts() -> anyhow::Result<Vec<String>> {
    let text = std::env::var("GITHUB_DOWNLOAD_HOSTS").unwrap_or_default();
    let hosts: Vec<String> =
        text.split(',').map(|host| host.trim().to_owned()).filter(|host| !host.is_empty()).collect();
    match hosts.iter().find(|host| !is_host_pattern(host)) {
        Some(bad) => bail!(
            "GITHUB_DOWNLOAD_HOSTS: {:?} is no host such as storage.example.com or *.example.com",
            crate::verdict::text::clean(bad, 100)
        ),
        None => Ok(hosts),
    }
}

/// Reads a report from a file, as strictly as the API server.
pub(super) fn read(path: &Path) -> anyhow::Result<TestRunReport> {
    let shown = if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        crate::verdict::text::clean(&path.display().to_string(), 300)
    };
    let mut text = String::new();
    let took = if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_string(&mut text)
    } else {
        super::files::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)
    };
    took.with_context(|| format!("cannot read {shown}; expected a TestRunReport in YAML or JSON"))?;
    if text.len() as u64 > MAX_FILE {
        bail!("{shown} is larger than {MAX_FILE} bytes; expected one TestRunReport");
    }
    parse(&text).with_context(|| format!("{shown} is not a TestRunReport that can be carried out"))
}

fn parse(text: &str) -> anyhow::Result<TestRunReport> {
    let value: serde_json::Value = serde_saphyr::from_str(text)
        .map_err(|e| anyhow!("not one document of YAML or JSON: {}", line_of(&e.to_string())))?;
    let field = |name: &str| value.get(name).and_then(|v| v.as_str()).unwrap_or("").to_owned();
    let (version, kind) = (field("apiVersion"), field("kind"));
    if let Some(items) = value.get("items").and_then(|i| i.as_array()) {
        bail!(
            "a list of {} objects; expected one TestRunReport: write each into a file of its own",
            items.len()
        );
    }
    let wanted = format!("{}/{}", crate::api::GROUP, crate::api::VERSION);
    if version != wanted || kind != "TestRunReport" {
        bail!("expected apiVersion {wanted} and kind TestRunReport, got {version:?} and {kind:?}");
    }
    // The type's own deserializer passes over what it has no place for: the two fields read above.
    let mut unknown = Vec::new();
    let report: TestRunReport = serde_ignored::deserialize(value, |path| unknown.push(path.to_string()))
        .map_err(|e| anyhow!("{}", line_of(&e.to_string())))?;
    if let Some(first) = unknown.iter().find(|f| !matches!(f.as_str(), "apiVersion" | "kind")) {
        bail!(
            "unknown field {first}; kubectl testrun crd and kubectl explain testrunreport.spec list the fields"
        );
    }
    verdict::validate(&report.spec).map_err(|e| anyhow!(e))?;
    Ok(report)
}

fn line_of(text: &str) -> String {
    crate::verdict::text::clean(text, 400)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const GOOD: &str = "apiVersion: testrun.dev/v1alpha1\nkind: TestRunReport\nmetadata: {name: a}\nspec:\n  source:\n    github: {repository: acme/shop, pullRequest: 20}\n";

    #[test]
    fn a_report_file_is_read_strictly() {
        assert_eq!(parse(GOOD).unwrap().spec.source.github.pull_request, Some(20));
        for (change, to, want) in [
            ("pullRequest: 20", "pullRequest: twenty", "twenty"),
            ("pullRequest: 20", "pullRequest: 20, sha: abc", "exactly one of"),
            ("pullRequest: 20", "pullrequest: 20", "pullrequest"),
            ("acme/shop", "https://github.com/acme/shop", "without a host"),
            ("v1alpha1", "v1", "testrun.dev/v1alpha1"),
            ("TestRunReport", "Pod", "Pod"),
            ("spec:", "spec: [", "YAML"),
        ] {
            let error = format!("{:#}", parse(&GOOD.replacen(change, to, 1)).unwrap_err());
            assert!(error.contains(want), "{to}: {error}");
        }
        assert!(parse("").is_err());
    }
}
