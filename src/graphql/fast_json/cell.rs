//! Cells of a map, with all fields except the air-quality index. Those of the row are in the table of [`CellRow`].

use super::{
    CompiledSelection, JsonType, json, row_fields::WriteField, selection::SelectedField, summary::summary_quantity,
};
use crate::{
    domain::quantity::Quantity,
    graphql::types::{
        cell::{Cell, CellRow},
        coordinates::Coordinates,
        summary::Summary,
    },
};

pub enum CellField {
    /// A value of the row.
    Row(WriteField<Cell>),
    Center(CompiledSelection<Coordinates>),
    Boundary(CompiledSelection<Coordinates>),
    Summary(Quantity, CompiledSelection<Summary>),
}

impl JsonType for Cell {
    type Field = CellField;

    fn compile_field(field: &SelectedField<'_>) -> Option<CellField> {
        Some(match field.name() {
            "center" => CellField::Center(CompiledSelection::for_object(field)?),
            "boundary" => CellField::Boundary(CompiledSelection::for_object(field)?),
            name => match CellRow::writer(name) {
                Some(write) => CellField::Row(write),
                None => CellField::Summary(summary_quantity(field)?, CompiledSelection::for_object(field)?),
            },
        })
    }

    fn write(&self, column: &CellField, out: &mut Vec<u8>) {
        match column {
            CellField::Row(write) => write(self, out),
            CellField::Center(columns) => columns.write(&self.center_coordinates(), out),
            CellField::Boundary(columns) => columns.write_list(&self.boundary_coordinates(), out),
            CellField::Summary(quantity, columns) => columns.write(&self.statistics.summary(*quantity), out),
        }
    }
}

/// A coordinate.
pub enum CoordinatesField {
    Latitude,
    Longitude,
}

impl JsonType for Coordinates {
    type Field = CoordinatesField;

    fn compile_field(field: &SelectedField<'_>) -> Option<CoordinatesField> {
        match field.name() {
            "latitude" => Some(CoordinatesField::Latitude),
            "longitude" => Some(CoordinatesField::Longitude),
            _ => None,
        }
    }

    fn write(&self, column: &CoordinatesField, out: &mut Vec<u8>) {
        match column {
            CoordinatesField::Latitude => json::float(self.latitude, out),
            CoordinatesField::Longitude => json::float(self.longitude, out),
        }
    }
}
