//! The samples of a LoRaWAN payload, whichever network server forwards it: a [`cleancycle`] packet, or the fields that
//! the server's own decoder read from the bytes.

mod fields;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    DecodeError, Decoded, Observation, Rejection,
    cleancycle::{self, InvalidPacket, Slot},
};
use crate::domain::{
    device::{DeviceKey, DeviceKind},
    position::Position,
    quality::QualityFlag,
    quantity::Quantity,
    sample::Sample,
};
use fields::{Named, Read, VALUES_PER_SAMPLE};
pub(super) use fields::{Numbered, Object};

/// Seconds between two samples of a bicycle.
const SAMPLE_INTERVAL: TimeDelta = TimeDelta::seconds(3);
/// How long the bicycle may have held a packet back until it could send (24 minutes), in seconds.
const BUFFERING_S: i32 = 24 * 60;
/// How old a sample with named fields may be, in seconds: such a sensor measures and sends; its radio may have to repeat.
/// Unverified, since sensors differ.
const SENDING_S: i32 = 60;

/// An uplink as a network server forwards it.
pub(super) struct Uplink<'a> {
    pub device: DeviceKey,
    pub frame_counter: Option<i64>,
    /// When the network received it.
    pub received_at: DateTime<Utc>,
    /// The payload in base64.
    pub raw: Option<&'a str>,
    /// What the network server's decoder made of the payload.
    pub fields: Option<Fields>,
    pub names: Names,
}

/// What the server's decoder told, as strictly as its format reads it.
pub(super) enum Fields {
    /// The Things Network v2: numbered, and nothing else.
    Numbered(Numbered),
    /// Whatever a payload formatter makes of it. Looked at only when the payload is no packet.
    Any(Object),
}

/// What a network server calls the two, and the code for a payload that says nothing.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub raw: &'static str,
    pub fields: &'static str,
    pub invalid_raw: &'static str,
}

/// The first of the names that isn't empty, each with the field it stands in.
pub(super) fn device_key(names: &[(&str, Option<&str>)]) -> Result<DeviceKey, DecodeError> {
    let told = names.iter().find_map(|&(field, name)| name.filter(|name| !name.is_empty()).map(|name| (field, name)));
    match (told, names) {
        (Some((field, name)), _) => {
            DeviceKey::try_new(name).map_err(|reason| DecodeError::new("INVALID_DEVICE", format!("{field}: {reason}")))
        }
        (None, [others @ .., (last, _)]) => {
            let others: Vec<_> = others.iter().map(|&(field, _)| field).collect();
            let detail = format!("one of {} and {last} must name the device", others.join(", "));
            Err(DecodeError::new("MISSING_DEVICE", detail))
        }
        (None, []) => Err(DecodeError::new("MISSING_DEVICE", "nothing names the device")),
    }
}

impl Uplink<'_> {
    /// The samples: those of the packet where the payload holds one, otherwise those of the fields.
    ///
    /// # Errors
    /// When there is neither, or one that can't be read.
    pub(super) fn decode(self) -> Result<Decoded, DecodeError> {
        let names = self.names;
        let raw = self.raw.filter(|raw| !raw.is_empty()).map(packet);
        match (raw, self.fields) {
            (Some(Ok(slots)), _) => {
                let samples = slots.map(Told::Packet).into();
                let ride = ride(&self.device, self.frame_counter, self.received_at, samples);
                Ok(Decoded { chained: true, ..ride })
            }
            (Some(Err(PacketError::NotAPacket(_))) | None, Some(fields)) => match fields.read(names.fields)? {
                Read::Fours(fours) => Ok(ride(
                    &self.device,
                    self.frame_counter,
                    self.received_at,
                    fours.into_iter().map(Told::Fields).collect(),
                )),
                Read::Named(one) => Ok(alone(self.device, self.frame_counter, self.received_at, one)),
            },
            (Some(Err(PacketError::NotAPacket(detail) | PacketError::Refused(detail))), _) => {
                Err(DecodeError::new(names.invalid_raw, format!("{}: {detail}", names.raw)))
            }
            (None, None) => Err(DecodeError::new(
                "MISSING_PAYLOAD",
                format!("the body must hold {} (a CleanCycle packet in base64) or {}", names.raw, names.fields),
            )),
        }
    }
}

