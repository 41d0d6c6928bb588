//! Pimoroni Enviro (Indoor, Grow, Weather, Urban), destination "custom HTTP endpoint".
//!
//! `{"nickname":"balcony","model":"urban","uid":"e6614c775b8c4035","timestamp":"2026-11-01T10:00:00Z","readings":{"pm2_5":6,
//! …}}`: one reading of a board, or an array of them. The board keeps each reading until the response is 200, 201 or
//! 202, and then deletes it.
//!
//! The device is the one in the path, else `uid`, the number of the board's processor: it is stable when the nickname
//! changes and unique. A board without one is identified by its nickname.
//!
//! Names and units are those of enviro/boards/*.py and the tables in documentation/boards of the firmware. These have
//! no quantity and are ignored: `noise` (the microphone's volts, peak to peak), `rain` (since the reading before, not
//! since the day began) and `rain_per_second`, `gas_resistance`, `aqi`, `color_temperature`, `moisture_a` to
//! `moisture_c`.

use airgraph_domain::{device::DeviceKey, quality::QualityFlag, quantity::Quantity, sample::Sample, unit::Unit};
use chrono::{DateTime, Utc};

use super::{
    DecodeError, Decoded, Incoming,
    ignored::IgnoredNames,
    parse::{self, JsonValue, Reason},
    timestamp::{self, ZoneRule},
    vocabulary::{FieldUnit, RawValue, SampleBuilder, Vocabulary, find_field},
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "enviro";

static ENVIRO: Vocabulary = Vocabulary { own: |name| find_field(FIELDS, name), general: None, no_value: &[] };

const FIELDS: &[FieldUnit] = &[
    ("temperature", Quantity::Temperature, Unit::Celsius),
    ("humidity", Quantity::Humidity, Unit::Percent),
    ("pressure", Quantity::Pressure, Unit::Hectopascal),
    ("luminance", Quantity::Illuminance, Unit::Lux),
    ("wind_speed", Quantity::WindSpeed, Unit::MetrePerSecond),
    ("wind_direction", Quantity::WindDirection, Unit::Degree),
    ("pm1", Quantity::Pm1, Unit::MicrogramPerCubicMetre),
    ("pm2_5", Quantity::Pm2_5, Unit::MicrogramPerCubicMetre),
    ("pm10", Quantity::Pm10, Unit::MicrogramPerCubicMetre),
    ("voltage", Quantity::BatteryVoltage, Unit::Volt),
];

/// Decodes one body.
///
/// # Errors
/// If it isn't a JSON object or array, or has no reading or too many.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    parse::samples(incoming.body, "reading", |element, ignored| sample(element, incoming, ignored))
}

fn sample(
    element: &JsonValue,
    incoming: &Incoming<'_>,
    ignored: &mut IgnoredNames,
) -> Result<(DeviceKey, Sample), Reason> {
    let JsonValue::Object(entries) = element else {
        return Err(("WRONG_TYPE", "a reading must be an object".to_owned()));
    };
    parse::check_distinct_keys(entries)?;
    let text = |name| element.get(name).and_then(JsonValue::as_text).filter(|text| !text.is_empty());
    let device = incoming.device_hint.or_else(|| text("uid")).or_else(|| text("nickname"));
    let device = device.ok_or_else(|| ("MISSING_DEVICE", "\"uid\" or \"nickname\" must name the device".to_owned()))?;
    let device = DeviceKey::try_new(device).map_err(|reason| ("INVALID_DEVICE", reason.to_string()))?;
    let Some(JsonValue::Object(readings)) = element.get("readings") else {
        return Err(("MISSING_VALUES", "\"readings\" must be an object of values".to_owned()));
    };
    let mut builder = SampleBuilder::new(&ENVIRO);
    for (name, value) in parse::check_distinct_keys(readings)? {
        builder.add(name, RawValue::from(value), ignored);
    }
    let measured_at = time(element.get("timestamp"))?;
    let mut sample = builder.build(measured_at.unwrap_or(incoming.received_at))?;
    if measured_at.is_none() {
        sample.flags.insert(QualityFlag::EstimatedTime);
    }
    Ok((device, sample))
}

