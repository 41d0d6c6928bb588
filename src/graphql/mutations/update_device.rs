//! Updates the properties of a device.

use async_graphql::{Context, Enum, Object, SimpleObject};
use sqlx::Connection as _;

use crate::{
    api_error::ApiError,
    db,
    db::feed::FeedRecord,
    graphql::{
        context::{ContextExt as _, run_to_completion},
        inputs::{device::UpdateDeviceInput, text},
        types::device::Device,
    },
};

/// Result of `updateDevice`.
#[derive(SimpleObject)]
pub struct UpdateDevicePayload {
    /// Whether the device was updated.
    status: UpdateDeviceStatus,
    /// Device after the change. Null when it was not found.
    device: Option<Device>,
}

/// Whether a device was updated.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum UpdateDeviceStatus {
    /// The device was updated.
    Updated,
    /// There is no device with this key.
    NotFound,
}

#[derive(Default)]
pub struct UpdateDevice;

#[Object]
impl UpdateDevice {
    /// Updates the properties of a device. Admins only.
    async fn update_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Changes to the device.")] input: UpdateDeviceInput,
    ) -> Result<UpdateDevicePayload, ApiError> {
        ctx.caller().require_admin()?;
        let key = text::stored_device_key("input.key", input.key.clone())?;
        let pool = ctx.write_pool().clone();
        let device = run_to_completion(async move {
            let mut connection = pool.acquire().await?;
            let mut transaction = connection.begin().await?;
            let Some(device) = db::device::find_by_key_for_update(&mut *transaction, &key).await? else {
                return Ok(None);
            };
            let (device, sensors) = input.apply(device)?;
            db::device::update(&mut *transaction, &device).await?;
            if let Some(sensors) = sensors {
                db::device_sensor::replace(&mut transaction, device.id, &sensors).await?;
            }
            db::feed::append(&mut transaction, &FeedRecord { recorded: Vec::new(), changed: vec![device.id] }).await?;
            transaction.commit().await?;
            Ok(Some(device))
        })
        .await?;
        let status = if device.is_some() { UpdateDeviceStatus::Updated } else { UpdateDeviceStatus::NotFound };
        Ok(UpdateDevicePayload { status, device: device.map(Device::from) })
    }
}
