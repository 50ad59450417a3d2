//! What wrappers put before each line.
//!
//! A build server stamps lines with the time, an image build numbers its steps, a job runner
//! separates time and text with a bar. The form of a line shows only without them. A program's
//! own time stamp is left alone: what follows it is a level, which says whose line it is.

/// The text behind a wrapper's prefix.
pub(super) fn unwrap(text: &[u8]) -> &[u8] {
    bracketed_time(text)
        .or_else(|| build_step(text))
        .or_else(|| time_and_bar(text))
        .or_else(|| clock(text))
        .or_else(|| seconds(text))
        .unwrap_or(text)
}

/// `[2022-05-21T18:18:52.123Z] text` and `[18:18:52] text`.
fn bracketed_time(text: &[u8]) -> Option<&[u8]> {
    let inner = text.strip_prefix(b"[")?;
    let end = inner.iter().take(32).position(|byte| *byte == b']')?;
    let time = inner.get(..end)?;
    let digits = time.iter().filter(|byte| byte.is_ascii_digit()).count();
    let fits = digits >= 6 && time.iter().all(|byte| byte.is_ascii_digit() || b"-:.,TZ +".contains(byte));
    (fits && time.contains(&b':')).then(|| after_blank(inner.get(end + 1..).unwrap_or_default()))
}

/// `#12 3.456 text`, as image builds print.
fn build_step(text: &[u8]) -> Option<&[u8]> {
    let rest = after_digits(text.strip_prefix(b"#")?)?.strip_prefix(b" ")?;
    seconds(rest)
}

/// `3.456 text`.
fn seconds(text: &[u8]) -> Option<&[u8]> {
    let rest = after_digits(text)?.strip_prefix(b".")?;
    let fraction = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let after = rest.get(fraction..)?;
    (fraction == 3 && after.first() == Some(&b' ')).then(|| after_blank(after))
}

/// `2017-11-12 14:27:38.214034 | text`.
fn time_and_bar(text: &[u8]) -> Option<&[u8]> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let end = text.iter().take(34).position(|byte| *byte == b'|')?;
    let time = text.get(..end)?;
    let fits =
        time.contains(&b':') && time.iter().all(|byte| byte.is_ascii_digit() || b"-:.,TZ ".contains(byte));
    fits.then(|| after_blank(text.get(end + 1..).unwrap_or_default()))
}

/// `18:18:52 text` and `18:18:52.123 text`.
fn clock(text: &[u8]) -> Option<&[u8]> {
    const SHAPE: &[u8] = b"dd:dd:dd";
    let head = text.get(..SHAPE.len())?;
    let fits = head
        .iter()
        .zip(SHAPE)
        .all(|(byte, shape)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape });
    if !fits {
        return None;
    }
    let rest = text.get(SHAPE.len()..)?;
    let rest = match rest.first() {
        Some(b'.' | b',') => after_digits(rest.get(1..)?)?,
        _ => rest,
    };
    // Two blanks are the wrapper's own; more belong to the text.
    let rest = rest.strip_prefix(b" ")?;
    Some(rest.strip_prefix(b" ").unwrap_or(rest))
}

/// What follows one or more digits.
fn after_digits(text: &[u8]) -> Option<&[u8]> {
    let count = text.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 { None } else { text.get(count..) }
}

/// The text without one blank before it.
fn after_blank(text: &[u8]) -> &[u8] {
    text.strip_prefix(b" ").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_come_off_and_texts_of_their_own_stay() {
        for (line, want) in [
            ("[2022-05-21T18:18:52.123Z] [ERROR] x", "[ERROR] x"),
            ("[18:18:52] \tat a.B", "\tat a.B"),
            ("18:18:52  ERROR: x", "ERROR: x"),
            ("18:18:52.001     at a.B", "   at a.B"),
            ("#12 3.456 error: x", "error: x"),
            ("#12 ERROR: x", "#12 ERROR: x"),
            ("0.512 npm error x", "npm error x"),
            ("2017-11-12 14:27:38.214034 | ERROR: x", "ERROR: x"),
            ("2017-11-12 14:27:38.214 INFO x", "2017-11-12 14:27:38.214 INFO x"),
            ("[INFO] x", "[INFO] x"),
            ("[1/3] x", "[1/3] x"),
            ("12 | let x = 1;", "12 | let x = 1;"),
            ("1.2 is a number", "1.2 is a number"),
            ("", ""),
            ("[", "["),
            ("12:", "12:"),
        ] {
            assert_eq!(String::from_utf8_lossy(unwrap(line.as_bytes())), want);
        }
    }
}
