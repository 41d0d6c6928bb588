//! Columns of the cells of a map.

use super::{ColumnType, ExportColumn, of_field, summary};

const TYPE: &str = "Cell";

/// All columns.
pub fn columns() -> Vec<ExportColumn> {
    let mut columns = vec![
        of_field("cell", TYPE, "index", ColumnType::Text),
        of_field("resolution", TYPE, "resolution", ColumnType::Integer).on_request(),
        of_field("latitude", TYPE, "center", ColumnType::Float).member("Coordinates", "latitude").in_unit("deg"),
        of_field("longitude", TYPE, "center", ColumnType::Float).member("Coordinates", "longitude").in_unit("deg"),
        of_field("count", TYPE, "count", ColumnType::Integer),
        of_field("coverage", TYPE, "coverage", ColumnType::Float).on_request(),
    ];
    columns.extend(summary::columns());
    columns
}
