//! A login that ends while somebody looks, in a real browser.

use serde_json::json;

use super::super::browser::Browser;
use super::super::live::{LOOK, TOLD, until};
use super::Scene;
use super::provider::Person;

pub(super) async fn who_has_to_log_in_again_gets_where_they_wanted(scene: &Scene) {
    let Some(mut browser) = Browser::start().await else { return };
    // The provider and the proxy have the certificate of the API server, which is its own authority.
    browser.call("Security.setIgnoreCertificateErrors", json!({"ignore": true})).await;
    scene.provider.seat(Person::new("alice", &[]));
    browser.open(&scene.page("/"), LOOK).await;
    assert_eq!(browser.evaluate("location.href").await, scene.page("/"));
    let rows = "document.querySelectorAll('tbody th.what a').length";
    assert_eq!(browser.evaluate(rows).await, 1);
    assert!(browser.trouble().is_empty(), "{:?}", browser.trouble());

    // The page that is open says that it is not fresh any more, at once.
    scene.provider.seat(None);
    browser.call("Network.clearBrowserCookies", json!({})).await;
    for _ in 0..2 {
        browser.evaluate("document.querySelector('[aria-pressed]').click()").await;
    }
    let told = "You are not logged in any more: load the page again to log in. This page is not kept fresh any more.";
    until(&mut browser, TOLD, told).await;
    assert_eq!(browser.evaluate(rows).await, 1);

    // What is asked then goes by the login, which is at another site: a form by itself may not go there.
    scene.provider.seat(Person::new("alice", &[]));
    browser.evaluate("document.querySelector('form').submit()").await;
    let refused = |trouble: &[String]| trouble.iter().any(|t| t.contains("form-action"));
    // What was refused is told as it happens.
    for _ in 0..100 {
        if refused(&browser.trouble()) {
            break;
        }
        browser.screenshot().await;
    }
    assert!(refused(&browser.trouble()), "{:?}", browser.trouble());
    assert_eq!(browser.evaluate("location.search").await, "");
    browser.evaluate("document.getElementById('repository').value = 'shop'").await;
    browser.evaluate("document.querySelector('form button').click()").await;
    until(&mut browser, "location.pathname + location.search", "/?repository=shop").await;
    until(&mut browser, rows, 1).await;
    scene.provider.seat(None);
}
