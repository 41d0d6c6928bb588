//! Filter, order and input types of devices.

use async_graphql::{Context, Enum, InputObject, MaybeUndefined};

use super::{
    area::Area,
    sensor::{self, SensorInput},
    text,
};
use crate::{
    api_error::ApiError,
    db::{device::NewDevice, device_page},
    domain::{
        device::{Device, DeviceKey},
        position::Position,
        sensor::Sensors,
    },
    graphql::{
        context::ContextExt as _,
        scalar::DateTime,
        types::{device::DeviceKind, quantity::Quantity},
    },
};

/// Conditions on devices. All of them must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DeviceFilter {
    /// Keys of devices. An unknown key matches nothing.
    keys: Option<Vec<String>>,
    /// Kind of the devices.
    kind: Option<DeviceKind>,
    /// Area: of the device's own position, or else of its newest measurement.
    area: Option<Area>,
    /// Text that the key or the name contains, ignoring case. 1 to 100 characters.
    text: Option<String>,
    /// Devices with a measurement at or after this time.
    seen_since: Option<DateTime>,
}

impl DeviceFilter {
    /// Checks the filter (argument `filter`) and loads the ids of the devices in its area. Invalid keys match nothing.
    ///
    /// # Errors
    /// Names the invalid argument.
    pub async fn check(self, ctx: &Context<'_>) -> Result<device_page::DeviceFilter, ApiError> {
        let valid =
            |keys: Vec<String>| keys.into_iter().filter(|key| DeviceKey::try_stored(key.as_str()).is_ok()).collect();
        if let Some(text) = &self.text {
            text::search("filter.text", text)?;
        }
        let ids = match &self.area {
            Some(area) => {
                let area = area.check("filter.area")?;
                Some(device_page::list_ids_in_area(ctx.read_pool(), &area).await?)
            }
            None => None,
        };
        Ok(device_page::DeviceFilter {
            keys: self.keys.map(valid),
            kind: self.kind.map(Into::into),
            ids,
            text: self.text,
            seen_since: self.seen_since.map(|time| time.0),
        })
    }
}

/// Sort order of devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum DeviceOrder {
    /// By key, ascending.
    #[default]
    KeyAsc,
    /// By key, descending.
    KeyDesc,
    /// By time of registration, oldest first.
    CreatedAtAsc,
    /// By time of registration, newest first.
    CreatedAtDesc,
    /// By time of the newest measurement, oldest first; devices without measurements last.
    LastSeenAsc,
    /// By time of the newest measurement, newest first; devices without measurements last.
    LastSeenDesc,
    /// By the value of `orderByQuantity` in the newest measurement, ascending; devices without a value last.
    LatestValueAsc,
    /// By the value of `orderByQuantity` in the newest measurement, descending; devices without a value last.
    LatestValueDesc,
}

impl DeviceOrder {
    /// The order of the database layer, and whether it is descending.
    ///
    /// # Errors
    /// When a quantity is missing for an order by value, or given for another one.
    pub fn database_order(self, quantity: Option<Quantity>) -> Result<(device_page::DeviceOrder, bool), ApiError> {
        let by_value = matches!(self, Self::LatestValueAsc | Self::LatestValueDesc);
        let by = match (self, quantity) {
            (Self::LatestValueAsc | Self::LatestValueDesc, Some(quantity)) => {
                device_page::DeviceOrder::LatestValue(quantity.into())
            }
            (_, quantity) if by_value || quantity.is_some() => {
                let reason =
                    "required with orderBy: LATEST_VALUE_ASC or LATEST_VALUE_DESC, and only allowed with these";
                return Err(ApiError::bad_input("orderByQuantity", reason));
            }
            (Self::LastSeenAsc | Self::LastSeenDesc, _) => device_page::DeviceOrder::LastSeen,
            (Self::CreatedAtAsc | Self::CreatedAtDesc, _) => device_page::DeviceOrder::CreatedAt,
            _ => device_page::DeviceOrder::Key,
        };
        let descending =
            matches!(self, Self::KeyDesc | Self::CreatedAtDesc | Self::LastSeenDesc | Self::LatestValueDesc);
        Ok((by, descending))
    }
}

