//! A device, as subscriptions tell it.

use async_graphql::{Object, connection::CursorType as _};

use super::device::Device;
use crate::{
    domain::{device::DeviceId, feed::Place},
    graphql::cursor::FeedCursor,
};

/// A device of which something changed.
#[derive(Clone)]
pub struct DeviceEvent {
    /// Where it stands in the feed.
    pub place: Place,
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

    /// The device, as it is now.
    async fn device(&self) -> Device {
        Device::numbered(self.device)
    }
}
