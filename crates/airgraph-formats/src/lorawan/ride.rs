//! The samples of a bicycle, from a packet or from numbered fields.

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    position::Position,
    quantity::Quantity,
    sample::Sample,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};

use super::{estimated, numbered::VALUES_PER_SAMPLE};
use crate::{
    Decoded,
    cleancycle::{self, Slot},
    parse::Reason,
};

/// Time between two samples of a bicycle.
const SAMPLE_INTERVAL: TimeDelta = TimeDelta::seconds(3);
/// Maximum delay before a bicycle can send a packet (24 minutes), in seconds.
const MAX_BUFFERING_S: i32 = 24 * 60;

/// The slots of the packet in the payload, or why the payload is not a packet. Unless it `is_expected`, the samples
/// must be plausible for a bicycle.
pub(super) fn packet(raw: &str, is_expected: bool) -> Result<[Slot; cleancycle::SAMPLES_PER_PACKET], String> {
    let bytes = BASE64.decode(raw).map_err(|error| format!("no base64: {error}"))?;
    let slots = cleancycle::decode(&bytes).map_err(|error| error.to_string())?;
    if is_expected || cleancycle::is_plausible(&slots) {
        Ok(slots)
    } else {
        Err("51 bytes, but no CleanCycle packet: the samples are not on the earth or too far apart for a ride"
            .to_owned())
    }
}

/// The samples of a packet.
pub(super) fn from_packet(
    device: &DeviceKey,
    received_at: DateTime<Utc>,
    slots: &[Slot; cleancycle::SAMPLES_PER_PACKET],
) -> Decoded {
    let values = |slot: &Slot| match *slot {
        Slot::Sample { position, pm10, pm2_5 } => Ok((position, f64::from(pm10), f64::from(pm2_5))),
        Slot::Padding => Err(("PADDING", "all zero: the packet held fewer than eight samples".to_owned())),
        Slot::OffTheEarth(reason) => Err(("INVALID_POSITION", reason.to_string())),
    };
    let ride = decoded_ride(device, received_at, slots.iter().map(values).collect());
    Decoded { is_packet: true, ..ride }
}

/// The samples of numbered fields.
pub(super) fn from_fields(
    device: &DeviceKey,
    received_at: DateTime<Utc>,
    fours: Vec<[Option<f64>; VALUES_PER_SAMPLE]>,
) -> Decoded {
    let values = |(index, four): (usize, [Option<f64>; VALUES_PER_SAMPLE])| {
        let [Some(latitude), Some(longitude), Some(pm10), Some(pm2_5)] = four else {
            let unreadable = four.iter().position(Option::is_none).unwrap_or_default();
            return Err(("INVALID_VALUE", format!("key \"{}\" is no number", index * VALUES_PER_SAMPLE + unreadable)));
        };
        match Position::try_new(latitude, longitude) {
            Ok(position) => Ok((position, pm10, pm2_5)),
            Err(reason) => Err(("INVALID_POSITION", reason.to_string())),
        }
    };
    decoded_ride(device, received_at, fours.into_iter().enumerate().map(values).collect())
}

/// Position, PM10 and PM2.5 of a sample, or why it is rejected.
type RideValues = Result<(Position, f64, f64), Reason>;

/// The last sample was taken no later than the payload was received, each other one interval before the next.
fn decoded_ride(device: &DeviceKey, received_at: DateTime<Utc>, samples: Vec<RideValues>) -> Decoded {
    let mut decoded = Decoded::empty(DeviceKind::Mobile);
    // The arrival may be any time that chrono can represent; samples before that are rejected as too early.
    let earlier =
        |steps: i32| received_at.checked_sub_signed(SAMPLE_INTERVAL * steps).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let newest_first = (0..).map(earlier);
    for ((index, values), measured_at) in samples.into_iter().enumerate().rev().zip(newest_first) {
        decoded.push(index, device.clone(), values.and_then(|values| sample(values, measured_at)));
    }
    decoded.observations.reverse();
    decoded.rejected.reverse();
    decoded
}

fn sample((position, pm10, pm2_5): (Position, f64, f64), measured_at: DateTime<Utc>) -> Result<Sample, Reason> {
    let mut sample = estimated(Sample::new(measured_at), MAX_BUFFERING_S);
    sample.position = Some(position);
    for (quantity, value) in [(Quantity::Pm10, pm10), (Quantity::Pm2_5, pm2_5)] {
        sample.readings.set(quantity, value).map_err(|reason| ("INVALID_VALUE", reason.to_string()))?;
    }
    Ok(sample)
}