/// New device.
#[derive(Clone, Debug, InputObject)]
pub struct RegisterDeviceInput {
    /// Unique key, sent by the device with its samples, such as `bike-07`. At most 128 characters.
    key: String,
    /// Display name. At most 500 characters.
    name: Option<String>,
    /// Mobile or fixed.
    kind: DeviceKind,
    /// Latitude of a fixed device, in degrees (WGS 84), north positive. Given together with `longitude`.
    latitude: Option<f64>,
    /// Longitude of a fixed device, in degrees (WGS 84), east positive. Given together with `latitude`.
    longitude: Option<f64>,
    /// Licence of its data, such as `CC-BY-4.0`. At most 500 characters.
    licence: Option<String>,
    /// Attribution required by users of its data. At most 500 characters.
    attribution: Option<String>,
    /// Single sensors and their quantities, for firmware that sends values by sensor id (senseBox). At most 100.
    sensors: Option<Vec<SensorInput>>,
}

impl RegisterDeviceInput {
    /// Checks the device (argument `input`).
    ///
    /// # Errors
    /// Names the invalid argument.
    pub fn check(self) -> Result<(NewDevice, Sensors), ApiError> {
        let sensors = sensor::check_sensors("input.sensors", self.sensors.unwrap_or_default())?;
        let device = NewDevice {
            key: text::device_key("input.key", self.key)?,
            name: text::optional("input.name", self.name)?,
            kind: self.kind.into(),
            position: text::position(self.latitude, self.longitude).map_err(|error| error.in_argument("input"))?,
            licence: text::optional("input.licence", self.licence)?,
            attribution: text::optional("input.attribution", self.attribution)?,
        };
        Ok((device, sensors))
    }
}

/// Change of a device. A field that is absent stays unchanged; null removes the value.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateDeviceInput {
    /// Key of the device.
    pub key: String,
    /// Display name. At most 500 characters.
    name: MaybeUndefined<String>,
    /// Mobile or fixed.
    kind: Option<DeviceKind>,
    /// Latitude in degrees (WGS 84), north positive. Given together with `longitude`.
    latitude: MaybeUndefined<f64>,
    /// Longitude in degrees (WGS 84), east positive. Given together with `latitude`.
    longitude: MaybeUndefined<f64>,
    /// Licence of its data, such as `CC-BY-4.0`. At most 500 characters.
    licence: MaybeUndefined<String>,
    /// Attribution required by users of its data. At most 500 characters.
    attribution: MaybeUndefined<String>,
    /// Single sensors and their quantities, at most 100. The list replaces the current one.
    sensors: MaybeUndefined<Vec<SensorInput>>,
}

impl UpdateDeviceInput {
    /// The device after the change, and its sensors if they change.
    ///
    /// # Errors
    /// Names the invalid argument.
    pub fn apply(self, device: Device) -> Result<(Device, Option<Sensors>), ApiError> {
        let sensors = sensor::check_sensors_patch("input.sensors", self.sensors)?;
        let position = match (self.latitude, self.longitude) {
            (MaybeUndefined::Undefined, MaybeUndefined::Undefined) => device.position,
            (latitude, longitude) => {
                let current = device.position;
                let latitude = patched_coordinate(latitude, current.map(Position::latitude));
                let longitude = patched_coordinate(longitude, current.map(Position::longitude));
                text::position(latitude, longitude).map_err(|error| error.in_argument("input"))?
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

fn patched_coordinate(patch: MaybeUndefined<f64>, current: Option<f64>) -> Option<f64> {
    match patch {
        MaybeUndefined::Undefined => current,
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(value) => Some(value),
    }
}
