//! Programs that end with the process that started them, however that ends, and are its children themselves: their ids,
//! their signals and how they end are their own.
//!
//! A small `sh` becomes the program, after it has left somebody behind who holds the read end of a pipe. The write end
//! belongs to the process that starts the program and is never written to: when it closes, be it by a drop or because
//! that process was killed with SIGKILL, the program is killed. This needs no unsafe code.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// Becomes "$@" and kills it once standard input ends. Whoever is left behind is a child of the program: when the
/// program has ended it has another parent, and kills nobody who got the same id since.
const BOUND: &str = r#"
exec 3<&0
(
  read -r _
  read -r _ _ _ parent _ </proc/self/stat || parent=$$
  [ "$parent" = "$$" ] && kill -9 "$$"
) <&3 3<&- >/dev/null 2>&1 &
exec 3<&-
exec "$@" </dev/null
"#;

/// A command that runs a program which does not outlive this process. Whoever starts it takes the standard input of the
/// child and keeps it for as long as the program shall run: to wait for a child would else close it.
pub fn bound(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", BOUND, "bound"]).arg(program).stdin(Stdio::piped());
    command
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::*;

    fn eventually(what: &str, is: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !is() {
            assert!(Instant::now() < end, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Name and state of a process.
    fn of(id: u32) -> Option<(String, String)> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    }

    #[test]
    fn it_is_the_child_itself_and_ends_with_the_pipe() {
        let mut child = bound("sleep").arg("1000").spawn().unwrap();
        let lifeline = child.stdin.take().unwrap();
        eventually("the program", || of(child.id()).is_some_and(|(name, _)| name == "sleep"));
        drop(lifeline);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        let mut child = bound("sh").args(["-c", "exit 7"]).spawn().unwrap();
        let _lifeline = child.stdin.take().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(7), "it ends as it wants to");
    }

    /// Not a test by itself: the process that the next test kills.
    #[test]
    fn helper_that_starts_one() {
        let Some(report) = std::env::var_os("TESTKIT_BOUND_REPORT") else { return };
        let child = bound("sleep").arg("1000").spawn().unwrap();
        let unfinished = Path::new(&report).with_extension("unfinished");
        std::fs::write(&unfinished, child.id().to_string()).unwrap();
        std::fs::rename(&unfinished, &report).unwrap();
        std::thread::sleep(Duration::from_secs(600));
        drop(child);
    }

    #[test]
    fn it_does_not_outlive_a_process_that_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report");
        let mut helper = Command::new(std::env::current_exe().unwrap())
            .args(["helper_that_starts_one", "--nocapture"])
            .env("TESTKIT_BOUND_REPORT", &report)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        eventually("the report", || report.exists());
        let id: u32 = std::fs::read_to_string(&report).unwrap().parse().unwrap();
        eventually("the program", || of(id).is_some_and(|(name, _)| name == "sleep"));
        helper.kill().unwrap();
        helper.wait().unwrap();
        // Where nobody takes in orphans it stays as a zombie.
        eventually("its end", || of(id).is_none_or(|(name, state)| name != "sleep" || state == "Z"));
    }
}
