//! Reasons to doubt a measurement.

use async_graphql::Enum;

use crate::domain::quality::{self, QualityFlags};

/// A reason to doubt a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "quality::QualityFlag")]
pub enum QualityFlag {
    /// A value lies outside its quantity's range.
    OutOfRange,
    /// PM2.5 is larger than PM10, of which it is a part.
    #[graphql(name = "PM25_ABOVE_PM10")]
    Pm25AbovePm10,
    /// The position is (0, 0): the receiver had no fix.
    NullIsland,
    /// The receiver repeated its previous position.
    StaleFix,
    /// The gateway estimated the time; the sensor sent none.
    EstimatedTime,
    /// Relative humidity above 75 % inflates optical particulate readings.
    HighHumidity,
    /// PM2.5 and PM10 have not changed for three hours or more.
    StuckValue,
    /// PM2.5 or PM10 jumped from the previous sample: at least fivefold, by 200 µg/m³ or more, within five minutes.
    Spike,
    /// The position is out of reach from the previous sample: more than 200 km/h.
    ImplausibleSpeed,
    /// The sample is in the tail of a packet that the next packet contradicts; the position may be wrong by kilometres.
    AmbiguousPacket,
    /// The sample arrived more than a day after it was taken.
    Late,
}

/// The flags of a set, in the order of their bits.
pub(in crate::graphql) fn from_set(flags: QualityFlags) -> Vec<QualityFlag> {
    flags.iter().map(QualityFlag::from).collect()
}
