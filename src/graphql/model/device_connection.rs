//! A page of devices. Not the library's connection, whose lists know no rows that are written as they are.

use async_graphql::{
    Context, Object,
    connection::{CursorType as _, PageInfo},
};

use super::{
    connection::{COUNT_BOUND, within_bound},
    device::Device,
};
use crate::{
    db::{
        self,
        device::{DeviceFilter, DeviceKeyset, DeviceOrder},
    },
    domain,
    error::ApiError,
    graphql::{
        context::ContextExt as _,
        cursor::DeviceCursor,
        flat::{Listed, Rows},
        page::Slice,
    },
};

/// A page of devices.
pub struct DeviceConnection {
    devices: Vec<Device>,
    /// Their places, in the same order.
    cursors: Vec<DeviceCursor>,
    has_previous: bool,
    has_next: bool,
    /// The devices that it is a page of.
    all: DeviceFilter,
}

impl DeviceConnection {
    /// A page as it was read, with cursors of this order.
    #[must_use]
    pub fn new(slice: Slice<domain::device::Device>, order: DeviceOrder, all: DeviceFilter) -> Self {
        let cursor = |device: &domain::device::Device| {
            DeviceCursor(match order {
                DeviceOrder::Key => DeviceKeyset::Key(device.key.as_str().to_owned()),
                DeviceOrder::CreatedAt => DeviceKeyset::CreatedAt(device.created_at, device.id),
            })
        };
        let cursors = slice.rows.iter().map(cursor).collect();
        let devices = slice.rows.into_iter().map(Device::from).collect();
        Self { devices, cursors, has_previous: slice.has_previous, has_next: slice.has_next, all }
    }
}

/// A page of devices.
#[Object]
impl DeviceConnection {
    /// Whether the list goes on, and from where.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.cursors.first().map(DeviceCursor::encode_cursor),
            end_cursor: self.cursors.last().map(DeviceCursor::encode_cursor),
        }
    }

    /// The devices, each with its cursor.
    async fn edges(&self) -> Rows<DeviceEdge<'_>> {
        Rows(self.cursors.iter().zip(&self.devices).map(|(cursor, device)| DeviceEdge { cursor, device }).collect())
    }

    /// The devices.
    async fn nodes(&self) -> Listed<'_, Device> {
        Listed(&self.devices)
    }

    /// How many there are in all, on every page; null when there are more than 100,000. Counted only when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i64>, ApiError> {
        Ok(within_bound(db::device::count(ctx.reads(), &self.all, COUNT_BOUND + 1).await?))
    }
}

/// A device in a list.
pub struct DeviceEdge<'a> {
    /// Its place.
    pub cursor: &'a DeviceCursor,
    /// The device.
    pub device: &'a Device,
}

/// A device in a list.
#[Object]
impl DeviceEdge<'_> {
    /// Its place in the list, for `after` and `before`.
    async fn cursor(&self) -> String {
        self.cursor.encode_cursor()
    }

    /// The device.
    async fn node(&self) -> &Device {
        self.device
    }
}
