//! Weather, gases, motion and status of measurements.

use std::{borrow::Cow, collections::HashMap};

use async_graphql::Context;

use super::{
    Columns, Flat,
    json::{self, optional},
    selection::Selected,
};
use crate::{
    api_error::ApiError,
    domain::{
        joined_readings::GroupReadings,
        measurement::MeasurementKey,
        quantity::{Group, Quantity},
        readings::Readings,
    },
    graphql::{
        context::ContextExt as _,
        loaders::ReadingsOf,
        types::{
            measurement::Measurement,
            readings::{Ambient, DeviceStatus, Motion, Weather, quantity_named},
        },
    },
};

/// A field of measurements that holds the readings of a group.
pub struct GroupColumn {
    group: Group,
    fields: Fields,
    /// The readings of those measurements that were read without them.
    loaded: HashMap<MeasurementKey, Readings>,
}

enum Fields {
    Weather(Columns<Weather<'static>>),
    Ambient(Columns<Ambient<'static>>),
    Motion(Columns<Motion<'static>>),
    Status(Columns<DeviceStatus<'static>>),
}

impl GroupColumn {
    /// Of the field; none where it holds no group, or what it selects can't be written here.
    pub fn of(group: Group, field: &Selected<'_>) -> Option<Self> {
        let fields = match group {
            Group::Air => return None,
            Group::Weather => Fields::Weather(Columns::of(field)?),
            Group::Ambient => Fields::Ambient(Columns::of(field)?),
            Group::Motion => Fields::Motion(Columns::of(field)?),
            Group::Status => Fields::Status(Columns::of(field)?),
        };
        Some(Self { group, fields, loaded: HashMap::new() })
    }

    /// Whether something is to be looked up for these rows.
    pub fn is_missing(&self, rows: &[&Measurement]) -> bool {
        rows.iter().any(|row| row.0.readings.of(self.group) == GroupReadings::NotRead)
    }

    /// Reads the readings of those rows that were read without them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look_up(&mut self, rows: &[&Measurement], ctx: &Context<'_>) -> Result<(), ApiError> {
        let missing = rows.iter().filter(|row| row.0.readings.of(self.group) == GroupReadings::NotRead);
        let of = missing.map(|row| ReadingsOf { group: self.group, measurement: row.0.key });
        let found = ctx.loader().load_many(of).await?;
        self.loaded.extend(found.into_iter().map(|(of, readings)| (of.measurement, readings)));
        Ok(())
    }

    /// Writes the readings of a measurement.
    pub fn write(&self, row: &Measurement, out: &mut Vec<u8>) {
        let readings = match row.0.readings.of(self.group) {
            GroupReadings::Present(readings) => Some(readings),
            GroupReadings::Absent => None,
            GroupReadings::NotRead => self.loaded.get(&row.0.key),
        };
        optional(readings, |readings, out| self.fields.write(Cow::Borrowed(readings), out), out);
    }
}

impl Fields {
    fn write(&self, readings: Cow<'_, Readings>, out: &mut Vec<u8>) {
        match self {
            Self::Weather(columns) => columns.write(&Weather(readings), out),
            Self::Ambient(columns) => columns.write(&Ambient(readings), out),
            Self::Motion(columns) => columns.write(&Motion(readings), out),
            Self::Status(columns) => columns.write(&DeviceStatus(readings), out),
        }
    }
}

macro_rules! flat_readings {
    ($($object:ident of $group:ident),+) => {$(
        impl Flat for $object<'_> {
            type Column = Quantity;

            fn column(field: &Selected<'_>) -> Option<Quantity> {
                quantity_named(Group::$group, field.name())
            }

            fn write(&self, quantity: &Quantity, out: &mut Vec<u8>) {
                write(&self.0, *quantity, out);
            }
        }
    )+};
}

flat_readings!(Weather of Weather, Ambient of Ambient, Motion of Motion, DeviceStatus of Status);

fn write(readings: &Readings, quantity: Quantity, out: &mut Vec<u8>) {
    let value = readings.get(quantity);
    match quantity {
        Quantity::GpsUpdated => optional(value.map(|updated| updated != 0.0), json::boolean, out),
        _ => optional(value, json::float, out),
    }
}
