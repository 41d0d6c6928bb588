//! The known state of the primary and of its replicas, and the resulting status of a replica.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::lsn::Lsn;

/// How long the result of a probe is valid.
const PROBE_TTL: Duration = Duration::from_secs(2);

/// Results of the primary's probes.
#[derive(Debug, Default)]
pub struct PrimaryState {
    /// The system identifier of its cluster, which its physical copies share.
    system_identifier: Option<i64>,
    /// Recent ends of the log, the oldest first.
    recent_lsns: VecDeque<(Instant, Lsn)>,
    /// Minimum replay position of a replica within the maximum lag. Kept while the primary is unreachable: a replica
    /// that was close to it then is as fresh as possible.
    min_replica_lsn: Option<Lsn>,
}

impl PrimaryState {
    /// Stores the end of the log.
    pub fn record_probe(&mut self, cluster: i64, end: Lsn, now: Instant, max_lag: Duration) {
        self.system_identifier = Some(cluster);
        self.recent_lsns.push_back((now, end));
        // The first one that stays is the newest of those that are old enough, if any is.
        while self.recent_lsns.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= max_lag) {
            self.recent_lsns.pop_front();
        }
        self.min_replica_lsn = self.recent_lsns.front().map(|(_, end)| *end);
    }

    /// Handles a failed probe. Earlier results say nothing about the time until the next successful probe.
    pub fn record_failure(&mut self) {
        self.recent_lsns.clear();
    }

    /// The end of the log at the last probe.
    #[must_use]
    pub fn end_lsn(&self) -> Option<Lsn> {
        self.recent_lsns.back().map(|(_, end)| *end).or(self.min_replica_lsn)
    }
}

/// Result of probing a server that is configured as a replica.
#[derive(Clone, Copy, Debug)]
pub struct ProbeResult {
    /// System identifier of its cluster.
    pub system_identifier: i64,
    /// Its replay position; `None` if it isn't in recovery, so not a standby.
    pub replayed: Option<Lsn>,
}

/// The known state of a replica.
#[derive(Debug, Default)]
pub struct ReplicaState {
    last_probe: Option<(Instant, ProbeResult)>,
    /// The furthest replay position so far.
    max_lsn: Lsn,
    /// A query failed since the last probe.
    is_suspended: bool,
}

/// Whether a replica is used, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaStatus {
    /// It answers queries.
    InRotation,
    /// The last probe failed.
    Unreachable,
    /// A query failed, and no probe has succeeded since.
    Suspended,
    /// It is not in recovery: it was promoted, or is the primary itself.
    NotStandby,
    /// It is a copy of another cluster.
    OtherCluster,
    /// Its lag is above the maximum, or unknown.
    Lagging,
}

impl ReplicaState {
    /// Stores the result of a probe.
    pub fn record_probe(&mut self, result: ProbeResult, now: Instant) {
        self.last_probe = Some((now, result));
        self.max_lsn = self.max_lsn.max(result.replayed.unwrap_or_default());
        self.is_suspended = false;
    }

    /// Handles a failed probe.
    pub fn record_failure(&mut self) {
        self.last_probe = None;
    }

    /// Suspends it after a failed query, until the next successful probe.
    pub fn suspend(&mut self) {
        self.is_suspended = true;
    }

    /// Its replay position at the last probe.
    #[must_use]
    pub fn replayed_lsn(&self) -> Option<Lsn> {
        self.last_probe.and_then(|(_, result)| result.replayed)
    }

    /// Its furthest replay position. After a crash it may come back a little earlier.
    #[must_use]
    pub fn max_lsn(&self) -> Lsn {
        self.max_lsn
    }

