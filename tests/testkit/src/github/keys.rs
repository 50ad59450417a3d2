//! Private keys of Apps.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What stands in front of the key itself in PKCS#8, for RSA of 2048 bits.
const WRAPPING: usize = 26;

/// A key as GitHub hands it out: the private half once, for download.
#[derive(Clone, Debug)]
pub struct AppKey {
    /// Private half, PKCS#1 in PEM.
    pub pem: String,
    /// Public half, PKCS#1 in DER.
    pub public: Vec<u8>,
}

impl AppKey {
    /// A new key.
    ///
    /// # Panics
    /// Where the machine has no randomness.
    pub fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be made");
        let wrapped: Pkcs8V1Der<'_> = pair.as_der().expect("the key can be written");
        let bare = wrapped.as_ref().get(WRAPPING..).expect("the key is in its wrapping");
        let text = STANDARD.encode(bare);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let pem =
            format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines.join("\n"));
        Self { pem, public: pair.public_key().as_ref().to_vec() }
    }
}
