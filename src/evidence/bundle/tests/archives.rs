//! Archives of every kind, hostile ones among them.

use super::*;

const LOG: &[u8] = b"ERROR: boom\n";

#[test]
fn archives_inside_archives_are_read_whatever_their_order() {
    let inner = gzip(&tar(&[("d/a.log", LOG)]));
    for bundle in [
        zip(&[("x.tar.gz", &inner)]),
        gzip(&tar(&[("x.zip", &zip(&[("a.log", LOG)]))])),
        tar(&[("x.tgz", &inner)]),
        zip(&[("rotated/a.log.gz", &gzip(LOG))]),
    ] {
        let found = read(&bundle);
        assert_eq!(told(&found), ["ErrorLine a [] x1"], "{:?}", found.warnings);
        assert!(!found.incomplete, "{:?}", found.warnings);
        assert_eq!((found.files_scanned, found.bytes), (1, LOG.len() as u64));
    }
}

#[test]
fn a_single_file_and_a_stream_of_entries_say_the_same() {
    let alone = read(LOG);
    assert_eq!(told(&alone), ["ErrorLine bundle [] x1"]);
    let mut analyser = Analyser::new(Options::default(), Limits::default());
    analyser.entry("a.log", LOG);
    analyser.entry("b.tar.gz", gzip(&tar(&[("c.log", LOG)])).as_slice());
    assert_eq!(told(&analyser.finish()), ["ErrorLine a [] x1", "ErrorLine c [] x1"]);
}

#[test]
fn names_that_point_elsewhere_are_names_only() {
    let found = read(&tar(&[("../../etc/passwd.log", LOG), ("/abs.log", LOG)]));
    assert_eq!(found.files_scanned, 2);
    assert!(warns(&found, "2 names point out of the bundle"), "{:?}", found.warnings);
}

#[test]
fn long_names_are_read_and_endless_ones_are_not() {
    let long = format!("{}/{}/deep.log", "d".repeat(90), "e".repeat(120));
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(LOG.len() as u64);
    header.set_cksum();
    builder.append_data(&mut header, &long, LOG).unwrap();
    let found = read(&builder.into_inner().unwrap());
    assert_eq!(found.findings[0].evidence.file, format!("bundle/{long}"));
    // A name of 64 MiB.
    let mut name = ::tar::Header::new_gnu();
    name.set_entry_type(::tar::EntryType::GNULongName);
    name.set_size(64 << 20);
    name.set_cksum();
    let mut bomb = name.as_bytes().to_vec();
    bomb.resize(bomb.len() + (64 << 20), b'a');
    let found = read(&gzip(&bomb));
    assert!(found.findings.is_empty());
}

#[test]
fn links_and_devices_are_not_followed() {
    let mut builder = ::tar::Builder::new(Vec::new());
    let kinds =
        [::tar::EntryType::Symlink, ::tar::EntryType::Link, ::tar::EntryType::Char, ::tar::EntryType::Fifo];
    for kind in kinds {
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_link_name("/etc/passwd").unwrap();
        header.set_path("link").unwrap();
        header.set_cksum();
        builder.append(&header, &b""[..]).unwrap();
    }
    let found = read(&builder.into_inner().unwrap());
    assert_eq!(found.files_scanned, 0);
    assert!(warns(&found, "not followed"), "{:?}", found.warnings);
}

#[test]
fn bombs_are_put_out_at_a_bound() {
    let zeros = vec![0u8; 8 << 20];
    let once = gzip(&zeros);
    let small = Limits { unpacked: 1 << 20, ..Limits::default() };
    for bomb in [
        once.clone(),
        gzip(&gzip(&once)),
        zip(&[("a.log", &zeros), ("b.log", &zeros)]),
        zip(&[("a.tar.gz", &gzip(&tar(&[("a.log", &zeros)])))]),
        tar(&[("a.log", &zeros)]),
    ] {
        let found = read_with(&bomb, small);
        assert!(found.incomplete, "{:?}", found.warnings);
        assert!(found.bytes <= (1 << 20) + (256 << 10), "{} bytes were read", found.bytes);
    }
}

#[test]
fn nesting_and_entries_have_a_bound() {
    let mut nested = LOG.to_vec();
    for _ in 0..20 {
        nested = gzip(&nested);
    }
    let found = read(&nested);
    assert!(found.incomplete && warns(&found, "nested too deep"), "{:?}", found.warnings);
    let many: Vec<String> = (0..50).map(|n| format!("{n}.log")).collect();
    let files: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), LOG)).collect();
    for bundle in [tar(&files), zip(&files)] {
        let found = read_with(&bundle, Limits { entries: 10, ..Limits::default() });
        assert!(found.incomplete && found.files_scanned <= 10, "{:?}", found.warnings);
        assert!(warns(&found, "entries"), "{:?}", found.warnings);
    }
}

#[test]
fn a_zip_inside_another_file_that_is_too_large_to_hold_is_left_out() {
    let noise: Vec<u8> = (0..40_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let bundle = tar(&[("x.zip", &zip(&[("a.log", &noise)]))]);
    let found = read_with(&bundle, Limits { held: 1000, ..Limits::default() });
    assert!(found.incomplete && warns(&found, "a zip of more than 1000 bytes"), "{:?}", found.warnings);
}

#[test]
fn truncated_damaged_encrypted_and_unknown_archives_say_so() {
    let whole = gzip(&tar(&[("a.log", LOG), ("b.log", &[b'x'; 5000])]));
    let found = read(&whole[..whole.len() - 20]);
    assert!(found.incomplete, "{:?}", found.warnings);
    let zipped = zip(&[("a.log", LOG)]);
    let found = read(&zipped[..zipped.len() - 10]);
    assert!(found.incomplete, "{:?}", found.warnings);
    let mut encrypted = zipped.clone();
    // The flag of the entry and of its copy in the directory.
    encrypted[6] |= 1;
    let at = encrypted.windows(4).position(|part| part == b"PK\x01\x02").unwrap();
    encrypted[at + 8] |= 1;
    let found = read(&encrypted);
    assert!(found.incomplete && found.findings.is_empty(), "{:?}", found.warnings);
    let found = read(b"BZh91AY&SY");
    assert!(found.incomplete && warns(&found, "bzip2 data is not unpacked"));
    let empty = read(b"");
    assert!(!empty.incomplete && empty.findings.is_empty());
}

#[test]
fn a_size_that_lies_does_not_make_up_bytes() {
    let mut lying = zip(&[("a.log", LOG)]);
    let at = lying.windows(4).position(|part| part == b"PK\x01\x02").unwrap();
    // The size in the directory: four gigabytes.
    lying[at + 24..at + 28].copy_from_slice(&[0xf0, 0xff, 0xff, 0xff]);
    assert!(read(&lying).bytes <= 4096);
}
