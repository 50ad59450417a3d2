//! Which hosts logs and archives may be downloaded from.
//!
//! GitHub answers with a redirect to its storage. A name among the allowed ones is not enough: what it resolves to is
//! looked at as well, so that no name can point inwards.

use std::net::IpAddr;

use super::ApiBase;

/// Where github.com keeps logs and artifacts, as it documents for networks that list what they let through.
pub const DOWNLOAD_HOSTS: [&str; 4] =
    ["*.actions.githubusercontent.com", "*.blob.core.windows.net", "*.githubusercontent.com", "*.github.com"];

/// The hosts of one connection.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    server: Server,
    /// The host of the API, in lower case.
    own: String,
    /// What the administrator names in place of the defaults.
    listed: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    GitHubCom,
    /// A server of a network of one's own.
    Other,
    /// A server on this machine.
    Here,
}

/// Which addresses of a host may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Public ones.
    Public,
    /// Private ones too.
    Private,
    /// This machine too.
    Loopback,
}

impl Hosts {
    /// Those of an API, and the patterns that its connection lists; none are the defaults.
    pub fn of(base: &ApiBase, listed: &[String]) -> Self {
        let server = match () {
            () if base.is_loopback() => Server::Here,
            () if base.is_github_com() => Server::GitHubCom,
            () => Server::Other,
        };
        let own = plain(base.uri().host().unwrap_or_default());
        Self { server, own, listed: listed.iter().map(|p| p.to_ascii_lowercase()).collect() }
    }

    /// What may be read of a host; None where nothing may.
    pub fn reach(&self, host: &str) -> Option<Reach> {
        let host = plain(host);
        let listed = self.listed.iter().any(|pattern| matches(pattern, &host));
        let own = host == self.own || is_below(&host, &self.own);
        match self.server {
            Server::GitHubCom if self.listed.is_empty() => {
                DOWNLOAD_HOSTS.iter().any(|pattern| matches(pattern, &host)).then_some(Reach::Public)
            }
            Server::GitHubCom => listed.then_some(Reach::Public),
            Server::Here if is_here(&host) => Some(Reach::Loopback),
            Server::Here | Server::Other if own || listed => Some(Reach::Private),
            Server::Here | Server::Other => self.listed.is_empty().then_some(Reach::Public),
        }
    }
}

/// Whether a text is a host, or `*.` and the end of hosts.
pub fn is_host_pattern(text: &str) -> bool {
    let host = text.strip_prefix("*.").unwrap_or(text);
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
    !host.is_empty() && host.len() <= 253 && !host.starts_with('.') && host.chars().all(good)
}

fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(end) => is_below(host, end),
        None => pattern == host,
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// In the form in which hosts are compared.
fn plain(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

/// Whether an address may be connected to.
pub(super) fn reaches(reach: Reach, ip: IpAddr) -> bool {
    let ip = match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    };
    let (link_local, private) = match ip {
        IpAddr::V4(v4) => (
            v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
            v4.is_private()
                || (v4.octets().first() == Some(&100)
                    && (64..128).contains(v4.octets().get(1).unwrap_or(&0))),
        ),
        IpAddr::V6(v6) => {
            (v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(), v6.is_unique_local())
        }
    };
    if link_local {
        return false;
    }
    match reach {
        Reach::Loopback => true,
        Reach::Private => !ip.is_loopback(),
        Reach::Public => !ip.is_loopback() && !private,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn inward_addresses_are_not_reached() {
        for (ip, public, private, loopback) in [
            ("8.8.8.8", true, true, true),
            ("10.0.0.1", false, true, true),
            ("100.64.0.1", false, true, true),
            ("127.0.0.1", false, false, true),
            ("169.254.169.254", false, false, false),
            ("::ffff:169.254.169.254", false, false, false),
            ("::1", false, false, true),
            ("fd00::1", false, true, true),
            ("fe80::1", false, false, false),
            ("0.0.0.0", false, false, false),
        ] {
            let ip: IpAddr = ip.parse().unwrap();
            assert_eq!(
                (reaches(Reach::Public, ip), reaches(Reach::Private, ip), reaches(Reach::Loopback, ip)),
                (public, private, loopback),
                "{ip}"
            );
        }
    }

    #[test]
    fn downloads_come_from_the_servers_storage_and_what_is_listed() {
        use Reach::{Loopback, Private, Public};
        let (com, ghe, here) =
            ("https://api.github.com", "https://ghe.example.com/api/v3", "http://127.0.0.1:8080");
        for (base, listed, host, want) in [
            (com, "", "productionresultssa0.blob.core.windows.net", Some(Public)),
            (com, "", "PIPELINES.actions.githubusercontent.com.", Some(Public)),
            (com, "", "objects.githubusercontent.com", Some(Public)),
            (com, "", "codeload.github.com", Some(Public)),
            (com, "", "github.com.evil.example", None),
            (com, "", "evilgithub.com", None),
            (com, "", "blob.core.windows.net", None),
            (com, "", "storage.example.com", None),
            (com, "", "8.8.8.8", None),
            (com, "", "127.0.0.1", None),
            (com, "*.mirror.example", "a.mirror.example", Some(Public)),
            (com, "*.mirror.example", "objects.githubusercontent.com", None),
            (ghe, "", "GHE.example.com", Some(Private)),
            (ghe, "", "codeload.ghe.example.com", Some(Private)),
            (ghe, "", "storage.example.com", Some(Public)),
            (ghe, "", "evilghe.example.com", Some(Public)),
            (ghe, "Minio.corp", "minio.corp", Some(Private)),
            (ghe, "minio.corp", "ghe.example.com", Some(Private)),
            (ghe, "minio.corp", "storage.example.com", None),
            (ghe, "10.0.0.7", "10.0.0.7", Some(Private)),
            (here, "", "localhost", Some(Loopback)),
            (here, "", "[::1]", Some(Loopback)),
            (here, "", "storage.example.com", Some(Public)),
            (here, "minio.corp", "127.0.0.1", Some(Loopback)),
            (here, "minio.corp", "storage.example.com", None),
        ] {
            let listed: Vec<String> = Some(listed.to_owned()).filter(|l| !l.is_empty()).into_iter().collect();
            let hosts = Hosts::of(&ApiBase::parse(base).unwrap(), &listed);
            assert_eq!(hosts.reach(host), want, "{base} {listed:?} {host}");
        }
    }

    #[test]
    fn a_pattern_is_a_host_or_the_end_of_one() {
        for good in ["minio.corp", "*.blob.core.windows.net", "10.0.0.7", "fd00::1", "*.corp"] {
            assert!(is_host_pattern(good), "{good}");
        }
        for bad in ["", "*", "*.", "*..x", "a*.b", "https://a.b", "a.b/c", ".a", "a b", "*.*.b"] {
            assert!(!is_host_pattern(bad), "{bad}");
        }
    }
}
