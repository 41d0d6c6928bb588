//! The `CleanCycle` packet: eight samples of a bicycle in 51 bytes, as they fit a LoRaWAN uplink at any data rate.
//!
//! Big-endian, most significant bit first. A coordinate is a 28-bit fixed-point number, (degrees + 180) · 2¹⁹.
//!
//! | bits          | content                                                                             |
//! |---------------|-------------------------------------------------------------------------------------|
//! | 0–16          | the high 17 bits of the latitude, shared by all samples                             |
//! | 17–33         | the high 17 bits of the longitude                                                   |
//! | 34 + 42·i …   | sample i of 0 to 7: low 11 bits of latitude and longitude, PM10, PM2.5 (10 bits each) |
//! | 370–407       | zero                                                                                |
//!
//! The high bits are those of the first sample. When a bicycle crosses a border between two of their values, the
//! decoder assumes that it moved less than half of the 2048 steps of the low part between two samples.

use airgraph_domain::position::{InvalidPosition, Position};

/// The length of a packet in bytes.
pub const PACKET_BYTES: usize = 51;
/// The samples in a packet.
pub const SAMPLES_PER_PACKET: usize = 8;

const HIGH_BITS: usize = 17;
const LOW_BITS: usize = 11;
const PM_BITS: usize = 10;
const SAMPLE_BITS: usize = 2 * LOW_BITS + 2 * PM_BITS;
const FIRST_SAMPLE: usize = 2 * HIGH_BITS;
const UNUSED_BITS_START: usize = FIRST_SAMPLE + SAMPLES_PER_PACKET * SAMPLE_BITS;

/// The steps of the low part, and half of them.
const COORDINATE_WINDOW: i32 = 1 << LOW_BITS;
const HALF_COORDINATE_WINDOW: i32 = COORDINATE_WINDOW / 2;
/// Steps in a degree.
const STEPS_PER_DEGREE: f64 = (1 << 19) as f64;

/// One of the eight samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slot {
    /// A sample.
    Sample {
        /// Its position.
        position: Position,
        /// PM10, whole µg/m³. Values of 1024 and more wrapped round at the sender, which cannot be detected.
        pm10: u16,
        /// PM2.5, whole µg/m³.
        pm2_5: u16,
    },
    /// All zero: the bicycle had fewer than eight samples to send.
    Padding,
    /// The position is not on the earth.
    OffTheEarth(InvalidPosition),
}

/// Why bytes are not a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPacket {
    /// Not [`PACKET_BYTES`] bytes.
    #[error("a CleanCycle packet has {PACKET_BYTES} bytes; this one has {0}")]
    Length(usize),
    /// Every byte is 0.
    #[error("the packet holds nothing but zeros")]
    AllZero,
    /// The last 38 bits are not zero.
    #[error("the last 38 bits of a CleanCycle packet are zero; here they are not")]
    Tail,
}

/// Decodes a packet into its eight slots, in the order they were taken.
///
/// # Errors
/// If the bytes are not a packet.
pub fn decode(packet: &[u8]) -> Result<[Slot; SAMPLES_PER_PACKET], InvalidPacket> {
    if packet.len() != PACKET_BYTES {
        return Err(InvalidPacket::Length(packet.len()));
    }
    if packet.iter().all(|&byte| byte == 0) {
        return Err(InvalidPacket::AllZero);
    }
    if (UNUSED_BITS_START..PACKET_BYTES * 8).any(|at| bits(packet, at, 1) != 0) {
        return Err(InvalidPacket::Tail);
    }
    let mut latitude = Axis::new(bits(packet, 0, HIGH_BITS));
    let mut longitude = Axis::new(bits(packet, HIGH_BITS, HIGH_BITS));
    Ok(std::array::from_fn(|sample| {
        let at = FIRST_SAMPLE + sample * SAMPLE_BITS;
        let low_latitude = bits(packet, at, LOW_BITS);
        let low_longitude = bits(packet, at + LOW_BITS, LOW_BITS);
        let pm10 = bits(packet, at + 2 * LOW_BITS, PM_BITS);
        let pm2_5 = bits(packet, at + 2 * LOW_BITS + PM_BITS, PM_BITS);
        if [low_latitude, low_longitude, pm10, pm2_5] == [0; 4] {
            return Slot::Padding; // also not part of the path
        }
        let (north, east) = (latitude.follow(low_latitude), longitude.follow(low_longitude));
        match Position::try_new(degrees(north), (degrees(east) + 180.0).rem_euclid(360.0) - 180.0) {
            Ok(position) => Slot::Sample { position, pm10: small(pm10), pm2_5: small(pm2_5) },
            Err(reason) => Slot::OffTheEarth(reason),
        }
    }))
}

