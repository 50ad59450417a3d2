//! Damage: what happens to files on their way, and what an attacker makes of them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// One thing that happens to a file.
#[derive(Debug, Clone)]
pub enum Op {
    /// It ends here.
    Cut(Index),
    /// Bytes are gone.
    Drop(Index, u16),
    /// A piece of it is there twice, at another place.
    Copy(Index, Index, u16),
    /// One bit turned.
    Flip(Index, u8),
    /// Something that does not belong there; see [`PIECES`].
    Put(Index, Index),
    /// A number is another one; see [`NUMBERS`].
    Number(Index, Index),
    /// Its lines end in another way; see [`BREAKS`].
    Breaks(Index),
    /// Something opens over and over and never closes; see [`NESTS`].
    Nest(Index, Index, u16),
    /// One byte, many times.
    Repeat(Index, u8, u16),
    /// Another file stands behind it.
    Join(Index),
}

/// What does not belong into a report.
const PIECES: &[&[u8]] = &[
    b"\0", b"\r", b"\n", b"\r\n", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\x1b[31m", b"\x1b]8;;http://x\x07", b"\x1b[2K", b"\xe2\x80\xae", b"\x08",
    b"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>", b"&b;", b"&#x110000;", b"]]>", b"<![CDATA[",
    b"<!--", b"-->", b"\"", b"'", b"\\u0000", b"\\ud800", b"null", b"{", b"}", b"[", b"]", b",", b":",
    b"##[error]x\n", b"::error file=a,line=1::x\n", b"2026-01-23T17:04:05.1234567Z ", b"PK\x03\x04",
    b"\x1f\x8b\x08\x00", b"*a", b"&a [*a]", b"--- \n", b"%s%n", b"../../x", b"T=99999-99-99T99:99:99Z",
];

/// What stands where a number was.
const NUMBERS: &[&str] = &[
    "0", "1", "2", "-1", "-0", "NaN", "-Infinity", "1e999", "1e-999", "0x7f", "1,5", "1.5",
    "9223372036854775808", "18446744073709551615", "18446744073709551616",
    "999999999999999999999999999999999999999999", "4294967296", "0000000000000000000000000000000001", "",
];

const BREAKS: &[&[u8]] = &[b"\r", b"\r\n", b"\n\n", b"\n\r", b"", b" ", b"\0"];

const NESTS: &[&[u8]] = &[
    b"[", b"{\"a\":", b"{\"suites\":[", b"<testsuite>", b"<a>", b"<testcase><failure>", b"    ",
    b"    ok 1 x {\n", b"- ", b"- - ", b"a:\n ", b"=== RUN   T/", b"##[group]x\n", b"(", b"\x1b[",
];

/// Strategies of damage; most files have one or two, since more of it says less.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let at = any::<Index>;
    let op = prop_oneof![
        4 => at().prop_map(Op::Cut),
        4 => (at(), 1u16..400).prop_map(|(at, n)| Op::Drop(at, n)),
        4 => (at(), at(), 1u16..400).prop_map(|(from, to, n)| Op::Copy(from, to, n)),
        4 => (at(), 0u8..8).prop_map(|(at, bit)| Op::Flip(at, bit)),
        4 => (at(), at()).prop_map(|(at, which)| Op::Put(at, which)),
        4 => (at(), at()).prop_map(|(at, which)| Op::Number(at, which)),
        1 => at().prop_map(Op::Breaks),
        1 => (at(), at(), 1u16..2000).prop_map(|(at, which, n)| Op::Nest(at, which, n)),
        1 => (at(), any::<u8>(), 1u16..5000).prop_map(|(at, byte, n)| Op::Repeat(at, byte, n)),
        1 => at().prop_map(Op::Join),
    ];
    vec(op, 0..6)
}

/// Damages `bytes`; `others` may stand behind them.
pub fn damage(bytes: &[u8], ops: &[Op], others: &[&[u8]]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for op in ops {
        let len = out.len();
        let spot = |index: &Index| index.index(len + 1);
        match op {
            Op::Cut(at) => out.truncate(spot(at)),
            Op::Drop(at, n) => {
                let from = spot(at);
                out.drain(from..len.min(from + usize::from(*n)));
            }
            Op::Copy(from, to, n) => {
                let from = spot(from);
                let piece = out.get(from..len.min(from + usize::from(*n))).unwrap_or_default().to_vec();
                insert(&mut out, spot(to), &piece);
            }
            Op::Flip(at, bit) => {
                if let Some(byte) = out.get_mut(spot(at)) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Op::Put(at, which) => insert(&mut out, spot(at), which.get::<&[u8]>(PIECES)),
            Op::Number(at, which) => number(&mut out, spot(at), which.get::<&str>(NUMBERS)),
            Op::Breaks(which) => {
                let with = which.get(BREAKS);
                let mut lines = out.split(|&byte| byte == b'\n');
                let first = lines.next().unwrap_or_default().to_vec();
                out = lines.fold(first, |mut all, line| {
                    all.extend_from_slice(with);
                    all.extend_from_slice(line);
                    all
                });
            }
            Op::Nest(at, which, n) => {
                insert(&mut out, spot(at), &which.get(NESTS).repeat(usize::from(*n)));
            }
            Op::Repeat(at, byte, n) => insert(&mut out, spot(at), &vec![*byte; usize::from(*n)]),
            Op::Join(which) => {
                if !others.is_empty() {
                    out.extend_from_slice(which.get::<&[u8]>(others));
                }
            }
        }
    }
    out
}

fn insert(out: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let end = out.split_off(at.min(out.len()));
    out.extend_from_slice(piece);
    out.extend_from_slice(&end);
}

/// Puts another number in place of the first one after `at`.
fn number(out: &mut Vec<u8>, at: usize, with: &str) {
    let rest = out.get(at..).unwrap_or_default();
    let Some(start) = rest.iter().position(u8::is_ascii_digit).map(|n| at + n) else { return };
    let digits = out.get(start..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
    out.drain(start..start + digits);
    insert(out, start, with.as_bytes());
}
