//! Stored uplinks: request bodies as received.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{api_key::ApiKey, device::Device};
use crate::{
    api_error::ApiError,
    domain,
    graphql::{
        context::ContextExt as _,
        id::GlobalId,
        loaders::{MAX_BODY_BYTES, UplinkBody, UplinkBodyKey},
        scalar::DateTime,
    },
};

/// Outcome of an uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::uplink::UplinkOutcome")]
pub enum UplinkOutcome {
    /// Decoded. Its samples are stored, except rejected ones.
    Recorded,
    /// No sample is stored: the body could not be decoded, or every sample was rejected; `error` is the reason.
    /// `replayUplinks` decodes it again.
    Undecodable,
}

/// Body sent by a sensor or a network server, stored as received. Admins only.
pub struct Uplink(pub domain::uplink::Uplink);

/// Body sent by a sensor or a network server, stored as received. Admins only.
#[Object]
impl Uplink {
    /// Global id: opaque, stable, unique among all objects.
    pub async fn id(&self) -> ID {
        GlobalId::Uplink(self.0.key).encode()
    }

    /// Time the gateway received the body.
    async fn received_at(&self) -> DateTime {
        self.0.key.received_at.into()
    }

    /// Name of the format, such as `ttn-v2`; `graphql` for `recordMeasurements`.
    async fn format(&self) -> &str {
        &self.0.format
    }

    /// Device of the samples. Null when the body could not be decoded or has samples of several devices.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>, ApiError> {
        let Some(id) = self.0.device_id else { return Ok(None) };
        Ok(ctx.loader().load_one(id).await?.map(Device::from))
    }

    /// API key of the request. Null for uplinks created by the gateway.
    async fn api_key(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>, ApiError> {
        let Some(id) = self.0.api_key_id else { return Ok(None) };
        Ok(ctx.loader().load_one(id).await?.map(ApiKey))
    }

    /// Device name from outside the body: from a header of the firmware, or from the path. Null when there is none.
    async fn named(&self) -> Option<&str> {
        self.0.device_hint.as_deref()
    }

    /// Further information from the URL: kind of event (`up`), `precision=ms` or `sensor=<id>`. Null when there is
    /// none.
    async fn event(&self) -> Option<&str> {
        self.0.event.as_deref()
    }

    /// LoRaWAN frame counter. Null when the network server did not send it.
    async fn frame_counter(&self) -> Option<i64> {
        self.0.frame_counter
    }

    /// Size of the stored body, in bytes.
    async fn bytes(&self) -> i32 {
        self.0.bytes
    }

    /// Size of the received body, in bytes, when only its beginning or nothing is stored; such an uplink is not decoded
    /// again. Null when the body is stored completely.
    async fn cut_from(&self) -> Option<i32> {
        self.0.cut_from
    }

    /// Body as text. Null when it is not UTF-8. A request can read bodies of up to 16 MiB in total.
    async fn text(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        Ok(str::from_utf8(&self.body(ctx).await?).ok().map(str::to_owned))
    }

    /// Body in Base64. A request can read bodies of up to 16 MiB in total.
    async fn base64(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        Ok(STANDARD.encode(self.body(ctx).await?))
    }

    /// Whether samples of the uplink are stored.
    async fn outcome(&self) -> UplinkOutcome {
        self.0.outcome.into()
    }

    /// Reason why no sample is stored. Null when one is stored, or when the body has no samples.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// Number of samples stored from this uplink.
    async fn recorded(&self) -> i32 {
        self.0.recorded
    }

    /// Number of samples that were already stored, or that the body contains twice.
    async fn duplicates(&self) -> i32 {
        self.0.duplicates
    }

    /// Number of samples rejected as invalid.
    async fn rejected(&self) -> i32 {
        self.0.rejected
    }
}

impl Uplink {
    async fn body(&self, ctx: &Context<'_>) -> Result<Arc<[u8]>, ApiError> {
        let bytes = usize::try_from(self.0.bytes).unwrap_or(0);
        match ctx.loader().load_one(UplinkBodyKey { uplink: self.0.key, bytes }).await? {
            Some(UplinkBody::Loaded(body)) => Ok(body),
            Some(UplinkBody::LimitExceeded) => Err(bodies_too_large()),
            None => Err(ApiError::NotFound), // deleted since the list was read
        }
    }
}

/// The error for bodies larger in total than a request may read.
pub(in crate::graphql) fn bodies_too_large() -> ApiError {
    let reason = format!(
        "the bodies have more than {} MiB in total; request fewer uplinks, or leave out `text` and `base64`",
        MAX_BODY_BYTES >> 20
    );
    ApiError::bad_input("first", reason)
}
