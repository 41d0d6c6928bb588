//! Cursors: positions in a list, opaque to clients.

use async_graphql::connection::CursorType;
use chrono::DateTime;

use super::id::{
    decode_opaque, encode_opaque, measurement_key_text, parse_measurement_key, parse_trip_key, parse_uplink_key,
    trip_key_text, uplink_key_text,
};
use crate::{
    db::device_page::{DeviceKeyset, DeviceOrder},
    domain::{
        api_key::ApiKeyId, device::DeviceId, feed::FeedOffset, measurement::MeasurementKey, quantity::Quantity,
        time::is_representable, trip::TripKey, uplink::UplinkKey,
    },
};

const INVALID_CURSOR: &str = "not a cursor of this list; send the value of a `cursor` field unchanged";

/// Position in a list of measurements. All these lists have the same total order, or its reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasurementCursor(pub MeasurementKey);

impl CursorType for MeasurementCursor {
    type Error = &'static str;

    fn decode_cursor(cursor: &str) -> Result<Self, Self::Error> {
        let text = decode_opaque(cursor).ok_or(INVALID_CURSOR)?;
        text.strip_prefix("m:").and_then(parse_measurement_key).map(Self).ok_or(INVALID_CURSOR)
    }

    fn encode_cursor(&self) -> String {
        encode_opaque(&format!("m:{}", measurement_key_text(self.0)))
    }
}

/// Position in a list of uplinks, ordered by time of arrival or its reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UplinkCursor(pub UplinkKey);

impl CursorType for UplinkCursor {
    type Error = &'static str;

    fn decode_cursor(cursor: &str) -> Result<Self, Self::Error> {
        let text = decode_opaque(cursor).ok_or(INVALID_CURSOR)?;
        text.strip_prefix("u:").and_then(parse_uplink_key).map(Self).ok_or(INVALID_CURSOR)
    }

    fn encode_cursor(&self) -> String {
        encode_opaque(&format!("u:{}", uplink_key_text(self.0)))
    }
}

/// Position in a list of trips, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TripCursor(pub TripKey);

impl CursorType for TripCursor {
    type Error = &'static str;

    fn decode_cursor(cursor: &str) -> Result<Self, Self::Error> {
        let text = decode_opaque(cursor).ok_or(INVALID_CURSOR)?;
        text.strip_prefix("t:").and_then(parse_trip_key).map(Self).ok_or(INVALID_CURSOR)
    }

    fn encode_cursor(&self) -> String {
        encode_opaque(&format!("t:{}", trip_key_text(self.0)))
    }
}

/// Position in a list of API keys, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyCursor(pub ApiKeyId);

impl CursorType for ApiKeyCursor {
    type Error = &'static str;

    fn decode_cursor(cursor: &str) -> Result<Self, Self::Error> {
        let text = decode_opaque(cursor).ok_or(INVALID_CURSOR)?;
        let id = text.strip_prefix("a:").and_then(|id| id.parse().ok()).ok_or(INVALID_CURSOR)?;
        Ok(Self(ApiKeyId(id)))
    }

    fn encode_cursor(&self) -> String {
        encode_opaque(&format!("a:{}", self.0.0))
    }
}

/// Position in the feed, in commit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedCursor(pub FeedOffset);

impl CursorType for FeedCursor {
    type Error = &'static str;

    fn decode_cursor(cursor: &str) -> Result<Self, Self::Error> {
        let text = decode_opaque(cursor).ok_or(INVALID_CURSOR)?;
        let (number, index) = text.strip_prefix("f:").and_then(|text| text.split_once('.')).ok_or(INVALID_CURSOR)?;
        let number = number.parse().ok().filter(|number| *number >= 0).ok_or(INVALID_CURSOR)?;
        Ok(Self(FeedOffset { number, index: index.parse().map_err(|_| INVALID_CURSOR)? }))
    }

    fn encode_cursor(&self) -> String {
        encode_opaque(&format!("f:{}.{}", self.0.number, self.0.index))
    }
}

/// Position in a list of devices, in one of its orders.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceCursor(pub DeviceKeyset);

impl DeviceCursor {
    /// Whether this is a position in a list of that order.
    #[must_use]
    pub fn matches_order(&self, order: DeviceOrder) -> bool {
        match (&self.0, order) {
            (DeviceKeyset::Key(_), DeviceOrder::Key)
            | (DeviceKeyset::CreatedAt(..), DeviceOrder::CreatedAt)
            | (DeviceKeyset::LastSeen(..), DeviceOrder::LastSeen) => true,
            (DeviceKeyset::LatestValue(of, ..), DeviceOrder::LatestValue(quantity)) => *of == quantity,
            _ => false,
        }
    }
}

impl CursorType for DeviceCursor {
    type Error = &'static str;

