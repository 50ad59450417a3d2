//! How pages look, in a real browser; docs/page shows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use super::browser::{Browser, Look};
use super::{pages, pure};
use crate::generated::{assert_file, in_repository};

pub const DESKTOP: (u32, u32) = (1000, 640);
const PHONE: (u32, u32) = (390, 640);
/// Largest screenshot.
const MOST: usize = 100_000;

/// The script of the page.
pub async fn script() -> impl IntoResponse {
    let text = std::fs::read_to_string(in_repository("src/serve/page/page.js")).unwrap();
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], text)
}

/// Answers with these pages at their names, and with the script at any other.
pub async fn serve(pages: BTreeMap<&'static str, String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut router = Router::new().route("/{file}", get(script));
    for (name, html) in pages {
        let html = Arc::new(html);
        router = router.route(&format!("/{name}"), get(async move || Html(html.as_ref().clone())));
    }
    tokio::spawn(async { axum::serve(listener, router).await });
    format!("http://{address}")
}

pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What docs/page shows of a page: on a desktop in light, on a phone in dark.
fn shots(name: &str) -> [(String, Look); 2] {
    let of = |(width, height), dark| Look { dark, width, height };
    [(format!("{name}-light.png"), of(DESKTOP, false)), (format!("{name}-dark.png"), of(PHONE, true))]
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_look_as_the_docs_show_them() {
    let pages = pages::all().await;
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| !v.is_empty()) {
        let Some(mut browser) = Browser::start().await else { return };
        let url = serve(pages.clone()).await;
        for (name, shot, look) in pages.keys().flat_map(|n| shots(n).map(|(shot, look)| (*n, shot, look))) {
            browser.open(&format!("{url}/{name}"), look).await;
            let image = browser.screenshot().await;
            std::fs::create_dir_all(in_repository("docs/page")).unwrap();
            std::fs::write(in_repository("docs/page").join(shot), image).unwrap();
        }
    }
    // Each screenshot with the page that it is of: one that changes needs new ones.
    let mut lines =
        String::from("# Screenshots and the pages they are of; UPDATE_GOLDEN=1 makes both anew.\n");
    for (name, html) in &pages {
        lines.push_str(&format!("{}  {name}.html\n", digest(html.as_bytes())));
        for (shot, _) in shots(name) {
            let image = std::fs::read(in_repository("docs/page").join(&shot)).unwrap_or_default();
            assert!((1..MOST).contains(&image.len()), "{shot}: {} bytes", image.len());
            lines.push_str(&format!("{}  {shot}\n", digest(&image)));
        }
    }
    assert_file("docs/page/SHA256SUMS", &lines);
    let docs = std::fs::read_to_string(in_repository("docs/page.md")).unwrap();
    for name in pages.keys() {
        assert!(docs.contains(&format!("(page/{name}-light.png)")), "docs/page.md does not show {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_can_be_read_by_everybody_and_runs_nothing_of_others() {
    let Some(mut browser) = Browser::start().await else { return };
    let mut all = pages::all().await;
    all.insert("report-of-the-command-line", pages::command_line());
    all.insert("hostile-overview", pure::overview_of(""));
    all.insert("hostile-report", pure::hostile_page());
    // So that what follows would be noticed.
    all.insert(
        "control",
        "<main><script>console.log('ran')</script><img src=\"http://other.invalid/x\">".to_owned(),
    );
    let names: Vec<&str> = all.keys().copied().collect();
    let url = serve(all).await;
    let folder = in_repository("target/screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    for name in names {
        for dark in [false, true] {
            for (width, height) in [DESKTOP, PHONE] {
                let what = format!("{name}-{}-{width}", if dark { "dark" } else { "light" });
                browser.open(&format!("{url}/{name}"), Look { dark, width, height }).await;
                let found = browser.evaluate(include_str!("looks.js")).await;
                let elsewhere: Vec<String> =
                    browser.requests().into_iter().filter(|r| !r.starts_with(&url)).collect();
                if name == "control" {
                    assert!(browser.trouble().iter().any(|t| t.contains("ran")), "{:?}", browser.trouble());
                    assert_eq!(elsewhere, ["http://other.invalid/x"]);
                    assert!(found.as_array().unwrap().len() > 1, "{found}");
                    continue;
                }
                let image = browser.screenshot().await;
                std::fs::write(folder.join(format!("{what}.png")), image).unwrap();
                assert_eq!(found, serde_json::json!([]), "{what}");
                assert!(
                    browser.trouble().is_empty() && elsewhere.is_empty(),
                    "{what}: {:?}",
                    browser.trouble()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_is_enough() {
    let Some(mut browser) = Browser::start().await else { return };
    let url = serve(pages::all().await).await;
    let look = Look { dark: false, width: DESKTOP.0, height: DESKTOP.1 };
    browser.open(&format!("{url}/overview"), look).await;
    browser.press("Tab").await;
    let focus = "(() => { const e = document.activeElement, b = e.getBoundingClientRect(), s = getComputedStyle(e);
        return { text: e.textContent.trim(), seen: b.left >= 0 && b.width > 0 && s.outlineStyle !== 'none' } })()";
    let first = browser.evaluate(focus).await;
    assert_eq!(first, serde_json::json!({"text": "Skip to the content", "seen": true}));
    // Everything that can be used is reached, and seen when it is.
    let count = "document.querySelectorAll('a, input, select, button, summary, [tabindex=\"0\"]').length";
    let count = browser.evaluate(count).await.as_u64().unwrap();
    let mut reached = std::collections::BTreeSet::from([first.to_string()]);
    for n in 1..count {
        browser.press("Tab").await;
        let now = browser.evaluate(focus).await;
        assert_eq!(now["seen"], true, "{n} of {count}: {now}");
        reached.insert(now.to_string());
    }
    assert!(reached.len() > 10, "{reached:?}");
}
