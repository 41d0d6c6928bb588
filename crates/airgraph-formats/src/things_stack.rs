//! The Things Stack v3 (webhook): bicycles, and any LoRaWAN sensor with a payload formatter that names its values.
//!
//! The stack omits empty, 0 and false fields, so a missing `f_cnt` is frame 0; the port is not used. The
//! `received_at` of the uplink is when the network received it; the outer one is when the application server forwarded
//! it. Positions in `rx_metadata` are those of gateways and `locations` is where the device is registered; neither is
//! where a sample was taken. `version_ids` is the brand of the device, `normalized_payload` has its values in defined
//! units.
//!
//! One webhook may deliver other events than uplinks (`join_accept`, `downlink_sent`, `location_solved`, ...): they
//! have no samples, and neither has an uplink that was simulated in the console.

use airgraph_domain::device::DeviceKind;
use serde::Deserialize;

use super::{
    DecodeError, Decoded, Incoming,
    lorawan::{self, Codec, LorawanUplink, PayloadNames},
    parse::{self, JsonValue},
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "things-stack";

const NAMES: PayloadNames = PayloadNames {
    raw: "uplink_message.frm_payload",
    fields: "uplink_message.decoded_payload",
    invalid_raw: "INVALID_FRM_PAYLOAD",
};

#[derive(Deserialize)]
struct ThingsStackBody {
    end_device_ids: Option<EndDeviceIds>,
    received_at: Option<JsonValue>,
    uplink_message: Option<UplinkMessage>,
    #[serde(default)]
    simulated: bool,
}

#[derive(Deserialize)]
struct EndDeviceIds {
    device_id: Option<String>,
    dev_eui: Option<String>,
}

#[derive(Deserialize)]
struct UplinkMessage {
    f_cnt: Option<u32>,
    frm_payload: Option<String>,
    decoded_payload: Option<JsonValue>,
    normalized_payload: Option<JsonValue>,
    received_at: Option<JsonValue>,
    version_ids: Option<JsonValue>,
}

/// Decodes one body.
///
/// # Errors
/// If it isn't JSON of this shape, or an uplink without a payload that can be decoded.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let body: ThingsStackBody = parse::json(incoming.body)?;
    let Some(message) = body.uplink_message else {
        // Every event of the stack has a device; a body without one is not from the stack.
        return match body.end_device_ids {
            Some(_) => Ok(Decoded::empty(DeviceKind::Mobile)),
            None => Err(DecodeError::new("MISSING_UPLINK", "the body must hold end_device_ids and uplink_message")),
        };
    };
    if body.simulated {
        return Ok(Decoded::empty(DeviceKind::Mobile));
    }
    let ids = body.end_device_ids.as_ref();
    let device = lorawan::device_key(&[
        ("end_device_ids.device_id", ids.and_then(|ids| ids.device_id.as_deref())),
        ("end_device_ids.dev_eui", ids.and_then(|ids| ids.dev_eui.as_deref())),
    ])?;
    let brand_id = message.version_ids.as_ref().and_then(|ids| ids.get("brand_id")).and_then(JsonValue::as_text);
    let uplink = LorawanUplink {
        device,
        frame_counter: Some(i64::from(message.f_cnt.unwrap_or_default())),
        received_at: lorawan::first_time(
            [message.received_at.as_ref(), body.received_at.as_ref()],
            incoming.received_at,
        ),
        raw: message.frm_payload.as_deref(),
        fields: message.decoded_payload.as_ref(),
        normalized: message.normalized_payload.as_ref(),
        codec: Codec::of_brand(brand_id),
        expects_bicycle: false,
        names: NAMES,
    };
    uplink.decode()
}

#[cfg(test)]
#[path = "things_stack_tests.rs"]
mod tests;
