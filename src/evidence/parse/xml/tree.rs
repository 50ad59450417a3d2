//! What the readers of one tool's XML share: a path of names, attributes, and the text of a leaf.
//!
//! These files are written by programs that know XML. What is not well-formed was damaged or made up, so
//! it leaves the result in doubt: attributes that are there twice or cannot be read, an element that is
//! closed and is not the one that is open, a file that ends before its root does.

use super::super::sink::{Place, Sink};
use super::super::text;
use super::entity::{decoded, entities};
use super::{DEPTH, is_latin};
use quick_xml::events::{BytesStart, Event};

/// Bytes kept of the text of one element.
const TEXT: usize = 64 * 1024;
/// Attributes of one element that are looked at.
const ATTRIBUTES: usize = 200;

/// The reader of one tool's reports.
pub(super) trait Dialect {
    /// An element opens; it is the last of `path`.
    fn open(&mut self, path: &[String], element: &Element, sink: &mut Sink);
    /// It closes; `text` is what stands in it after its last child.
    fn close(&mut self, path: &[String], text: &str, sink: &mut Sink);
    /// The document ended, be it early.
    fn finish(&mut self, sink: &mut Sink);
}

/// The attributes of an element; names in small letters, those with a prefix are left out.
#[derive(Debug, Default)]
pub(super) struct Element {
    attributes: Vec<(String, String)>,
}

impl Element {
    /// The value of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute, or the empty text.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// The value of an attribute that says something.
    pub(super) fn some(&self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.trim().is_empty()).map(str::to_owned)
    }

    /// A number of things.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(super::super::junit::number)
    }

    /// A time in seconds.
    pub(super) fn seconds(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(text::seconds)
    }
}

/// Whether a path ends in these names.
pub(super) fn ends(path: &[String], names: &[&str]) -> bool {
    path.len() >= names.len() && path.iter().rev().zip(names.iter().rev()).all(|(a, b)| a == b)
}

/// Reads one document for a dialect.
pub(super) struct Tree<'a> {
    dialect: Box<dyn Dialect>,
    sink: &'a mut Sink,
    path: Vec<String>,
    text: String,
    latin: bool,
    crossed: bool,
}

impl<'a> Tree<'a> {
    pub(super) fn new(dialect: Box<dyn Dialect>, sink: &'a mut Sink, latin: bool) -> Self {
        Self { dialect, sink, path: Vec::new(), text: String::new(), latin, crossed: false }
    }

    /// Takes one event; false if the nesting is too deep.
    pub(super) fn event(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Start(start) => {
                if self.path.len() >= DEPTH {
                    return false;
                }
                self.open(start);
            }
            Event::Empty(start) => {
                self.open(start);
                self.close_element();
            }
            Event::End(end) => {
                let named = self.string(end.local_name().as_ref()).to_ascii_lowercase();
                self.crossed |= self.path.last() != Some(&named);
                self.close_element();
            }
            Event::Text(bytes) => self.append(bytes),
            Event::CData(bytes) => self.append(bytes),
            Event::GeneralRef(name) => {
                let entity = format!("&{};", String::from_utf8_lossy(name));
                self.append(entities(&entity).as_bytes());
            }
            Event::Decl(declaration) => self.latin = is_latin(declaration),
            _ => {}
        }
        true
    }

    fn string(&self, bytes: &[u8]) -> String {
        decoded(bytes, self.latin)
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.text.len() < TEXT {
            let text = self.string(bytes);
            self.text.push_str(&text);
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) {
        let name = self.string(start.local_name().as_ref()).to_ascii_lowercase();
        let element = self.element(start, &name);
        self.path.push(name);
        self.text.clear();
        self.dialect.open(&self.path, &element, self.sink);
    }

    fn element(&mut self, start: &BytesStart<'_>, name: &str) -> Element {
        let mut element = Element::default();
        let mut odd = None;
        let mut attributes = start.attributes();
        attributes.with_checks(false);
        for (at, attribute) in attributes.enumerate() {
            let Ok(attribute) = attribute else {
                odd = Some("attributes that cannot be read");
                continue;
            };
            if at >= ATTRIBUTES {
                odd = Some("more attributes than are read");
                break;
            }
            if attribute.key.prefix().is_some() {
                continue;
            }
            let key = self.string(attribute.key.as_ref()).to_ascii_lowercase();
            if element.get(&key).is_some() {
                odd = Some("the same attribute twice");
                continue;
            }
            let value = entities(&self.string(&attribute.value));
            element.attributes.push((key, value));
        }
        if let Some(what) = odd {
            let name = text::tidy(name, 40);
            self.sink.incomplete(Place::File, &format!("<{name}> has {what}: what it says is in doubt"));
        }
        element
    }

    fn close_element(&mut self) {
        if self.path.is_empty() {
            return;
        }
        self.dialect.close(&self.path, &self.text, self.sink);
        self.text.clear();
        self.path.pop();
    }

    /// Ends the document: `broken` says why it ended early.
    pub(super) fn close(mut self, place: Place, broken: Option<&str>) {
        if !self.path.is_empty() || broken.is_some() {
            let why = broken.unwrap_or("elements are not closed");
            let said = format!("the XML ends early ({why}): counted are the tests up to here");
            self.sink.incomplete(place, &said);
        } else if self.crossed {
            let said =
                "an element is closed that is not the one that is open: what is counted may be too little";
            self.sink.incomplete(place, said);
        }
        self.dialect.finish(self.sink);
    }
}
