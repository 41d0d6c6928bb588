//! Columns of statistics.

use super::{ColumnType, ExportColumn, of_field, summary};

const TYPE: &str = "Statistics";

/// All columns.
pub fn columns() -> Vec<ExportColumn> {
    let mut columns = vec![
        of_field("start", TYPE, "start", ColumnType::Timestamp),
        of_field("end", TYPE, "end", ColumnType::Timestamp),
        of_field("start_local", TYPE, "startLocal", ColumnType::Text).on_request(),
        of_field("interval", TYPE, "interval", ColumnType::Text).on_request(),
        of_field("device", TYPE, "device", ColumnType::Text).member("Device", "key"),
        of_field("cell", TYPE, "cell", ColumnType::Text),
        of_field("hour_of_day", TYPE, "hourOfDay", ColumnType::Integer),
        of_field("day_of_week", TYPE, "dayOfWeek", ColumnType::Integer),
        of_field("count", TYPE, "count", ColumnType::Integer),
        of_field("coverage", TYPE, "coverage", ColumnType::Float).on_request(),
    ];
    columns.extend(summary::columns());
    columns
}
