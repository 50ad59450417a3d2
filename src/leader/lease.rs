//! What a Lease says, and what its holder writes into it.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::ResourceExt;

use super::plan::{Me, Record};

/// Label of the Leases that belong together.
pub(super) const GROUP: &str = "testrun.dev/lease";
/// Label with the number of the shard.
pub(super) const SHARD: &str = "testrun.dev/shard";
/// Annotation: into how many shards the holder divides the namespaces.
const SHARDS: &str = "testrun.dev/shards";
/// Annotation: who would take the shard.
pub(super) const WISH: &str = "testrun.dev/wanted-by";
/// Annotation: where the holder takes webhooks, as IP:PORT.
pub(super) const WEBHOOKS: &str = "testrun.dev/webhooks";

/// Tells processes apart, and a process from its predecessor of the same name.
pub(super) fn identity() -> String {
    let host = std::env::var("HOSTNAME").ok().filter(|h| !h.is_empty());
    let random = (crate::runtime::random::unit() * f64::from(u32::MAX)) as u32;
    format!("{}_{random:08x}", host.as_deref().unwrap_or("testrun-operator"))
}

pub(super) fn now() -> MicroTime {
    MicroTime(Timestamp::now())
}

pub(super) fn shard(lease: &Lease) -> Option<u16> {
    lease.labels().get(SHARD)?.parse().ok()
}

pub(super) fn record(lease: &Lease) -> Record {
    let none = LeaseSpec::default();
    let spec = lease.spec.as_ref().unwrap_or(&none);
    let seconds = spec.lease_duration_seconds.and_then(|s| u64::try_from(s).ok()).unwrap_or(0);
    Record {
        holder: spec.holder_identity.clone().unwrap_or_default(),
        // A number that somebody typed must not keep a shard for years.
        duration: Duration::from_secs(seconds.min(3600)),
        shards: lease.annotations().get(SHARDS).and_then(|n| n.parse().ok()).unwrap_or(0),
        wish: lease.annotations().get(WISH).cloned(),
    }
}

/// Writes who holds it from now on, and where that one takes webhooks.
pub(super) fn sign(lease: &mut Lease, me: &Me, webhooks: Option<SocketAddr>) {
    lease.annotations_mut().insert(SHARDS.to_owned(), me.shards.to_string());
    match webhooks {
        Some(address) => lease.annotations_mut().insert(WEBHOOKS.to_owned(), address.to_string()),
        // A predecessor's would lead nowhere.
        None => lease.annotations_mut().remove(WEBHOOKS),
    };
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = Some(me.identity.clone());
    // Whole seconds only: rounded up, so that nobody believes that it ends sooner than it does.
    let seconds = me.lease.as_millis().div_ceil(1000);
    spec.lease_duration_seconds = i32::try_from(seconds).ok();
    spec.renew_time = Some(now());
}

/// Writes that nobody holds it.
pub(super) fn free(lease: &mut Lease) {
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = Some(String::new());
    spec.lease_duration_seconds = Some(1);
    spec.renew_time = Some(now());
    lease.annotations_mut().remove(WISH);
    lease.annotations_mut().remove(WEBHOOKS);
}
