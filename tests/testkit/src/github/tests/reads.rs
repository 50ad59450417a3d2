//! Every read, with what the description says about it.

use super::client::{clean, get};
use super::{secs, sha_of, start};

#[test]
fn every_read_answers_and_fits_the_description() {
    let gh = start();
    let head = sha_of("head");
    let repo = "/repos/acme/shop";
    let id = gh.read(|s| s.repos[0].id);
    let check = gh.read(|s| s.repos[0].check_runs[0].id);
    let suite = gh.read(|s| s.repos[0].suites[0].id);
    let comment = gh.read(|s| s.repos[0].comments[0].id);
    let workflow = gh.read(|s| s.repos[0].workflows[0].id);
    let paths = [
        repo.to_owned(),
        format!("/repositories/{id}"),
        format!("/repositories/{id}/actions/runs?per_page=1"),
        format!("{repo}/branches"),
        format!("{repo}/branches/feature/20"),
        format!("{repo}/branches/feature%2F20"),
        format!("{repo}/branches/main/protection/required_status_checks"),
        format!("{repo}/rules/branches/main"),
        format!("{repo}/commits?sha=feature%2F20"),
        format!("{repo}/commits/{head}"),
        format!("{repo}/commits/feature/20"),
        format!("{repo}/commits/{head}/pulls"),
        format!("{repo}/commits/{head}/check-runs?filter=latest&per_page=100"),
        format!("{repo}/commits/feature/20/check-runs"),
        format!("{repo}/commits/{head}/check-suites"),
        format!("{repo}/commits/{head}/status"),
        format!("{repo}/commits/{head}/statuses"),
        format!("{repo}/compare/main...feature/20"),
        format!("{repo}/pulls"),
        format!("{repo}/pulls/20"),
        format!("{repo}/pulls/20/commits"),
        format!("{repo}/issues/20/comments"),
        format!("{repo}/issues/comments/{comment}"),
        format!("{repo}/check-runs/501"),
        format!("{repo}/check-runs/{check}"),
        format!("{repo}/check-runs/{check}/annotations"),
        format!("{repo}/check-suites/{suite}"),
        format!("{repo}/check-suites/{suite}/check-runs"),
        format!(
            "{repo}/actions/runs?head_sha={head}&event=pull_request&status=in_progress&branch=feature/20"
        ),
        format!("{repo}/actions/runs/77"),
        format!("{repo}/actions/runs/77?exclude_pull_requests=true"),
        format!("{repo}/actions/runs/77/attempts/1"),
        format!("{repo}/actions/runs/77/jobs?filter=all"),
        format!("{repo}/actions/runs/77/attempts/1/jobs"),
        format!("{repo}/actions/runs/77/artifacts?per_page=100"),
        format!("{repo}/actions/jobs/501"),
        format!("{repo}/actions/artifacts"),
        format!("{repo}/actions/artifacts/901"),
        format!("{repo}/actions/workflows"),
        format!("{repo}/actions/workflows/{workflow}"),
        format!("{repo}/actions/workflows/ci.yml/runs"),
        "/rate_limit".to_owned(),
    ];
    for path in &paths {
        let answer = get(&gh, path);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        assert!(
            answer.header("etag").is_some() && answer.header("x-ratelimit-remaining").is_some(),
            "{path}"
        );
    }
    clean(&gh);
    gh.advance(secs(1));
}
