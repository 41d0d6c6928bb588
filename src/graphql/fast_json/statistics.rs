//! Statistics, with all fields but the device.

use super::{
    Columns, Flat,
    json::{self, optional},
    selection::Selected,
    summary::summarised,
};
use crate::{
    domain::quantity::Quantity,
    graphql::{
        inputs::interval::Interval,
        types::{statistics::Statistics, summary::Summary},
    },
};

pub enum Column {
    Start,
    StartLocal,
    End,
    Interval,
    Cell,
    HourOfDay,
    DayOfWeek,
    Count,
    Coverage,
    Summary(Quantity, Columns<Summary>),
}

impl Flat for Statistics {
    type Column = Column;

    fn column(field: &Selected<'_>) -> Option<Column> {
        Some(match field.name() {
            "start" => Column::Start,
            "startLocal" => Column::StartLocal,
            "interval" => Column::Interval,
            "end" => Column::End,
            "cell" => Column::Cell,
            "hourOfDay" => Column::HourOfDay,
            "dayOfWeek" => Column::DayOfWeek,
            "count" => Column::Count,
            "coverage" => Column::Coverage,
            _ => Column::Summary(summarised(field)?, Columns::of(field)?),
        })
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        let row = &self.row;
        match column {
            Column::Start => optional(self.span().0, json::time, out),
            Column::StartLocal => optional(self.local_start(), |start, out| json::bare(&start, out), out),
            Column::Interval => {
                let interval = self.labels.interval.map(Interval::from);
                optional(interval, |interval, out| json::bare(&interval.name(), out), out);
            }
            Column::End => optional(self.span().1, json::time, out),
            Column::Cell => optional(row.cell, |cell, out| json::bare(&cell.to_string(), out), out),
            Column::HourOfDay => optional(row.hour_of_day, json::integer, out),
            Column::DayOfWeek => optional(row.day_of_week, json::integer, out),
            Column::Count => json::integer(row.count, out),
            Column::Coverage => optional(self.covered(), json::float, out),
            Column::Summary(quantity, columns) => columns.write(&self.summary(*quantity), out),
        }
    }
}
