//! What the script adds to a page, in a real browser: and that nothing is missing without it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::browser::{Browser, Look};
use super::looks::{DESKTOP, digest, script, serve};
use super::pages;
use crate::cluster::eventually;

pub const LOOK: Look = Look { dark: false, width: DESKTOP.0, height: 300 };

/// A page that changes, and who asked for it with which tag.
#[derive(Default)]
struct Scene {
    html: String,
    /// Another answer than the page.
    refused: Option<StatusCode>,
    asked: Vec<Option<String>>,
    /// How often the answer was that nothing has changed.
    same: usize,
}

#[derive(Clone, Default)]
struct Stage(Arc<Mutex<Scene>>);

impl Stage {
    /// Serves a page that asks again after so many seconds.
    async fn serve(html: &str, seconds: &str) -> (Self, String) {
        let stage = Self::default();
        stage.show(html, seconds);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", get(answer)).route("/{file}", get(script));
        let router = router.with_state(stage.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        (stage, url)
    }

    fn show(&self, html: &str, seconds: &str) {
        let told = regex::Regex::new("data-refresh=\"(15|60)\"").unwrap();
        assert!(told.is_match(html), "the page says how often it is asked for");
        let quick = told.replace(html, format!("data-refresh=\"{seconds}\""));
        self.0.lock().unwrap().html = quick.into_owned();
    }

    fn refuse(&self, status: Option<StatusCode>) {
        self.0.lock().unwrap().refused = status;
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }
}

async fn answer(State(stage): State<Stage>, headers: HeaderMap) -> Response {
    let mut scene = stage.0.lock().unwrap();
    let known = headers.get(header::IF_NONE_MATCH).map(|v| v.to_str().unwrap().to_owned());
    scene.asked.push(known.clone());
    if let Some(status) = scene.refused {
        return status.into_response();
    }
    let tag = format!("\"{}\"", digest(scene.html.as_bytes()));
    if known.as_ref() == Some(&tag) {
        scene.same += 1;
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(header::ETAG, tag)], Html(scene.html.clone())).into_response()
}

/// Waits until an expression comes to this.
pub async fn until(browser: &mut Browser, expression: &str, wanted: impl Into<Value>) {
    let wanted = wanted.into();
    let mut last = Value::Null;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while last != wanted {
        assert!(tokio::time::Instant::now() < deadline, "{expression} is {last}, not {wanted}");
        last = browser.evaluate(expression).await;
    }
}

pub const TOLD: &str = "document.querySelector('[role=status]').textContent";

/// The overview with three more reports at its top, one of which failed.
fn grown(overview: &str) -> String {
    let row = |n: u32| {
        format!(
            "<tr><th class=\"what\" scope=\"row\"><a href=\"/reports/ci/new-{n}\">#9{n} at 01234567</a></th>\
             <td colspan=\"5\">new</td></tr>\n"
        )
    };
    let at = overview.find("<tr><th class=\"what\"").unwrap();
    let more: String = (0..3).map(row).collect();
    let (head, rest) = overview.split_at(at);
    let failed = overview.split("Failed: ").nth(1).unwrap().split('<').next().unwrap();
    let n: u32 = failed.parse().unwrap();
    format!("{head}{more}{rest}").replace(&format!("Failed: {n}<"), &format!("Failed: {}<", n + 1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_kept_fresh_and_who_reads_it_loses_neither_place_nor_focus() {
    let Some(mut browser) = Browser::start().await else { return };
    let overview = pages::all().await.remove("overview").unwrap();
    let (stage, url) = Stage::serve(&overview, "0.2").await;
    browser.open(&url, LOOK).await;
    let place = "(() => {
        const links = document.querySelectorAll('main tbody th.what a');
        window.held = links[links.length - 2];
        held.focus();
        document.getElementById('repository').value = 'typed';
        window.scrollTo(0, held.getBoundingClientRect().top + scrollY - 120);
        window.top0 = held.getBoundingClientRect().top;
        return scrollY > 0;
    })()";
    assert_eq!(browser.evaluate(place).await, true);
    stage.show(&grown(&overview), "0.2");
    until(&mut browser, "document.querySelectorAll('a[href^=\"/reports/ci/new-\"]').length", 3).await;
    let kept =
        "(() => [document.activeElement === held, Math.abs(held.getBoundingClientRect().top - top0) < 2,
        document.getElementById('repository').value])()";
    assert_eq!(browser.evaluate(kept).await, json!([true, true, "typed"]));
    // What changed is said, once and politely.
    let told = browser.evaluate(TOLD).await;
    assert!(told.as_str().unwrap().starts_with("Changed: Failed: "), "{told}");
    // What has not changed is not sent again.
    eventually(|| "nothing to be new", async || (stage.0.lock().unwrap().same > 1).then_some(())).await;
    // What is gone is gone, and the focus is in the page still.
    browser.evaluate("document.querySelector('a[href=\"/reports/ci/new-0\"]').focus()").await;
    stage.show(&overview, "0.2");
    until(&mut browser, "document.querySelectorAll('a[href^=\"/reports/ci/new-\"]').length", 0).await;
    assert_eq!(browser.evaluate("document.activeElement.id").await, "main");
    assert!(browser.trouble().is_empty(), "{:?}", browser.trouble());
}

