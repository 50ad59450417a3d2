//! Which namespaces somebody sees.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use futures::future::join_all;

use crate::serve::Refusal;
use crate::serve::auth::{Guard, User};

/// Namespaces that the API server is asked about for one page. Who may list all of them is asked about once.
const MOST: usize = 200;

/// A part of the namespaces, from 1, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub number: usize,
    pub of: usize,
}

impl Part {
    /// All of them.
    pub const WHOLE: Self = Self { number: 1, of: 1 };
}

/// The namespaces that somebody sees.
pub(super) struct Seen {
    /// None: all of them.
    some: Option<BTreeSet<String>>,
    /// Those that were asked about.
    pub part: Part,
}

impl Seen {
    /// Of a part of these, the ones whose reports a user may list.
    pub async fn of(
        guard: &Guard,
        user: &User,
        namespaces: BTreeSet<&str>,
        part: usize,
    ) -> Result<Self, Refusal> {
        if may(guard, user, "").await? {
            return Ok(Self { some: None, part: Part::WHOLE });
        }
        let (part, asked) = part_of(namespaces, part);
        let asked = asked.into_iter().map(async |namespace| {
            Ok::<_, Refusal>(may(guard, user, namespace).await?.then(|| namespace.to_owned()))
        });
        let some = join_all(asked).await.into_iter().filter_map(Result::transpose);
        Ok(Self { some: Some(some.collect::<Result<_, _>>()?), part })
    }

    pub fn has(&self, namespace: &str) -> bool {
        self.some.as_ref().is_none_or(|some| some.contains(namespace))
    }
}

/// A part of the namespaces. A number that is none is the nearest that is one.
fn part_of(namespaces: BTreeSet<&str>, part: usize) -> (Part, Vec<&str>) {
    let of = namespaces.len().div_ceil(MOST).max(1);
    let number = part.clamp(1, of);
    (Part { number, of }, namespaces.into_iter().skip((number - 1) * MOST).take(MOST).collect())
}

async fn may(guard: &Guard, user: &User, namespace: &str) -> Result<bool, Refusal> {
    match guard.may_read(user, namespace, None).await {
        Ok(()) => Ok(true),
        Err(refusal) if refusal.status == StatusCode::FORBIDDEN => Ok(false),
        Err(refusal) => Err(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_namespace_is_asked_about_in_one_part_and_in_none_there_are_too_many() {
        let names: Vec<String> = (0..450).map(|n| format!("ns-{n:03}")).collect();
        let all = || names.iter().map(String::as_str).collect::<BTreeSet<_>>();
        let mut asked = Vec::new();
        for number in 1..=3 {
            let (part, those) = part_of(all(), number);
            assert_eq!(part, Part { number, of: 3 });
            assert!(those.len() <= MOST, "{}", those.len());
            asked.extend(those);
        }
        assert_eq!(asked, names);
        for (number, nearest) in [(0, 1), (99, 3)] {
            assert_eq!(part_of(all(), number).0.number, nearest);
        }
        // One that is named is asked about, whatever part that is said to be; of none there is one part, too.
        assert_eq!(part_of(BTreeSet::from(["ns-449"]), 2), (Part::WHOLE, vec!["ns-449"]));
        assert_eq!(part_of(BTreeSet::new(), 1), (Part::WHOLE, Vec::new()));
        assert_eq!(part_of(all().into_iter().take(MOST).collect(), 1).0, Part::WHOLE);
    }
}
