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
    cluster: Option<i64>,
    /// Where the log ended lately, the oldest first.
    told: VecDeque<(Instant, Lsn)>,
    /// What a replica has to have replayed for not to be too far behind. It stands while the primary tells nothing: what was
    /// near it then is as new as anything there is.
    required: Option<Lsn>,
}

impl PrimaryState {
    /// It told where its log ends.
    pub fn tells(&mut self, cluster: i64, end: Lsn, now: Instant, max_lag: Duration) {
        self.cluster = Some(cluster);
        self.told.push_back((now, end));
        // The first that stays is the newest of those that are old enough, if any is.
        while self.told.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= max_lag) {
            self.told.pop_front();
        }
        self.required = self.told.front().map(|(_, end)| *end);
    }

    /// It could not be asked. What it told before says nothing of the time until it can be again.
    pub fn is_silent(&mut self) {
        self.told.clear();
    }

    /// Where its log ended when it told last.
    #[must_use]
    pub fn end(&self) -> Option<Lsn> {
        self.told.back().map(|(_, end)| *end).or(self.required)
    }
}

/// What a server told of itself that is said to be a replica.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The number of its cluster.
    pub cluster: i64,
    /// How far it has replayed the primary's log; none where it isn't in recovery, so no standby.
    pub replayed: Option<Lsn>,
}

/// What is known of a replica.
#[derive(Debug, Default)]
pub struct Known {
    told: Option<(Instant, Told)>,
    /// The furthest that it ever told.
    furthest: Lsn,
    /// It failed to answer a query since.
    rests: bool,
}

/// What becomes of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Queries go there.
    Used,
    /// It can't be asked.
    Away,
    /// It failed to answer a query, and has not been asked since.
    Resting,
    /// It is in no recovery: it was promoted, or is the primary itself.
    NoStandby,
    /// It is a copy of another cluster.
    OtherCluster,
    /// It is too far behind, or it isn't known how far.
    Behind,
}

impl Known {
    /// It was asked, and told this.
    pub fn tells(&mut self, told: Told, now: Instant) {
        self.told = Some((now, told));
        self.furthest = self.furthest.max(told.replayed.unwrap_or_default());
        self.rests = false;
    }

    /// It could not be asked.
    pub fn is_silent(&mut self) {
        self.told = None;
    }

    /// It failed to answer a query: it rests until it was asked again.
    pub fn rest(&mut self) {
        self.rests = true;
    }

    /// How far it has replayed at least.
    #[must_use]
    pub fn replayed(&self) -> Option<Lsn> {
        self.told.and_then(|(_, told)| told.replayed)
    }

    /// The furthest that it ever was. One that crashed may come back a bit before that.
    #[must_use]
    pub fn furthest(&self) -> Lsn {
        self.furthest
    }

    /// What becomes of it, as far as the primary is known.
    #[must_use]
    pub fn standing(&self, primary: &PrimaryState, now: Instant) -> Standing {
        let Some((at, told)) = self.told else { return Standing::Away };
        let Some(replayed) = told.replayed else { return Standing::NoStandby };
        if now.duration_since(at) > PROBE_TTL {
            Standing::Away
        } else if primary.cluster.is_some_and(|cluster| cluster != told.cluster) {
            Standing::OtherCluster
        } else if self.rests {
            Standing::Resting
        } else if primary.required.is_none_or(|required| replayed < required) {
            Standing::Behind
        } else {
            Standing::Used
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST_BEHIND: Duration = Duration::from_secs(10);

    fn lsn(bytes: u64) -> Lsn {
        format!("0/{bytes:X}").parse().expect("a place")
    }

    /// A primary that wrote 100 bytes a second until now.
    fn primary(start: Instant, seconds: u64) -> PrimaryState {
        let mut primary = PrimaryState::default();
        for second in 0..=seconds {
            primary.tells(7, lsn(100 * second), start + Duration::from_secs(second), MOST_BEHIND);
        }
        primary
    }

    fn standing(primary: &PrimaryState, replayed: u64, now: Instant) -> Standing {
        let mut known = Known::default();
        known.tells(Told { cluster: 7, replayed: Some(lsn(replayed)) }, now);
        known.standing(primary, now)
    }

    #[test]
    fn replica_in_rotation_has_replayed_to_within_the_max_lag() {
        let start = Instant::now();
        let now = start + Duration::from_mins(1);
        let primary = primary(start, 60);
        assert_eq!(standing(&primary, 4999, now), Standing::Behind);
        assert_eq!(standing(&primary, 5000, now), Standing::Used);
        assert!(primary.told.len() <= 11);
        assert_eq!(primary.end(), Some(lsn(6000)));
    }

    #[test]
    fn required_lsn_is_kept_while_the_primary_is_unreachable() {
        let start = Instant::now();
        let mut primary = primary(start, 60);
        primary.is_silent();
        let later = start + Duration::from_hours(1);
        assert_eq!(standing(&primary, 5000, later), Standing::Used);
        assert_eq!(standing(&primary, 4999, later), Standing::Behind);
        primary.tells(7, lsn(9000), later, MOST_BEHIND);
        assert_eq!(standing(&primary, 8999, later), Standing::Behind);
        assert_eq!(standing(&primary, 9000, later), Standing::Used);
    }

    #[test]
    fn no_replica_is_used_before_the_first_probe_of_the_primary() {
        assert_eq!(standing(&PrimaryState::default(), 5000, Instant::now()), Standing::Behind);
    }

    #[test]
    fn only_a_reachable_standby_of_the_same_cluster_is_used() {
        let now = Instant::now();
        let primary = primary(now, 0);
        let mut known = Known::default();
        assert_eq!(known.standing(&primary, now), Standing::Away);
        known.tells(Told { cluster: 8, replayed: Some(lsn(5)) }, now);
        assert_eq!(known.standing(&primary, now), Standing::OtherCluster);
        known.tells(Told { cluster: 7, replayed: None }, now);
        assert_eq!(known.standing(&primary, now), Standing::NoStandby);
        known.tells(Told { cluster: 7, replayed: Some(lsn(3)) }, now);
        assert_eq!(known.standing(&primary, now), Standing::Used);
        assert_eq!((known.replayed(), known.furthest()), (Some(lsn(3)), lsn(5)));
        known.rest();
        assert_eq!(known.standing(&primary, now), Standing::Resting);
        known.tells(Told { cluster: 7, replayed: Some(lsn(3)) }, now);
        assert_eq!(known.standing(&primary, now), Standing::Used);
        assert_eq!(known.standing(&primary, now + PROBE_TTL + Duration::from_millis(1)), Standing::Away);
        known.is_silent();
        assert_eq!(known.standing(&primary, now), Standing::Away);
    }
}
