//! `ChirpStack` (HTTP integration, JSON): bicycles, and any LoRaWAN sensor with a codec that names its values.
//!
//! Version 4 names the device in `deviceInfo`, version 3 on the outside. Version 3 writes the EUI in base64 and the
//! decoded fields as a text, `objectJSON`; its older JSON has both as version 4 does.
//!
//! The path's query names the event. Only `up` has samples; a request without an event is treated as `up`, so a body
//! can be posted by hand.
//!
//! An uplink on port 0 has commands of the network and no payload, so it has no samples.
//!
//! The device key is its name if that is a valid key, otherwise its EUI. The EUI is the stable one of the two, but
//! operators know a bicycle by its name, and data from before `ChirpStack` is stored under names such as `bike-07`. So
//! a renamed device is a new one here, and two devices of one name, in different applications, are one.
//!
//! `ChirpStack` doesn't repeat a failed request, but a device may send a frame again: then `deduplicationId` and `time`
//! are new while `devEui`, `fCnt` and `data` are the same. Since the time differs, its samples are stored again with
//! the later time; this is not detected yet. It could be detected by the frame counter, which is stored with the body
//! (together with the payload, because counters start again after a join).

use airgraph_domain::device::{DeviceKey, DeviceKind};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;

use super::{
    DecodeError, Decoded, Incoming,
    lorawan::{self, Codec, LorawanUplink, PayloadNames},
    parse::{self, JsonValue},
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "chirpstack";

const NAMES: PayloadNames = PayloadNames { raw: "data", fields: "object", invalid_raw: "INVALID_DATA" };
const NAMES_V3: PayloadNames = PayloadNames { fields: "objectJSON", ..NAMES };

/// The port of commands between device and network (LoRaWAN 1.0.4, section 4.3.2).
const NETWORK_PORT: u32 = 0;

/// Bytes of an EUI.
const EUI_LENGTH: usize = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChirpstackBody {
    time: Option<JsonValue>,
    device_info: Option<DeviceInfo>,
    /// Omitted when it is 0.
    f_cnt: Option<u32>,
    f_port: Option<u32>,
    data: Option<String>,
    object: Option<JsonValue>,
    rx_info: Option<JsonValue>,
    // Version 3.
    device_name: Option<String>,
    #[serde(rename = "devEUI")]
    dev_eui: Option<String>,
    device_profile_name: Option<String>,
    #[serde(rename = "objectJSON")]
    object_json: Option<String>,
    published_at: Option<JsonValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeviceInfo {
    device_name: Option<String>,
    device_profile_name: Option<String>,
    dev_eui: Option<String>,
}

/// Decodes one body.
///
/// # Errors
/// If it isn't JSON of this shape, or has no payload that can be decoded.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    if incoming.event.is_some_and(|event| event != "up") {
        return Ok(Decoded::empty(DeviceKind::Mobile));
    }
    let body: ChirpstackBody = parse::json(incoming.body)?;
    if body.f_port == Some(NETWORK_PORT) {
        return Ok(Decoded { frame_counter: body.f_cnt.map(i64::from), ..Decoded::empty(DeviceKind::Mobile) });
    }
    let info = body.device_info.as_ref();
    let is_key = |name: &&str| DeviceKey::try_new(*name).is_ok();
    let eui = body.dev_eui.as_deref().map(hexadecimal);
    let device = lorawan::device_key(&[
        ("deviceInfo.deviceName", info.and_then(|info| info.device_name.as_deref()).filter(is_key)),
        ("deviceName", body.device_name.as_deref().filter(is_key)),
        ("deviceInfo.devEui", info.and_then(|info| info.dev_eui.as_deref())),
        ("devEUI", eui.as_deref()),
    ])?;
    let profile = info.and_then(|info| info.device_profile_name.as_deref()).or(body.device_profile_name.as_deref());
    let object_json = body.object_json.as_deref().filter(|text| !text.is_empty());
    let (fields, names) = match (body.object, object_json) {
        (None, Some(text)) => (Some(parse_object(text)), NAMES_V3),
        (object, _) => (object, NAMES),
    };
    let times =
        [body.time.as_ref(), body.published_at.as_ref()].into_iter().chain(gateway_timestamps(body.rx_info.as_ref()));
    let uplink = LorawanUplink {
        device,
        frame_counter: Some(i64::from(body.f_cnt.unwrap_or_default())),
        received_at: lorawan::first_time(times, incoming.received_at),
        raw: body.data.as_deref(),
        fields: fields.as_ref(),
        normalized: None,
        codec: Codec::of_profile(profile),
        expects_bicycle: false,
        names,
    };
    uplink.decode()
}

/// The JSON value of a text; the text itself if it is not JSON.
fn parse_object(text: &str) -> JsonValue {
    parse::json(text.as_bytes()).unwrap_or_else(|_| JsonValue::Text(text.to_owned()))
}

/// Time at which gateways and the network server received the uplink.
fn gateway_timestamps(rx_info: Option<&JsonValue>) -> impl Iterator<Item = Option<&JsonValue>> {
    let gateways = if let Some(JsonValue::Array(gateways)) = rx_info { gateways.as_slice() } else { &[] };
    gateways.iter().flat_map(|gateway| ["nsTime", "time", "gwTime"].map(|name| gateway.get(name)))
}

/// An EUI in hexadecimal digits, from hexadecimal digits or base64.
fn hexadecimal(eui: &str) -> String {
    let bytes = BASE64.decode(eui).ok().filter(|bytes| bytes.len() == EUI_LENGTH);
    bytes.map_or_else(|| eui.to_owned(), hex::encode)
}

#[cfg(test)]
#[path = "chirpstack_tests.rs"]
mod tests;
