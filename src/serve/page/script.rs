//! The script of the page, at an address that changes with it.

use std::sync::LazyLock;

use axum::http::{HeaderName, header};
use sha2::{Digest, Sha256};

/// Written as it is served: nothing is built, and nothing else is loaded.
const SCRIPT: &str = include_str!("page.js");

/// `/page-0123456789abcdef.js`.
pub(super) static ADDRESS: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::digest(SCRIPT);
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/page-{short}.js")
});

pub(super) async fn answer() -> ([(HeaderName, &'static str); 2], &'static str) {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable"),
    ];
    (headers, SCRIPT)
}
