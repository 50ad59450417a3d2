//! The time at the start of a log line.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Bytes at the start of a line within which a time is looked for.
const HEAD: usize = 96;

/// Where a line says when it was written: `2026-01-23T19:38:45.492Z`, with a blank for the `T`,
/// with a decimal comma, with an offset or without one, which means UTC here.
pub(super) fn of_line(line: &[u8]) -> Option<Timestamp> {
    let head = line.get(..HEAD).unwrap_or(line);
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'-', head.get(from..)?) {
        let dash = from + at;
        if let Some(found) = dash.checked_sub(4).and_then(|start| at_start(head.get(start..)?)) {
            return Some(found);
        }
        from = dash + 1;
    }
    None
}

/// Reads a time as Kubernetes writes it.
pub(super) fn of_field(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

/// Reads a time that the text starts with.
fn at_start(text: &[u8]) -> Option<Timestamp> {
    const SHAPE: &[u8] = b"dddd-dd-dd.dd:dd:dd";
    let date = text.get(..SHAPE.len())?;
    let fits = date.iter().zip(SHAPE).all(|(&byte, &shape)| match shape {
        b'd' => byte.is_ascii_digit(),
        b'.' => matches!(byte, b'T' | b't' | b' '),
        other => byte == other,
    });
    if !fits {
        return None;
    }
    let mut iso = [0u8; SHAPE.len()];
    iso.copy_from_slice(date);
    *iso.get_mut(10)? = b'T';
    let mut civil: DateTime = std::str::from_utf8(&iso).ok()?.parse().ok()?;
    let mut rest = text.get(SHAPE.len()..)?;
    if let [b'.' | b',', digits @ ..] = rest {
        let length = digits.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
        let fraction = std::str::from_utf8(digits.get(..length)?).ok()?;
        if let Ok(value) = fraction.parse::<i32>() {
            let scale = 10i32.checked_pow(u32::try_from(9 - length).ok()?)?;
            civil = civil.with().subsec_nanosecond(value.checked_mul(scale)?).build().ok()?;
        }
        rest = digits.get(length..)?;
    }
    let minutes = offset(rest).unwrap_or(0);
    let utc = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
    utc.checked_sub(jiff::SignedDuration::from_mins(minutes)).ok()
}

/// The minutes of `+01:00`, `-0530` or `Z`.
fn offset(rest: &[u8]) -> Option<i64> {
    let [sign @ (b'+' | b'-'), a, b, tail @ ..] = rest else { return None };
    let tail = tail.strip_prefix(b":").unwrap_or(tail);
    let [c, d, ..] = tail else { return None };
    let digits = [*a, *b, *c, *d];
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let [a, b, c, d] = digits.map(|digit| i64::from(digit - b'0'));
    let minutes = (a * 10 + b) * 60 + c * 10 + d;
    Some(if *sign == b'-' { -minutes } else { minutes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_logs_use() {
        for (line, want) in [
            ("2026-01-23T19:38:45.492Z ERROR x", Some("2026-01-23T19:38:45.492Z")),
            ("2026-01-23 19:38:45,492 INFO x", Some("2026-01-23T19:38:45.492Z")),
            ("2026-01-23 19:38:45.492 UTC [1] LOG:  x", Some("2026-01-23T19:38:45.492Z")),
            ("2026-01-23T20:38:45+01:00 x", Some("2026-01-23T19:38:45Z")),
            ("{\"ts\":\"2026-01-23T19:38:45.492123456Z\"}", Some("2026-01-23T19:38:45.492123456Z")),
            ("[2026-01-23 19:38:45] x", Some("2026-01-23T19:38:45Z")),
            ("2026-13-23T19:38:45Z x", None),
            ("a-b-c 12:00", None),
            ("2026-01-23", None),
            ("-", None),
            ("", None),
        ] {
            let found = of_line(line.as_bytes()).map(|time| time.to_string());
            assert_eq!(found.as_deref(), want, "{line}");
        }
    }
}
