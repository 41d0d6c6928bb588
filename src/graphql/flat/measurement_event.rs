//! Events of measurements.

use async_graphql::{Context, connection::CursorType as _};

use super::{Columns, Flat, LookUp, json, selection::Selected};
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

    fn look_up<'a>(column: &'a mut Column, events: &'a [&'a Self], ctx: &'a Context<'_>) -> Option<LookUp<'a>> {
        let Column::Measurement(columns) = column else { return None };
        Some(Box::pin(async move {
            let rows: Vec<_> = events.iter().map(|event| &event.measurement).collect();
            columns.look_up(&rows, ctx).await
        }))
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        match column {
            Column::Cursor => json::bare(&FeedCursor(self.place).encode_cursor(), out),
            Column::Measurement(columns) => columns.write(&self.measurement, out),
        }
    }
}
