//! Quality flags: reasons to doubt a sample. A sample is flagged, never dropped for its values.

use chrono::{DateTime, TimeDelta, Utc};

use super::{quantity::Quantity, sample::Sample, validity::is_valid};

/// Above this relative humidity (%), optical sensors count droplets as dust.
const HIGH_HUMIDITY_PERCENT: f64 = 75.0;
/// A sample that arrives later than this after its time was missing when its day was first read.
const LATE_AFTER: TimeDelta = TimeDelta::days(1);

/// A reason to doubt a sample. The numbers are the bits in the database and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum QualityFlag {
    /// A value lies outside its quantity's range.
    OutOfRange = 1,
    /// PM2.5 is larger than PM10, of which it is a part.
    Pm25AbovePm10 = 1 << 1,
    /// The position is (0, 0): a receiver without a fix.
    NullIsland = 1 << 2,
    /// The receiver repeated an old position.
    StaleFix = 1 << 3,
    /// The gateway estimated the time; the sensor sent none.
    EstimatedTime = 1 << 4,
    /// Relative humidity above 75 % inflates optical particulate readings.
    HighHumidity = 1 << 5,
    /// PM2.5 and PM10 have not changed for hours.
    StuckValue = 1 << 6,
    /// A particulate value rose sharply from the previous sample.
    Spike = 1 << 7,
    /// The distance from the previous sample's position requires an implausible speed.
    ImplausibleSpeed = 1 << 8,
    /// The tail of a packet that the next packet contradicts: its positions may be off by kilometres.
    AmbiguousPacket = 1 << 9,
    /// The sample arrived more than a day after it was taken.
    Late = 1 << 10,
}

impl QualityFlag {
    /// Every flag, in bit order.
    pub const ALL: &[Self] = &[
        Self::OutOfRange,
        Self::Pm25AbovePm10,
        Self::NullIsland,
        Self::StaleFix,
        Self::EstimatedTime,
        Self::HighHumidity,
        Self::StuckValue,
        Self::Spike,
        Self::ImplausibleSpeed,
        Self::AmbiguousPacket,
        Self::Late,
    ];
}

/// A set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct QualityFlags(i32);

impl QualityFlags {
    /// The set of the database's bits.
    #[must_use]
    pub fn from_bits(bits: i32) -> Self {
        Self(bits)
    }

    /// The set as the database's bits.
    #[must_use]
    pub fn bits(self) -> i32 {
        self.0
    }

    /// Adds a flag.
    pub fn insert(&mut self, flag: QualityFlag) {
        self.0 |= flag as i32;
    }

    /// The union of both sets.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The intersection of both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The flags that depend on surrounding samples; a replay cannot recompute them.
    #[must_use]
    pub fn by_history(self) -> Self {
        let flags =
            [QualityFlag::StuckValue, QualityFlag::Spike, QualityFlag::ImplausibleSpeed, QualityFlag::AmbiguousPacket];
        Self(self.0 & flags.into_iter().fold(0, |bits, flag| bits | flag as i32))
    }

    /// Whether the set holds no flag.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its flags, in bit order.
    pub fn iter(self) -> impl Iterator<Item = QualityFlag> {
        QualityFlag::ALL.iter().copied().filter(move |&flag| self.contains(flag))
    }

    /// Whether the set holds a flag.
    #[must_use]
    pub fn contains(self, flag: QualityFlag) -> bool {
        self.0 & flag as i32 != 0
    }
}

/// The flags that depend on the sample alone, and those of its decoder. Flags that depend on the previous sample are
/// in [`super::sample_history`].
#[must_use]
pub fn assess(sample: &Sample, received_at: DateTime<Utc>) -> QualityFlags {
    let value = |quantity| sample.readings.get(quantity);
    let mut flags = sample.flags;
    let mut raise_if = |doubtful: bool, flag| {
        if doubtful {
            flags.insert(flag);
        }
    };
    raise_if(sample.readings.iter().any(|(quantity, value)| !is_valid(quantity, value)), QualityFlag::OutOfRange);
    raise_if(
        value(Quantity::Pm2_5) > value(Quantity::Pm10) && value(Quantity::Pm10).is_some(),
        QualityFlag::Pm25AbovePm10,
    );
    raise_if(sample.position.is_some_and(super::position::Position::is_null_island), QualityFlag::NullIsland);
    raise_if(value(Quantity::GpsUpdated) == Some(0.0), QualityFlag::StaleFix);
    raise_if(value(Quantity::Humidity) > Some(HIGH_HUMIDITY_PERCENT), QualityFlag::HighHumidity);
    raise_if(received_at - sample.measured_at > LATE_AFTER, QualityFlag::Late);
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Position;

    fn flags_of(position: Option<(f64, f64)>, values: &[(Quantity, f64)]) -> QualityFlags {
        let mut sample = Sample::new("2026-05-01T10:00:00Z".parse().expect("a time"));
        sample.position =
            position.map(|(latitude, longitude)| Position::try_new(latitude, longitude).expect("a place"));
        for &(quantity, value) in values {
            sample.readings.set(quantity, value).expect("a value");
        }
        assess(&sample, sample.measured_at)
    }

    #[test]
    fn ordinary_sample_has_no_flags() {
        let plain = [
            (Quantity::Pm10, 999.9),
            (Quantity::Pm2_5, 999.9),
            (Quantity::Humidity, 75.0),
            (Quantity::GpsUpdated, 1.0),
        ];
        assert_eq!(flags_of(Some((52.2, 0.0)), &plain), QualityFlags::default());
        assert_eq!(flags_of(None, &[(Quantity::Pm2_5, 3.0)]), QualityFlags::default(), "PM10 is missing");
    }

    #[test]
    fn a_sample_is_late_after_a_day() {
        let sample = Sample::new("2026-05-01T10:00:00Z".parse().expect("a time"));
        let received = |after: TimeDelta| assess(&sample, sample.measured_at + after).bits();
        assert_eq!(received(TimeDelta::days(1)), 0);
        assert_eq!(received(TimeDelta::days(1) + TimeDelta::seconds(1)), QualityFlag::Late as i32);
    }

    #[test]
    fn each_problem_sets_its_flag() {
        let cases = [
            (Some((0.0, 0.0)), vec![], QualityFlag::NullIsland),
            (None, vec![(Quantity::Pm10, 1000.0)], QualityFlag::OutOfRange),
            (None, vec![(Quantity::Temperature, -40.1)], QualityFlag::OutOfRange),
            (None, vec![(Quantity::Pm10, 3.0), (Quantity::Pm2_5, 3.1)], QualityFlag::Pm25AbovePm10),
            (None, vec![(Quantity::GpsUpdated, 0.0)], QualityFlag::StaleFix),
            (None, vec![(Quantity::Humidity, 75.1)], QualityFlag::HighHumidity),
        ];
        for (position, values, expected) in cases {
            let flags = flags_of(position, &values);
            assert_eq!(flags.bits(), expected as i32, "{expected:?}");
        }
    }
}
