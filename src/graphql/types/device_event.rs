//! A device in an event of a subscription.

use async_graphql::{Context, ID, Object, connection::CursorType as _};

use super::device::Device;
use crate::{
    api_error::ApiError,
    domain::{device::DeviceId, feed::FeedOffset},
    graphql::{context::ContextExt as _, cursor::FeedCursor, id::GlobalId},
};

/// A device of which something changed.
#[derive(Clone)]
pub struct DeviceEvent {
    /// Its place in the feed.
    pub place: FeedOffset,
    /// The device.
    pub device: DeviceId,
}

/// A device of which something changed.
#[Object]
impl DeviceEvent {
    /// Its place among all that is stored: a subscription with this as `after` goes on behind it.
    async fn cursor(&self) -> String {
        FeedCursor(self.place).encode_cursor()
    }

    /// Global id of the device.
    async fn device_id(&self) -> ID {
        GlobalId::Device(self.device).encode()
    }

    /// The device, as it is now. Null when it was deleted.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>, ApiError> {
        Ok(ctx.loader().load_one(self.device).await?.map(Device::from))
    }
}
