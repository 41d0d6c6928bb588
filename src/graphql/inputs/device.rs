//! Which devices, and what can be told of one.

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

/// Which devices are meant. All conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DeviceFilter {
    /// With one of these keys.
    keys: Option<Vec<String>>,
    /// Of this kind.
    kind: Option<DeviceKind>,
    /// In this area: where the device stands, or else where its newest measurement was taken.
    area: Option<Area>,
    /// With this text in the key or the name, in upper or lower case: 1 to 100 characters.
    text: Option<String>,
    /// With a measurement that was not taken before this.
    seen_since: Option<DateTime>,
}

/// The longest text that is searched for, in characters.
const MAX_SEARCH_CHARS: usize = 100;

impl DeviceFilter {
    /// Checks the filter, given as the argument `filter`, and looks up which devices are in its area. Keys that no device
    /// can have match none.
    ///
    /// # Errors
    /// Names the argument that can't be.
    pub async fn check(self, ctx: &Context<'_>) -> Result<device_page::DeviceFilter, ApiError> {
        let valid =
            |keys: Vec<String>| keys.into_iter().filter(|key| DeviceKey::try_stored(key.as_str()).is_ok()).collect();
        if let Some(text) = &self.text {
            let chars = text.chars().count();
            if !(1..=MAX_SEARCH_CHARS).contains(&chars) || text.contains('\0') {
                let reason = format!("must have 1 to {MAX_SEARCH_CHARS} characters, none of them NUL");
                return Err(ApiError::bad_input("filter.text", reason));
            }
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
    /// The one whose newest measurement is oldest first; those without any last.
    LastSeenAsc,
    /// The one with the newest measurement first; those without any last.
    LastSeenDesc,
    /// By the value of `orderByQuantity` in the newest measurement, the least first; those without a value last.
    LatestValueAsc,
    /// By the value of `orderByQuantity` in the newest measurement, the greatest first; those without a value last.
    LatestValueDesc,
}

impl DeviceOrder {
    /// What is compared, and whether the order is turned round.
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
                let reason = "goes with orderBy: LATEST_VALUE_ASC or LATEST_VALUE_DESC, and only with these";
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
