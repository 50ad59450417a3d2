//! HTML under construction: text enters escaped, markup only as literals of this program.

use base64::Engine;
use sha2::{Digest, Sha256};

use super::text::{line, safe_url};
use crate::api::status::ExcerptLine;
use crate::verdict::text::clean;

/// Longest value of an attribute.
const MAX_VALUE: usize = 16 << 10;

/// A page or a part of one. What is not known when the program is built can only be text in it or the value of an
/// attribute: both are escaped here, and nowhere else.
#[derive(Default)]
pub struct Markup(String);

impl Markup {
    /// A page up to the end of its head. Its one style is the only thing that may be used, nothing is fetched.
    pub fn document(title: &str, style: &'static str) -> Self {
        Self::with_script(title, style, None)
    }

    /// The same with a script of the own site, which may ask the own site.
    pub fn with_script(title: &str, style: &'static str, script: Option<&str>) -> Self {
        let mut out = Self::default();
        out.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        let scripts = if script.is_some() { "; script-src 'self'; connect-src 'self'" } else { "" };
        let policy = format!("default-src 'none'; style-src {}{scripts}", source_of(style));
        out.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
        out.raw("\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        out.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
        out.element("title", "", title);
        out.raw("<style>");
        out.raw(style);
        out.raw("</style>\n");
        if let Some(address) = script {
            out.open("script", &[("src", address), ("defer", "defer")]);
            out.raw("</script>\n");
        }
        out.raw("</head>\n");
        out
    }

    /// Markup as it is.
    pub fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Text on one line that stands for itself.
    pub fn text(&mut self, text: &str) {
        escape(&mut self.0, &line(text));
    }

    /// A start tag with attributes.
    pub fn open(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.0.push('<');
        self.0.push_str(name);
        for (attribute, value) in attributes {
            self.0.push(' ');
            self.0.push_str(attribute);
            self.0.push_str("=\"");
            escape(&mut self.0, &clean(value, MAX_VALUE));
            self.0.push('"');
        }
        self.0.push('>');
    }

    /// An element of nothing but text.
    pub fn element(&mut self, name: &'static str, attributes: &'static str, text: &str) {
        for part in ["<", name, attributes, ">"] {
            self.raw(part);
        }
        self.text(text);
        for part in ["</", name, ">\n"] {
            self.raw(part);
        }
    }

    /// A name and its value, in a list of figures.
    pub fn figure(&mut self, name: &str, value: &str) {
        self.raw("<div>");
        self.element("dt", "", name);
        self.element("dd", "", value);
        self.raw("</div>\n");
    }

    /// A link to a web address; of anything else only the text.
    pub fn link(&mut self, text: &str, url: Option<&str>) {
        match url.filter(|u| safe_url(u)) {
            Some(url) => self.anchor(text, url),
            None => self.text(text),
        }
    }

    /// A link within the site; whoever calls has made the address.
    pub fn anchor(&mut self, text: &str, address: &str) {
        self.open("a", &[("href", address)]);
        self.text(text);
        self.raw("</a>");
    }

    /// Lines to copy.
    pub fn commands(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.raw("<pre tabindex=\"0\"><code>");
        for (n, line) in lines.iter().enumerate() {
            self.raw(if n > 0 { "\n" } else { "" });
            self.text(line);
        }
        self.raw("</code></pre>\n");
    }

    /// Lines of a log with their numbers.
    pub fn excerpt(&mut self, lines: &[ExcerptLine]) {
        self.raw("<pre tabindex=\"0\"><code>");
        for l in lines {
            self.raw("<span class=\"n\">");
            self.text(&format!("{:>6}", l.line));
            self.raw("</span>  ");
            self.text(&l.text);
            self.raw("\n");
        }
        self.raw("</code></pre>");
    }

    /// A badge that says its state in words as well as in colour.
    pub fn state(&mut self, state: &str) {
        self.badge(class(state), state);
    }

    /// A badge of a colour.
    pub fn badge(&mut self, class: &'static str, text: &str) {
        self.open("span", &[("class", &format!("state {class}"))]);
        self.text(text);
        self.raw("</span>");
    }

    /// Heads of a table's columns.
    pub fn heads(&mut self, names: &[&'static str]) {
        self.raw("<thead><tr>");
        for name in names {
            self.raw("<th scope=\"col\">");
            self.raw(name);
            self.raw("</th>");
        }
        self.raw("</tr></thead>\n");
    }

    /// Bytes so far.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// All of it.
    pub fn finish(self) -> String {
        self.0
    }
}

/// What a policy says of a style to allow it and no other.
pub fn source_of(style: &str) -> String {
    format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style)))
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

/// The colour of a state; only names of this file become classes.
pub fn class(state: &str) -> &'static str {
    match state {
        "Succeeded" | "True" | "Passed" => "good",
        "Failed" | "False" | "Cancelled" | "Missing" => "bad",
        "Running" | "Pending" => "open",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_write_is_text() {
        let mut out = Markup::default();
        out.text("<script>alert('1')</script> & \u{202e}abc\u{1b}[31m\n\"x\"");
        out.open("a", &[("href", "/x?a=\"><script>"), ("title", "a\u{0}b\nc")]);
        out.link("x", Some("javascript:alert(1)"));
        out.link("y", Some("https://h/'onclick=x"));
        out.link("z", Some("https://h/p?q=1&r=2"));
        let want = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; \u{fffd}abc &quot;x&quot;\
            <a href=\"/x?a=&quot;&gt;&lt;script&gt;\" title=\"a\u{fffd}b c\">xy<a href=\"https://h/p?q=1&amp;r=2\">z</a>";
        assert_eq!(out.finish(), want);
    }

    #[test]
    fn a_page_allows_its_own_style_and_nothing_else() {
        let page = Markup::document("t", "a { color: red }").finish();
        let hash = "&#39;sha256-LHvAPItmcc9l4w10oslyz6Nh8tFuoEH5lssCs9WdKIE=&#39;";
        assert!(
            page.contains(&format!("content=\"default-src &#39;none&#39;; style-src {hash}\"")),
            "{page}"
        );
    }
}
