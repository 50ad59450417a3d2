//! Free loopback ports outside of the range of ephemeral ports.
//!
//! A port of the ephemeral range can be taken by any outgoing connection while
//! the server that owns it is down; a client that keeps dialling such a port
//! can even connect to itself. Servers that are stopped and started again on
//! the same port therefore need one below that range.

use super::error::Error;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

const LOWEST: u16 = 12_000;
const EPHEMERAL_DEFAULT: u16 = 32_768;
const TRIES: u32 = 500;

/// Ports this process gave out: never given out twice, since the server that
/// one belongs to may not have bound it yet, or may be stopped for a while.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port on the loopback address that nothing listens on.
pub fn free_port() -> Result<u16, Error> {
    let end = ephemeral_start().max(LOWEST + 1_000);
    let span = u64::from(end - LOWEST);
    for _ in 0..TRIES {
        let offset = u16::try_from(random() % span).unwrap_or(0);
        let port = LOWEST + offset;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            continue;
        }
        if GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port) {
            return Ok(port);
        }
    }
    Err(Error::Server(format!(
        "found no free loopback port between {LOWEST} and {end} in {TRIES} tries: \
         end servers that are left over from earlier runs"
    )))
}

/// A number that no other call is likely to see.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn ephemeral_start() -> u16 {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or(EPHEMERAL_DEFAULT)
}
