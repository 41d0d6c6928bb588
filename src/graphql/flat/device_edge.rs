//! Edges of a list of devices.

use async_graphql::{Context, connection::CursorType as _};

use super::{Columns, Flat, LookUp, json, selection::Selected};
use crate::graphql::model::{device::Device, device_connection::DeviceEdge};

pub enum Column {
    Cursor,
    Node(Columns<Device>),
}

impl Flat for DeviceEdge<'_> {
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
            let devices: Vec<_> = rows.iter().map(|edge| edge.device).collect();
            columns.look_up(&devices, ctx).await
        }))
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        match column {
            Column::Cursor => json::bare(&self.cursor.encode_cursor(), out),
            Column::Node(columns) => columns.write(self.device, out),
        }
    }
}
