//! Events of `deviceUpdated`.

use async_graphql::{Context, ID, Object, connection::CursorType as _};

use super::device::Device;
use crate::{
    api_error::ApiError,
    domain::{device::DeviceId, feed::FeedOffset},
    graphql::{context::ContextExt as _, cursor::FeedCursor, fast_json::row_fields::row_fields, id::GlobalId},
};

/// Event: a device or its measurements changed.
#[derive(Clone)]
pub struct DeviceEvent {
    /// Its offset in the feed.
    pub place: FeedOffset,
    /// The device.
    pub device: DeviceId,
}

row_fields! {
    /// The values of an event.
    DeviceEventRow(event: &DeviceEvent) {
        /// Cursor of the event. A subscription with this cursor as `after` resumes after the event.
        cursor: String = FeedCursor(event.place).encode_cursor();
        /// Global id of the device.
        device_id: ID = GlobalId::Device(event.device).encode();
    }
}

/// Event: a device or its measurements changed.
#[Object]
impl DeviceEvent {
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn row_fields(&self) -> DeviceEventRow<'_> {
        DeviceEventRow(self)
    }

    /// Device in its current state. Null when it was deleted.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>, ApiError> {
        Ok(ctx.loader().load_one(self.device).await?.map(Device::from))
    }
}
