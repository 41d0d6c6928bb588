//! A bicycle's encoder: the inverse of `airgraph::ingest::cleancycle`, written from the table of bits.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

/// One sample: steps of 1/2^19 degree from (-180, -180), whole µg/m³.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawSample {
    pub latitude: u32,
    pub longitude: u32,
    pub pm10: u32,
    pub pm2_5: u32,
}

impl RawSample {
    /// A sample from degrees and µg/m³, rounded down as the bicycle does.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the bicycle's own rounding")]
    pub fn new(latitude: f64, longitude: f64, pm10: f64, pm2_5: f64) -> Self {
        let steps = |degrees: f64| ((degrees + 180.0) * f64::from(1 << 19)) as u32;
        Self { latitude: steps(latitude), longitude: steps(longitude), pm10: pm10 as u32, pm2_5: pm2_5 as u32 }
    }

    /// Degrees north and east, exactly.
    pub fn degrees(self) -> (f64, f64) {
        let degrees = |steps| f64::from(steps) / f64::from(1 << 19) - 180.0;
        (degrees(self.latitude), degrees(self.longitude))
    }
}

/// A packet of up to eight samples; the rest of it is padding.
pub fn encode(samples: &[RawSample]) -> [u8; 51] {
    assert!((1..=8).contains(&samples.len()));
    let mut packet = [0; 51];
    let mut at = 0;
    let mut put = |value: u32, bits: usize| {
        for bit in (0..bits).rev() {
            packet[at / 8] |= u8::from(value >> bit & 1 == 1) << (7 - at % 8);
            at += 1;
        }
    };
    put(samples[0].latitude >> 11, 17);
    put(samples[0].longitude >> 11, 17);
    for sample in samples {
        put(sample.latitude & 0x7ff, 11);
        put(sample.longitude & 0x7ff, 11);
        put(sample.pm10, 10);
        put(sample.pm2_5, 10);
    }
    packet
}

/// The Things Network's body around a packet.
pub fn ttn_body(device: &str, time: &str, packet: &[u8]) -> Value {
    json!({ "dev_id": device, "payload_raw": BASE64.encode(packet), "metadata": { "time": time } })
}

/// Bytes from hexadecimal digits.
pub fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex")).collect()
}
