//! Memory and CPU time of processes, from `/proc` (Linux).

use std::time::Duration;

use anyhow::{Context as _, Result};

/// A tick of `/proc`: 100 per second.
const TICK: Duration = Duration::from_millis(10);

/// The memory of a process in kilobytes (Linux): the current one, as `VmRSS`, or the maximum, as `VmHWM`.
pub fn memory_kb(pid: u32, what: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kb.with_context(|| format!("no {what}"))
}

/// The CPU time of a process.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    Stat::of(pid).map(|stat| stat.own)
}

/// The CPU time of a process and of all its children, those that have ended included.
pub fn cpu_time_with_children(pid: u32) -> Result<Duration> {
    let parent = Stat::of(pid)?;
    let ids = std::fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    // A process that ends meanwhile is counted by its parent.
    let children = ids.filter_map(|id| Stat::of(id).ok()).filter(|stat| stat.parent == pid);
    Ok(parent.own + parent.ended_children + children.map(|stat| stat.own).sum::<Duration>())
}

/// The fields of `/proc/<pid>/stat` that are used here.
struct Stat {
    parent: u32,
    own: Duration,
    ended_children: Duration,
}

impl Stat {
    fn of(pid: u32) -> Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("its name")?;
        let fields: Vec<_> = fields.split_whitespace().collect();
        let time =
            |at: usize| Ok::<_, anyhow::Error>(TICK * (fields[at].parse::<u32>()? + fields[at + 1].parse::<u32>()?));
        Ok(Self { parent: fields[1].parse()?, own: time(11)?, ended_children: time(13)? })
    }
}
