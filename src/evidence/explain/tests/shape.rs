//! Forms of lines.

use crate::evidence::explain::shape::{Kind, kind};
use crate::evidence::explain::signs::signs;

fn of(line: &str) -> Kind {
    kind(line.as_bytes(), signs(line.as_bytes()))
}

#[test]
fn each_form_has_its_kind() {
    for (line, want) in [
        ("", Kind::Blank),
        ("   ", Kind::Blank),
        ("Downloading from central: https://x/y.pom", Kind::Noise),
        ("100 21399  100 21399    0     0  95979      0 --:--:-- --:--:-- --:--:-- 96391", Kind::Noise),
        ("[INFO] BUILD FAILURE", Kind::Info),
        ("[ERROR] COMPILATION ERROR : ", Kind::Rule),
        ("[ERROR] /a/B.java:[3,4] cannot find symbol", Kind::Error),
        ("[ERROR] -> [Help 1]", Kind::Help),
        ("[ERROR] ", Kind::Help),
        ("[WARNING] could not write: No space left on device", Kind::Phrase),
        ("[WARNING] deprecated", Kind::Warn),
        ("----------", Kind::Rule),
        ("=== 1 failed, 2 passed in 3s ====", Kind::Rule),
        ("\tat a.b.C.d(C.java:3)", Kind::Frame),
        ("    at Object.<anonymous> (/x/y.js:3:4)", Kind::Frame),
        ("\t... 4 more", Kind::Frame),
        ("  File \"/x.py\", line 3, in f", Kind::Frame),
        ("\t/src/a.go:12 +0x1d", Kind::Frame),
        ("at the end of the day", Kind::Plain),
        ("java.io.IOException: No space left on device", Kind::Exception),
        ("Caused by: x.Y", Kind::Exception),
        ("NameError: name 'x' is not defined", Kind::Exception),
        ("E       assert 1 == 2", Kind::Exception),
        ("panic: runtime error: index out of range", Kind::Exception),
        ("--- FAIL: TestA (0.00s)", Kind::TestFail),
        ("    --- FAIL: TestA/b (0.00s)", Kind::TestFail),
        ("--- PASS: TestA (0.00s)", Kind::Info),
        ("test a::b ... FAILED", Kind::TestFail),
        ("ATest > b() FAILED", Kind::TestFail),
        ("Tests run: 3, Failures: 0, Errors: 0", Kind::Info),
        ("Tests run: 3, Failures: 0, Errors: 2", Kind::TestFail),
        ("\u{2022} [FAILED] [1.2 seconds]", Kind::TestFail),
        ("not ok 3 works", Kind::TestFail),
        ("____________ test_x ____________", Kind::TestFail),
        ("ERROR: Error cloning remote repo 'origin'", Kind::Error),
        ("time=\"2026\" level=error msg=\"bad\"", Kind::AppError),
        ("{\"level\":\"error\",\"msg\":\"bad\"}", Kind::AppError),
        ("{\"level\":\"info\",\"msg\":\"failed\"}", Kind::Info),
        ("E0123 10:00:00.1 1 a.go:3] bad", Kind::AppError),
        ("2026-01-01 10:00:00 ERROR a.b.C - bad", Kind::AppError),
        ("[main] INFO a.b - failed once", Kind::Info),
        ("a/b.go:12:3: undefined: x", Kind::Error),
        ("src/a.c:1:2: warning: unused", Kind::Plain),
        ("Build step 'Execute shell' marked build as failure", Kind::Status),
        ("the upload failed", Kind::Weak),
        ("all is well", Kind::Plain),
    ] {
        assert_eq!(of(line), want, "{line:?}");
    }
}
