//! Size of Postgres' own block cache (`shared_buffers`).
//!
//! A map of an archive of years reads thousands of blocks, one row each. A block outside this cache costs a system call
//! and a copy from the page cache, each time.

use std::fs;

/// Default of Postgres, in megabytes.
const MIN_SHARED_BUFFERS_MB: u64 = 128;
/// Upper bound: dropping a table or a database scans the whole cache.
const MAX_SHARED_BUFFERS_MB: u64 = 2048;
/// The rest of the memory is for the gateway, the connections and the page cache.
const MEMORY_DIVISOR: u64 = 8;

/// `shared_buffers` in megabytes: an eighth of the memory, within bounds. Postgres uses only the part that it fills.
#[must_use]
pub fn megabytes() -> u64 {
    let of_machine = read_file("/proc/meminfo").and_then(|text| parse_total_memory_mb(&text));
    let of_group =
        read_file("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse::<u64>().ok()).map(|b| b >> 20);
    clamp_to_share(of_machine.into_iter().chain(of_group).min())
}

/// Only Linux has these files.
fn read_file(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The memory of the machine, in megabytes.
fn parse_total_memory_mb(meminfo: &str) -> Option<u64> {
    let kilobytes = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"))?;
    Some(kilobytes.parse::<u64>().ok()? >> 10)
}

fn clamp_to_share(megabytes: Option<u64>) -> u64 {
    megabytes
        .map_or(MIN_SHARED_BUFFERS_MB, |all| (all / MEMORY_DIVISOR).clamp(MIN_SHARED_BUFFERS_MB, MAX_SHARED_BUFFERS_MB))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_buffers_are_an_eighth_of_memory_within_bounds() {
        let meminfo = "MemTotal:       24689764 kB\nMemFree:         1489764 kB\n";
        assert_eq!(parse_total_memory_mb(meminfo), Some(24_111));
        assert_eq!(parse_total_memory_mb("Mem: 12"), None);
        for (all, expected) in [(None, 128), (Some(512), 128), (Some(4096), 512), (Some(24_111), 2048)] {
            assert_eq!(clamp_to_share(all), expected, "{all:?}");
        }
    }
}
