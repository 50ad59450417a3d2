//! An API server of unit tests: a function from requests to answers.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_service::Service;

/// A client of a server that answers so; None is an answer that never comes.
pub(super) fn client(answer: impl FnMut(&str) -> Option<(u16, Value)> + Send + 'static) -> Client {
    Client::new(Fake(answer), "default")
}

/// A list without objects.
pub(super) fn nothing(kind: &str) -> (u16, Value) {
    (200, json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}))
}

/// An error of the server.
pub(super) fn trouble(code: u16) -> (u16, Value) {
    let text = "as the test wants it";
    (
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": text, "message": text}),
    )
}

struct Fake<F>(F);

impl<F: FnMut(&str) -> Option<(u16, Value)>> Service<Request<Body>> for Fake<F> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = (self.0)(&request.uri().to_string());
        Box::pin(async move {
            let Some((code, body)) = answer else { return std::future::pending().await };
            let mut response = Response::new(Body::from(body.to_string().into_bytes()));
            *response.status_mut() = StatusCode::from_u16(code).unwrap_or_default();
            Ok(response)
        })
    }
}
