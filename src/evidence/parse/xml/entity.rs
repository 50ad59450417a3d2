//! What text and attributes say: their bytes, and the references in them.

/// Bytes as text: UTF-8, else Latin-1 where the document declares it, else with what cannot be read replaced.
pub(in crate::evidence::parse) fn decoded(bytes: &[u8], latin: bool) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if latin => bytes.iter().copied().map(char::from).collect(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Resolves the five named entities and character references; anything else stays as written.
pub(in crate::evidence::parse) fn entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        plain.push_str(before);
        let end = from.bytes().take(12).position(|byte| byte == b';');
        let name = end.and_then(|end| from.get(1..end)).unwrap_or("");
        let decoded = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name.strip_prefix('#').map(|code| {
                let value = match code.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => code.parse().ok(),
                };
                value.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
            }),
        };
        match decoded {
            Some(c) => {
                plain.push(c);
                rest = from.get(name.len() + 2..).unwrap_or("");
            }
            None => {
                plain.push('&');
                rest = from.get(1..).unwrap_or("");
            }
        }
    }
    plain.push_str(rest);
    plain
}
