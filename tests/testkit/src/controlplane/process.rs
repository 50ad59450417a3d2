//! Child processes that cannot outlive the process that started them.
//!
//! Every program runs under a small `sh` that holds the read end of a pipe.
//! The write end belongs to this process and is never written to: when it
//! closes, be it by a drop, by the end of the process or by its death, the
//! program is killed. This needs no unsafe code and also covers a test process
//! that is killed with `SIGKILL`, and statics, which are never dropped.

use super::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Runs "$@" and kills it once standard input ends. The exit code is that of
/// the program. The watcher uses only builtins, so that nothing is left of it
/// when it is killed itself; the shell ends after the program was reaped, so
/// that its ports are free by then.
pub(super) const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
( read -r _ <&3; kill -9 "$program" ) </dev/null >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$program"
code=$?
kill -9 "$watcher" 2>/dev/null
exit "$code"
"#;

/// Removes "$1" once standard input ends, however often that takes: the
/// servers that write there are killed at the same moment.
const JANITOR: &str = r#"
read -r _
i=0
while [ -e "$1" ] && [ "$i" -lt 100 ]; do
  rm -rf "$1" && sleep 0.1
  i=$((i + 1))
done
"#;

/// How long a killed child may take to be gone.
const KILL_DEADLINE: Duration = Duration::from_secs(10);

/// If set, directories are kept for inspection.
const KEEP_ENV: &str = "TESTRUN_KEEP";

/// The most that is read of a log to explain a failure.
const LOG_TAIL: u64 = 4 * 1024;

/// A program with its arguments and environment, to be run under supervision.
#[derive(Debug, Clone)]
pub(super) struct Program {
    path: PathBuf,
    args: Vec<String>,
    envs: Vec<(String, String)>,
    dir: Option<PathBuf>,
    clean: bool,
}

impl Program {
    /// A program without arguments that inherits the environment.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf(), args: Vec::new(), envs: Vec::new(), dir: None, clean: false }
    }

    /// Adds arguments.
    pub(super) fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    pub(super) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.envs.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the working directory.
    pub(super) fn dir(mut self, dir: &Path) -> Self {
        self.dir = Some(dir.to_path_buf());
        self
    }

    /// Takes over no more of the environment than a server needs: variables
    /// such as `ETCD_*` or `GODEBUG` of a developer would change how it runs.
    pub(super) fn clean_env(mut self) -> Self {
        self.clean = true;
        self
    }

    /// The command that runs the program under the supervisor. Standard input
    /// is a pipe that the caller must hold open for as long as it shall run.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SUPERVISOR, "supervisor"]).arg(&self.path).args(&self.args);
        if self.clean {
            command.env_clear();
            for name in ["PATH", "HOME", "TMPDIR", "LANG"] {
                if let Some(value) = std::env::var_os(name) {
                    command.env(name, value);
                }
            }
        }
        for (name, value) in &self.envs {
            command.env(name, value);
        }
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        // A group of its own keeps a Ctrl-C on the terminal away: the end of
        // this process is what ends the program.
        command.stdin(Stdio::piped()).process_group(0);
        command
    }

    /// Starts the program; what it writes is appended to the log file.
    pub(super) fn spawn(&self, log: &Path) -> Result<Supervised, Error> {
        let open = || {
            File::options()
                .create(true)
                .append(true)
                .open(log)
                .map_err(|e| Error::path("open the log", log, e))
        };
        let out = open()?;
        let log_start = out.metadata().map_err(|e| Error::path("read the size of", log, e))?.len();
        let mut command = self.command();
        command.stdout(out).stderr(open()?);
        let mut child = command.spawn().map_err(|e| Error::path("start", &self.path, e))?;
        let lifeline = child.stdin.take();
        Ok(Supervised { name: display_name(&self.path), child, lifeline, log: log.to_path_buf(), log_start })
    }
}

fn display_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A running program. Dropping it kills the program and waits for its end.
#[derive(Debug)]
pub(super) struct Supervised {
    name: String,
    child: Child,
    lifeline: Option<ChildStdin>,
    log: PathBuf,
    log_start: u64,
}

impl Supervised {
    /// The exit status, if the program has ended.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child.try_wait().map_err(|e| Error::io(format!("ask for the state of {}", self.name), e))
    }

    /// An error that tells the end of the log, if the program has ended.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => Err(Error::Server(format!(
                "{} ended early with {status}; the end of its log:\n{}",
                self.name,
                self.log_tail()
            ))),
        }
    }

    /// The last lines that this run of the program wrote.
    pub(super) fn log_tail(&self) -> String {
        tail(&self.log, self.log_start)
    }

    /// Kills the program and returns once it is gone, its ports with it.
    pub(super) fn kill(&mut self) {
        drop(self.lifeline.take());
        let deadline = Instant::now() + KILL_DEADLINE;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        // The shell itself hangs: nothing more can be done than to end it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last part of a file, at whole lines and not before `start`.
pub(super) fn tail(path: &Path, start: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let from = start.max(length.saturating_sub(LOG_TAIL));
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(LOG_TAIL).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(match text.split_once('\n') {
            Some((_, rest)) if from > start => rest.to_owned(),
            _ => text,
        })
    };
    read().unwrap_or_else(|e| format!("(the log {} cannot be read: {e})", path.display()))
}

/// A directory that is removed when this value is dropped, and also when the
/// process dies without dropping anything.
#[derive(Debug)]
pub(super) struct OwnedDir {
    path: PathBuf,
    janitor: Option<Child>,
}

impl OwnedDir {
    /// Creates a directory under the system's temporary directory.
    pub(super) fn create(prefix: &str) -> Result<Self, Error> {
        let dir = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .map_err(|e| Error::io("create a temporary directory", e))?;
        let janitor = match std::env::var_os(KEEP_ENV) {
            Some(_) => None,
            None => Some(
                Command::new("/bin/sh")
                    .args(["-c", JANITOR, "janitor"])
                    .arg(dir.path())
                    .stdin(Stdio::piped())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .process_group(0)
                    .spawn()
                    .map_err(|e| Error::io("start sh", e))?,
            ),
        };
        let path = dir.keep();
        if janitor.is_none() {
            let text = format!("control plane: the files in {} are kept\n", path.display());
            let _ = std::io::stderr().write_all(text.as_bytes());
        }
        Ok(Self { path, janitor })
    }

    /// Where the directory is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnedDir {
    fn drop(&mut self) {
        if let Some(janitor) = &mut self.janitor {
            drop(janitor.stdin.take());
            let _ = janitor.wait();
        }
    }
}
