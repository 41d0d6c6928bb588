//! Shared parts of the unit tests of decoders.

use airgraph_domain::{quantity::Quantity, sensor::NO_SENSORS};
use chrono::{DateTime, Utc};

use super::{DecodeError, Decoded, Incoming};

/// A packet of eight samples in base64.
pub const PACKET_A: &str = "dBitCKpGqAmB23FyAmB25FcAmB24E8AwCDDDsAvCDEDiAvCDKDgAuCLSDcAuCIAAAAAA";

/// Its samples: latitude, longitude, PM10, PM2.5.
pub const SAMPLES_A: [(f64, f64, f64, f64); 8] = [
    (52.193_984_985_351_56, 0.136_062_622_070_312_5, 38.0, 29.0),
    (52.194_198_608_398_44, 0.135_635_375_976_562_5, 38.0, 29.0),
    (52.194_229_125_976_56, 0.135_467_529_296_875, 38.0, 29.0),
    (52.194_213_867_187_5, 0.135_223_388_671_875, 48.0, 32.0),
    (52.194_381_713_867_19, 0.134_613_037_109_375, 47.0, 32.0),
    (52.194_396_972_656_25, 0.134_536_743_164_062_5, 47.0, 32.0),
    (52.194_488_525_390_625, 0.134_521_484_375, 46.0, 34.0),
    (52.194_610_595_703_125, 0.134_490_966_796_875, 46.0, 34.0),
];

/// A time in RFC 3339.
pub fn at(time: &str) -> DateTime<Utc> {
    time.parse().expect("a time")
}

/// A body that arrived at noon.
pub fn incoming(body: &[u8]) -> Incoming<'_> {
    Incoming { body, received_at: at("2026-07-01T12:00:00Z"), device_hint: None, event: None, sensors: &NO_SENSORS }
}

/// Latitude, longitude, PM10 and PM2.5 of each sample.
pub fn bicycle(decoded: &Decoded) -> Vec<(f64, f64, f64, f64)> {
    let samples = decoded.observations.iter().map(|seen| &seen.sample);
    let value = |value: Option<f64>| value.expect("a value");
    samples
        .map(|sample| {
            let position = sample.position.expect("a position");
            let (pm10, pm2_5) = (sample.readings.get(Quantity::Pm10), sample.readings.get(Quantity::Pm2_5));
            (position.latitude(), position.longitude(), value(pm10), value(pm2_5))
        })
        .collect()
}

/// The code of the decode error.
pub fn refusal(decoded: Result<Decoded, DecodeError>) -> (&'static str, String) {
    let error = decoded.expect_err("an error");
    (error.code, error.detail)
}

/// Bodies that every decoder of JSON objects rejects, each with its code.
pub fn no_objects() -> Vec<(Vec<u8>, &'static str)> {
    vec![
        (Vec::new(), "MALFORMED_JSON"),
        (b"{".to_vec(), "MALFORMED_JSON"),
        (b"{} {}".to_vec(), "MALFORMED_JSON"),
        (b"\xff\xfe".to_vec(), "MALFORMED_JSON"),
        (b"{\"\xff\":1}".to_vec(), "MALFORMED_JSON"),
        (format!("{{\"x\":{}", "[".repeat(900_000)).into_bytes(), "MALFORMED_JSON"),
        (b"7".to_vec(), "WRONG_TYPE"),
        (b"null".to_vec(), "WRONG_TYPE"),
    ]
}
