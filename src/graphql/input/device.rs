//! Which devices, and what can be told of one.

use async_graphql::{Enum, InputObject, MaybeUndefined};

use super::{
    sensor::{self, SensorInput},
    text,
};
use crate::{
    db::device::{self, NewDevice},
    domain::{
        device::{Device, DeviceKey},
        position::Position,
        sensor::Sensors,
    },
    error::ApiError,
    graphql::model::device::DeviceKind,
};

/// Which devices are meant. All conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DeviceFilter {
    /// With one of these keys.
    keys: Option<Vec<String>>,
    /// Of this kind.
    kind: Option<DeviceKind>,
}

impl DeviceFilter {
    /// The filter as the database understands it. Keys that no device can have match none.
    #[must_use]
    pub fn check(self) -> device::DeviceFilter {
        let valid =
            |keys: Vec<String>| keys.into_iter().filter(|key| DeviceKey::try_new(key.as_str()).is_ok()).collect();
        device::DeviceFilter { keys: self.keys.map(valid), kind: self.kind.map(Into::into) }
    }
}

/// The order of a list of devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum DeviceOrder {
    /// By key.
    #[default]
    KeyAsc,
    /// By key, from the end of the alphabet.
    KeyDesc,
    /// The longest known first.
    CreatedAtAsc,
    /// The newest first.
    CreatedAtDesc,
}

impl DeviceOrder {
    /// What is compared, and whether the order is turned round.
    #[must_use]
    pub fn parts(self) -> (device::DeviceOrder, bool) {
        match self {
            Self::KeyAsc => (device::DeviceOrder::Key, false),
            Self::KeyDesc => (device::DeviceOrder::Key, true),
            Self::CreatedAtAsc => (device::DeviceOrder::CreatedAt, false),
            Self::CreatedAtDesc => (device::DeviceOrder::CreatedAt, true),
        }
    }
}

/// A new device.
#[derive(Clone, Debug, InputObject)]
pub struct RegisterDeviceInput {
    /// What the sensor calls itself, such as `bike-07`: at most 128 characters.
    key: String,
    /// What people call it.
    name: Option<String>,
    /// Whether it moves.
    kind: DeviceKind,
    /// Where a fixed device stands, in degrees north (`deg`).
    latitude: Option<f64>,
    /// Where a fixed device stands, in degrees east (`deg`).
    longitude: Option<f64>,
    /// What its data may be used for, such as `CC-BY-4.0`.
    licence: Option<String>,
    /// Who is to be named when they are used.
    attribution: Option<String>,
    /// What its single sensors measure, for firmware that tells values by a sensor's id (senseBox): at most 100.
    sensors: Option<Vec<SensorInput>>,
}

impl RegisterDeviceInput {
    /// Checks the device, given as the argument `input`.
    ///
    /// # Errors
    /// Names the argument that can't be.
    pub fn check(self) -> Result<(NewDevice, Sensors), ApiError> {
        let sensors = sensor::list("input.sensors", self.sensors.unwrap_or_default())?;
        let device = NewDevice {
            key: text::device_key("input.key", self.key)?,
            name: text::optional("input.name", self.name)?,
            kind: self.kind.into(),
            position: text::position(self.latitude, self.longitude).map_err(|error| error.within("input"))?,
            licence: text::optional("input.licence", self.licence)?,
            attribution: text::optional("input.attribution", self.attribution)?,
        };
        Ok((device, sensors))
    }
}

/// A change to a device. What is left out stays as it is; null takes it away.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateDeviceInput {
    /// The key of the device.
    pub key: String,
    /// What people call it.
    name: MaybeUndefined<String>,
    /// Whether it moves.
    kind: Option<DeviceKind>,
    /// Where it stands, in degrees north (`deg`); together with `longitude`.
    latitude: MaybeUndefined<f64>,
    /// Where it stands, in degrees east (`deg`); together with `latitude`.
    longitude: MaybeUndefined<f64>,
    /// What its data may be used for.
    licence: MaybeUndefined<String>,
    /// Who is to be named when they are used.
    attribution: MaybeUndefined<String>,
    /// What its single sensors measure, at most 100: the whole list, which takes the place of the present one.
    sensors: MaybeUndefined<Vec<SensorInput>>,
}

impl UpdateDeviceInput {
    /// The device after the change, and its sensors where they change.
    ///
    /// # Errors
    /// Names the argument that can't be.
    pub fn apply(self, device: Device) -> Result<(Device, Option<Sensors>), ApiError> {
        let sensors = sensor::replaced("input.sensors", self.sensors)?;
        let position = match (self.latitude, self.longitude) {
            (MaybeUndefined::Undefined, MaybeUndefined::Undefined) => device.position,
            (latitude, longitude) => {
                let current = device.position;
                let latitude = patched(latitude, current.map(Position::latitude));
                let longitude = patched(longitude, current.map(Position::longitude));
                text::position(latitude, longitude).map_err(|error| error.within("input"))?
            }
        };
        let device = Device {
            name: text::patched("input.name", self.name, device.name)?,
            kind: self.kind.map_or(device.kind, Into::into),
            position,
            licence: text::patched("input.licence", self.licence, device.licence)?,
            attribution: text::patched("input.attribution", self.attribution, device.attribution)?,
            ..device
        };
        Ok((device, sensors))
    }
}

fn patched(patch: MaybeUndefined<f64>, current: Option<f64>) -> Option<f64> {
    match patch {
        MaybeUndefined::Undefined => current,
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(value) => Some(value),
    }
}
