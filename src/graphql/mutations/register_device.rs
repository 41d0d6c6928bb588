//! Registers a device.

use async_graphql::{Context, Enum, Object, SimpleObject};
use sqlx::Connection as _;

use crate::{
    api_error::ApiError,
    db,
    db::feed::FeedRecord,
    graphql::{
        context::{ContextExt as _, run_to_completion},
        execute::argument_check::checked,
        inputs::device::RegisterDeviceInput,
        types::device::Device,
    },
};

/// Result of `registerDevice`.
#[derive(SimpleObject)]
pub struct RegisterDevicePayload {
    /// Whether the device is new.
    status: RegisterDeviceStatus,
    /// Device with this key: the new or the existing one.
    device: Option<Device>,
}

/// Whether a device is new.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum RegisterDeviceStatus {
    /// The device was registered.
    Registered,
    /// A device with this key already exists; it is unchanged.
    AlreadyExists,
}

#[derive(Default)]
pub struct RegisterDevice;

#[Object]
impl RegisterDevice {
    /// Registers a device before its first sample, for example to set its position. Admins only.
    #[graphql(complexity = "checked(input.clone().check())? + child_complexity")]
    async fn register_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Device to register.")] input: RegisterDeviceInput,
    ) -> Result<RegisterDevicePayload, ApiError> {
        ctx.caller().require_admin()?;
        let (new, sensors) = input.check()?;
        let (pool, now) = (ctx.write_pool().clone(), ctx.state().clock.now());
        let (added, device) = run_to_completion(async move {
            let mut connection = pool.acquire().await?;
            let mut transaction = connection.begin().await?;
            let added = db::device::insert(&mut *transaction, &new, now).await?;
            if let Some(id) = added {
                db::device_sensor::replace(&mut transaction, id, &sensors).await?;
            }
            let device =
                db::device::load_by_keys(&mut *transaction, std::slice::from_ref(&new.key)).await?.remove(&new.key);
            let record = FeedRecord { recorded: Vec::new(), changed: added.into_iter().collect() };
            db::feed::append(&mut transaction, &record).await?;
            transaction.commit().await?;
            Ok((added, device))
        })
        .await?;
        let status = match added {
            Some(_) => RegisterDeviceStatus::Registered,
            None => RegisterDeviceStatus::AlreadyExists,
        };
        Ok(RegisterDevicePayload { status, device: device.map(Device::from) })
    }
}
