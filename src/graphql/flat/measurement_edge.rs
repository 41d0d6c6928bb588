//! Edges of a list of measurements.

use async_graphql::{Context, connection::CursorType as _};

use super::{Columns, Flat, LookUp, json, selection::Selected};
use crate::graphql::{
    cursor::MeasurementCursor,
    model::{measurement::Measurement, measurement_connection::MeasurementEdge},
};

pub enum Column {
    Cursor,
    Node(Columns<Measurement>),
}

impl Flat for MeasurementEdge<'_> {
    type Column = Column;

    fn column(field: &Selected<'_>) -> Option<Column> {
        match field.name() {
            "cursor" => Some(Column::Cursor),
            "node" => Columns::of(field).map(Column::Node),
            _ => None,
        }
    }

    fn look_up<'a>(column: &'a mut Column, rows: &'a [&'a Self], ctx: &'a Context<'_>) -> Option<LookUp<'a>> {
        let Column::Node(columns) = column else { return None };
        Some(Box::pin(async move {
            let nodes: Vec<_> = rows.iter().map(|edge| edge.0).collect();
            columns.look_up(&nodes, ctx).await
        }))
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        match column {
            Column::Cursor => json::bare(&MeasurementCursor(self.0.0.key).encode_cursor(), out),
            Column::Node(columns) => columns.write(self.0, out),
        }
    }
}
