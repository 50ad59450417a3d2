//! docs/examples: what a user sees of pull request 20, kept true.

use testkit::github::GitHub;
use testkit::github::scenarios::pr20;

use super::*;
use crate::generated::assert_file;

/// At the moment of the document: one suite undecided.
fn undecided() -> GitHub {
    let gh = GitHub::start(pr20::pull_request_20().concluded());
    gh.pause();
    gh.advance(pr20::UNDECIDED);
    gh
}

/// Without the port of the replayed GitHub and the times of this machine.
fn steady(text: &str, gh: &GitHub) -> String {
    let host = gh.url().to_owned();
    let text = text.replace(&host, "https://github.com").replace("http://127.0.0.1", "https://github.com");
    let port = regex::Regex::new(r"https://github\.com:\d+").unwrap();
    let today = regex::Regex::new(r"202[6-9]-\d\d-\d\d([T ])\d\d:\d\d:\d\d(Z| UTC)").unwrap();
    let year = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let text = port.replace_all(&text, "https://github.com").into_owned();
    today
        .replace_all(&text, |found: &regex::Captures<'_>| {
            let own = found[0].starts_with(&year);
            if own { format!("2026-01-23{}17:00:00{}", &found[1], &found[2]) } else { found[0].to_owned() }
        })
        .into_owned()
}

/// The report at that moment.
pub async fn pull_request_20() -> testrun_operator::api::TestRunReport {
    let gh = undecided();
    let file = repository("examples/pull-request-20.yaml");
    let ran = Cli::new(&["report", "-f", file.to_str().unwrap(), "-o", "json"]).on(&gh).run().await;
    serde_json::from_str(&steady(&ran.out, &gh)).unwrap()
}

#[tokio::test]
async fn the_summary_of_pull_request_20() {
    let gh = undecided();
    let file = repository("examples/pull-request-20.yaml");
    for (output, path) in
        [("markdown", "docs/examples/pull-request-20.md"), ("html", "docs/examples/pull-request-20.html")]
    {
        let ran = Cli::new(&["report", "-f", file.to_str().unwrap(), "-o", output]).on(&gh).run().await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_file(path, &steady(&ran.out, &gh));
    }
}
