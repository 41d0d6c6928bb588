//! The Things Network v2 (HTTP integration), as `CleanCycle` bicycles were forwarded by it.
//!
//! `payload_raw` holds a [`cleancycle`] packet in base64. `payload_fields` holds the same samples as the network's own
//! decoder read them: keys "0", "1", "2", "3" are latitude, longitude, PM10 and PM2.5 of the first sample, and so on by
//! fours. The network wrote the keys sorted as texts ("0", "1", "10", "11", …, "2"), so their numbers decide, not the
//! order in which they stand.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};

use super::{
    DecodeError, Decoded, Incoming, Observation, Rejection,
    cleancycle::{self, InvalidPacket, Slot},
    parse,
};
use crate::domain::{
    device::{DeviceKey, DeviceKind},
    position::Position,
    quality::QualityFlag,
    quantity::Quantity,
    sample::Sample,
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "ttn-v2";

/// Seconds between two samples of a bicycle.
const SAMPLE_INTERVAL: TimeDelta = TimeDelta::seconds(3);
/// How long the bicycle may have held a packet back until it could send (24 minutes), in seconds.
const BUFFERING_S: i32 = 24 * 60;
/// Values of one sample in `payload_fields`.
const VALUES_PER_SAMPLE: usize = 4;

#[derive(Deserialize)]
struct Body {
    app_id: Option<String>,
    dev_id: Option<String>,
    hardware_serial: Option<String>,
    counter: Option<i64>,
    payload_raw: Option<String>,
    payload_fields: Option<Fields>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    time: Option<DateTime<Utc>>,
}

/// Decodes one body.
///
/// # Errors
/// When it isn't JSON of this shape, or holds neither payload, or one that can't be read.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let body: Body = parse::json(incoming.body)?;
    let device = device_key(&body)?;
    let slots = slots(&body)?;
    let received_at = body.metadata.and_then(|metadata| metadata.time).unwrap_or(incoming.received_at);
    let mut decoded = Decoded { frame_counter: body.counter, ..Decoded::nothing(DeviceKind::Mobile) };
    let newest_first = (0_i32..).map(|steps| received_at - SAMPLE_INTERVAL * steps);
    // The last sample was taken no later than the packet was received, each other one interval before the next.
    for ((index, slot), measured_at) in slots.into_iter().enumerate().rev().zip(newest_first) {
        match sample(slot, measured_at) {
            Ok(sample) => decoded.observations.push(Observation { index, device: device.clone(), sample }),
            Err((code, detail)) => decoded.rejected.push(Rejection { index, code, detail }),
        }
    }
    decoded.observations.reverse();
    decoded.rejected.reverse();
    Ok(decoded)
}

/// The first of the names that isn't empty.
fn device_key(body: &Body) -> Result<DeviceKey, DecodeError> {
    let names = [("dev_id", &body.dev_id), ("hardware_serial", &body.hardware_serial), ("app_id", &body.app_id)];
    for (field, name) in names {
        if let Some(name) = name.as_deref().filter(|name| !name.is_empty()) {
            return DeviceKey::try_new(name)
                .map_err(|reason| DecodeError::new("INVALID_DEVICE", format!("{field}: {reason}")));
        }
    }
    Err(DecodeError::new("MISSING_DEVICE", "one of dev_id, hardware_serial and app_id must name the device"))
}

/// One sample as either payload tells it.
#[derive(Clone, Copy)]
enum Told {
    Packet(Slot),
    Fields([f64; VALUES_PER_SAMPLE]),
}

/// `payload_raw` where it holds a packet; otherwise `payload_fields`.
fn slots(body: &Body) -> Result<Vec<Told>, DecodeError> {
    let raw = body.payload_raw.as_deref().filter(|raw| !raw.is_empty()).map(packet);
    match (raw, &body.payload_fields) {
        (Some(Ok(slots)), _) => Ok(slots.map(Told::Packet).into()),
        (Some(Err(PacketError::NotAPacket(_))) | None, Some(fields)) => {
            Ok(fields.by_fours()?.map(Told::Fields).collect())
        }
        (Some(Err(PacketError::NotAPacket(detail) | PacketError::Refused(detail))), _) => {
            Err(DecodeError::new("INVALID_PAYLOAD_RAW", format!("payload_raw: {detail}")))
        }
        (None, None) => Err(DecodeError::new(
            "MISSING_PAYLOAD",
            "the body must hold payload_raw (a CleanCycle packet in base64) or payload_fields",
        )),
    }
}

enum PacketError {
    /// Something else than a packet: `payload_fields` may tell what.
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
    let mut sample = Sample::new(measured_at);
    sample.position = Some(position);
    sample.time_uncertainty_s = Some(BUFFERING_S);
    sample.flags.insert(QualityFlag::EstimatedTime);
    for (quantity, value) in [(Quantity::Pm10, pm10), (Quantity::Pm2_5, pm2_5)] {
        sample.readings.set(quantity, value).map_err(|reason| ("INVALID_VALUE", reason.to_string()))?;
    }
    Ok(sample)
}

/// `payload_fields`: numbered values, in whatever order they stand.
struct Fields(Vec<(usize, f64)>);

impl Fields {
    /// The values of each sample, after checking that the numbers run without a gap.
    fn by_fours(&self) -> Result<impl Iterator<Item = [f64; VALUES_PER_SAMPLE]>, DecodeError> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by_key(|&(number, _)| number);
        if !sorted.len().is_multiple_of(VALUES_PER_SAMPLE) {
            return Err(DecodeError::new(
                "FIELDS_NOT_BY_FOURS",
                format!(
                    "payload_fields: {} values don't group by four (latitude, longitude, PM10, PM2.5)",
                    sorted.len()
                ),
            ));
        }
        if let Some((expected, _)) = sorted.iter().enumerate().find(|(expected, (number, _))| expected != number) {
            return Err(DecodeError::new("FIELDS_WITH_GAP", format!("payload_fields: key \"{expected}\" is missing")));
        }
        let (fours, _) = sorted.as_chunks::<VALUES_PER_SAMPLE>();
        Ok(fours.iter().map(|four| four.map(|(_, value)| value)).collect::<Vec<_>>().into_iter())
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the keys \"0\", \"1\", … and numbers as values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some((key, value)) = map.next_entry::<String, f64>()? {
                    let number = key.parse().map_err(|_| A::Error::custom(format!("key {key:?} is no number")))?;
                    if !seen.insert(number) {
                        return Err(A::Error::custom(format!("key \"{number}\" stands twice")));
                    }
                    fields.push((number, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}
