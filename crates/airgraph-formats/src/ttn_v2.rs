//! The Things Network v2 (HTTP integration), as `CleanCycle` bicycles were forwarded by it.
//!
//! `payload_raw` holds a [`cleancycle`](super::cleancycle) packet in base64. `payload_fields` holds the same samples as
//! the network's own decoder read them, numbered; of other sensors it holds named fields. Empty `payload_fields` are no
//! error: the predecessor answered them with 201, whether a device is named or not.

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
/// When it isn't JSON of this shape, or holds neither payload, or none that can be read.
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
        expects_bicycle: true, // what came by this network, which closed in 2021, came from bicycles
        names: NAMES,
    };
    match uplink.decode() {
        Err(_) if has_empty_fields => Ok(nothing),
        decoded => decoded,
    }
}