#[tokio::test(flavor = "multi_thread")]
async fn details_that_a_reader_opened_stay_open() {
    let Some(mut browser) = Browser::start().await else { return };
    let report = pages::all().await.remove("report").unwrap();
    let (stage, url) = Stage::serve(&report, "0.2").await;
    browser.open(&url, LOOK).await;
    browser.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = !d.open })").await;
    let open = "[...document.querySelectorAll('details')].map((d) => d.open)";
    let before = browser.evaluate(open).await;
    assert!(before.as_array().unwrap().len() > 1, "{before}");
    stage.show(&report.replace("</h1>", " (again)</h1>"), "0.2");
    until(&mut browser, "document.querySelector('h1').textContent.endsWith('(again)')", true).await;
    assert_eq!(browser.evaluate(open).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_filtered_by_what_is_in_them_whatever_that_is() {
    let Some(mut browser) = Browser::start().await else { return };
    let overview = pages::all().await.remove("overview").unwrap();
    let (stage, url) = Stage::serve(&overview, "0.2").await;
    browser.open(&url, LOOK).await;
    // The first that a keyboard comes to after the ways around.
    for _ in 0..3 {
        browser.press("Tab").await;
    }
    assert_eq!(browser.evaluate("document.activeElement.id").await, "rows");
    let shown = "[...document.querySelectorAll('main tbody tr')].filter((r) => r.getClientRects().length > 0)
        .map((r) => r.querySelector('a').getAttribute('href')).filter((h) => h.startsWith('/reports/')).length";
    assert_eq!(browser.evaluate(shown).await, 9);
    browser.call("Input.insertText", json!({"text": "<SCRIPT>alert(1)"})).await;
    assert_eq!(
        (browser.evaluate(shown).await, browser.evaluate(TOLD).await),
        (json!(1), json!("1 of 9 rows"))
    );
    // A repository has its rows, and its name goes with the last of them.
    browser.evaluate("document.getElementById('rows').value = ''").await;
    browser.call("Input.insertText", json!({"text": "octo-org/docs"})).await;
    assert_eq!(browser.evaluate(shown).await, 1);
    let groups =
        "[...document.querySelectorAll('.group')].filter((g) => g.getClientRects().length > 0).length";
    assert_eq!(browser.evaluate(groups).await, 1);
    // What comes later is filtered too: it is of that repository.
    stage.show(&grown(&overview), "0.2");
    until(&mut browser, "document.querySelectorAll('a[href^=\"/reports/ci/new-\"]').length", 3).await;
    assert_eq!(browser.evaluate(shown).await, 4);
    browser.evaluate("document.getElementById('rows').value = ''").await;
    browser.call("Input.insertText", json!({"text": " "})).await;
    assert_eq!(browser.evaluate(shown).await, 12);
    assert!(browser.trouble().is_empty(), "{:?}", browser.trouble());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_for_ever() {
    let Some(mut browser) = Browser::start().await else { return };
    let overview = pages::all().await.remove("overview").unwrap();
    let (stage, url) = Stage::serve(&overview, "0.05").await;
    browser.open(&url, LOOK).await;
    let on = "document.querySelector('[aria-pressed]').getAttribute('aria-pressed')";
    assert_eq!(browser.evaluate(on).await, "true");
    // An answer that will not change ends it at once, and says so.
    stage.refuse(Some(StatusCode::NOT_FOUND));
    until(&mut browser, on, "false").await;
    assert_eq!(browser.evaluate(TOLD).await, "The answer is 404. This page is not kept fresh any more.");
    let ended = stage.asked();
    // Whoever wants to can go on.
    stage.refuse(Some(StatusCode::BAD_GATEWAY));
    browser.evaluate("document.querySelector('[aria-pressed]').click()").await;
    until(&mut browser, TOLD, "There is no answer; it is tried again.").await;
    stage.refuse(None);
    until(&mut browser, TOLD, "This page is fresh again.").await;
    stage.refuse(Some(StatusCode::BAD_GATEWAY));
    let before = stage.asked();
    until(&mut browser, on, "false").await;
    let told = "There was no answer for some time. This page is not kept fresh any more.";
    assert_eq!(browser.evaluate(TOLD).await, told);
    let tries = stage.asked() - before;
    assert!((5..=7).contains(&tries), "{tries}");
    assert!(ended < before);
    // Who looks elsewhere asks nothing.
    stage.refuse(None);
    let hide = "Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
        document.querySelector('[aria-pressed]').click();";
    browser.evaluate(hide).await;
    let hidden = stage.asked();
    // Ten times as long as it would have taken; nothing tells that nothing happens.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(stage.asked(), hidden);
    browser.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))").await;
    eventually(|| "it to be asked for", async || (stage.asked() > hidden).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_later_runs_no_more_than_what_was_there() {
    let Some(mut browser) = Browser::start().await else { return };
    let overview = pages::all().await.remove("overview").unwrap();
    let (stage, url) = Stage::serve(&overview, "0.2").await;
    browser.open(&url, LOOK).await;
    // As if the server had not escaped a name.
    let raw = "<h1>Reports</h1><p id=\"come\"><script>console.log('ran')</script>\
        <script src=\"data:text/javascript,console.log('ran')\"></script>\
        <img src=\"http://other.invalid/x\" onerror=\"console.log('ran')\"><svg onload=\"console.log('ran')\"></svg>\
        <iframe srcdoc=\"<script>console.log('ran')</script>\"></iframe>\
        <a id=\"trap\" href=\"javascript:console.log('ran')\">x</a></p>";
    stage.show(&overview.replace("<h1>Reports</h1>", raw), "0.2");
    until(&mut browser, "document.getElementById('come') !== null", true).await;
    browser.evaluate("document.getElementById('trap').click()").await;
    let refused = |trouble: &[String]| trouble.iter().any(|t| t.contains("Content Security Policy"));
    // What was refused is told as it happens.
    for _ in 0..100 {
        if refused(&browser.trouble()) {
            break;
        }
        browser.screenshot().await;
    }
    let trouble = browser.trouble();
    assert!(refused(&trouble), "{trouble:?}");
    assert!(!trouble.iter().any(|t| t.contains("consoleAPICalled")), "{trouble:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_script_everything_is_there() {
    let Some(mut browser) = Browser::start().await else { return };
    let all: BTreeMap<&'static str, String> = pages::all().await;
    let names: Vec<&str> = all.keys().copied().collect();
    let url = serve(all).await;
    let text = "document.querySelector('main').innerText";
    for name in names {
        browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
        browser.open(&format!("{url}/{name}"), LOOK).await;
        assert_eq!(browser.evaluate("document.getElementById('rows')").await, Value::Null, "{name}");
        assert_eq!(browser.evaluate(include_str!("looks.js")).await, json!([]), "{name}");
        let without = browser.evaluate(text).await;
        browser.call("Emulation.setScriptExecutionDisabled", json!({"value": false})).await;
        browser.open(&format!("{url}/{name}"), LOOK).await;
        assert_ne!(browser.evaluate("document.getElementById('rows')").await, Value::Null, "{name}");
        assert_eq!(browser.evaluate(text).await, without, "{name}");
        assert!(browser.trouble().is_empty(), "{name}: {:?}", browser.trouble());
    }
}
