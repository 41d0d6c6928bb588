//! The `AirBeam` Mini's measurements of a fixed session.
//!
//! `POST /api/v3/fixed_sessions/<uuid>/measurements`. All numbers are big-endian:
//!
//! | Bytes | Content |
//! |---|---|
//! | 2 or 4 | mark: `AB BA`, or `ABBA` in ASCII |
//! | 2 | number of records |
//! | 9 each | record: seconds since 1970 (u32), sensor type (u8), value (f32) |
//! | 1 | XOR of all bytes before |
//!
//! Verified against public sources: layout and the mark `AB BA` in the firmware (HabitatMap/AirbeamMiniFirmware 1.0.0,
//! `src/wifi/wifi_manager.rs`), which writes PM1 and PM2.5 of each moment; the ASCII mark in the server
//! (HabitatMap/AirCasting, `app/services/fixed_sessions/binary_protocol/parser.rb`); the sensor types, fixed for all
//! models, in its `app/models/sensor.rb`.
//! The two sources disagree on the mark, so both are accepted. Type 6 is a telephone's microphone and has no quantity
//! here.
//!
//! The device is the session's uuid; a request contains no other identifier. With an empty body the firmware requests
//! the time before it measures; the response has it in `X-Server-Time`.

use std::collections::BTreeMap;

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    quantity::Quantity,
    readings::to_decimal,
    unit::Unit,
};
use chrono::DateTime;

use super::{
    DecodeError, Decoded, Incoming, Observation, Rejection,
    ignored::IgnoredNames,
    parse::MAX_SAMPLES_PER_BODY,
    vocabulary::{CONVENTIONAL, RawValue, SampleBuilder},
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "airbeam";

/// The marks that a body begins with.
const BODY_PREFIXES: [&[u8]; 2] = [b"\xab\xba", b"ABBA"];
const RECORD_BYTES: usize = 9;

/// The sensor types that have a quantity.
const SENSOR_TYPES: &[(u8, Quantity, Unit)] = &[
    (1, Quantity::Pm1, Unit::MicrogramPerCubicMetre),
    (2, Quantity::Pm2_5, Unit::MicrogramPerCubicMetre),
    (3, Quantity::Pm10, Unit::MicrogramPerCubicMetre),
    (4, Quantity::Humidity, Unit::Percent),
    (5, Quantity::Temperature, Unit::Fahrenheit),
];

/// A value with its time.
struct SensorRecord {
    epoch_s: u32,
    sensor_type: u8,
    value: f32,
}

/// Decodes one body.
///
/// # Errors
/// If the path has no device, or the body is not of this form.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let device = match incoming.device_hint.map(DeviceKey::try_new) {
        Some(Ok(device)) => device,
        Some(Err(reason)) => return Err(DecodeError::new("INVALID_DEVICE", format!("the path: {reason}"))),
        None => return Err(DecodeError::new("MISSING_DEVICE", "the path must name the session")),
    };
    let mut decoded = Decoded::empty(DeviceKind::Fixed);
    if incoming.body.is_empty() {
        return Ok(decoded);
    }
    let mut ignored = IgnoredNames::default();
    let mut moments = BTreeMap::new();
    for (index, record) in read_records(incoming.body)?.into_iter().enumerate() {
        let (_, builder) = moments.entry(record.epoch_s).or_insert_with(|| (index, SampleBuilder::new(&CONVENTIONAL)));
        let known = SENSOR_TYPES.iter().find(|(sensor_type, ..)| *sensor_type == record.sensor_type);
        let name = format!("type {}", record.sensor_type);
        match known {
            Some(&(_, quantity, unit)) if record.value.is_finite() => {
                builder.add_quantity(&name, quantity, unit, RawValue::Number(to_decimal(record.value)), &mut ignored);
            }
            _ => ignored.insert(&name),
        }
    }
    if moments.len() > MAX_SAMPLES_PER_BODY {
        let detail = format!("{} moments; at most {MAX_SAMPLES_PER_BODY} in one body", moments.len());
        return Err(DecodeError::new("TOO_MANY_SAMPLES", detail));
    }
    for (epoch_s, (index, builder)) in moments {
        let measured_at = DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(epoch_s.into());
        match builder.build(measured_at) {
            Ok(sample) => decoded.observations.push(Observation { index, device: device.clone(), sample }),
            Err((code, detail)) => decoded.rejected.push(Rejection { index, code, detail }),
        }
    }
    Ok(Decoded { ignored: ignored.into_names(), ..decoded })
}

