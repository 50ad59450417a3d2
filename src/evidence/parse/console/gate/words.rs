//! How the lines start and end that the readers of [`super::super::others`] begin with.

/// Whether a line may start something, by its first word.
pub(super) fn starts(first: u8, head: &[u8]) -> bool {
    let any = |words: &[&[u8]]| words.iter().any(|word| head.starts_with(word));
    match first {
        b'*' => head.starts_with(b"** TEST "),
        b'-' => head.starts_with(b"----------"),
        b'>' => head.starts_with(b"> Task "),
        b'[' => bracket(head),
        b'0'..=b'9' => number(head),
        b'A' => any(&[b"All tests passed (", b"Attaching to "]),
        b'B' => any(&[b"BUILD SUCCESS", b"BUILD FAIL"]),
        b'E' => any(&[b"Execution failed for task", b"ELIFECYCLE "]),
        b'F' => any(&[b"Failures:", b"Failed", b"Finished in ", b"Found "]),
        b'N' => any(&[b"No test", b"NO TESTS RAN", b"None"]),
        b'O' => any(&[b"OK", b"OK ("]),
        b'P' => any(&[b"PHPUnit ", b"Passed!"]),
        b'R' => any(&[b"RSpec is ", b"Randomized with ", b"Randomness seeded", b"Run options: ", b"Results"]),
        b'S' => any(&[b"Skipped!", b"Scope: "]),
        b'T' => any(&[
            b"T E S T S", b"The following tests ", b"The active test run", b"Total tests: ", b"There was",
            b"There were ", b"TEST CASE:",
        ]),
        b'U' => head.starts_with(b"UNEXPECTED SUCCESS"),
        b'W' => head.starts_with(b"WARNINGS!"),
        b'X' => head.starts_with(b"X "),
        b'b' => head.starts_with(b"bun test v"),
        b'e' => any(&[b"error Command failed", b"error: script \""]),
        b'f' => head.starts_with(b"failed "),
        b'g' => head.starts_with(b"gmake"),
        b'l' => head.starts_with(b"lerna "),
        b'm' => head.starts_with(b"make"),
        b'n' => any(&[b"npm ERR! Test failed", b"npm error Lifecycle"]),
        b't' => any(&[b"test at ", b"test cases:"]),
        // Marks of node and of Swift.
        0xe2 => matches!(head.get(1), Some(0x84 | 0x9a)),
        0xef => head.get(1) == Some(&0xb9),
        0xf4 => head.get(1) == Some(&0x80),
        _ => false,
    }
}

/// Lines of Maven's logger, and of googletest and doctest.
fn bracket(head: &[u8]) -> bool {
    if let Some(rest) = head.strip_prefix(b"[INFO] ") {
        let words: [&[u8]; 6] =
            [b"Tests run:", b"Running ", b"Results", b" T E S T S", b"BUILD ", b"Scanning "];
        return words.iter().any(|word| rest.starts_with(word));
    }
    let words: [&[u8]; 7] =
        [b"[ERROR] ", b"[WARNING] Tests run:", b"[WARNING] Flakes", b"[\x1b", b"[====", b"[ RUN ", b"[  "];
    words.iter().any(|word| head.starts_with(word)) || head.starts_with(b"[doctest] ")
}

/// `92% tests passed`, and `3/12 Test #3: ...`.
fn number(head: &[u8]) -> bool {
    let digits = head.iter().take(12).take_while(|byte| byte.is_ascii_digit()).count();
    match head.get(digits..) {
        Some([b'%', b' ', b't', ..]) => true,
        Some([b'/', rest @ ..]) => memchr::memmem::find(rest.get(..20).unwrap_or(rest), b" Test ").is_some(),
        _ => false,
    }
}

/// Whether a line may start something, by its end.
pub(super) fn ends(text: &[u8]) -> bool {
    match text {
        [.., b' ', b'P' | b'F', b'A', b'S' | b'I', b'S' | b'L', b'E', b'D'] => true,
        [.., b'S', b'K', b'I', b'P', b'P', b'E', b'D'] => true,
        // Results of unittest.
        [.., b'.', b' ', b'o', b'k'] => true,
        [.., b' ', b'F', b'A', b'I', b'L'] | [.., b' ', b'E', b'R', b'R', b'O', b'R'] => true,
        [.., b'\'' | b'"'] => memchr::memmem::find(text, b"... skipped ").is_some(),
        [.., b'e'] => text.ends_with(b"... expected failure"),
        [.., b's'] => text.ends_with(b"... unexpected success"),
        // A failing test of Maven, what dotnet cannot build, progress of PHPUnit.
        [.., b'!'] => {
            let known: [&[u8]; 5] =
                [b"<<< FAILURE!", b"<<< ERROR!", b"is NOT correct!", b"DEPRECATIONS!", b"NOTICES!"];
            known.iter().any(|end| text.ends_with(end))
        }
        [.., b'D', b':'] => text.ends_with(b": FAILED:"),
        [.., b'p', b'r', b'o', b'j', b']'] => memchr::memmem::find(text, b": error ").is_some(),
        [.., b'%', b')'] => true,
        _ => false,
    }
}
