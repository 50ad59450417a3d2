//! What the kernel tells of a process.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// Clock ticks in a second, as Linux gives them to programs on every platform.
const TICKS: f64 = 100.0;

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident now.
    pub resident: u64,
    /// Of it, what belongs to no file: heap and stacks.
    pub anonymous: u64,
    /// The most that was ever resident.
    pub peak: u64,
}

/// CPU seconds that a process has used so far, its ended threads included.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    // The name in brackets may hold blanks.
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |n: usize| rest.split_whitespace().nth(n).and_then(|f| f.parse::<f64>().ok());
    let (user, system) = field(11).zip(field(12)).with_context(|| format!("{path} is not as expected"))?;
    Ok((user + system) / TICKS)
}

/// Memory of a process.
pub fn memory(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let of = |name: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
        let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
        kib.map(|k| k * 1024).with_context(|| format!("{path} has no {name}"))
    };
    Ok(Memory { resident: of("VmRSS")?, anonymous: of("RssAnon")?, peak: of("VmHWM")? })
}

/// The process of a program that was given an argument.
pub fn find(program: &str, argument: &str) -> Option<u32> {
    let entries = std::fs::read_dir("/proc").ok()?;
    entries.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let mut words = command.split(|b| *b == 0).map(String::from_utf8_lossy);
        let is = PathBuf::from(words.next()?.as_ref()).file_name()?.to_str()? == program;
        (is && words.any(|w| w == argument)).then_some(pid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_uses_time() -> Result<()> {
        let own = std::process::id();
        let Memory { resident, anonymous, peak } = memory(own)?;
        assert!(anonymous > 0 && resident >= anonymous && peak >= resident);
        let before = cpu_seconds(own)?;
        while cpu_seconds(own)? <= before {
            std::hint::spin_loop();
        }
        Ok(())
    }
}