fn time(timestamp: Option<&JsonValue>) -> Result<Option<DateTime<Utc>>, Reason> {
    match timestamp {
        None | Some(JsonValue::Null) => Ok(None),
        Some(JsonValue::Text(text)) => timestamp::parse("timestamp", text, ZoneRule::Required).map(Some),
        Some(_) => Err(("WRONG_TYPE", "timestamp must be a time such as 2026-05-01T10:00:00Z".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use airgraph_domain::device::DeviceKind;

    use super::*;
    use crate::{
        Observation,
        testing::{incoming, no_objects, refusal},
    };

    const URBAN: &str = r#"{"nickname":"balcony","model":"urban","uid":"e66","timestamp":"2026-05-01T10:00:00Z","readings":
        {"temperature":18.5,"humidity":61.3,"pressure":996.22,"noise":0.123,"pm1":4,"pm2_5":6,"pm10":9}}"#;

    fn decoded(body: &str) -> Decoded {
        decode(&incoming(body.as_bytes())).expect("decoded")
    }

    #[test]
    fn a_reading_is_a_sample_of_the_board() {
        let decoded = decoded(URBAN);
        let Observation { device, sample, .. } = &decoded.observations[0];
        assert_eq!((device.as_str(), sample.measured_at.to_rfc3339().as_str()), ("e66", "2026-05-01T10:00:00+00:00"));
        assert_eq!(
            sample.readings.iter().collect::<Vec<_>>(),
            [
                (Quantity::Pm1, 4.0),
                (Quantity::Pm2_5, 6.0),
                (Quantity::Pm10, 9.0),
                (Quantity::Temperature, 18.5),
                (Quantity::Humidity, 61.3),
                (Quantity::Pressure, 996.22),
            ]
        );
        assert_eq!(
            (decoded.ignored, decoded.kind),
            (vec!["noise".to_owned()], DeviceKind::Fixed),
            "volts, not decibels"
        );
    }

    #[test]
    fn device_is_the_path_or_the_uid_or_the_nickname() {
        let named = Incoming { device_hint: Some("roof"), ..incoming(URBAN.as_bytes()) };
        assert_eq!(decode(&named).expect("decoded").observations[0].device.as_str(), "roof");
        let nickname = decoded(r#"{"nickname":"balcony","uid":"","readings":{"pm10":9}}"#);
        assert_eq!(nickname.observations[0].device.as_str(), "balcony");
        assert!(nickname.observations[0].sample.flags.contains(QualityFlag::EstimatedTime));
    }

    #[test]
    fn weather_is_in_the_units_of_the_firmware() {
        let body = r#"{"uid":"e66","readings":{"luminance":35,"wind_speed":0.45,"wind_direction":45,"rain":1.674,
            "rain_per_second":0.01,"voltage":4.954,"moisture_a":3}}"#;
        let decoded = decoded(body);
        let values = [
            (Quantity::WindSpeed, 0.45),
            (Quantity::WindDirection, 45.0),
            (Quantity::Illuminance, 35.0),
            (Quantity::BatteryVoltage, 4.954),
        ];
        assert_eq!(decoded.observations[0].sample.readings.iter().collect::<Vec<_>>(), values);
        assert_eq!(decoded.ignored, ["moisture_a", "rain", "rain_per_second"]);
    }

    #[test]
    fn bad_reading_is_rejected_alone() {
        for (bad, code) in [
            ("7", "WRONG_TYPE"),
            (r#"{"readings":{"pm10":9}}"#, "MISSING_DEVICE"),
            (r#"{"uid":" ","readings":{"pm10":9}}"#, "INVALID_DEVICE"),
            (r#"{"uid":"a"}"#, "MISSING_VALUES"),
            (r#"{"uid":"a","readings":[]}"#, "MISSING_VALUES"),
            (r#"{"uid":"a","readings":{}}"#, "NO_VALUES"),
            (r#"{"uid":"a","readings":{"noise":0.1}}"#, "NO_VALUES"),
            (r#"{"uid":"a","readings":{"pm10":1,"pm10":2}}"#, "DUPLICATE_KEY"),
            (r#"{"uid":"a","timestamp":"2026-05-01","readings":{"pm10":9}}"#, "INVALID_TIME"),
            (r#"{"uid":"a","timestamp":7,"readings":{"pm10":9}}"#, "WRONG_TYPE"),
        ] {
            let decoded = decoded(&format!("[{bad},{URBAN}]"));
            let rejected: Vec<_> = decoded.rejected.iter().map(|rejection| (rejection.index, rejection.code)).collect();
            assert_eq!((rejected, decoded.observations.len()), (vec![(0, code)], 1), "{bad}");
        }
        for (body, expected) in no_objects() {
            assert_eq!(refusal(decode(&incoming(&body))).0, expected);
        }
    }
}
