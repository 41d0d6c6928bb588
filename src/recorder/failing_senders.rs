//! Senders whose submissions failed repeatedly. Their next submissions are stored apart from other batches: each
//! failure in a batch delays the other submissions by up to a second.
//!
//! Failures are counted per device of a key and per key. A submission that is stored within the limits of a batch
//! clears the failures of its device. Those of the key remain, so that a sender that alternates between both is
//! isolated in the end. Failing devices are stored apart from other devices of a failing key.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    Submission,
    limits::{FAILURE_WINDOW, MAX_FAILING_SENDERS, MAX_FAILURES_PER_DEVICE, MAX_FAILURES_PER_KEY},
};
use crate::domain::{api_key::ApiKeyId, device::DeviceKey};

/// Senders of failed submissions, shared by all writers. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct FailingSenders(Arc<Mutex<HashMap<FailureKey, Failures>>>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum FailureKey {
    /// A device of a key; no device for a submission with samples of several devices, or of none.
    Device(Option<ApiKeyId>, Option<DeviceKey>),
    Key(Option<ApiKeyId>),
}

struct Failures {
    count: u32,
    first_at: Instant,
    last_at: Instant,
}

impl FailureKey {
    fn from_device(submission: &Submission) -> Self {
        Self::Device(submission.api_key, submission.only_device().cloned())
    }

    fn max_failures(&self) -> u32 {
        match self {
            Self::Device(..) => MAX_FAILURES_PER_DEVICE,
            Self::Key(_) => MAX_FAILURES_PER_KEY,
        }
    }
}

impl FailingSenders {
    /// Whether a submission has to be stored apart from others.
    pub fn contains(&self, submission: &Submission, now: Instant) -> bool {
        let senders = self.lock();
        let is_failing =
            |sender: &FailureKey| senders.get(sender).is_some_and(|failures| failures.isolates(sender, now));
        !senders.is_empty()
            && (is_failing(&FailureKey::Key(submission.api_key)) || is_failing(&FailureKey::from_device(submission)))
    }

    /// Whether a submission has to be stored apart from those of other devices of its key.
    pub fn contains_device(&self, submission: &Submission, now: Instant) -> bool {
        let (senders, device) = (self.lock(), FailureKey::from_device(submission));
        senders.get(&device).is_some_and(|failures| failures.isolates(&device, now))
    }

    /// Records a submission that failed in a batch and so delayed others.
    pub fn record_batch_failure(&self, submission: &Submission, now: Instant) {
        let mut senders = self.lock();
        for sender in [FailureKey::Key(submission.api_key), FailureKey::from_device(submission)] {
            count_failure(&mut senders, &sender, now);
        }
    }

    /// Records a submission that failed although it was stored apart from others: its sender stays isolated. It delayed
    /// other devices if it was isolated because of its key.
    pub fn record_isolated_failure(&self, submission: &Submission, now: Instant) {
        let mut senders = self.lock();
        let mut is_isolated = |sender: &FailureKey| match senders.get_mut(sender) {
            Some(failures) if failures.isolates(sender, now) => {
                failures.last_at = now;
                true
            }
            _ => false,
        };
        let device = FailureKey::from_device(submission);
        let (is_key_isolated, is_device_isolated) =
            (is_isolated(&FailureKey::Key(submission.api_key)), is_isolated(&device));
        if is_key_isolated && !is_device_isolated {
            count_failure(&mut senders, &device, now);
        }
    }

    /// Records a submission that was stored within the limits of a batch.
    pub fn record_success(&self, submission: &Submission) {
        self.lock().remove(&FailureKey::from_device(submission));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FailureKey, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves each entry intact
    }
}

impl Failures {
    fn isolates(&self, sender: &FailureKey, now: Instant) -> bool {
        self.count >= sender.max_failures() && now.duration_since(self.last_at) <= FAILURE_WINDOW
    }
}

fn count_failure(senders: &mut HashMap<FailureKey, Failures>, sender: &FailureKey, now: Instant) {
    if senders.len() >= MAX_FAILING_SENDERS && !senders.contains_key(sender) {
        evict_expired(senders, now);
    }
    let new = || Failures { count: 0, first_at: now, last_at: now };
    let failures = senders.entry(sender.clone()).or_insert_with(new);
    if !failures.isolates(sender, now) && now.duration_since(failures.first_at) > FAILURE_WINDOW {
        *failures = new();
    }
    failures.count += 1;
    failures.last_at = now;
    if failures.count == sender.max_failures() {
        tracing::warn!(?sender, "sender isolated: its submissions failed repeatedly");
    }
}

