//! Columns of devices.

use super::{ColumnType, ExportColumn, of_field};

const TYPE: &str = "Device";

/// All columns.
pub fn columns() -> Vec<ExportColumn> {
    vec![
        of_field("device", TYPE, "key", ColumnType::Text),
        of_field("name", TYPE, "name", ColumnType::Text),
        of_field("kind", TYPE, "kind", ColumnType::Text),
        of_field("latitude", TYPE, "latitude", ColumnType::Float).in_unit("deg"),
        of_field("longitude", TYPE, "longitude", ColumnType::Float).in_unit("deg"),
        of_field("licence", TYPE, "licence", ColumnType::Text),
        of_field("attribution", TYPE, "attribution", ColumnType::Text),
        of_field("created_at", TYPE, "createdAt", ColumnType::Timestamp),
        ExportColumn {
            description: "Time of the newest measurement of the device. Null when it has none.".to_owned(),
            ..of_field("last_seen", TYPE, "latest", ColumnType::Timestamp).member("Measurement", "measuredAt")
        },
    ]
}
