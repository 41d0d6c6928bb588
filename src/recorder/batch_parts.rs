//! The parts of a failed batch.

use std::collections::VecDeque;

use super::queue::Job;
use crate::domain::device::DeviceKey;

/// Parts of a batch that have yet to be stored, each sorted by key and device.
#[derive(Default)]
pub(super) struct BatchParts {
    several_keys: VecDeque<Vec<Job>>,
    several_devices: VecDeque<Vec<Job>>,
    one_device: VecDeque<Vec<Job>>,
}

/// What all submissions of a part have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Common {
    Nothing,
    Key,
    Device,
}

impl BatchParts {
    /// Divides a batch of at least two submissions in halves.
    pub fn from_batch(mut batch: Vec<Job>) -> Self {
        batch.sort_by(|one, other| (api_key(one), device(one)).cmp(&(api_key(other), device(other))));
        let mut parts = Self::default();
        parts.push_halves(batch);
        parts
    }

    /// The next part: first those of several keys, then those of several devices.
    pub fn pop(&mut self) -> Option<Vec<Job>> {
        let part = self.several_keys.pop_front().or_else(|| self.several_devices.pop_front());
        part.or_else(|| self.one_device.pop_front())
    }

    /// Divides a part of at least two submissions that failed.
    pub fn push_halves(&mut self, mut part: Vec<Job>) {
        let second = part.split_off(split_point(&part));
        for part in [part, second] {
            match common(&part) {
                Common::Nothing => &mut self.several_keys,
                Common::Key => &mut self.several_devices,
                Common::Device => &mut self.one_device,
            }
            .push_back(part);
        }
    }

    /// The submissions of all parts.
    pub fn into_jobs(self) -> Vec<Job> {
        let Self { several_keys, several_devices, one_device } = self;
        several_keys.into_iter().chain(several_devices).chain(one_device).flatten().collect()
    }
}

fn api_key(job: &Job) -> Option<i64> {
    job.submission.api_key.map(|key| key.0)
}

fn device(job: &Job) -> Option<&DeviceKey> {
    job.submission.only_device()
}

fn common(part: &[Job]) -> Common {
    match (part.first(), part.last()) {
        (Some(first), Some(last)) if api_key(first) != api_key(last) => Common::Nothing,
        (Some(first), Some(last)) if device(first) != device(last) => Common::Key,
        _ => Common::Device,
    }
}

/// Where to divide a part of at least two submissions: between two keys, otherwise between two devices, otherwise in the
/// middle.
fn split_point(part: &[Job]) -> usize {
    match common(part) {
        Common::Nothing => boundary_near_middle(part.len(), |at| api_key(&part[at])),
        Common::Key => boundary_near_middle(part.len(), |at| device(&part[at])),
        Common::Device => part.len() / 2,
    }
}

/// Where to divide `length` sorted items of several senders: between two senders, as near to the middle as possible.
fn boundary_near_middle<S: PartialEq>(length: usize, sender: impl Fn(usize) -> S) -> usize {
    let middle = length / 2;
    let ends = (1..length).filter(|&at| sender(at - 1) != sender(at));
    ends.min_by_key(|at| at.abs_diff(middle)).unwrap_or(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_divided_between_senders_near_the_middle() {
        let divided = |senders: &str| {
            let senders: Vec<_> = senders.chars().collect();
            boundary_near_middle(senders.len(), |at| senders[at])
        };
        assert_eq!(divided("aaaa"), 2, "one sender");
        assert_eq!(divided("abbbbbbb"), 1);
        assert_eq!(divided("aaaaaaab"), 7);
        assert_eq!(divided("aabbbccc"), 5);
        assert_eq!(divided("ab"), 1);
    }
}
