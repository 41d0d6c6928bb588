//! What the firmware of `AirGradient` monitors (ONE, Open Air) posts every minute.
//!
//! The path names the device (`airgradient:84fce612eff4`), and the body tells no time: that of arrival counts. Success is
//! 200 and nothing else; 429 is taken for success too, so the gateway never answers it.
//!
//! A sensor that has no value is left out of the body. Inside the firmware, -1 (for the temperature -1000) stands for
//! that; whether any version ever sent it is unverified, but since it can't be a value, it is taken for none.
//! `pm02` is PM2.5. Monitors with two particulate sensors tell their averages; the single ones in `channels` stay in the
//! stored body.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{DecodeError, Decoded, Incoming, Observation, Rejection, ignored::Ignored, parse};
use crate::domain::{
    device::{DeviceKey, DeviceKind},
    quality::QualityFlag,
    quantity::Quantity,
    sample::Sample,
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "airgradient";

/// Seconds between two posts, over which the firmware averages.
const INTERVAL_S: i32 = 60;

/// The fields that have a quantity here, each with what stands for no value.
const FIELDS: [(&str, Quantity, Option<f64>); 10] = [
    ("wifi", Quantity::SignalStrength, None),
    ("rco2", Quantity::Co2, Some(-1.0)),
    ("pm01", Quantity::Pm1, Some(-1.0)),
    ("pm02", Quantity::Pm2_5, Some(-1.0)),
    ("pm10", Quantity::Pm10, Some(-1.0)),
    ("pm003Count", Quantity::Particles0_3, Some(-1.0)),
    ("atmp", Quantity::Temperature, Some(-1000.0)),
    ("rhum", Quantity::Humidity, Some(-1.0)),
    ("tvocIndex", Quantity::VocIndex, Some(-1.0)),
    ("noxIndex", Quantity::NoxIndex, Some(-1.0)),
];

/// Decodes one body.
///
/// # Errors
/// When the path names no device, or the body isn't JSON of this shape, or holds none of the fields.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let device = match incoming.named.map(DeviceKey::try_new) {
        Some(Ok(device)) => device,
        Some(Err(reason)) => return Err(DecodeError::new("INVALID_DEVICE", format!("the path: {reason}"))),
        None => return Err(DecodeError::new("MISSING_DEVICE", "the path must name the device")),
    };
    let body: BTreeMap<String, Value> = parse::json(incoming.body)?;
    if !FIELDS.iter().any(|(field, ..)| body.contains_key(*field)) {
        return Err(DecodeError::new("MISSING_VALUES", "the body must hold a field of AirGradient's, such as pm02"));
    }
    let mut sample = Sample::new(incoming.received_at);
    sample.time_uncertainty_s = Some(INTERVAL_S);
    sample.flags.insert(QualityFlag::EstimatedTime);
    let mut decoded = Decoded { ignored: ignored(&body), ..Decoded::nothing(DeviceKind::Fixed) };
    for (field, quantity, no_value) in FIELDS {
        let Some(told) = body.get(field).filter(|told| !told.is_null()) else { continue };
        let value =
            told.as_f64().ok_or_else(|| DecodeError::new("WRONG_TYPE", format!("{field}: must be a number")))?;
        if no_value == Some(value) {
            continue;
        }
        if let Err(reason) = sample.readings.set(quantity, value) {
            let detail = format!("{field}: {reason}");
            decoded.rejected.push(Rejection { index: 0, code: "INVALID_VALUE", detail });
            return Ok(decoded);
        }
    }
    if !sample.readings.is_empty() {
        decoded.observations.push(Observation { index: 0, device, sample });
    }
    Ok(decoded)
}

/// The numbers that have no quantity here.
fn ignored(body: &BTreeMap<String, Value>) -> Vec<String> {
    let known = |name: &str| FIELDS.iter().any(|(field, ..)| *field == name);
    let mut ignored = Ignored::default();
    body.iter().filter(|(name, value)| value.is_number() && !known(name)).for_each(|(name, _)| ignored.insert(name));
    ignored.into_names()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::ingest::testing::{at, incoming, no_objects, refusal};

    const MEASURES: &str = r#"{"wifi":-46,"rco2":447,"pm01":3,"pm02":7,"pm10":8,"pm003Count":442,"atmp":25.87,"rhum":43,
        "tvocIndex":100,"noxIndex":1,"boot":6}"#;

    fn posted(body: &[u8]) -> Incoming<'_> {
        Incoming { named: Some("airgradient:84fce612eff4"), ..incoming(body) }
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
    fn other_numbers_are_named_in_order_and_other_things_pass() {
        let body = r#"{"pm02":7,"tvocRaw":31989,"boot":6,"bootCount":6,"pmFirmware":"PMS5003x-18","channels":{"1":{"pm02":6}},
            "serialno":null}"#;
        let decoded = decoded(body);
        assert_eq!(readings(&decoded), [(Quantity::Pm2_5, 7.0)]);
        assert_eq!(decoded.ignored, ["boot", "bootCount", "tvocRaw"]);
    }

    #[test]
    fn what_stands_for_no_value_is_none() {
        let marks = r#"{"wifi":-1,"rco2":-1,"pm01":-1,"pm02":-1,"pm10":-1.0,"pm003Count":-1,"atmp":-1000,"rhum":-1,
            "tvocIndex":-1,"noxIndex":-1}"#;
        assert_eq!(readings(&decoded(marks)), [(Quantity::SignalStrength, -1.0)]);
        assert_eq!(readings(&decoded(r#"{"atmp":-1,"rco2":null}"#)), [(Quantity::Temperature, -1.0)], "a cold day");
        assert_eq!(readings(&decoded(r#"{"pm10":-2}"#)), [(Quantity::Pm10, -2.0)], "kept, and flagged later");
        let nothing = decoded(r#"{"pm02":null,"rco2":-1}"#);
        assert!(nothing.observations.is_empty() && nothing.rejected.is_empty());
    }

    #[test]
    fn a_value_that_no_column_holds_is_left_out_with_its_sample() {
        let decoded = decoded(r#"{"pm02":1e39,"rco2":447}"#);
        assert_eq!((decoded.observations.len(), decoded.rejected[0].code), (0, "INVALID_VALUE"));
        assert!(decoded.rejected[0].detail.contains("pm02"));
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for (body, expected) in no_objects() {
            assert_eq!(refusal(decode(&posted(&body))).0, expected);
        }
        for (body, expected) in [
            ("[]", "WRONG_TYPE"),
            ("{}", "MISSING_VALUES"),
            (r#"{"boot":6}"#, "MISSING_VALUES"),
            (r#"{"pm02":"7"}"#, "WRONG_TYPE"),
            (r#"{"pm02":7,"rhum":[43]}"#, "WRONG_TYPE"),
            (r#"{"pm02":1e999}"#, "MALFORMED_JSON"),
            (r#"{"pm02":NaN}"#, "MALFORMED_JSON"),
        ] {
            assert_eq!(refusal(decode(&posted(body.as_bytes()))).0, expected, "{body}");
        }
        assert_eq!(refusal(decode(&incoming(MEASURES.as_bytes()))).0, "MISSING_DEVICE");
        let nameless = Incoming { named: Some(" "), ..incoming(MEASURES.as_bytes()) };
        assert_eq!(refusal(decode(&nameless)).0, "INVALID_DEVICE");
    }
}
