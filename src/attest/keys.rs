//! Keys as cosign and openssl write them: Ed25519 and ECDSA on P-256.
//!
//! A key has one algorithm, and a signature is checked with that of the key. Nothing in an envelope chooses it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    UnparsedPublicKey,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use sha2::{Digest, Sha256};

use super::Distrust;

/// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo.
const ED25519_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// What stands before the 65 bytes of an uncompressed point of P-256 in its SubjectPublicKeyInfo.
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A key to check signatures with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kind: Kind,
    /// The key in the form that the algorithm takes.
    raw: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ed25519,
    P256,
}

impl Kind {
    const fn head(self) -> &'static [u8] {
        match self {
            Self::Ed25519 => &ED25519_HEAD,
            Self::P256 => &P256_HEAD,
        }
    }

    const fn length(self) -> usize {
        match self {
            Self::Ed25519 => 32,
            Self::P256 => 65,
        }
    }
}

impl PublicKey {
    /// Reads one `PUBLIC KEY` in PEM.
    pub fn from_pem(text: &[u8]) -> Result<Self, Distrust> {
        let wanted = "expected one Ed25519 or ECDSA P-256 key in PEM (-----BEGIN PUBLIC KEY-----), as cosign \
                      public-key or openssl pkey -pubout write it";
        let mut keys = SubjectPublicKeyInfoDer::pem_slice_iter(text);
        let (Some(Ok(key)), None) = (keys.next(), keys.next()) else { return Err(Distrust::new(wanted)) };
        [Kind::Ed25519, Kind::P256]
            .into_iter()
            .find_map(|kind| {
                let raw = key.strip_prefix(kind.head()).filter(|raw| raw.len() == kind.length())?;
                Some(Self { kind, raw: raw.to_vec() })
            })
            .ok_or_else(|| Distrust::new(wanted))
    }

    /// Whether a signature of these bytes is this key's.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.kind {
            Kind::Ed25519 => UnparsedPublicKey::new(&ED25519, &self.raw).verify(message, signature),
            Kind::P256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.raw).verify(message, signature)
            }
        }
        .is_ok()
    }

    /// A hint at which key it is: SHA-256 of its SubjectPublicKeyInfo, in hex.
    pub fn id(&self) -> String {
        let digest = Sha256::new().chain_update(self.kind.head()).chain_update(&self.raw).finalize();
        digest.iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// A key to sign with.
pub struct SigningKey(Pair);

enum Pair {
    Ed25519(Box<Ed25519KeyPair>),
    P256(Box<EcdsaKeyPair>),
}

impl SigningKey {
    /// Reads one `PRIVATE KEY` in PEM (PKCS#8). What is wrong with one is not told: it might be part of it.
    pub fn from_pem(text: &[u8]) -> Result<Self, Distrust> {
        let found = PrivatePkcs8KeyDer::from_pem_slice(text).ok();
        let pair = found.and_then(|key| {
            let der = key.secret_pkcs8_der();
            let ed25519 = || Ed25519KeyPair::from_pkcs8(der).ok().map(|pair| Pair::Ed25519(Box::new(pair)));
            let p256 = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der).ok();
            ed25519().or_else(|| p256().map(|pair| Pair::P256(Box::new(pair))))
        });
        pair.map(Self).ok_or_else(|| {
            Distrust::new(
                "expected one Ed25519 or ECDSA P-256 key in PKCS#8 without a password (-----BEGIN PRIVATE \
                 KEY-----); make one with openssl genpkey -algorithm ed25519, or convert one with openssl pkcs8 \
                 -topk8 -nocrypt",
            )
        })
    }

    /// The key that checks what this one signs.
    pub fn public(&self) -> PublicKey {
        let (kind, raw) = match &self.0 {
            Pair::Ed25519(pair) => (Kind::Ed25519, pair.public_key().as_ref()),
            Pair::P256(pair) => (Kind::P256, pair.public_key().as_ref()),
        };
        PublicKey { kind, raw: raw.to_vec() }
    }

    /// Signs bytes.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Distrust> {
        let failed = |_| Distrust::new("this machine cannot make a signature");
        match &self.0 {
            Pair::Ed25519(pair) => pair.try_sign(message).map(|s| s.as_ref().to_vec()).map_err(failed),
            Pair::P256(pair) => {
                pair.sign(&SystemRandom::new(), message).map(|s| s.as_ref().to_vec()).map_err(failed)
            }
        }
    }
}
