//! Measurement keys in a compact encoding: a batch of a hundred thousand takes a few hundred kilobytes.
//!
//! Numbers are varints (seven bits per byte, the least significant first), signed ones zigzag. Keys are grouped in runs
//! of one device: the device's number, the number of keys, and for each the microseconds since the key before, and its
//! `seq`.

use chrono::DateTime;

use crate::domain::{device::DeviceId, measurement::MeasurementKey};

/// Encodes keys, in their order.
pub(super) fn pack(keys: &[MeasurementKey]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + keys.len() * 8);
    let mut before = 0;
    for run in keys.chunk_by(|one, other| one.device_id == other.device_id) {
        let [first, ..] = run else { continue };
        put_signed_varint(&mut bytes, first.device_id.0);
        put_varint(&mut bytes, run.len() as u64);
        for key in run {
            let at = key.measured_at.timestamp_micros();
            put_signed_varint(&mut bytes, at.wrapping_sub(before));
            put_signed_varint(&mut bytes, i64::from(key.seq));
            before = at;
        }
    }
    bytes
}

/// Decodes keys; `None` for invalid bytes.
pub(super) fn unpack(mut bytes: &[u8]) -> Option<Vec<MeasurementKey>> {
    let mut keys = Vec::new();
    let mut before = 0_i64;
    while !bytes.is_empty() {
        let device_id = DeviceId(take_signed_varint(&mut bytes)?);
        for _ in 0..take_varint(&mut bytes)? {
            before = before.wrapping_add(take_signed_varint(&mut bytes)?);
            let measured_at = DateTime::from_timestamp_micros(before)?;
            let seq = i32::try_from(take_signed_varint(&mut bytes)?).ok()?;
            keys.push(MeasurementKey { device_id, measured_at, seq });
        }
    }
    Some(keys)
}

fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn put_signed_varint(bytes: &mut Vec<u8>, number: i64) {
    put_varint(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_signed_varint(bytes: &mut &[u8]) -> Option<i64> {
    let number = take_varint(bytes)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn key() -> impl Strategy<Value = MeasurementKey> {
        let device = prop_oneof![1..4_i64, any::<i64>()];
        let micros = DateTime::<Utc>::MIN_UTC.timestamp_micros()..=DateTime::<Utc>::MAX_UTC.timestamp_micros();
        let micros = prop_oneof![1_700_000_000_000_000..1_800_000_000_000_000_i64, micros];
        (device, micros, any::<i32>()).prop_map(|(device, micros, seq)| MeasurementKey {
            device_id: DeviceId(device),
            measured_at: DateTime::from_timestamp_micros(micros).expect("a time"),
            seq,
        })
    }

    proptest! {
        #[test]
        fn packed_keys_round_trip(keys in vec(key(), 0..50)) {
            prop_assert_eq!(unpack(&pack(&keys)), Some(keys));
        }

        #[test]
        fn unpacking_arbitrary_bytes_does_not_panic(bytes in vec(any::<u8>(), 0..200)) {
            if let Some(keys) = unpack(&bytes) {
                prop_assert!(keys.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn keys_of_one_packet_pack_compactly() {
        let first = DateTime::from_timestamp_micros(1_760_000_000_000_000).expect("a time");
        let key = |n: i64| MeasurementKey {
            device_id: DeviceId(70),
            measured_at: first + TimeDelta::seconds(10 * n),
            seq: 0,
        };
        let keys: Vec<_> = (0..8).map(key).collect();
        assert_eq!(pack(&keys).len(), 2 + 1 + 9 + 7 * 5);
    }
}
