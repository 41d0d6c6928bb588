//! The Things Network v2 (HTTP integration), as `CleanCycle` bicycles were forwarded by it.
//!
//! `payload_raw` holds a [`cleancycle`](super::cleancycle) packet in base64. `payload_fields` holds the same samples as
//! the network's own decoder read them, numbered.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    DecodeError, Decoded, Incoming,
    lorawan::{self, Fields, Names, Numbered, Uplink},
    parse,
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "ttn-v2";

const NAMES: Names = Names { raw: "payload_raw", fields: "payload_fields", invalid_raw: "INVALID_PAYLOAD_RAW" };

#[derive(Deserialize)]
struct Body {
    app_id: Option<String>,
    dev_id: Option<String>,
    hardware_serial: Option<String>,
    counter: Option<i64>,
    payload_raw: Option<String>,
    payload_fields: Option<Numbered>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    time: Option<DateTime<Utc>>,
}

/// Decodes one body.
///
/// # Errors
/// When it isn't JSON of this shape, or holds neither payload, or one that can't be read.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let body: Body = parse::json(incoming.body)?;
    let device = lorawan::device_key(&[
        ("dev_id", body.dev_id.as_deref()),
        ("hardware_serial", body.hardware_serial.as_deref()),
        ("app_id", body.app_id.as_deref()),
    ])?;
    let uplink = Uplink {
        device,
        frame_counter: body.counter,
        received_at: body.metadata.and_then(|metadata| metadata.time).unwrap_or(incoming.received_at),
        raw: body.payload_raw.as_deref(),
        fields: body.payload_fields.map(Fields::Numbered),
        names: NAMES,
    };
    uplink.decode()
}
