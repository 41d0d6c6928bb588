//! Statistics, with all fields except the device.

use super::{
    CompiledSelection, JsonType,
    json::{self, nullable},
    selection::SelectedField,
    summary::summary_quantity,
};
use crate::{
    domain::quantity::Quantity,
    graphql::{
        inputs::interval::Interval,
        types::{statistics::Statistics, summary::Summary},
    },
};

pub enum StatisticsField {
    Start,
    StartLocal,
    End,
    Interval,
    Cell,
    HourOfDay,
    DayOfWeek,
    Count,
    Coverage,
    Summary(Quantity, CompiledSelection<Summary>),
}

impl JsonType for Statistics {
    type Field = StatisticsField;

    fn compile_field(field: &SelectedField<'_>) -> Option<StatisticsField> {
        Some(match field.name() {
            "start" => StatisticsField::Start,
            "startLocal" => StatisticsField::StartLocal,
            "interval" => StatisticsField::Interval,
            "end" => StatisticsField::End,
            "cell" => StatisticsField::Cell,
            "hourOfDay" => StatisticsField::HourOfDay,
            "dayOfWeek" => StatisticsField::DayOfWeek,
            "count" => StatisticsField::Count,
            "coverage" => StatisticsField::Coverage,
            _ => StatisticsField::Summary(summary_quantity(field)?, CompiledSelection::for_object(field)?),
        })
    }

    fn write(&self, column: &StatisticsField, out: &mut Vec<u8>) {
        let row = &self.row;
        match column {
            StatisticsField::Start => nullable(self.span().0, json::timestamp, out),
            StatisticsField::StartLocal => {
                nullable(self.start_local_text(), |start, out| json::unescaped_string(&start, out), out);
            }
            StatisticsField::Interval => {
                let interval = self.labels.interval.map(Interval::from);
                nullable(interval, |interval, out| json::unescaped_string(&interval.schema_name(), out), out);
            }
            StatisticsField::End => nullable(self.span().1, json::timestamp, out),
            StatisticsField::Cell => {
                nullable(row.cell, |cell, out| json::unescaped_string(&cell.to_string(), out), out);
            }
            StatisticsField::HourOfDay => nullable(row.hour_of_day, json::integer, out),
            StatisticsField::DayOfWeek => nullable(row.day_of_week, json::integer, out),
            StatisticsField::Count => json::integer(row.count, out),
            StatisticsField::Coverage => nullable(self.coverage_share(), json::float, out),
            StatisticsField::Summary(quantity, columns) => columns.write(&self.summary(*quantity), out),
        }
    }
}
