//! The Things Network v2 (HTTP integration), which forwarded `CleanCycle` bicycles.
//!
//! `payload_raw` is a [`cleancycle`](super::cleancycle) packet in base64. `payload_fields` has the same samples,
//! numbered, from the network's own decoder; of other sensors it has named fields. Empty `payload_fields` are not an
//! error: the predecessor returned 201 for them, with or without a device.

use airgraph_domain::device::DeviceKind;
use serde::Deserialize;

use super::{
    DecodeError, Decoded, Incoming,
    lorawan::{self, Codec, LorawanUplink, PayloadNames},
    parse::{self, JsonValue},
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "ttn-v2";

const NAMES: PayloadNames =
    PayloadNames { raw: "payload_raw", fields: "payload_fields", invalid_raw: "INVALID_PAYLOAD_RAW" };

#[derive(Deserialize)]
struct TtnV2Body {
    app_id: Option<String>,
    dev_id: Option<String>,
    hardware_serial: Option<String>,
    counter: Option<i64>,
    payload_raw: Option<String>,
    payload_fields: Option<JsonValue>,
    metadata: Option<JsonValue>,
}

/// Decodes one body.
///
/// # Errors
/// If it isn't JSON of this shape, or has neither payload, or none that can be decoded.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let body: TtnV2Body = parse::json(incoming.body)?;
    let has_empty_fields = matches!(&body.payload_fields, Some(JsonValue::Object(entries)) if entries.is_empty());
    let has_raw = body.payload_raw.as_deref().is_some_and(|raw| !raw.is_empty());
    let nothing = Decoded { frame_counter: body.counter, ..Decoded::empty(DeviceKind::Mobile) };
    let device = lorawan::device_key(&[
        ("dev_id", body.dev_id.as_deref()),
        ("hardware_serial", body.hardware_serial.as_deref()),
        ("app_id", body.app_id.as_deref()),
    ]);
    let device = match device {
        Err(error) if error.code == "MISSING_DEVICE" && has_empty_fields && !has_raw => return Ok(nothing),
        device => device?,
    };
    let time = body.metadata.as_ref().and_then(|metadata| metadata.get("time"));
    let uplink = LorawanUplink {
        device,
        frame_counter: body.counter,
        received_at: lorawan::first_time([time], incoming.received_at),
        raw: body.payload_raw.as_deref(),
        fields: body.payload_fields.as_ref(),
        normalized: None,
        codec: Codec::of_brand(None),
        expects_bicycle: true, // this network, closed in 2021, forwarded bicycles
        names: NAMES,
    };
    match uplink.decode() {
        Err(_) if has_empty_fields => Ok(nothing),
        decoded => decoded,
    }
}
