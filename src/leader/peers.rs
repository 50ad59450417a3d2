//! Where the holders of the shards take webhooks, as their Leases tell.
//!
//! Who may edit the Leases is believed as far as an address of the cluster: never a name, a link-local address
//! or, but among processes of one machine, the own machine. What is sent there is a signed delivery, nothing else.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

/// The holder of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub address: SocketAddr,
    /// Until when it may hold the shard without another sign of life.
    pub until: Instant,
}

/// The holders by shard; clones share them.
#[derive(Clone, Debug)]
pub struct Peers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    own: Option<SocketAddr>,
    known: watch::Sender<BTreeMap<u16, Peer>>,
}

impl Peers {
    /// None are known yet. `own` is where others reach this process; without it nobody is told.
    pub fn new(own: Option<SocketAddr>) -> Self {
        Self(Arc::new(Inner { own, known: watch::Sender::default() }))
    }

    /// Where others reach this process.
    pub(super) fn own(&self) -> Option<SocketAddr> {
        self.0.own
    }

    /// The address that a Lease tells, if it may be one of another replica.
    pub(super) fn address(&self, text: &str) -> Option<SocketAddr> {
        let own = self.0.own?;
        let told: SocketAddr = text.parse().ok()?;
        let address = SocketAddr::new(told.ip().to_canonical(), told.port());
        let ip = address.ip();
        let link_local = match ip {
            IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
            IpAddr::V6(ip) => ip.is_unicast_link_local(),
        };
        let usable = !ip.is_unspecified() && !ip.is_multicast() && !link_local && address.port() != 0;
        (usable && ip.is_loopback() == own.ip().is_loopback() && address != own).then_some(address)
    }

    /// Takes over what the Leases say now.
    pub(super) fn set(&self, all: BTreeMap<u16, Peer>) {
        self.0.known.send_if_modified(|known| {
            let same = |(a, b): ((&u16, &Peer), (&u16, &Peer))| a.0 == b.0 && a.1.address == b.1.address;
            // A renewal is no news.
            let news = known.len() != all.len() || !known.iter().zip(&all).all(same);
            *known = all;
            news
        });
    }

    /// Where the holder of a shard is, if there is one that is alive as far as is known, and it is another process.
    pub fn of(&self, shard: u16) -> Option<SocketAddr> {
        let known = self.0.known.borrow();
        known.get(&shard).filter(|peer| Instant::now() < peer.until).map(|peer| peer.address)
    }

    /// Tells of changes of addresses.
    pub fn changes(&self) -> watch::Receiver<impl Sized + use<>> {
        self.0.known.subscribe()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    #[test]
    fn an_address_is_one_of_another_replica_or_none() {
        let pod = Peers::new(Some("10.0.0.1:8080".parse().unwrap()));
        for good in ["10.0.0.2:8080", "192.168.7.7:80", "[fd00::2]:8080", "[::ffff:10.0.0.3]:8080"] {
            assert!(pod.address(good).is_some(), "{good}");
        }
        for bad in [
            "10.0.0.1:8080", "[::ffff:10.0.0.1]:8080", "127.0.0.1:8080", "[::1]:8080",
            "[::ffff:127.0.0.1]:8080", "169.254.169.254:80", "[::ffff:169.254.169.254]:80", "[fe80::1]:8080",
            "224.0.0.1:80", "0.0.0.0:8080", "255.255.255.255:80", "10.0.0.2:0", "10.0.0.2", "pod:8080",
            "http://10.0.0.2:8080", "10.0.0.2:8080/x", "", "10.0.0.2:99999",
        ] {
            assert_eq!(pod.address(bad), None, "{bad}");
        }
        let here = Peers::new(Some("127.0.0.1:1".parse().unwrap()));
        assert!(here.address("127.0.0.1:2").is_some() && here.address("10.0.0.2:2").is_none());
        assert_eq!(Peers::new(None).address("10.0.0.2:8080"), None, "it takes part in nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_that_gives_no_sign_of_life_is_not_sent_anything() {
        let peers = Peers::new(Some("10.0.0.1:8080".parse().unwrap()));
        let address = "10.0.0.2:8080".parse().unwrap();
        let mut changes = peers.changes();
        let at = |seconds| Peer { address, until: Instant::now() + Duration::from_secs(seconds) };
        peers.set(BTreeMap::from([(0, at(3))]));
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert_eq!((peers.of(0), peers.of(1)), (Some(address), None));
        peers.set(BTreeMap::from([(0, at(5))]));
        assert!(!changes.has_changed().unwrap(), "a renewal is no news");
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(peers.of(0), Some(address));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(peers.of(0), None, "its address may be another's by now");
    }
}