    /// Its status, given the state of the primary.
    #[must_use]
    pub fn status(&self, primary: &PrimaryState, now: Instant) -> ReplicaStatus {
        let Some((at, result)) = self.last_probe else { return ReplicaStatus::Unreachable };
        let Some(replayed) = result.replayed else { return ReplicaStatus::NotStandby };
        if now.duration_since(at) > PROBE_TTL {
            ReplicaStatus::Unreachable
        } else if primary.system_identifier.is_some_and(|cluster| cluster != result.system_identifier) {
            ReplicaStatus::OtherCluster
        } else if self.is_suspended {
            ReplicaStatus::Suspended
        } else if primary.min_replica_lsn.is_none_or(|required| replayed < required) {
            ReplicaStatus::Lagging
        } else {
            ReplicaStatus::InRotation
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_LAG: Duration = Duration::from_secs(10);

    fn lsn(bytes: u64) -> Lsn {
        format!("0/{bytes:X}").parse().expect("a place")
    }

    /// A primary that wrote 100 bytes a second until now.
    fn primary(start: Instant, seconds: u64) -> PrimaryState {
        let mut primary = PrimaryState::default();
        for second in 0..=seconds {
            primary.record_probe(7, lsn(100 * second), start + Duration::from_secs(second), MAX_LAG);
        }
        primary
    }

    fn status(primary: &PrimaryState, replayed: u64, now: Instant) -> ReplicaStatus {
        let mut known = ReplicaState::default();
        known.record_probe(ProbeResult { system_identifier: 7, replayed: Some(lsn(replayed)) }, now);
        known.status(primary, now)
    }

    #[test]
    fn replica_in_rotation_has_replayed_to_within_the_max_lag() {
        let start = Instant::now();
        let now = start + Duration::from_mins(1);
        let primary = primary(start, 60);
        assert_eq!(status(&primary, 4999, now), ReplicaStatus::Lagging);
        assert_eq!(status(&primary, 5000, now), ReplicaStatus::InRotation);
        assert!(primary.recent_lsns.len() <= 11);
        assert_eq!(primary.end_lsn(), Some(lsn(6000)));
    }

    #[test]
    fn required_lsn_is_kept_while_the_primary_is_unreachable() {
        let start = Instant::now();
        let mut primary = primary(start, 60);
        primary.record_failure();
        let later = start + Duration::from_hours(1);
        assert_eq!(status(&primary, 5000, later), ReplicaStatus::InRotation);
        assert_eq!(status(&primary, 4999, later), ReplicaStatus::Lagging);
        primary.record_probe(7, lsn(9000), later, MAX_LAG);
        assert_eq!(status(&primary, 8999, later), ReplicaStatus::Lagging);
        assert_eq!(status(&primary, 9000, later), ReplicaStatus::InRotation);
    }

    #[test]
    fn no_replica_is_used_before_the_first_probe_of_the_primary() {
        assert_eq!(status(&PrimaryState::default(), 5000, Instant::now()), ReplicaStatus::Lagging);
    }

    #[test]
    fn only_a_reachable_standby_of_the_same_cluster_is_used() {
        let now = Instant::now();
        let primary = primary(now, 0);
        let mut known = ReplicaState::default();
        assert_eq!(known.status(&primary, now), ReplicaStatus::Unreachable);
        known.record_probe(ProbeResult { system_identifier: 8, replayed: Some(lsn(5)) }, now);
        assert_eq!(known.status(&primary, now), ReplicaStatus::OtherCluster);
        known.record_probe(ProbeResult { system_identifier: 7, replayed: None }, now);
        assert_eq!(known.status(&primary, now), ReplicaStatus::NotStandby);
        known.record_probe(ProbeResult { system_identifier: 7, replayed: Some(lsn(3)) }, now);
        assert_eq!(known.status(&primary, now), ReplicaStatus::InRotation);
        assert_eq!((known.replayed_lsn(), known.max_lsn()), (Some(lsn(3)), lsn(5)));
        known.suspend();
        assert_eq!(known.status(&primary, now), ReplicaStatus::Suspended);
        known.record_probe(ProbeResult { system_identifier: 7, replayed: Some(lsn(3)) }, now);
        assert_eq!(known.status(&primary, now), ReplicaStatus::InRotation);
        assert_eq!(known.status(&primary, now + PROBE_TTL + Duration::from_millis(1)), ReplicaStatus::Unreachable);
        known.record_failure();
        assert_eq!(known.status(&primary, now), ReplicaStatus::Unreachable);
    }
}
