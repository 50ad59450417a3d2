//! The trace of a delivery, as one replica tells it to the next.
//!
//! The receiver is open to the internet, and whoever has seen a signed delivery can send it again with headers of their
//! own. So the trace is signed too, with the secret that the webhook itself is signed with: replicas have it, and GitHub
//! signs nothing of this form, because what it signs are documents of JSON.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::runtime::telemetry::Cause;

/// The trace, as W3C Trace Context writes it.
const TRACE: HeaderName = HeaderName::from_static("traceparent");
/// Its signature.
const SIGNATURE: HeaderName = HeaderName::from_static("testrun-trace-signature");

/// The headers that tell of a trace; none where there is none, or nothing to sign it with.
pub(super) fn headers(
    cause: &Cause,
    secrets: &[SecretString],
    delivery: &[u8; 32],
) -> Option<[(HeaderName, HeaderValue); 2]> {
    let trace = cause.traceparent()?;
    let signature = mac(secrets.first()?, &trace, delivery)?.finalize().into_bytes();
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    Some([
        (TRACE, HeaderValue::from_str(&trace).ok()?),
        (SIGNATURE, HeaderValue::from_str(&format!("sha256={hex}")).ok()?),
    ])
}

/// The trace that a copy is part of, if another replica says so.
pub(super) fn given(headers: &HeaderMap, secrets: &[SecretString], delivery: &[u8; 32]) -> Cause {
    let read = || {
        let trace = headers.get(TRACE)?.to_str().ok()?;
        let signature = super::receive::digest(headers.get(SIGNATURE)?)?;
        let good = |secret| mac(secret, trace, delivery).is_some_and(|m| m.verify_slice(&signature).is_ok());
        secrets.iter().any(good).then(|| Cause::from_traceparent(trace))
    };
    read().unwrap_or_default()
}

/// Over the trace and the signature of the delivery that it belongs to.
fn mac(secret: &SecretString, trace: &str, delivery: &[u8; 32]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(b"testrun-trace\n");
    mac.update(trace.as_bytes());
    mac.update(b"\n");
    mac.update(delivery);
    Some(mac)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_trace_is_believed_from_whoever_has_the_secret_and_for_this_delivery() {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let cause = Cause::from_traceparent(trace);
        let secrets = |all: &[&str]| all.iter().map(|s| SecretString::from(*s)).collect::<Vec<_>>();
        let sent: HeaderMap =
            headers(&cause, &secrets(&["new", "old"]), &[1; 32]).unwrap().into_iter().collect();
        assert_eq!(given(&sent, &secrets(&["old", "new"]), &[1; 32]), cause, "while it is rotated");
        assert_eq!(given(&sent, &secrets(&["other"]), &[1; 32]), Cause::default());
        assert_eq!(given(&sent, &secrets(&["new"]), &[2; 32]), Cause::default(), "another delivery");
        assert_eq!(given(&sent, &[], &[1; 32]), Cause::default());
        let mut forged = sent.clone();
        forged.insert(TRACE, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01".parse().unwrap());
        assert_eq!(given(&forged, &secrets(&["new"]), &[1; 32]), Cause::default());
        for name in [TRACE, SIGNATURE] {
            let mut less = sent.clone();
            less.remove(name);
            assert_eq!(given(&less, &secrets(&["new"]), &[1; 32]), Cause::default());
        }
        assert!(
            headers(&Cause::default(), &secrets(&["new"]), &[1; 32]).is_none(),
            "no trace, nothing to tell"
        );
    }
}