/// One sample of a bicycle as either payload tells it.
#[derive(Clone, Copy)]
enum Told {
    Packet(Slot),
    Fields([f64; VALUES_PER_SAMPLE]),
}

enum PacketError {
    /// Something else than a packet: the fields may tell what.
    NotAPacket(String),
    /// A packet that says nothing true.
    Refused(String),
}

fn packet(raw: &str) -> Result<[Slot; cleancycle::SAMPLES], PacketError> {
    let bytes = BASE64.decode(raw).map_err(|error| PacketError::NotAPacket(format!("no base64: {error}")))?;
    cleancycle::decode(&bytes).map_err(|error| match error {
        InvalidPacket::Length(_) => PacketError::NotAPacket(error.to_string()),
        InvalidPacket::AllZero | InvalidPacket::Tail => PacketError::Refused(error.to_string()),
    })
}

/// A bicycle's samples. The last was taken no later than the payload was received, each other one interval before the
/// next.
fn ride(device: &DeviceKey, frame_counter: Option<i64>, received_at: DateTime<Utc>, slots: Vec<Told>) -> Decoded {
    let mut decoded = Decoded { frame_counter, ..Decoded::nothing(DeviceKind::Mobile) };
    // A network's clock may tell any year that chrono can hold; what is before the first of them is rejected as too early.
    let earlier =
        |steps: i32| received_at.checked_sub_signed(SAMPLE_INTERVAL * steps).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let newest_first = (0..).map(earlier);
    for ((index, slot), measured_at) in slots.into_iter().enumerate().rev().zip(newest_first) {
        match sample(slot, measured_at) {
            Ok(sample) => decoded.observations.push(Observation { index, device: device.clone(), sample }),
            Err((code, detail)) => decoded.rejected.push(Rejection { index, code, detail }),
        }
    }
    decoded.observations.reverse();
    decoded.rejected.reverse();
    decoded
}

fn sample(told: Told, measured_at: DateTime<Utc>) -> Result<Sample, (&'static str, String)> {
    let (position, pm10, pm2_5) = match told {
        Told::Packet(Slot::Sample { position, pm10, pm2_5 }) => (position, f64::from(pm10), f64::from(pm2_5)),
        Told::Packet(Slot::Padding) => {
            return Err(("PADDING", "all zero: the packet held fewer than eight samples".to_owned()));
        }
        Told::Packet(Slot::OffTheEarth(reason)) => return Err(("INVALID_POSITION", reason.to_string())),
        Told::Fields([latitude, longitude, pm10, pm2_5]) => {
            let position =
                Position::try_new(latitude, longitude).map_err(|reason| ("INVALID_POSITION", reason.to_string()))?;
            (position, pm10, pm2_5)
        }
    };
    let mut sample = estimated(measured_at, BUFFERING_S);
    sample.position = Some(position);
    for (quantity, value) in [(Quantity::Pm10, pm10), (Quantity::Pm2_5, pm2_5)] {
        sample.readings.set(quantity, value).map_err(|reason| ("INVALID_VALUE", reason.to_string()))?;
    }
    Ok(sample)
}

/// The one sample of named fields. A device that tells where it is is taken for one that moves.
fn alone(device: DeviceKey, frame_counter: Option<i64>, received_at: DateTime<Utc>, named: Named) -> Decoded {
    let kind = if named.tells_place() { DeviceKind::Mobile } else { DeviceKind::Fixed };
    let mut sample = estimated(received_at, SENDING_S);
    let filled = named.fill(&mut sample);
    let mut decoded = Decoded { frame_counter, ignored: named.ignored.into_names(), ..Decoded::nothing(kind) };
    match filled {
        Ok(()) => decoded.observations.push(Observation { index: 0, device, sample }),
        Err((code, detail)) => decoded.rejected.push(Rejection { index: 0, code, detail }),
    }
    decoded
}

/// A sample whose time the network told, not the sensor.
fn estimated(measured_at: DateTime<Utc>, uncertainty_s: i32) -> Sample {
    let mut sample = Sample::new(measured_at);
    sample.time_uncertainty_s = Some(uncertainty_s);
    sample.flags.insert(QualityFlag::EstimatedTime);
    sample
}
