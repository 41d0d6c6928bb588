//! What is known of the primary and of its replicas, and what follows from it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::lsn::Lsn;

/// For how long what a replica told is good.
const PROBE_TTL: Duration = Duration::from_secs(2);

/// What the primary told.
#[derive(Debug, Default)]
pub struct PrimaryState {
    /// The number that its cluster got when it was made, and that its copies have too.
    system_identifier: Option<i64>,
    /// Where the log ended lately, the oldest first.
    recent_lsns: VecDeque<(Instant, Lsn)>,
    /// What a replica has to have replayed for not to be too far behind. It stands while the primary tells nothing: what was
    /// near it then is as new as anything there is.
    min_replica_lsn: Option<Lsn>,
}

impl PrimaryState {
    /// It told where its log ends.
    pub fn record_probe(&mut self, cluster: i64, end: Lsn, now: Instant, max_lag: Duration) {
        self.system_identifier = Some(cluster);
        self.recent_lsns.push_back((now, end));
        // The first that stays is the newest of those that are old enough, if any is.
        while self.recent_lsns.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= max_lag) {
            self.recent_lsns.pop_front();
        }
        self.min_replica_lsn = self.recent_lsns.front().map(|(_, end)| *end);
    }

    /// It could not be asked. What it told before says nothing of the time until it can be again.
    pub fn record_failure(&mut self) {
        self.recent_lsns.clear();
    }

    /// Where its log ended when it told last.
    #[must_use]
    pub fn end_lsn(&self) -> Option<Lsn> {
        self.recent_lsns.back().map(|(_, end)| *end).or(self.min_replica_lsn)
    }
}

/// What a server told of itself that is said to be a replica.
#[derive(Clone, Copy, Debug)]
pub struct ProbeResult {
    /// The number of its cluster.
    pub system_identifier: i64,
    /// How far it has replayed the primary's log; none where it isn't in recovery, so no standby.
    pub replayed: Option<Lsn>,
}

/// What is known of a replica.
#[derive(Debug, Default)]
pub struct ReplicaState {
    last_probe: Option<(Instant, ProbeResult)>,
    /// The furthest that it ever told.
    max_lsn: Lsn,
    /// It failed to answer a query since.
    is_suspended: bool,
}

/// What becomes of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaStatus {
    /// Queries go there.
    InRotation,
    /// It can't be asked.
    Unreachable,
    /// It failed to answer a query, and has not been asked since.
    Suspended,
    /// It is in no recovery: it was promoted, or is the primary itself.
    NotStandby,
    /// It is a copy of another cluster.
    OtherCluster,
    /// It is too far behind, or it isn't known how far.
    Lagging,
}

impl ReplicaState {
    /// It was asked, and told this.
    pub fn record_probe(&mut self, told: ProbeResult, now: Instant) {
        self.last_probe = Some((now, told));
        self.max_lsn = self.max_lsn.max(told.replayed.unwrap_or_default());
        self.is_suspended = false;
    }

    /// It could not be asked.
    pub fn record_failure(&mut self) {
        self.last_probe = None;
    }

    /// It failed to answer a query: it rests until it was asked again.
    pub fn suspend(&mut self) {
        self.is_suspended = true;
    }

    /// How far it has replayed at least.
    #[must_use]
    pub fn replayed_lsn(&self) -> Option<Lsn> {
        self.last_probe.and_then(|(_, told)| told.replayed)
    }

    /// The furthest that it ever was. One that crashed may come back a bit before that.
    #[must_use]
    pub fn max_lsn(&self) -> Lsn {
        self.max_lsn
    }

    /// What becomes of it, as far as the primary is known.
    #[must_use]
    pub fn status(&self, primary: &PrimaryState, now: Instant) -> ReplicaStatus {
        let Some((at, told)) = self.last_probe else { return ReplicaStatus::Unreachable };
        let Some(replayed) = told.replayed else { return ReplicaStatus::NotStandby };
        if now.duration_since(at) > PROBE_TTL {
            ReplicaStatus::Unreachable
        } else if primary.system_identifier.is_some_and(|cluster| cluster != told.system_identifier) {
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
