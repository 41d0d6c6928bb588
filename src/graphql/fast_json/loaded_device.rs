//! A field with a device that may have been deleted.

use std::collections::HashMap;

use async_graphql::Context;

use super::{CompiledSelection, json::nullable, selection::SelectedField};
use crate::{
    api_error::ApiError,
    domain::device::DeviceId,
    graphql::{context::ContextExt as _, types::device::Device},
};

/// A field with a device of each row; null when it was deleted.
pub struct LoadedDeviceField {
    selection: CompiledSelection<Device>,
    prefetched: HashMap<DeviceId, Device>,
}

impl LoadedDeviceField {
    /// Compiles the field; `None` when the selection needs a resolver.
    pub fn for_field(field: &SelectedField<'_>) -> Option<Self> {
        Some(Self { selection: CompiledSelection::for_object(field)?, prefetched: HashMap::new() })
    }

    /// Loads these devices.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prefetch(&mut self, ids: Vec<DeviceId>, ctx: &Context<'_>) -> Result<(), ApiError> {
        let rows = ctx.loader().load_many(ids).await?;
        self.prefetched.extend(rows.into_iter().map(|(id, row)| (id, Device::from(row))));
        self.selection.prefetch(&self.prefetched.values().collect::<Vec<_>>(), ctx).await
    }

    /// Writes a device.
    pub fn write(&self, id: Option<DeviceId>, out: &mut Vec<u8>) {
        let device = id.and_then(|id| self.prefetched.get(&id));
        nullable(device, |device, out| self.selection.write(device, out), out);
    }
}
