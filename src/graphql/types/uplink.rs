//! What arrived, verbatim.

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

/// What became of an uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::uplink::UplinkOutcome")]
pub enum UplinkOutcome {
    /// It was decoded, and its samples are stored.
    Recorded,
    /// Not one of its samples is stored, because it could not be decoded or every sample was rejected; `error` says why.
    /// `replayUplinks` tries again.
    Undecodable,
}

/// What a sensor or a network server sent, verbatim. For admins only.
pub struct Uplink(pub domain::uplink::Uplink);

/// What a sensor or a network server sent, verbatim. For admins only.
#[Object]
impl Uplink {
    /// Global id: opaque, stable, unique among all objects.
    pub async fn id(&self) -> ID {
        GlobalId::Uplink(self.0.key).encode()
    }

    /// When it arrived.
    async fn received_at(&self) -> DateTime {
        self.0.key.received_at.into()
    }

    /// The name of its format, such as `ttn-v2`; `graphql` for `recordMeasurements`.
    async fn format(&self) -> &str {
        &self.0.format
    }

    /// The one device it spoke of; null for none, which an undecodable one has, and for several.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>, ApiError> {
        let Some(id) = self.0.device_id else { return Ok(None) };
        Ok(ctx.loader().load_one(id).await?.map(Device::from))
    }

    /// The key that vouched for it; null for what the gateway made itself.
    async fn api_key(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>, ApiError> {
        let Some(id) = self.0.api_key_id else { return Ok(None) };
        Ok(ctx.loader().load_one(id).await?.map(ApiKey))
    }

    /// What named the device outside the body: a header of its firmware, or the path.
    async fn named(&self) -> Option<&str> {
        self.0.device_hint.as_deref()
    }

    /// What else the URL said of the body: the kind of event (`up`), or `precision=ms`, or `sensor=<id>`.
    async fn event(&self) -> Option<&str> {
        self.0.event.as_deref()
    }

    /// LoRaWAN frame counter, where the network server told it (`1`).
    async fn frame_counter(&self) -> Option<i64> {
        self.0.frame_counter
    }

    /// The size of what is kept of the body (`By`).
    async fn bytes(&self) -> i32 {
        self.0.bytes
    }

    /// The size of the body (`By`) when only its beginning is kept, or nothing. Null when it is kept whole. Such an uplink is
    /// not decoded again.
    async fn cut_from(&self) -> Option<i32> {
        self.0.cut_from
    }

    /// The body as text; null when it is no UTF-8. A request may ask for bodies of 16 MiB together.
    async fn text(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        Ok(str::from_utf8(&self.body(ctx).await?).ok().map(str::to_owned))
    }

    /// The body in Base64. A request may ask for bodies of 16 MiB together.
    async fn base64(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        Ok(STANDARD.encode(self.body(ctx).await?))
    }

    /// What became of it.
    async fn outcome(&self) -> UplinkOutcome {
        self.0.outcome.into()
    }

    /// Why not one of its samples is stored. Null when one is, or when it has none.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// How many of its samples it was the first to bring.
    async fn recorded(&self) -> i32 {
        self.0.recorded
    }

    /// How many of its samples something else had brought, or it told twice.
    async fn duplicates(&self) -> i32 {
        self.0.duplicates
    }

    /// How many of its samples can't be true.
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
            None => Err(ApiError::NotFound), // forgotten since the list was read
        }
    }
}

/// More bodies were asked for than a request may hold.
pub(in crate::graphql) fn bodies_too_large() -> ApiError {
    let reason = format!(
        "the bodies are more than {} MiB together: ask for fewer uplinks, or leave out `text` and `base64`",
        MAX_BODY_BYTES >> 20
    );
    ApiError::bad_input("first", reason)
}
