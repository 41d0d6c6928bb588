//! Events of `deviceUpdated`.

use async_graphql::{Context, ID, Object, connection::CursorType as _};

use super::device::Device;
use crate::{
    api_error::ApiError,
    domain::{device::DeviceId, feed::FeedOffset},
    graphql::{context::ContextExt as _, cursor::FeedCursor, id::GlobalId},
};

/// Event: a device or its measurements changed.
#[derive(Clone)]
pub struct DeviceEvent {
    /// Its offset in the feed.
    pub place: FeedOffset,
    /// The device.
    pub device: DeviceId,
}

/// Event: a device or its measurements changed.
#[Object]
impl DeviceEvent {
    /// Cursor of the event. A subscription with this cursor as `after` resumes after the event.
    async fn cursor(&self) -> String {
        FeedCursor(self.place).encode_cursor()
    }

    /// Global id of the device.
    async fn device_id(&self) -> ID {
        GlobalId::Device(self.device).encode()
    }

    /// Device in its current state. Null when it was deleted.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>, ApiError> {
        Ok(ctx.loader().load_one(self.device).await?.map(Device::from))
    }
}
