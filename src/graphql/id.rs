//! Global ids: opaque to clients; they encode a type and a key.

use async_graphql::ID;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    api_error::ApiError,
    domain::{
        api_key::ApiKeyId, device::DeviceId, measurement::MeasurementKey, time::is_representable, trip::TripKey,
        uplink::UplinkKey,
    },
};

/// The type and key that a global id encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GlobalId {
    /// A device.
    Device(DeviceId),
    /// A measurement.
    Measurement(MeasurementKey),
    /// A trip.
    Trip(TripKey),
    /// An uplink.
    Uplink(UplinkKey),
    /// A key.
    ApiKey(ApiKeyId),
}

impl GlobalId {
    /// The id in the form that clients receive.
    #[must_use]
    pub fn encode(self) -> ID {
        ID(encode_opaque(&match self {
            Self::Device(id) => format!("Device:{}", id.0),
            Self::Measurement(key) => format!("Measurement:{}", measurement_key_text(key)),
            Self::Trip(key) => format!("Trip:{}", trip_key_text(key)),
            Self::Uplink(key) => format!("Uplink:{}", uplink_key_text(key)),
            Self::ApiKey(id) => format!("ApiKey:{}", id.0),
        }))
    }

    /// Decodes an id sent by a client. `argument` is its path in the request.
    ///
    /// # Errors
    /// When the id is not valid.
    pub fn decode(argument: &str, id: &ID) -> Result<Self, ApiError> {
        Self::parse(id).ok_or_else(|| invalid_id(argument))
    }

    /// Decodes an id; `None` when it is not valid.
    #[must_use]
    pub fn parse(id: &ID) -> Option<Self> {
        let text = decode_opaque(id)?;
        let (kind, key) = text.split_once(':')?;
        match kind {
            "Device" => key.parse().ok().map(DeviceId).map(Self::Device),
            "Measurement" => parse_measurement_key(key).map(Self::Measurement),
            "Trip" => parse_trip_key(key).map(Self::Trip),
            "Uplink" => parse_uplink_key(key).map(Self::Uplink),
            "ApiKey" => key.parse().ok().map(ApiKeyId).map(Self::ApiKey),
            _ => None,
        }
    }
}

fn invalid_id(argument: &str) -> ApiError {
    ApiError::bad_input(argument, "invalid id; send the value of an `id` field unchanged")
}

/// Encodes text as Base64, so that clients treat it as opaque.
pub(super) fn encode_opaque(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// Decodes the result of [`encode_opaque`].
pub(super) fn decode_opaque(encoded: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

/// `device.microseconds.seq`.
pub(super) fn measurement_key_text(key: MeasurementKey) -> String {
    format!("{}.{}.{}", key.device_id.0, key.measured_at.timestamp_micros(), key.seq)
}

/// Parses the result of [`measurement_key_text`].
pub(super) fn parse_measurement_key(text: &str) -> Option<MeasurementKey> {
    let mut parts = text.splitn(3, '.');
    let mut next = || parts.next()?.parse::<i64>().ok();
    let (device, micros, seq) = (next()?, next()?, next()?);
    let measured_at = timestamp_from_micros(micros)?;
    Some(MeasurementKey { device_id: DeviceId(device), measured_at, seq: seq.try_into().ok()? })
}

fn timestamp_from_micros(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).filter(|&time| is_representable(time))
}

/// `device.microseconds.microseconds`.
pub(super) fn trip_key_text(key: TripKey) -> String {
    format!("{}.{}.{}", key.device_id.0, key.start.timestamp_micros(), key.end.timestamp_micros())
}

/// Parses the result of [`trip_key_text`].
pub(super) fn parse_trip_key(text: &str) -> Option<TripKey> {
    let mut parts = text.splitn(3, '.');
    let mut next = || parts.next()?.parse::<i64>().ok();
    let (device, start, end) = (next()?, timestamp_from_micros(next()?)?, timestamp_from_micros(next()?)?);
    (start <= end).then_some(TripKey { device_id: DeviceId(device), start, end })
}

/// `microseconds.uuid`.
pub(super) fn uplink_key_text(key: UplinkKey) -> String {
    format!("{}.{}", key.received_at.timestamp_micros(), key.id)
}

/// Parses the result of [`uplink_key_text`].
pub(super) fn parse_uplink_key(text: &str) -> Option<UplinkKey> {
    let (micros, id) = text.split_once('.')?;
    let received_at = timestamp_from_micros(micros.parse().ok()?)?;
    Some(UplinkKey { received_at, id: Uuid::try_parse(id).ok()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn global_ids_round_trip(device: i64, micros in -62_135_596_800_000_000..253_402_300_799_999_999_i64, seq in 0..i32::MAX, uuid: u128) {
            let key = MeasurementKey {
                device_id: DeviceId(device),
                measured_at: DateTime::from_timestamp_micros(micros).expect("a time"),
                seq,
            };
            let uplink = UplinkKey { received_at: key.measured_at, id: Uuid::from_u128(uuid) };
            let later = DateTime::from_timestamp_micros(micros.max(0)).expect("a time");
            let trip = TripKey { device_id: DeviceId(device), start: key.measured_at, end: later };
            for id in [GlobalId::Trip(trip), GlobalId::Uplink(uplink), GlobalId::Measurement(key), GlobalId::Device(DeviceId(device)), GlobalId::ApiKey(ApiKeyId(device))] {
                prop_assert_eq!(GlobalId::decode("id", &id.encode()).expect("an id"), id);
            }
        }

        #[test]
        fn invalid_ids_are_rejected_without_panic(text in "\\PC*") {
            if let Ok(id) = GlobalId::decode("id", &ID(text.clone())) {
                prop_assert_eq!(decode_opaque(&id.encode()), decode_opaque(&text));
            }
            let encoded = ID(encode_opaque(&text));
            let _ = GlobalId::decode("id", &encoded);
        }
    }
}
