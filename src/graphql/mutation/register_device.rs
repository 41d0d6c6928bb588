//! Registering a device.

use async_graphql::{Context, Enum, Object, SimpleObject};

use crate::{
    db,
    error::ApiError,
    graphql::{context::ContextExt as _, input::device::RegisterDeviceInput, model::device::Device},
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
    async fn register_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The device.")] input: RegisterDeviceInput,
    ) -> Result<RegisterDevicePayload, ApiError> {
        ctx.caller().must_be_admin()?;
        let new = input.check()?;
        let added = db::device::add(ctx.writes(), &new, ctx.state().clock.now()).await?;
        let device = db::device::by_keys(ctx.writes(), std::slice::from_ref(&new.key)).await?.remove(&new.key);
        let status = match added {
            Some(_) => RegisterDeviceStatus::Registered,
            None => RegisterDeviceStatus::AlreadyExists,
        };
        Ok(RegisterDevicePayload { status, device: device.map(Device) })
    }
}
