//! Changing what is told of a device.

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

/// What became of the change.
#[derive(SimpleObject)]
pub struct UpdateDevicePayload {
    /// Whether there is such a device.
    status: UpdateDeviceStatus,
    /// The device after the change.
    device: Option<Device>,
}

/// Whether a device was changed.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum UpdateDeviceStatus {
    /// It was.
    Updated,
    /// There is no device with this key.
    NotFound,
}

#[derive(Default)]
pub struct UpdateDevice;

#[Object]
impl UpdateDevice {
    /// Changes what is told of a device. Needs an admin's key.
    async fn update_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateDeviceInput,
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
