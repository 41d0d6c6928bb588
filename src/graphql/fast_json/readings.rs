//! Weather, gases, motion and status of measurements.

use std::{borrow::Cow, collections::HashMap};

use async_graphql::Context;

use super::{
    CompiledSelection, JsonType,
    json::{self, nullable},
    selection::SelectedField,
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
        loaders::ReadingsKey,
        types::{
            measurement::Measurement,
            readings::{Ambient, DeviceStatus, Motion, Weather, quantity_by_field},
        },
    },
};

/// A field of measurements with the readings of a group.
pub struct ReadingsField {
    group: Group,
    selection: GroupSelection,
    /// The readings of measurements that were loaded without them.
    prefetched: HashMap<MeasurementKey, Readings>,
}

enum GroupSelection {
    Weather(CompiledSelection<Weather<'static>>),
    Ambient(CompiledSelection<Ambient<'static>>),
    Motion(CompiledSelection<Motion<'static>>),
    Status(CompiledSelection<DeviceStatus<'static>>),
}

impl ReadingsField {
    /// Compiles the field; `None` when it is not a group, or the selection needs a resolver.
    pub fn for_group(group: Group, field: &SelectedField<'_>) -> Option<Self> {
        let fields = match group {
            Group::Air => return None,
            Group::Weather => GroupSelection::Weather(CompiledSelection::for_object(field)?),
            Group::Ambient => GroupSelection::Ambient(CompiledSelection::for_object(field)?),
            Group::Motion => GroupSelection::Motion(CompiledSelection::for_object(field)?),
            Group::Status => GroupSelection::Status(CompiledSelection::for_object(field)?),
        };
        Some(Self { group, selection: fields, prefetched: HashMap::new() })
    }

    /// Whether readings must be loaded for these rows.
    pub fn needs_prefetch(&self, rows: &[&Measurement]) -> bool {
        rows.iter().any(|row| row.0.readings.group(self.group) == GroupReadings::NotRead)
    }

    /// Loads the readings of rows that were loaded without them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prefetch(&mut self, rows: &[&Measurement], ctx: &Context<'_>) -> Result<(), ApiError> {
        let missing = rows.iter().filter(|row| row.0.readings.group(self.group) == GroupReadings::NotRead);
        let of = missing.map(|row| ReadingsKey { group: self.group, measurement: row.0.key });
        let found = ctx.loader().load_many(of).await?;
        self.prefetched.extend(found.into_iter().map(|(of, readings)| (of.measurement, readings)));
        Ok(())
    }

    /// Writes the readings of a measurement.
    pub fn write(&self, row: &Measurement, out: &mut Vec<u8>) {
        let readings = match row.0.readings.group(self.group) {
            GroupReadings::Present(readings) => Some(readings),
            GroupReadings::Absent => None,
            GroupReadings::NotRead => self.prefetched.get(&row.0.key),
        };
        nullable(readings, |readings, out| self.selection.write(Cow::Borrowed(readings), out), out);
    }
}

impl GroupSelection {
    fn write(&self, readings: Cow<'_, Readings>, out: &mut Vec<u8>) {
        match self {
            Self::Weather(columns) => columns.write(&Weather(readings), out),
            Self::Ambient(columns) => columns.write(&Ambient(readings), out),
            Self::Motion(columns) => columns.write(&Motion(readings), out),
            Self::Status(columns) => columns.write(&DeviceStatus(readings), out),
        }
    }
}

macro_rules! json_readings {
    ($($object:ident of $group:ident),+) => {$(
        impl JsonType for $object<'_> {
            type Field = Quantity;

            fn compile_field(field: &SelectedField<'_>) -> Option<Quantity> {
                quantity_by_field(Group::$group, field.name())
            }

            fn write(&self, quantity: &Quantity, out: &mut Vec<u8>) {
                write(&self.0, *quantity, out);
            }
        }
    )+};
}

json_readings!(Weather of Weather, Ambient of Ambient, Motion of Motion, DeviceStatus of Status);

fn write(readings: &Readings, quantity: Quantity, out: &mut Vec<u8>) {
    let value = readings.get(quantity);
    match quantity {
        Quantity::GpsUpdated => nullable(value.map(|updated| updated != 0.0), json::boolean, out),
        _ => nullable(value, json::float, out),
    }
}