/// Whether samples are plausible for a bicycle, rather than other bytes of the same length.
///
/// At least one of them is on the earth, and at most half of the steps between them are longer than a quarter of the
/// maximum step (54 m north in 3 s). Of 237 packets cut from a real ride, none has more than 3 such steps in 7; of
/// random bytes, 1 in 1800 has so few.
#[must_use]
pub fn is_plausible(slots: &[Slot]) -> bool {
    const LONG_STEP_DEGREES: f64 = HALF_COORDINATE_WINDOW as f64 / 4.0 / STEPS_PER_DEGREE;
    let places: Vec<Position> = slots
        .iter()
        .filter_map(|slot| if let Slot::Sample { position, .. } = slot { Some(*position) } else { None })
        .collect();
    let steps = places.windows(2).filter(|step| is_farther(step[0], step[1], LONG_STEP_DEGREES)).count();
    !places.is_empty() && 2 * steps < places.len()
}

/// Whether two positions are farther apart, north or east, than the maximum step between samples.
#[must_use]
pub fn is_beyond_half_a_window(from: Position, to: Position) -> bool {
    const HALF_WINDOW_DEGREES: f64 = HALF_COORDINATE_WINDOW as f64 / STEPS_PER_DEGREE;
    is_farther(from, to, HALF_WINDOW_DEGREES)
}

/// Whether two positions are more than this apart, north or east.
fn is_farther(from: Position, to: Position, degrees: f64) -> bool {
    let north = (to.latitude() - from.latitude()).abs();
    let east = (to.longitude() - from.longitude()).abs();
    north > degrees || east.min(360.0 - east) > degrees
}

/// One coordinate along the packet.
struct Axis {
    /// The shared high part, moved by a window each time the path crosses into the next.
    base: i32,
    previous: Option<i32>,
}

impl Axis {
    fn new(high: i32) -> Self {
        Self { base: high << LOW_BITS, previous: None }
    }

    /// The coordinate of the next sample, in steps: the nearest to the one before among those with this low part.
    fn follow(&mut self, low: i32) -> i32 {
        let mut raw = self.base | low;
        if let Some(previous) = self.previous {
            let shift = match raw - previous {
                step if step < -HALF_COORDINATE_WINDOW => COORDINATE_WINDOW,
                step if step > HALF_COORDINATE_WINDOW => -COORDINATE_WINDOW,
                _ => 0, // exactly half a window is no crossing
            };
            raw += shift;
            self.base += shift;
        }
        self.previous = Some(raw);
        raw
    }
}

fn degrees(raw: i32) -> f64 {
    f64::from(raw) / STEPS_PER_DEGREE - 180.0
}

/// `count` (at most 17) bits from bit `from` on. Both lie within a packet of checked length.
fn bits(packet: &[u8], from: usize, count: usize) -> i32 {
    (from..from + count).fold(0, |value, at| value << 1 | i32::from(packet[at / 8] >> (7 - at % 8) & 1))
}

fn small(ten_bits: i32) -> u16 {
    u16::try_from(ten_bits).unwrap_or(u16::MAX) // ten bits always fit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ride_has_few_long_steps() {
        let at = |degrees: f64| {
            let position = Position::try_new(52.0 + degrees, 0.1).expect("a position");
            Slot::Sample { position, pm10: 9, pm2_5: 5 }
        };
        let beyond = Slot::OffTheEarth(Position::try_new(91.0, 0.0).expect_err("no position"));
        let (short, long) = (0.000_4, 0.000_5); // 0.000488 is 256 steps
        for (slots, expected) in [
            (vec![at(0.0)], true),
            (vec![at(0.0), at(short), Slot::Padding], true),
            (vec![at(0.0), at(long), Slot::Padding], false),
            (vec![at(0.0), at(long), at(long)], true),
            (vec![at(0.0), at(long), at(2.0 * long), at(2.0 * long)], false),
            (vec![beyond, at(0.0)], true),
            (vec![beyond, beyond], false),
            (vec![Slot::Padding], false),
        ] {
            assert_eq!(is_plausible(&slots), expected, "{slots:?}");
        }
    }
}