fn read_records(body: &[u8]) -> Result<Vec<SensorRecord>, DecodeError> {
    let rest = BODY_PREFIXES.into_iter().find_map(|mark| body.strip_prefix(mark));
    let rest = rest.ok_or_else(|| DecodeError::new("WRONG_MARK", "the body must begin with AB BA or ABBA"))?;
    let Some((count, rest)) = rest.split_first_chunk() else {
        return Err(DecodeError::new(
            "WRONG_LENGTH",
            format!("{} bytes; the number of records is missing", body.len()),
        ));
    };
    let count = usize::from(u16::from_be_bytes(*count));
    let (records, []) = rest[..rest.len().saturating_sub(1)].as_chunks::<RECORD_BYTES>() else {
        return Err(wrong_length(count, rest.len()));
    };
    if records.len() != count || rest.is_empty() {
        return Err(wrong_length(count, rest.len()));
    }
    if body.iter().fold(0, |sum, byte| sum ^ byte) != 0 {
        return Err(DecodeError::new("WRONG_CHECKSUM", "the last byte is not the XOR of all bytes before"));
    }
    let record = |&[a, b, c, d, sensor_type, e, f, g, h]: &[u8; RECORD_BYTES]| SensorRecord {
        epoch_s: u32::from_be_bytes([a, b, c, d]),
        sensor_type,
        value: f32::from_be_bytes([e, f, g, h]),
    };
    Ok(records.iter().map(record).collect())
}

fn wrong_length(count: usize, bytes: usize) -> DecodeError {
    let expected = count * RECORD_BYTES + 1;
    DecodeError::new(
        "WRONG_LENGTH",
        format!("{count} records take {expected} bytes with the checksum, and not {bytes}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, incoming, refusal};

    const UUID: &str = "0d5f6bd6-5a9e-4f2a-9c0c-5f4b3f3f1c11";

    fn body(mark: &[u8], records: &[(u32, u8, f32)]) -> Vec<u8> {
        let count = u16::try_from(records.len()).expect("a count");
        let mut body = [mark, &count.to_be_bytes()].concat();
        for (epoch_s, sensor_type, value) in records {
            body.extend(epoch_s.to_be_bytes().into_iter().chain([*sensor_type]).chain(value.to_be_bytes()));
        }
        body.push(body.iter().fold(0, |sum, byte| sum ^ byte));
        body
    }

    fn decoded(body: &[u8]) -> Result<Decoded, DecodeError> {
        decode(&Incoming { device_hint: Some(UUID), ..incoming(body) })
    }

    #[test]
    fn the_records_of_a_second_are_one_sample() {
        let records = [
            (1_777_629_600, 1, 4.0),
            (1_777_629_600, 2, 6.1),
            (1_777_629_660, 1, 5.0),
            (1_777_629_660, 5, 64.4),
            (1_777_629_660, 4, 55.0),
            (1_777_629_660, 9, 1.0),
        ];
        for mark in BODY_PREFIXES {
            let decoded = decoded(&body(mark, &records)).expect("decoded");
            let samples: Vec<_> = decoded.observations.iter().collect();
            assert_eq!(
                samples.iter().map(|seen| (seen.index, seen.device.as_str())).collect::<Vec<_>>(),
                [(0, UUID), (2, UUID)]
            );
            assert_eq!(samples[0].sample.measured_at, at("2026-05-01T10:00:00Z"));
            let values = |place: usize| samples[place].sample.readings.iter().collect::<Vec<_>>();
            assert_eq!(values(0), [(Quantity::Pm1, 4.0), (Quantity::Pm2_5, 6.1)]);
            let temperature = samples[1].sample.readings.get(Quantity::Temperature).expect("a temperature");
            assert!((temperature - 18.0).abs() < 1e-9, "{temperature}");
            assert_eq!(
                (samples[1].sample.readings.get(Quantity::Humidity), &*decoded.ignored),
                (Some(55.0), &["type 9".into()][..])
            );
        }
    }

    #[test]
    fn empty_body_is_a_time_request() {
        assert_eq!(decoded(b""), Ok(Decoded::empty(DeviceKind::Fixed)));
    }

    #[test]
    fn malformed_body_is_rejected() {
        let good = body(BODY_PREFIXES[0], &[(1_777_629_600, 2, 6.0)]);
        let changed = |at: usize, byte: u8| {
            let mut body = good.clone();
            body[at] = byte;
            body
        };
        for (body, code) in [
            (b"\xab".to_vec(), "WRONG_MARK"),
            (changed(0, 0xaa), "WRONG_MARK"),
            (b"\xab\xba\0".to_vec(), "WRONG_LENGTH"),
            (b"\xab\xba\0\0".to_vec(), "WRONG_LENGTH"),
            (changed(3, 2), "WRONG_LENGTH"),
            (good[..good.len() - 1].to_vec(), "WRONG_LENGTH"),
            (changed(8, 1), "WRONG_CHECKSUM"),
        ] {
            assert_eq!(refusal(decoded(&body)).0, code, "{body:x?}");
        }
        assert_eq!(refusal(decode(&incoming(&good))).0, "MISSING_DEVICE");
    }

    #[test]
    fn record_without_a_number_is_rejected_alone() {
        let records = [(1_777_629_600, 2, f32::NAN), (1_777_629_660, 2, 6.0)];
        let decoded = decoded(&body(BODY_PREFIXES[0], &records)).expect("decoded");
        assert_eq!((decoded.rejected[0].code, decoded.observations.len()), ("NO_VALUES", 1));
    }
}
