//! Quality flags: what makes a sample doubtful. A sample is flagged, never dropped for its values.

use super::{quantity::Quantity, sample::Sample};

/// Above this relative humidity (%), droplets count as dust in optical sensors.
const HIGH_HUMIDITY: f64 = 75.0;

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
    /// The gateway reckoned the time; the sensor told none.
    EstimatedTime = 1 << 4,
    /// Relative humidity above 75 % inflates optical particulate readings.
    HighHumidity = 1 << 5,
}

/// A set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QualityFlags(i32);

impl QualityFlags {
    /// The set that the database's bits stand for.
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

    /// Whether the set holds a flag.
    #[must_use]
    pub fn contains(self, flag: QualityFlag) -> bool {
        self.0 & flag as i32 != 0
    }
}

/// The flags that a sample earns by itself, added to those its decoder gave it.
#[must_use]
pub fn assess(sample: &Sample) -> QualityFlags {
    let value = |quantity| sample.readings.get(quantity);
    let mut flags = sample.flags;
    let mut raise_if = |doubtful: bool, flag| {
        if doubtful {
            flags.insert(flag);
        }
    };
    let out_of_range = |(quantity, value): (Quantity, f64)| {
        let definition = quantity.definition();
        value < definition.min || value > definition.max
    };
    raise_if(sample.readings.iter().any(out_of_range), QualityFlag::OutOfRange);
    raise_if(
        value(Quantity::Pm2_5) > value(Quantity::Pm10) && value(Quantity::Pm10).is_some(),
        QualityFlag::Pm25AbovePm10,
    );
    raise_if(sample.position.is_some_and(super::position::Position::is_null_island), QualityFlag::NullIsland);
    raise_if(value(Quantity::GpsUpdated) == Some(0.0), QualityFlag::StaleFix);
    raise_if(value(Quantity::Humidity) > Some(HIGH_HUMIDITY), QualityFlag::HighHumidity);
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::position::Position;

    fn flags_of(position: Option<(f64, f64)>, values: &[(Quantity, f64)]) -> QualityFlags {
        let mut sample = Sample::new("2026-05-01T10:00:00Z".parse().expect("a time"));
        sample.position =
            position.map(|(latitude, longitude)| Position::try_new(latitude, longitude).expect("a place"));
        for &(quantity, value) in values {
            sample.readings.set(quantity, value).expect("a value");
        }
        assess(&sample)
    }

    #[test]
    fn a_plain_sample_has_none() {
        let plain = [
            (Quantity::Pm10, 999.9),
            (Quantity::Pm2_5, 999.9),
            (Quantity::Humidity, 75.0),
            (Quantity::GpsUpdated, 1.0),
        ];
        assert_eq!(flags_of(Some((52.2, 0.0)), &plain), QualityFlags::default());
        assert_eq!(flags_of(None, &[(Quantity::Pm2_5, 3.0)]), QualityFlags::default(), "PM10 was not told");
    }

    #[test]
    fn each_doubt_has_its_flag() {
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
