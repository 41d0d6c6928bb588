//! Edges: an object of a list or of the feed, with its cursor.

use async_graphql::{Context, OutputType, connection::CursorType as _};

use super::{CompiledSelection, JsonType, PrefetchFuture, json, selection::SelectedField};
use crate::graphql::{
    cursor::{FeedCursor, MeasurementCursor},
    types::{
        device::Device, device_connection::DeviceEdge, measurement::Measurement,
        measurement_connection::MeasurementEdge, measurement_event::MeasurementEvent,
    },
};

/// An edge: an object with a cursor and a node.
pub trait Edge: OutputType {
    /// The node.
    type Node: JsonType;

    /// Name of the field with the node.
    const NODE_FIELD: &'static str;

    /// The cursor; it consists of letters, digits, `-` and `_`.
    fn cursor(&self) -> String;

    /// The node.
    fn node(&self) -> &Self::Node;
}

pub enum EdgeField<T: JsonType> {
    Cursor,
    Node(CompiledSelection<T>),
}

impl<E: Edge> JsonType for E {
    type Field = EdgeField<E::Node>;

    fn compile_field(field: &SelectedField<'_>) -> Option<Self::Field> {
        match field.name() {
            "cursor" => Some(EdgeField::Cursor),
            name if name == E::NODE_FIELD => CompiledSelection::for_object(field).map(EdgeField::Node),
            _ => None,
        }
    }

    fn prefetch<'a>(
        column: &'a mut Self::Field,
        rows: &'a [&'a Self],
        ctx: &'a Context<'_>,
    ) -> Option<PrefetchFuture<'a>> {
        let EdgeField::Node(columns) = column else { return None };
        Some(Box::pin(async move {
            let nodes: Vec<_> = rows.iter().map(|edge| edge.node()).collect();
            columns.prefetch(&nodes, ctx).await
        }))
    }

    fn write(&self, column: &Self::Field, out: &mut Vec<u8>) {
        match column {
            EdgeField::Cursor => json::unescaped_string(&self.cursor(), out),
            EdgeField::Node(columns) => columns.write(self.node(), out),
        }
    }
}

impl Edge for DeviceEdge<'_> {
    type Node = Device;

    const NODE_FIELD: &'static str = "node";

    fn cursor(&self) -> String {
        self.cursor.encode_cursor()
    }

    fn node(&self) -> &Device {
        self.device
    }
}

impl Edge for MeasurementEdge<'_> {
    type Node = Measurement;

    const NODE_FIELD: &'static str = "node";

    fn cursor(&self) -> String {
        MeasurementCursor(self.0.0.key).encode_cursor()
    }

    fn node(&self) -> &Measurement {
        self.0
    }
}

impl Edge for MeasurementEvent {
    type Node = Measurement;

    const NODE_FIELD: &'static str = "measurement";

    fn cursor(&self) -> String {
        FeedCursor(self.place).encode_cursor()
    }

    fn node(&self) -> &Measurement {
        &self.measurement
    }
}
