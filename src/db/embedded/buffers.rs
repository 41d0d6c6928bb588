//! How much of the machine's memory Postgres may keep its blocks in (`shared_buffers`).
//!
//! A map of an archive of years reads thousands of blocks, one row of each. A block that isn't in Postgres' own memory is a call
//! and a copy out of the system's, each time.

use std::fs;

/// What Postgres has by itself, in megabytes.
const LEAST: u64 = 128;
/// To drop a table or a database Postgres goes through all of it.
const MOST: u64 = 2048;
/// The gateway, the connections and the system's own cache have the others.
const SHARE: u64 = 8;

/// In megabytes: an eighth of what there is, within bounds. Postgres takes of it only what it fills.
#[must_use]
pub fn megabytes() -> u64 {
    let of_machine = read("/proc/meminfo").and_then(|text| total(&text));
    let of_group = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse::<u64>().ok()).map(|b| b >> 20);
    share(of_machine.into_iter().chain(of_group).min())
}

/// Other systems than Linux have no such files.
fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The memory of the machine, in megabytes.
fn total(meminfo: &str) -> Option<u64> {
    let kilobytes = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"))?;
    Some(kilobytes.parse::<u64>().ok()? >> 10)
}

fn share(megabytes: Option<u64>) -> u64 {
    megabytes.map_or(LEAST, |all| (all / SHARE).clamp(LEAST, MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_eighth_within_bounds() {
        let meminfo = "MemTotal:       24689764 kB\nMemFree:         1489764 kB\n";
        assert_eq!(total(meminfo), Some(24_111));
        assert_eq!(total("Mem: 12"), None);
        for (all, given) in [(None, 128), (Some(512), 128), (Some(4096), 512), (Some(24_111), 2048)] {
            assert_eq!(share(all), given, "{all:?}");
        }
    }
}