/// Removes expired entries, and in any case the oldest one.
fn evict_expired(senders: &mut HashMap<FailureKey, Failures>, now: Instant) {
    senders.retain(|_, failures| now.duration_since(failures.last_at) <= FAILURE_WINDOW);
    let oldest = senders.iter().min_by_key(|(_, failures)| failures.last_at).map(|(sender, _)| sender.clone());
    if let Some(oldest) = oldest.filter(|_| senders.len() >= MAX_FAILING_SENDERS) {
        senders.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::*;
    use crate::{
        domain::{device::DeviceKind, sample::Sample},
        ingest::{Decoded, Observation},
        recorder::Source,
    };

    fn submission(key: i64, device: &str) -> Submission {
        let observation = Observation {
            index: 0,
            device: DeviceKey::try_new(device).expect("a key"),
            sample: Sample::new(DateTime::UNIX_EPOCH),
        };
        Submission {
            format: "test",
            received_at: DateTime::UNIX_EPOCH,
            api_key: Some(ApiKeyId(key)),
            is_admin: false,
            source: Source::File,
            decoded: Ok(Decoded { observations: vec![observation], ..Decoded::empty(DeviceKind::Mobile) }),
        }
    }

    #[test]
    fn device_is_isolated_after_repeated_failures_until_it_succeeds() {
        let (senders, now) = (FailingSenders::default(), Instant::now());
        let (bad, other) = (submission(1, "bad"), submission(1, "other"));
        senders.record_batch_failure(&bad, now);
        assert!(!senders.contains(&bad, now));
        senders.record_batch_failure(&bad, now);
        assert!(senders.contains(&bad, now));
        assert!(!senders.contains(&other, now), "other devices of its key are not");
        assert!(!senders.contains(&submission(2, "bad"), now), "nor is the device for another key");
        senders.record_success(&bad);
        assert!(!senders.contains(&bad, now));
    }

    #[test]
    fn a_key_is_isolated_after_failures_of_many_devices_whatever_succeeds_between() {
        let (senders, now) = (FailingSenders::default(), Instant::now());
        for number in 0..MAX_FAILURES_PER_KEY {
            let bad = submission(1, &format!("bad{number}"));
            assert!(!senders.contains(&bad, now));
            senders.record_batch_failure(&bad, now);
            senders.record_success(&bad);
        }
        assert!(senders.contains(&submission(1, "unknown"), now));
        assert!(!senders.contains(&submission(2, "unknown"), now));
    }

    #[test]
    fn devices_of_a_failing_key_are_set_apart_by_their_own_failures() {
        let (senders, now) = (FailingSenders::default(), Instant::now());
        for number in 0..MAX_FAILURES_PER_KEY {
            senders.record_batch_failure(&submission(1, &format!("bad{number}")), now);
        }
        let (bad, other) = (submission(1, "bad"), submission(1, "other"));
        for _ in 0..MAX_FAILURES_PER_DEVICE {
            assert!(!senders.contains_device(&bad, now));
            senders.record_isolated_failure(&bad, now);
        }
        assert!(senders.contains_device(&bad, now));
        assert!(senders.contains(&other, now) && !senders.contains_device(&other, now));
        senders.record_isolated_failure(&submission(2, "slow"), now);
        senders.record_isolated_failure(&submission(2, "slow"), now);
        assert!(!senders.contains(&submission(2, "slow"), now), "the key is not isolated");
    }

    #[test]
    fn failures_expire_unless_they_go_on() {
        let (senders, start) = (FailingSenders::default(), Instant::now());
        let bad = submission(1, "bad");
        let later = start + FAILURE_WINDOW + Duration::from_secs(1);
        senders.record_batch_failure(&bad, start);
        senders.record_batch_failure(&bad, later);
        assert!(!senders.contains(&bad, later), "one in each window");
        senders.record_batch_failure(&bad, later);
        senders.record_isolated_failure(&bad, later + FAILURE_WINDOW);
        assert!(senders.contains(&bad, later + FAILURE_WINDOW * 2));
        assert!(!senders.contains(&bad, later + FAILURE_WINDOW * 2 + Duration::from_secs(1)));
    }

    #[test]
    fn the_number_of_entries_is_bounded_and_the_latest_stay() {
        let (senders, start) = (FailingSenders::default(), Instant::now());
        for number in 0..MAX_FAILING_SENDERS + 100 {
            let now = start + Duration::from_micros(number as u64);
            let bad = submission(1, &format!("bad{number}"));
            count_failure(&mut senders.lock(), &FailureKey::from_device(&bad), now);
            count_failure(&mut senders.lock(), &FailureKey::from_device(&bad), now);
            assert!(senders.contains(&bad, now));
        }
        assert_eq!(senders.lock().len(), MAX_FAILING_SENDERS);
    }
}
