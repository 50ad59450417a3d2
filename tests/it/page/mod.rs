//! The page for people: who sees what, what browsers may do with it, how it looks.

mod access;
mod browser;
mod live;
mod looks;
mod pages;
mod past;
mod proxy;
mod pure;

use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use kube::client::Body;

/// An answer as a browser gets it.
#[derive(Debug)]
pub struct Shown {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

/// One request.
async fn ask(url: &str, method: Method, path: &str, headers: &[(&str, &str)]) -> Shown {
    ask_over(url, None, method, path, headers).await
}

/// The same over TLS, where there are certificates that it is checked with.
async fn ask_over(
    url: &str,
    roots: Option<Vec<Vec<u8>>>,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Shown {
    let mut config = kube::Config::new(url.parse().unwrap());
    config.default_retry = false;
    config.root_cert = roots;
    let client = kube::Client::try_from(config).unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = client.send(request.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Shown {
        status: head.status.as_u16(),
        headers: head.headers,
        body: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

/// A page, with a token.
pub async fn get(url: &str, path: &str, token: &str) -> Shown {
    ask(url, Method::GET, path, &[("authorization", &format!("Bearer {token}"))]).await
}
