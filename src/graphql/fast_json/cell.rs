//! Cells of a map, with all fields but their air-quality index.

use super::{
    Columns, Flat,
    json::{self, optional},
    selection::Selected,
    summary::summarised,
};
use crate::{
    domain::quantity::Quantity,
    graphql::types::{cell::Cell, coordinates::Coordinates, summary::Summary},
};

pub enum Column {
    Index,
    Resolution,
    Center(Columns<Coordinates>),
    Boundary(Columns<Coordinates>),
    Count,
    Coverage,
    Summary(Quantity, Columns<Summary>),
}

impl Flat for Cell {
    type Column = Column;

    fn column(field: &Selected<'_>) -> Option<Column> {
        Some(match field.name() {
            "index" => Column::Index,
            "resolution" => Column::Resolution,
            "center" => Column::Center(Columns::of(field)?),
            "boundary" => Column::Boundary(Columns::of(field)?),
            "count" => Column::Count,
            "coverage" => Column::Coverage,
            _ => Column::Summary(summarised(field)?, Columns::of(field)?),
        })
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        match column {
            Column::Index => json::bare(&self.cell.to_string(), out),
            Column::Resolution => json::integer(u8::from(self.cell.resolution()), out),
            Column::Center(columns) => columns.write(&self.centre(), out),
            Column::Boundary(columns) => columns.write_list(&self.corners(), out),
            Column::Count => json::integer(self.statistics.row.count, out),
            Column::Coverage => optional(self.statistics.covered(), json::float, out),
            Column::Summary(quantity, columns) => columns.write(&self.statistics.summary(*quantity), out),
        }
    }
}

/// A coordinate.
pub enum Coordinate {
    Latitude,
    Longitude,
}

impl Flat for Coordinates {
    type Column = Coordinate;

    fn column(field: &Selected<'_>) -> Option<Coordinate> {
        match field.name() {
            "latitude" => Some(Coordinate::Latitude),
            "longitude" => Some(Coordinate::Longitude),
            _ => None,
        }
    }

    fn write(&self, column: &Coordinate, out: &mut Vec<u8>) {
        match column {
            Coordinate::Latitude => json::float(self.latitude, out),
            Coordinate::Longitude => json::float(self.longitude, out),
        }
    }
}
