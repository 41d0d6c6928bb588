//! Cells of a map, with all fields except the air-quality index.

use super::{
    CompiledSelection, JsonType,
    json::{self, nullable},
    selection::SelectedField,
    summary::summary_quantity,
};
use crate::{
    domain::quantity::Quantity,
    graphql::types::{cell::Cell, coordinates::Coordinates, summary::Summary},
};

pub enum CellField {
    Index,
    Resolution,
    Center(CompiledSelection<Coordinates>),
    Boundary(CompiledSelection<Coordinates>),
    Count,
    Coverage,
    Summary(Quantity, CompiledSelection<Summary>),
}

impl JsonType for Cell {
    type Field = CellField;

    fn compile_field(field: &SelectedField<'_>) -> Option<CellField> {
        Some(match field.name() {
            "index" => CellField::Index,
            "resolution" => CellField::Resolution,
            "center" => CellField::Center(CompiledSelection::for_object(field)?),
            "boundary" => CellField::Boundary(CompiledSelection::for_object(field)?),
            "count" => CellField::Count,
            "coverage" => CellField::Coverage,
            _ => CellField::Summary(summary_quantity(field)?, CompiledSelection::for_object(field)?),
        })
    }

    fn write(&self, column: &CellField, out: &mut Vec<u8>) {
        match column {
            CellField::Index => json::unescaped_string(&self.cell.to_string(), out),
            CellField::Resolution => json::integer(u8::from(self.cell.resolution()), out),
            CellField::Center(columns) => columns.write(&self.center_coordinates(), out),
            CellField::Boundary(columns) => columns.write_list(&self.boundary_coordinates(), out),
            CellField::Count => json::integer(self.statistics.row.count, out),
            CellField::Coverage => nullable(self.statistics.coverage_share(), json::float, out),
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
