//! What GitHub answered when others recorded it, asked for by our own client: the npm package @octokit/fixtures has
//! answers for a few of the questions that are asked here.

use serde_json::Value;
use testrun_operator::github::api::Repo;
use testrun_operator::github::{Ask, Priority};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Answers reads as they were recorded, the last of each path, and everything else with 404.
async fn replay(scenario: &str) -> ApiBase {
    let recorded = fake::recorded(scenario).unwrap();
    assert!(!recorded.is_empty(), "{scenario}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let base = ApiBase::parse(&url).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = answer(stream, &recorded, &url).await;
        }
    });
    base
}

async fn answer(mut stream: TcpStream, recorded: &[Value], url: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let fits = |e: &&Value| {
        e["method"] == "get" && e["path"].as_str().map(|p| p.trim_end_matches('/')) == Some(path)
    };
    let (status, body, location) = match recorded.iter().rfind(fits) {
        Some(found) => {
            let body = found["response"].to_string().replace("https://api.github.com", url);
            let location = found["headers"]["location"].as_str().unwrap_or_default();
            (found["status"].as_u64().unwrap(), body, location.replace("https://api.github.com", url))
        }
        None => (404, r#"{"message":"Not Found"}"#.to_owned(), String::new()),
    };
    let location = Some(location).filter(|l| !l.is_empty()).map(|l| format!("location: {l}\r\n"));
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n{}content-length: {}\r\n\r\n{body}",
        location.unwrap_or_default(),
        body.len(),
    );
    stream.write_all(answer.as_bytes()).await
}

async fn asking(scenario: &str) -> GitHub {
    let base = replay(scenario).await;
    GitHub::new(&base, &Credential::None, &Settings::default()).unwrap()
}

fn repo<'g>(github: &'g GitHub, name: &str) -> Repo<'g> {
    Repo::new(github, &format!("octokit-fixture-org/{name}"), Ask::now(Priority::Gating))
}

#[tokio::test]
async fn a_recorded_repository_and_its_new_name_are_read() {
    let github = asking("get-repository").await;
    let found = repo(&github, "hello-world").repository().await.unwrap();
    assert_eq!((found.id, found.full_name.as_str()), (1000, "octokit-fixture-org/hello-world"));
    assert!(!found.default_branch.is_empty());
    let github = asking("rename-repository").await;
    let moved = repo(&github, "rename-repository").repository().await.unwrap();
    assert!(moved.full_name.starts_with("octokit-fixture-org/rename-repository-newname"), "{moved:?}");
}

#[tokio::test]
async fn recorded_commit_statuses_are_read() {
    let github = asking("create-status").await;
    let sha = format!("{}1", "0".repeat(39));
    let statuses = repo(&github, "create-status").statuses(&sha).await.unwrap();
    let all: Vec<(&str, &str)> = statuses.iter().map(|s| (s.context.as_str(), s.state.as_str())).collect();
    assert_eq!(all, [("example/2", "success"), ("example/1", "failure")]);
    assert!(
        statuses.iter().all(|s| s.id > 0 && s.created_at.is_some() && s.creator.is_some()),
        "{statuses:?}"
    );
}

#[tokio::test]
async fn a_recorded_refusal_is_told() {
    let github = asking("branch-protection").await;
    let trouble = repo(&github, "branch-protection").repository().await.unwrap_err();
    assert_eq!(trouble.reason, testrun_operator::api::Reason::NotFound);
}
