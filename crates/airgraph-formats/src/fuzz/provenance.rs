//! No value is invented: each stored one is a number of the body, as sent or in another unit.

use airgraph_domain::{quantity::Quantity, readings::Readings, unit};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    Decoded, airbeam,
    format::Format,
    parse::{self, JsonValue},
};

/// Formats with numbers as bits.
const BINARY_FORMATS: &[&str] = &[airbeam::FORMAT];

/// Checks every value and position against the numbers of the body. A `CleanCycle` packet contains its numbers as bits.
pub(super) fn check_provenance(format: &Format, decoded: &Decoded, body: &[u8]) -> Result<(), TestCaseError> {
    if BINARY_FORMATS.contains(&format.name) || decoded.is_packet || decoded.observations.is_empty() {
        return Ok(());
    }
    let numbers = numbers(body);
    for observation in &decoded.observations {
        for (quantity, value) in observation.sample.readings.iter() {
            prop_assert!(
                numbers.iter().any(|&number| is_value_of(number, quantity, value)),
                "{:?} is {}, which the body has in no unit",
                quantity,
                value
            );
        }
        if let Some(position) = observation.sample.position {
            let (latitude, longitude) = (position.latitude(), position.longitude());
            prop_assert!(numbers.contains(&latitude), "latitude {}", latitude);
            let normalized = |number: &f64| (number + 180.0).rem_euclid(360.0) - 180.0;
            let longitudes: Vec<_> = numbers.iter().map(normalized).chain(numbers.iter().copied()).collect();
            prop_assert!(longitudes.contains(&longitude), "longitude {}", longitude);
        }
    }
    Ok(())
}

/// Whether a number of the body is this value in some unit of the quantity.
fn is_value_of(number: f64, quantity: Quantity, value: f64) -> bool {
    unit::ALL.iter().filter_map(|unit| unit.convert(quantity, number)).any(|converted| {
        let mut readings = Readings::default();
        readings.set(quantity, converted).is_ok() && readings.get(quantity) == Some(value)
    })
}

/// The numbers of a body: for JSON its numbers and numeric texts, otherwise the runs of number characters.
fn numbers(body: &[u8]) -> Vec<f64> {
    let mut found = Vec::new();
    match parse::json(parse::without_byte_order_mark(body)) {
        Ok(json) => collect(&json, &mut found),
        Err(_) => runs(&String::from_utf8_lossy(body), &mut found),
    }
    found
}

fn collect(json: &JsonValue, found: &mut Vec<f64>) {
    match json {
        JsonValue::Number(number) => found.extend(number.as_f64()),
        JsonValue::Text(text) => match parse::json(text.as_bytes()) {
            Ok(inner @ (JsonValue::Object(_) | JsonValue::Array(_))) => collect(&inner, found),
            _ => runs(text, found),
        },
        JsonValue::Array(elements) => elements.iter().for_each(|element| collect(element, found)),
        JsonValue::Object(entries) => entries.iter().for_each(|(_, value)| collect(value, found)),
        JsonValue::Null | JsonValue::Boolean => {}
    }
}

fn runs(text: &str, found: &mut Vec<f64>) {
    let is_part = |char: char| char.is_ascii_digit() || "+-.eE".contains(char);
    found.extend(text.split(|char| !is_part(char)).filter_map(parse::number));
}

#[test]
fn numbers_are_found_wherever_a_body_has_them() {
    for (body, expected) in [
        (r#"{"a":1,"b":" 2.5 ","c":{"d":["-59 dBm"]},"7":null}"#, &[1.0, 2.5, -59.0][..]),
        (r#"{"objectJSON":"{\"pm10\":3}"}"#, &[3.0]),
        ("m,node=n pm10=1.5,pm1=12i 17", &[10.0, 1.5, 1.0, 12.0, 17.0]),
    ] {
        assert_eq!(numbers(body.as_bytes()), expected, "{body}");
    }
    assert!(is_value_of(0.03, Quantity::O3, 0.03) && is_value_of(100_520.0, Quantity::Pressure, 1005.2));
    assert!(!is_value_of(12.0, Quantity::Pm2_5, 12.5));
}
