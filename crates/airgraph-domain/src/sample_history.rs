//! The previous sample of a device, which some quality flags of the next one depend on.
//!
//! The limits are choices of this project, wide enough that a working sensor does not reach them.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    position::Position,
    quality::{QualityFlag, QualityFlags},
    quantity::Quantity,
    sample::Sample,
};

/// PM2.5 and PM10 that have not changed for this long indicate a stuck sensor: an SDS011 sends tenths, which
/// fluctuate even in still air.
const STUCK_AFTER: TimeDelta = TimeDelta::hours(3);
/// After a longer gap the sensor may have been off: equal values before and after are no evidence.
const MAX_SILENCE: TimeDelta = TimeDelta::minutes(30);
/// A spike rises to at least this multiple of the previous value,
const SPIKE_FACTOR: f64 = 5.0;
/// by at least this amount (µg/m³),
const MIN_SPIKE_RISE: f64 = 200.0;
/// within this time.
const SPIKE_WINDOW: TimeDelta = TimeDelta::minutes(5);
/// Maximum speed of a vehicle that carries a sensor, in km/h.
const MAX_SPEED_KMH: f64 = 200.0;
/// Positions closer than this (m) may differ by the error of the receiver.
const JITTER_M: f64 = 100.0;

/// State kept of a device's newest sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleHistory {
    /// When it was taken.
    pub measured_at: DateTime<Utc>,
    /// Whether the sensor sent that time.
    pub exact_time: bool,
    /// Position of the sample.
    pub position: Option<Position>,
    /// PM2.5, µg/m³.
    pub pm2_5: Option<f64>,
    /// PM10, µg/m³.
    pub pm10: Option<f64>,
    /// Since when PM2.5 and PM10 have had these values.
    pub steady_since: DateTime<Utc>,
}

impl SampleHistory {
    /// The state after a sample, from the state before it.
    #[must_use]
    pub fn from_sample(sample: &Sample, before: Option<&Self>) -> Self {
        let (pm2_5, pm10) = (sample.readings.get(Quantity::Pm2_5), sample.readings.get(Quantity::Pm10));
        let mut trace = Self {
            measured_at: sample.measured_at,
            exact_time: sample.time_uncertainty_s.is_none(),
            position: sample.position.filter(|position| !position.is_null_island()),
            pm2_5,
            pm10,
            steady_since: sample.measured_at,
        };
        if let Some(before) = before {
            let steady = (pm2_5, pm10) == (before.pm2_5, before.pm10);
            if steady && sample.measured_at - before.measured_at <= MAX_SILENCE {
                trace.steady_since = before.steady_since;
            }
        }
        trace
    }

    /// The flags of this sample that depend on the previous one.
    #[must_use]
    pub fn flags(&self, before: &Self) -> QualityFlags {
        let mut flags = QualityFlags::default();
        if self.pm2_5.or(self.pm10).is_some() && self.measured_at - self.steady_since >= STUCK_AFTER {
            flags.insert(QualityFlag::StuckValue);
        }
        let near = self.measured_at - before.measured_at <= SPIKE_WINDOW;
        if near && (is_spike(before.pm2_5, self.pm2_5) || is_spike(before.pm10, self.pm10)) {
            flags.insert(QualityFlag::Spike);
        }
        // Neither the order nor the distance of estimated times is exact enough to compute a speed.
        if self.exact_time && before.exact_time && self.exceeds_max_speed(before) {
            flags.insert(QualityFlag::ImplausibleSpeed);
        }
        flags
    }

    fn exceeds_max_speed(&self, before: &Self) -> bool {
        let (Some(from), Some(to)) = (before.position, self.position) else { return false };
        let metres = from.distance_m(to);
        let milliseconds = (self.measured_at - before.measured_at).num_milliseconds().max(1);
        #[expect(clippy::cast_precision_loss, reason = "a time in milliseconds is far below 2^52")]
        let km_per_hour = metres * 3600.0 / milliseconds as f64;
        metres > JITTER_M && km_per_hour > MAX_SPEED_KMH
    }
}

