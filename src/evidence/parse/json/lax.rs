//! Values that accept any type: a report with a number where a text is usual is still a report.

use crate::evidence::parse::text::MOST;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A text; numbers and booleans are written out, lists give their texts joined with blanks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Text(pub(super) Option<String>);

impl Text {
    pub(super) fn str(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }

    /// The text if it says anything.
    pub(super) fn some(&self) -> Option<String> {
        self.0.clone().filter(|text| !text.trim().is_empty())
    }
}

/// A list of texts; one text is a list of one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Texts(pub(super) Vec<String>);

/// The first `N` elements of a list; the rest is read and dropped.
#[derive(Debug)]
pub(super) struct Few<T, const N: usize>(pub(super) Vec<T>);

impl<T, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const N: usize> Few<Maybe<T>, N> {
    /// The elements that are objects.
    pub(super) fn objects(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.iter().filter_map(|element| element.0.as_ref())
    }
}

struct FewVisitor<T, const N: usize>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for FewVisitor<T, N> {
    type Value = Few<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Few<T, N>, E> {
        Ok(Few::default())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Few<T, N>, E> {
        Ok(Few::default())
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Few<T, N>, E> {
        Ok(Few::default())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Few<T, N>, E> {
        Ok(Few::default())
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Few<T, N>, E> {
        Ok(Few::default())
    }
    fn visit_unit<E: Error>(self) -> Result<Few<T, N>, E> {
        Ok(Few::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Few<T, N>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Few::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Few<T, N>, A::Error> {
        let mut list = Vec::new();
        while list.len() < N {
            match seq.next_element()? {
                Some(element) => list.push(element),
                None => return Ok(Few(list)),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Few(list))
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Few<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FewVisitor(std::marker::PhantomData))
    }
}

/// An object, or none for anything else that stands in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maybe<T>(pub(super) Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

struct MaybeVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MaybeVisitor<T> {
    type Value = Maybe<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Maybe<T>, E> {
        Ok(Maybe(None))
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Maybe<T>, E> {
        Ok(Maybe(None))
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Maybe<T>, E> {
        Ok(Maybe(None))
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Maybe<T>, E> {
        Ok(Maybe(None))
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Maybe<T>, E> {
        Ok(Maybe(None))
    }
    fn visit_unit<E: Error>(self) -> Result<Maybe<T>, E> {
        Ok(Maybe(None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Maybe<T>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Maybe(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Maybe<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| Maybe(Some(value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MaybeVisitor(std::marker::PhantomData))
    }
}

/// A number; texts that hold one are read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Number(pub(super) Option<f64>);

impl Number {
    /// As a count: none if negative or not finite.
    pub(super) fn count(self) -> Option<u64> {
        // Beyond this a float does not hold every whole number.
        self.0.filter(|value| (0.0..9.0e15).contains(value)).map(|value| (value as u64).min(MOST))
    }

    /// As a time that may be scaled: none if negative or not finite.
    pub(super) fn seconds(self, per_second: f64) -> Option<f64> {
        self.0.map(|value| value / per_second).filter(|value| value.is_finite() && *value >= 0.0)
    }
}

/// A truth value.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Flag(pub(super) bool);

/// What any of them can be made of.
enum Any {
    Nothing,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<String>),
}

/// Items kept of a list.
const ITEMS: usize = 64;

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Any, E> {
        Ok(Any::Bool(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Any, E> {
        Ok(Any::Number(value as f64))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Any, E> {
        Ok(Any::Number(value as f64))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Any, E> {
        Ok(Any::Number(value))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Any, E> {
        Ok(Any::Text(value.to_owned()))
    }
    fn visit_unit<E: Error>(self) -> Result<Any, E> {
        Ok(Any::Nothing)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
        let mut list = Vec::new();
        while list.len() < ITEMS {
            match seq.next_element::<Text>()? {
                Some(Text(Some(text))) => list.push(text),
                Some(Text(None)) => {}
                None => return Ok(Any::List(list)),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Any::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Any::Nothing)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Text(match deserializer.deserialize_any(AnyVisitor)? {
            Any::Nothing => None,
            Any::Bool(value) => Some(value.to_string()),
            Any::Number(value) => Some(value.to_string()),
            Any::Text(text) => Some(text),
            Any::List(list) => Some(list.join(" ")),
        }))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Texts(match deserializer.deserialize_any(AnyVisitor)? {
            Any::Text(text) => vec![text],
            Any::List(list) => list,
            Any::Nothing | Any::Bool(_) | Any::Number(_) => Vec::new(),
        }))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Number(match deserializer.deserialize_any(AnyVisitor)? {
            Any::Number(value) => Some(value),
            Any::Text(text) => text.trim().parse().ok(),
            Any::Nothing | Any::Bool(_) | Any::List(_) => None,
        }))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Flag(match deserializer.deserialize_any(AnyVisitor)? {
            Any::Bool(value) => value,
            Any::Text(text) => text == "true",
            Any::Number(value) => value > 0.0,
            Any::Nothing | Any::List(_) => false,
        }))
    }
}
