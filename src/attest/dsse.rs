//! DSSE: a payload, its type and signatures over both.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::keys::{PublicKey, SigningKey};
use super::{Distrust, unique};
use crate::verdict::text::clean;

/// Type of the only payload that is signed and believed.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// Bytes of an envelope: a statement names at most some thousand jobs.
const MAX_BYTES: usize = 1 << 20;
/// Signatures that are looked at.
const MAX_SIGNATURES: usize = 16;

/// An envelope as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// The payload in base64.
    pub payload: String,
    /// What the payload is; signed together with it.
    pub payload_type: String,
    pub signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// A hint at the key, which nobody should trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyid: Option<String>,
    /// The signature in base64.
    pub sig: String,
}

/// What is signed: type and payload, each with its length, so that no two pairs give the same bytes.
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// Signs a payload.
pub fn sign(key: &SigningKey, payload: &[u8]) -> Result<Envelope, Distrust> {
    let signature = key.sign(&encoded(PAYLOAD_TYPE, payload))?;
    // Without a key id: readers that make ids of their own pass over a signature with another one.
    Ok(Envelope {
        payload: STANDARD.encode(payload),
        payload_type: PAYLOAD_TYPE.to_owned(),
        signatures: vec![Signature { keyid: None, sig: STANDARD.encode(signature) }],
    })
}

/// The payload of an envelope, if one of its signatures is this key's. Signatures of others say nothing, for or
/// against.
pub fn verify(text: &[u8], key: &PublicKey) -> Result<Vec<u8>, Distrust> {
    if text.len() > MAX_BYTES {
        return Err(Distrust::new(format!("the envelope is larger than {MAX_BYTES} bytes")));
    }
    let bad = |e: serde_json::Error| {
        Distrust::new(format!("expected a DSSE envelope in JSON: {}", clean(&e.to_string(), 200)))
    };
    unique::check(text).map_err(bad)?;
    let envelope: Envelope = serde_json::from_slice(text).map_err(bad)?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(Distrust::new(format!(
            "payloadType: expected {PAYLOAD_TYPE}, got {:?}",
            clean(&envelope.payload_type, 100)
        )));
    }
    if envelope.signatures.is_empty() || envelope.signatures.len() > MAX_SIGNATURES {
        return Err(Distrust::new(format!(
            "signatures: expected 1 to {MAX_SIGNATURES}, got {}",
            envelope.signatures.len()
        )));
    }
    let payload =
        STANDARD.decode(&envelope.payload).map_err(|_| Distrust::new("payload: expected standard base64"))?;
    let message = encoded(PAYLOAD_TYPE, &payload);
    let is_good =
        |s: &Signature| STANDARD.decode(&s.sig).is_ok_and(|signature| key.verifies(&message, &signature));
    if !envelope.signatures.iter().any(is_good) {
        return Err(Distrust::new(format!("none of its signatures is that of the key {}", key.id())));
    }
    Ok(payload)
}
