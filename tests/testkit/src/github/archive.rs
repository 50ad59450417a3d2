//! Small archives made in memory, uncompressed, so that their size can be foreseen.
//!
//! Enough for artifacts and logs of a scenario: a zip with stored entries, a tar, a gzip frame.

/// A zip with stored (uncompressed) entries, in order.
pub fn zip(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, data) in entries {
        let offset = size(out.len());
        // Version 2.0, UTF-8 names, stored, 1980-01-01.
        let mut common = Vec::new();
        common.extend([20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0]);
        common.extend(crc32(data).to_le_bytes());
        common.extend(size(data.len()).to_le_bytes());
        common.extend(size(data.len()).to_le_bytes());
        common.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        common.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(data);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(entries.len()).unwrap_or(u16::MAX).to_le_bytes();
    let start = size(out.len());
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend(size(directory.len()).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// A tar (ustar) of regular files, in order.
pub fn tar(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, data) in entries {
        let mut header = [0_u8; 512];
        let mut put = |at: usize, text: &[u8]| {
            for (slot, byte) in header.iter_mut().skip(at).zip(text) {
                *slot = *byte;
            }
        };
        let (prefix, short) = split(name);
        put(0, short.as_bytes());
        put(345, prefix.as_bytes());
        put(100, b"0000644\0");
        put(108, b"0000000\0");
        put(116, b"0000000\0");
        put(124, format!("{:011o}\0", data.len()).as_bytes());
        put(136, b"00000000000\0");
        put(148, b"        ");
        put(156, b"0");
        put(257, b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        let sum = format!("{sum:06o}\0 ");
        for (slot, byte) in header.iter_mut().skip(148).zip(sum.as_bytes()) {
            *slot = *byte;
        }
        out.extend(header);
        out.extend(data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// A long path in two parts: at most 155 bytes before a slash, at most 100 after it.
fn split(name: &str) -> (&str, &str) {
    if name.len() <= 100 {
        return ("", name);
    }
    let fits = |at: &usize| *at <= 155 && name.len() - at - 1 <= 100;
    let at = name.match_indices('/').map(|(at, _)| at).find(fits);
    at.map_or(("", name), |at| (name.get(..at).unwrap_or(""), name.get(at + 1..).unwrap_or(name)))
}

/// A gzip frame around stored blocks.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = data.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    if data.is_empty() {
        out.extend([1, 0, 0, 255, 255]);
    }
    out.extend(crc32(data).to_le_bytes());
    out.extend(size(data.len()).to_le_bytes());
    out
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