    fn decode_cursor(cursor: &str) -> Result<Self, Self::Error> {
        let text = decode_opaque(cursor).ok_or(INVALID_CURSOR)?;
        if let Some(key) = text.strip_prefix("k:").filter(|key| !key.contains('\0')) {
            return Ok(Self(DeviceKeyset::Key(key.to_owned())));
        }
        let (kind, rest) = text.split_once(':').ok_or(INVALID_CURSOR)?;
        let (place, id) = rest.rsplit_once('.').ok_or(INVALID_CURSOR)?;
        let id = DeviceId(id.parse().map_err(|_| INVALID_CURSOR)?);
        let time = |micros: &str| {
            let time = micros.parse().ok().and_then(DateTime::from_timestamp_micros);
            time.filter(|&time| is_representable(time)).ok_or(INVALID_CURSOR)
        };
        Ok(Self(match kind {
            "c" => DeviceKeyset::CreatedAt(time(place)?, id),
            "s" if place.is_empty() => DeviceKeyset::LastSeen(None, id),
            "s" => DeviceKeyset::LastSeen(Some(time(place)?), id),
            "v" => {
                let (quantity, bits) = place.split_once('.').ok_or(INVALID_CURSOR)?;
                let quantity = Quantity::from_name(quantity).ok_or(INVALID_CURSOR)?;
                let value = match bits {
                    "" => None,
                    bits => Some(f64::from_bits(bits.parse().map_err(|_| INVALID_CURSOR)?)),
                };
                if value.is_some_and(f64::is_nan) {
                    return Err(INVALID_CURSOR);
                }
                DeviceKeyset::LatestValue(quantity, value, id)
            }
            _ => return Err(INVALID_CURSOR),
        }))
    }

    fn encode_cursor(&self) -> String {
        encode_opaque(&match &self.0 {
            DeviceKeyset::Key(key) => format!("k:{key}"),
            DeviceKeyset::CreatedAt(time, id) => format!("c:{}.{}", time.timestamp_micros(), id.0),
            DeviceKeyset::LastSeen(time, id) => {
                let micros = time.map(|time| time.timestamp_micros().to_string()).unwrap_or_default();
                format!("s:{micros}.{}", id.0)
            }
            // Encoded by its bits, to decode exactly the same number.
            DeviceKeyset::LatestValue(quantity, value, id) => {
                let bits = value.map(|value| value.to_bits().to_string()).unwrap_or_default();
                format!("v:{}.{bits}.{}", quantity.definition().name, id.0)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn device_cursor_round_trips(key in "[^\0]*", micros in 0..253_402_300_799_999_999_i64, id: i64, value in prop::num::f64::ANY) {
            let time = DateTime::from_timestamp_micros(micros).expect("a time");
            prop_assume!(!value.is_nan());
            let id = DeviceId(id);
            for keyset in [
                DeviceKeyset::Key(key),
                DeviceKeyset::CreatedAt(time, id),
                DeviceKeyset::LastSeen(Some(time), id),
                DeviceKeyset::LastSeen(None, id),
                DeviceKeyset::LatestValue(Quantity::Particles0_3, Some(value), id),
                DeviceKeyset::LatestValue(Quantity::Humidity, None, id),
            ] {
                let cursor = DeviceCursor(keyset);
                prop_assert_eq!(DeviceCursor::decode_cursor(&cursor.encode_cursor()).expect("a cursor"), cursor);
            }
        }

        #[test]
        fn api_key_cursor_round_trips(id: i64) {
            let cursor = ApiKeyCursor(ApiKeyId(id));
            prop_assert_eq!(ApiKeyCursor::decode_cursor(&cursor.encode_cursor()).expect("a cursor"), cursor);
        }

        #[test]
        fn feed_cursor_round_trips(number in 0..i64::MAX, index: u32) {
            let cursor = FeedCursor(FeedOffset { number, index });
            prop_assert_eq!(FeedCursor::decode_cursor(&cursor.encode_cursor()).expect("a cursor"), cursor);
        }

        #[test]
        fn cursor_of_another_list_is_rejected(text in "\\PC*", device: i64, seq in 0..i32::MAX) {
            let _ = (MeasurementCursor::decode_cursor(&text), FeedCursor::decode_cursor(&text));
            let key = MeasurementKey { device_id: DeviceId(device), measured_at: DateTime::UNIX_EPOCH, seq };
            prop_assert!(DeviceCursor::decode_cursor(&MeasurementCursor(key).encode_cursor()).is_err());
            prop_assert!(FeedCursor::decode_cursor(&MeasurementCursor(key).encode_cursor()).is_err());
            let cursor = DeviceCursor(DeviceKeyset::Key(text)).encode_cursor();
            prop_assert!(MeasurementCursor::decode_cursor(&cursor).is_err());
        }
    }
}
