//! Events of measurements.

use async_graphql::connection::CursorType as _;

use super::{Columns, Flat, json, selection::Selected};
use crate::graphql::{
    cursor::FeedCursor,
    model::{measurement::Measurement, measurement_event::MeasurementEvent},
};

pub enum Column {
    Cursor,
    Measurement(Columns<Measurement>),
}

impl Flat for MeasurementEvent {
    type Column = Column;

    fn column(field: &Selected<'_>) -> Option<Column> {
        match field.name() {
            "cursor" => Some(Column::Cursor),
            "measurement" => Columns::of(field).map(Column::Measurement),
            _ => None,
        }
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        match column {
            Column::Cursor => json::bare(&FeedCursor(self.place).encode_cursor(), out),
            Column::Measurement(columns) => columns.write(&self.measurement, out),
        }
    }
}
