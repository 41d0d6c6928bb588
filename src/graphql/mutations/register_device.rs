//! Registering a device.

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

/// What became of the registration.
#[derive(SimpleObject)]
pub struct RegisterDevicePayload {
    /// Whether the device is new.
    status: RegisterDeviceStatus,
    /// The device with this key: the new one, or the one that was there.
    device: Option<Device>,
}

/// Whether a device is new.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum RegisterDeviceStatus {
    /// It is.
    Registered,
    /// A device with this key was there already; it is left as it was.
    AlreadyExists,
}

#[derive(Default)]
pub struct RegisterDevice;

#[Object]
impl RegisterDevice {
    /// Registers a device before its first sample, or to say where it stands. Needs an admin's key.
    #[graphql(complexity = "checked(input.clone().check())? + child_complexity")]
    async fn register_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The device.")] input: RegisterDeviceInput,
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
            let news = FeedRecord { recorded: Vec::new(), changed: added.into_iter().collect() };
            db::feed::append(&mut transaction, &news).await?;
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
