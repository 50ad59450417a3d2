//! A plain HTTP/1.1 client over one connection a request: it shows what is really on the wire.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::github::{GitHub, TOKEN};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str) -> u64 {
        self.header(name).and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

/// What to ask.
pub struct Ask<'a> {
    pub method: &'a str,
    pub url: String,
    pub token: Option<&'a str>,
    pub headers: Vec<(&'a str, String)>,
    pub body: Option<Value>,
}

impl<'a> Ask<'a> {
    pub fn new(method: &'a str, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), token: Some(TOKEN), headers: Vec::new(), body: None }
    }

    pub fn token(mut self, token: Option<&'a str>) -> Self {
        self.token = token;
        self
    }

    pub fn header(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn send(self) -> io::Result<Answer> {
        let rest = self.url.strip_prefix("http://").expect("plain HTTP");
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut text = format!("{} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", self.method);
        if !self.headers.iter().any(|(name, _)| *name == "user-agent") {
            text.push_str("user-agent: testkit\r\n");
        }
        if !self.headers.iter().any(|(name, _)| *name == "accept") {
            text.push_str("accept: application/vnd.github+json\r\n");
        }
        if let Some(token) = self.token {
            text.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = self.body.map(|body| body.to_string()).unwrap_or_default();
        if !body.is_empty() {
            text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&body);
        (&stream).write_all(text.as_bytes())?;
        read(BufReader::new(stream))
    }
}

fn read(mut from: BufReader<TcpStream>) -> io::Result<Answer> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    if status == 304 || status == 204 {
        return Ok(answer);
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        loop {
            let mut size = String::new();
            from.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
            let mut piece = vec![0; size + 2];
            from.read_exact(&mut piece)?;
            piece.truncate(size);
            answer.body.extend(piece);
            if size == 0 {
                return Ok(answer);
            }
        }
    }
    let length = answer.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    answer.body = vec![0; length];
    from.read_exact(&mut answer.body)?;
    Ok(answer)
}

/// A GET with the usual token.
pub fn get(gh: &GitHub, path: &str) -> Answer {
    Ask::new("GET", format!("{}{path}", gh.url())).send().expect("an answer")
}

/// A request with a body and the usual token.
pub fn send(gh: &GitHub, method: &str, path: &str, body: Value) -> Answer {
    Ask::new(method, format!("{}{path}", gh.url())).body(body).send().expect("an answer")
}

/// Fails with the list when there are violations.
pub fn clean(gh: &GitHub) {
    let found = gh.violations();
    assert!(found.is_empty(), "violations:\n{}", found.join("\n"));
}
