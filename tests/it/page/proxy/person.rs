//! A browser of a person without the browser: it keeps cookies, and goes where it is led.

use std::collections::BTreeMap;

use http::Method;
use url::Url;

use super::super::{Shown, ask_over};

/// Redirects that lead somewhere; more go round.
const MOST: usize = 8;

pub struct Tab {
    roots: Vec<Vec<u8>>,
    /// All sites of a test have one host, and ports do not keep cookies apart.
    cookies: BTreeMap<String, String>,
    /// Headers that it sends besides.
    pub forged: Vec<(&'static str, String)>,
}

impl Tab {
    pub fn new(roots: &[Vec<u8>]) -> Self {
        Self { roots: roots.to_vec(), cookies: BTreeMap::new(), forged: Vec::new() }
    }

    /// One request.
    pub async fn get(&mut self, url: &str) -> Shown {
        let at = Url::parse(url).unwrap();
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers: Vec<(&str, &str)> =
            self.forged.iter().map(|(name, v)| (*name, v.as_str())).collect();
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        let origin = at.origin().ascii_serialization();
        let path = url.strip_prefix(&origin).unwrap();
        let shown = ask_over(&origin, Some(self.roots.clone()), Method::GET, path, &headers).await;
        for value in shown.headers.get_all("set-cookie") {
            let (name, rest) = value.to_str().unwrap().split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        shown
    }

    /// Goes where it is led; gives what is there in the end, and where that is.
    pub async fn open(&mut self, url: &str) -> (String, Shown) {
        let mut at = url.to_owned();
        for _ in 0..MOST {
            let shown = self.get(&at).await;
            let Some(to) = led(&shown) else { return (at, shown) };
            at = Url::parse(&at).unwrap().join(to).unwrap().into();
        }
        panic!("{url} leads round and round, to {at}");
    }

    pub fn cookies(&self) -> usize {
        self.cookies.len()
    }
}

/// Where an answer leads.
pub fn led(shown: &Shown) -> Option<&str> {
    let to = shown.headers.get("location").filter(|_| (300..400).contains(&shown.status));
    to.map(|to| to.to_str().unwrap())
}