fn is_spike(before: Option<f64>, now: Option<f64>) -> bool {
    before.zip(now).is_some_and(|(before, now)| now - before >= MIN_SPIKE_RISE && now >= before * SPIKE_FACTOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample `seconds` after ten o'clock.
    fn sample(seconds: i64, place: Option<(f64, f64)>, pm2_5: f64) -> Sample {
        let ten: DateTime<Utc> = "2026-05-01T10:00:00Z".parse().expect("a time");
        let mut sample = Sample::new(ten + TimeDelta::seconds(seconds));
        sample.position = place.map(|(latitude, longitude)| Position::try_new(latitude, longitude).expect("a place"));
        sample.readings.set(Quantity::Pm2_5, pm2_5).expect("a value");
        sample
    }

    /// The flags of the last of these samples.
    fn doubts(samples: &[Sample]) -> i32 {
        let mut before: Option<SampleHistory> = None;
        let mut flags = QualityFlags::default();
        for sample in samples {
            let trace = SampleHistory::from_sample(sample, before.as_ref());
            flags = before.map_or_else(QualityFlags::default, |before| trace.flags(&before));
            before = Some(trace);
        }
        flags.bits()
    }

    #[test]
    fn a_value_is_stuck_after_three_hours_without_a_pause() {
        let every = |step: i64, until: i64| -> Vec<_> {
            (0..=until).step_by(usize::try_from(step).expect("a step")).map(|at| sample(at, None, 7.5)).collect()
        };
        assert_eq!(doubts(&every(60, 3 * 3600)), QualityFlag::StuckValue as i32);
        assert_eq!(doubts(&every(60, 3 * 3600 - 60)), 0, "a minute less");
        assert_eq!(doubts(&every(1801, 20 * 1801)), 0, "silent for longer than half an hour each time");
        let mut changed = every(60, 3 * 3600);
        changed[90] = sample(90 * 60, None, 7.6);
        assert_eq!(doubts(&changed), 0, "another value in between");
        let nothing: Vec<_> = (0..=3).map(|hour| Sample::new(sample(hour * 1700, None, 0.0).measured_at)).collect();
        assert_eq!(doubts(&nothing), 0, "no particulates at all");
    }

    #[test]
    fn rise_is_a_spike_and_the_fall_after_it_is_not() {
        assert_eq!(doubts(&[sample(0, None, 10.0), sample(300, None, 210.0)]), QualityFlag::Spike as i32);
        assert_eq!(doubts(&[sample(0, None, 10.0), sample(301, None, 210.0)]), 0, "too long ago");
        assert_eq!(doubts(&[sample(0, None, 10.0), sample(3, None, 209.9)]), 0, "too little");
        assert_eq!(doubts(&[sample(0, None, 60.0), sample(3, None, 290.0)]), 0, "not five times");
        assert_eq!(doubts(&[sample(0, None, 210.0), sample(3, None, 10.0)]), 0);
    }

    #[test]
    fn speed_above_the_maximum_is_flagged() {
        // A thousandth of a degree of latitude is 111 m.
        let moved =
            |seconds, latitude| [sample(0, Some((52.2, 0.1)), 5.0), sample(seconds, Some((latitude, 0.1)), 5.0)];
        assert_eq!(doubts(&moved(1, 52.201)), QualityFlag::ImplausibleSpeed as i32);
        assert_eq!(doubts(&moved(0, 52.201)), QualityFlag::ImplausibleSpeed as i32, "at two places at once");
        assert_eq!(doubts(&moved(3, 52.201)), 0, "133 km/h: a train");
        assert_eq!(doubts(&moved(0, 52.200_5)), 0, "within the error of a receiver");
        let mut estimated = moved(1, 52.201);
        estimated[0].time_uncertainty_s = Some(60);
        assert_eq!(doubts(&estimated), 0, "the time is not sure");
        let no_fix = [sample(0, Some((0.0, 0.0)), 5.0), sample(1, Some((52.2, 0.1)), 5.0)];
        assert_eq!(doubts(&no_fix), 0, "null island is no place to come from");
    }
}
