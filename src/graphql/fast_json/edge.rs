//! Edges: an object of a list, or of the feed, beside the cursor of its place.

use async_graphql::{Context, OutputType, connection::CursorType as _};

use super::{Columns, Flat, LookUp, json, selection::Selected};
use crate::graphql::{
    cursor::{FeedCursor, MeasurementCursor},
    types::{
        device::Device, device_connection::DeviceEdge, measurement::Measurement,
        measurement_connection::MeasurementEdge, measurement_event::MeasurementEvent,
    },
};

/// An edge: all that it tells is its cursor and its object.
pub trait Edge: OutputType {
    /// The object.
    type Node: Flat;

    /// What the field of the object is called.
    const NODE: &'static str;

    /// The cursor, in letters, digits, `-` and `_`.
    fn cursor(&self) -> String;

    /// The object.
    fn node(&self) -> &Self::Node;
}

pub enum Column<T: Flat> {
    Cursor,
    Node(Columns<T>),
}

impl<E: Edge> Flat for E {
    type Column = Column<E::Node>;

    fn column(field: &Selected<'_>) -> Option<Self::Column> {
        match field.name() {
            "cursor" => Some(Column::Cursor),
            name if name == E::NODE => Columns::of(field).map(Column::Node),
            _ => None,
        }
    }

    fn look_up<'a>(column: &'a mut Self::Column, rows: &'a [&'a Self], ctx: &'a Context<'_>) -> Option<LookUp<'a>> {
        let Column::Node(columns) = column else { return None };
        Some(Box::pin(async move {
            let nodes: Vec<_> = rows.iter().map(|edge| edge.node()).collect();
            columns.look_up(&nodes, ctx).await
        }))
    }

    fn write(&self, column: &Self::Column, out: &mut Vec<u8>) {
        match column {
            Column::Cursor => json::bare(&self.cursor(), out),
            Column::Node(columns) => columns.write(self.node(), out),
        }
    }
}

impl Edge for DeviceEdge<'_> {
    type Node = Device;

    const NODE: &'static str = "node";

    fn cursor(&self) -> String {
        self.cursor.encode_cursor()
    }

    fn node(&self) -> &Device {
        self.device
    }
}

impl Edge for MeasurementEdge<'_> {
    type Node = Measurement;

    const NODE: &'static str = "node";

    fn cursor(&self) -> String {
        MeasurementCursor(self.0.0.key).encode_cursor()
    }

    fn node(&self) -> &Measurement {
        self.0
    }
}

impl Edge for MeasurementEvent {
    type Node = Measurement;

    const NODE: &'static str = "measurement";

    fn cursor(&self) -> String {
        FeedCursor(self.place).encode_cursor()
    }

    fn node(&self) -> &Measurement {
        &self.measurement
    }
}
