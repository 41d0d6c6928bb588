//! Posts of the firmware of `AirGradient` monitors (ONE, Open Air), one a minute.
//!
//! The path has the device (`airgradient:84fce612eff4`), and the body has no time: the time of arrival counts. The
//! firmware accepts 200 only as success, except that it also treats 429 as success, so an exceeded limit returns 503.
//!
//! A sensor without a value is omitted from the body. Inside the firmware, -1 (for the temperature -1000) marks it, and
//! since the firmware averages over a minute, averages of such marks occur too: -1000.99, -0.5. `pm02` is PM2.5.
//! Monitors with two particulate sensors send their averages; the single ones in `channels` stay in the stored body.
//! A value that is only in `channels` (models with one sensor, firmware 3.1) counts, of the first channel that has it.
//! The compensated values (`pm02Compensated`, `atmpCompensated`, ...) are not stored: corrections are up to readers of
//! the data. Names and units: docs/local-server.md of the firmware's repository.

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    quality::QualityFlag,
    quantity::Quantity,
    unit::Unit,
};

use super::{
    DecodeError, Decoded, Incoming, Observation, Rejection,
    ignored::IgnoredNames,
    parse::{self, JsonValue},
    vocabulary::{self, FieldMeaning, FieldUnit, NoValue, RawValue, SampleBuilder, SentUnit, Vocabulary},
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "airgradient";

/// Seconds between two posts, over which the firmware averages.
const SEND_INTERVAL_S: i32 = 60;

/// Names of the firmware's body, and its marks for "no value".
pub(super) static AIRGRADIENT: Vocabulary = Vocabulary { own: meaning, general: None, no_value: NO_VALUE };

const FIELDS: &[FieldUnit] = &[
    ("wifi", Quantity::SignalStrength, Unit::DecibelMilliwatt),
    ("rco2", Quantity::Co2, Unit::PartPerMillion),
    ("pm01", Quantity::Pm1, Unit::MicrogramPerCubicMetre),
    ("pm02", Quantity::Pm2_5, Unit::MicrogramPerCubicMetre),
    ("pm10", Quantity::Pm10, Unit::MicrogramPerCubicMetre),
    ("pm003Count", Quantity::Particles0_3, Unit::PerDecilitre),
    ("atmp", Quantity::Temperature, Unit::Celsius),
    ("rhum", Quantity::Humidity, Unit::Percent),
    ("tvocIndex", Quantity::VocIndex, Unit::One),
    ("noxIndex", Quantity::NoxIndex, Unit::One),
];

const NO_VALUE: &[NoValue] = &[
    // An SHT4x measures from -45 °C on, so what is at or below that is a mark, or an average with marks in it.
    NoValue { quantity: Quantity::Temperature, range: f64::MIN..=-45.0 },
    NoValue { quantity: Quantity::Humidity, range: NoValue::NEGATIVE },
    NoValue { quantity: Quantity::Co2, range: NoValue::NEGATIVE },
    NoValue { quantity: Quantity::Pm1, range: NoValue::NEGATIVE },
    NoValue { quantity: Quantity::Pm2_5, range: NoValue::NEGATIVE },
    NoValue { quantity: Quantity::Pm10, range: NoValue::NEGATIVE },
    NoValue { quantity: Quantity::Particles0_3, range: NoValue::NEGATIVE },
    NoValue { quantity: Quantity::VocIndex, range: NoValue::NEGATIVE },
    NoValue { quantity: Quantity::NoxIndex, range: NoValue::NEGATIVE },
];

fn meaning(name: &str) -> Option<FieldMeaning> {
    vocabulary::find_field(FIELDS, name)
}

/// Decodes one body.
///
/// # Errors
/// If the path has no device, or the body is not an object with a field of the firmware's.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let device = match incoming.device_hint.map(DeviceKey::try_new) {
        Some(Ok(device)) => device,
        Some(Err(reason)) => return Err(DecodeError::new("INVALID_DEVICE", format!("the path: {reason}"))),
        None => return Err(DecodeError::new("MISSING_DEVICE", "the path must name the device")),
    };
    let JsonValue::Object(fields) = parse::json(incoming.body)? else {
        return Err(DecodeError::new("WRONG_TYPE", "the body must be an object"));
    };
    parse::check_distinct_keys(&fields).map_err(|(code, detail)| DecodeError::new(code, detail))?;
    if !fields.iter().any(|(name, _)| meaning(name).is_some()) && channel_values(&fields).next().is_none() {
        return Err(DecodeError::new("MISSING_VALUES", "the body must hold a field of AirGradient's, such as pm02"));
    }
    let mut ignored = IgnoredNames::default();
    let mut builder = SampleBuilder::new(&AIRGRADIENT);
    for (name, value) in &fields {
        // Texts and structures other than the values describe the monitor.
        if meaning(name).is_some() || matches!(value, JsonValue::Number(_)) {
            builder.add(name, RawValue::from(value), &mut ignored);
        }
    }
    for (channel, name, quantity, unit, value) in channel_values(&fields) {
        if !builder.has(quantity) {
            builder.add_quantity(&format!("channels.{channel}.{name}"), quantity, unit, value.into(), &mut ignored);
        }
    }
    let mut decoded = Decoded { ignored: ignored.into_names(), ..Decoded::empty(DeviceKind::Fixed) };
    match builder.build(incoming.received_at) {
        Ok(mut sample) => {
            sample.time_uncertainty_s = Some(SEND_INTERVAL_S);
            sample.flags.insert(QualityFlag::EstimatedTime);
            decoded.observations.push(Observation { index: 0, device, sample });
        }
        Err((code, detail)) => decoded.rejected.push(Rejection { index: 0, code, detail }),
    }
    Ok(decoded)
}

