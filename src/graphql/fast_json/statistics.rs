//! Statistics, with all fields. Those of the row are in the table of [`StatisticsRow`].

use async_graphql::Context;

use super::{
    CompiledSelection, JsonType, PrefetchFuture, loaded_device::LoadedDeviceField, row_fields::WriteField,
    selection::SelectedField, summary::summary_quantity,
};
use crate::{
    domain::quantity::Quantity,
    graphql::types::{
        statistics::{Statistics, StatisticsRow},
        summary::Summary,
    },
};

pub enum StatisticsField {
    /// A value of the row.
    Row(WriteField<Statistics>),
    Device(Box<LoadedDeviceField>),
    Summary(Quantity, CompiledSelection<Summary>),
}

impl JsonType for Statistics {
    type Field = StatisticsField;

    fn compile_field(field: &SelectedField<'_>) -> Option<StatisticsField> {
        Some(match field.name() {
            "device" => StatisticsField::Device(Box::new(LoadedDeviceField::for_field(field)?)),
            name => match StatisticsRow::writer(name) {
                Some(write) => StatisticsField::Row(write),
                None => StatisticsField::Summary(summary_quantity(field)?, CompiledSelection::for_object(field)?),
            },
        })
    }

    fn prefetch<'a>(
        column: &'a mut StatisticsField,
        rows: &'a [&'a Self],
        ctx: &'a Context<'_>,
    ) -> Option<PrefetchFuture<'a>> {
        let StatisticsField::Device(devices) = column else { return None };
        Some(Box::pin(devices.prefetch(rows.iter().filter_map(|group| group.row.device).collect(), ctx)))
    }

    fn write(&self, column: &StatisticsField, out: &mut Vec<u8>) {
        match column {
            StatisticsField::Row(write) => write(self, out),
            StatisticsField::Device(devices) => devices.write(self.row.device, out),
            StatisticsField::Summary(quantity, columns) => columns.write(&self.summary(*quantity), out),
        }
    }
}