/// The values of single sensors: channel, name, quantity, unit and value.
fn channel_values(fields: &[(String, JsonValue)]) -> impl Iterator<Item = (&str, &str, Quantity, Unit, &JsonValue)> {
    let channels = fields.iter().filter(|(name, _)| name == "channels").flat_map(|(_, channels)| channels.entries());
    channels.flat_map(|(channel, values)| {
        values.entries().iter().filter_map(move |(name, value)| match meaning(name)? {
            FieldMeaning::Quantity { quantity, unit: SentUnit::Is(unit), .. } => {
                Some((channel.as_str(), name.as_str(), quantity, unit, value))
            }
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::testing::{at, incoming, no_objects, refusal};

    const MEASURES: &str = r#"{"wifi":-46,"rco2":447,"pm01":3,"pm02":7,"pm10":8,"pm003Count":442,"atmp":25.87,"rhum":43,
        "tvocIndex":100,"noxIndex":1,"boot":6}"#;

    fn posted(body: &[u8]) -> Incoming<'_> {
        Incoming { device_hint: Some("airgradient:84fce612eff4"), ..incoming(body) }
    }

    fn decoded(body: &str) -> Decoded {
        decode(&posted(body.as_bytes())).expect("decoded")
    }

    fn readings(decoded: &Decoded) -> Vec<(Quantity, f64)> {
        decoded.observations[0].sample.readings.iter().collect()
    }

    #[test]
    fn every_field_has_its_quantity_and_the_time_is_that_of_arrival() {
        let decoded = decoded(MEASURES);
        assert_eq!(
            readings(&decoded),
            [
                (Quantity::Pm1, 3.0),
                (Quantity::Pm2_5, 7.0),
                (Quantity::Pm10, 8.0),
                (Quantity::Temperature, 25.87),
                (Quantity::Humidity, 43.0),
                (Quantity::Co2, 447.0),
                (Quantity::VocIndex, 100.0),
                (Quantity::NoxIndex, 1.0),
                (Quantity::Particles0_3, 442.0),
                (Quantity::SignalStrength, -46.0),
            ]
        );
        let Observation { device, sample, .. } = &decoded.observations[0];
        assert_eq!((device.as_str(), decoded.kind), ("airgradient:84fce612eff4", DeviceKind::Fixed));
        assert_eq!((sample.measured_at, sample.time_uncertainty_s), (at("2026-07-01T12:00:00Z"), Some(60)));
        assert!(sample.flags.contains(QualityFlag::EstimatedTime) && sample.position.is_none());
        assert_eq!((decoded.ignored, decoded.frame_counter), (vec!["boot".to_owned()], None));
    }

    #[test]
    fn unknown_numbers_are_ignored_by_name_and_other_fields_silently() {
        let body = r#"{"pm02":7,"tvocRaw":31989,"boot":6,"bootCount":6,"pmFirmware":"PMS5003x-18","channels":{"1":{"pm02":6}},
            "serialno":null}"#;
        let decoded = decoded(body);
        assert_eq!(readings(&decoded), [(Quantity::Pm2_5, 7.0)]);
        assert_eq!(decoded.ignored, ["boot", "bootCount", "tvocRaw"]);
    }

    #[test]
    fn averaged_no_value_markers_are_null() {
        let marks = r#"{"wifi":-1,"rco2":-1,"pm01":-1,"pm02":-1,"pm10":-1.0,"pm003Count":-1,"atmp":-1000,"rhum":-1,
            "tvocIndex":-1,"noxIndex":-1}"#;
        assert_eq!(readings(&decoded(marks)), [(Quantity::SignalStrength, -1.0)]);
        assert_eq!(readings(&decoded(r#"{"atmp":-1,"rco2":null}"#)), [(Quantity::Temperature, -1.0)], "a cold day");
        let averaged = r#"{"pm02":4,"atmp":-1000.99,"rhum":-0.25,"rco2":-0.02,"pm10":-2}"#;
        assert_eq!(readings(&decoded(averaged)), [(Quantity::Pm2_5, 4.0)]);
        let nothing = decoded(r#"{"pm02":null,"rco2":-1}"#);
        assert_eq!((nothing.observations.len(), nothing.rejected[0].code), (0, "NO_VALUES"));
    }

    #[test]
    fn value_of_a_channel_counts_only_where_the_monitor_sends_no_average() {
        let one =
            r#"{"wifi":-64,"channels":{"1":{"pm02":5,"rhum":-1,"model":"x"},"2":{"pm02":6,"rhum":68,"count":9}}}"#;
        let expected = [(Quantity::Pm2_5, 5.0), (Quantity::Humidity, 68.0), (Quantity::SignalStrength, -64.0)];
        assert_eq!(readings(&decoded(one)), expected);
        let averaged = decoded(r#"{"pm02":5.5,"channels":{"1":{"pm02":5},"2":{"pm02":6}}}"#);
        assert_eq!((readings(&averaged), averaged.ignored), (vec![(Quantity::Pm2_5, 5.5)], vec![]));
        let only_channels = decoded(r#"{"channels":{"1":{"atmp":"18.8"}}}"#);
        assert_eq!(readings(&only_channels), [(Quantity::Temperature, 18.8)]);
    }

    #[test]
    fn unreadable_value_is_ignored_alone() {
        for (body, field) in [(r#"{"pm02":1e39,"rco2":447}"#, "pm02"), (r#"{"rco2":447,"rhum":[43]}"#, "rhum")] {
            let decoded = decoded(body);
            assert_eq!((readings(&decoded), decoded.ignored), (vec![(Quantity::Co2, 447.0)], vec![field.to_owned()]));
        }
        assert_eq!(readings(&decoded(r#"{"pm02":"7"}"#)), [(Quantity::Pm2_5, 7.0)]);
    }

    #[test]
    fn body_without_values_is_rejected() {
        for (body, expected) in no_objects() {
            assert_eq!(refusal(decode(&posted(&body))).0, expected);
        }
        for (body, expected) in [
            ("[]", "WRONG_TYPE"),
            ("{}", "MISSING_VALUES"),
            (r#"{"boot":6}"#, "MISSING_VALUES"),
            (r#"{"channels":{"1":{"boot":6},"2":7}}"#, "MISSING_VALUES"),
            (r#"{"channels":[1]}"#, "MISSING_VALUES"),
            (r#"{"pm02":7,"pm02":8}"#, "DUPLICATE_KEY"),
            (r#"{"pm02":1e999}"#, "MALFORMED_JSON"),
            (r#"{"pm02":NaN}"#, "MALFORMED_JSON"),
        ] {
            assert_eq!(refusal(decode(&posted(body.as_bytes()))).0, expected, "{body}");
        }
        assert_eq!(refusal(decode(&incoming(MEASURES.as_bytes()))).0, "MISSING_DEVICE");
        let nameless = Incoming { device_hint: Some(" "), ..incoming(MEASURES.as_bytes()) };
        assert_eq!(refusal(decode(&nameless)).0, "INVALID_DEVICE");
    }
}
