//! Columns of trips.

use super::{ColumnType, ExportColumn, of_field};
use crate::domain::quantity::Quantity;

const TYPE: &str = "Trip";

/// All columns.
pub fn columns() -> Vec<ExportColumn> {
    let exposure = |name, quantity: Quantity, field, member, value_type| {
        let unit = (value_type == ColumnType::Float).then_some(quantity.definition().unit);
        ExportColumn { unit, ..of_field(name, TYPE, field, value_type).member("TripExposure", member) }
    };
    vec![
        of_field("device", TYPE, "device", ColumnType::Text).member("Device", "key"),
        of_field("trip", TYPE, "id", ColumnType::Text),
        of_field("start", TYPE, "start", ColumnType::Timestamp),
        of_field("end", TYPE, "end", ColumnType::Timestamp),
        of_field("duration", TYPE, "duration", ColumnType::Float).in_unit("s"),
        of_field("distance", TYPE, "distance", ColumnType::Float).in_unit("m"),
        of_field("speed", TYPE, "speed", ColumnType::Float).in_unit("km/h"),
        of_field("moving_speed", TYPE, "movingSpeed", ColumnType::Float).in_unit("km/h"),
        of_field("count", TYPE, "count", ColumnType::Integer),
        exposure("pm2_5_mean", Quantity::Pm2_5, "pm25", "mean", ColumnType::Float),
        exposure("pm2_5_max", Quantity::Pm2_5, "pm25", "max", ColumnType::Float),
        exposure("pm2_5_count", Quantity::Pm2_5, "pm25", "count", ColumnType::Integer),
        exposure("pm10_mean", Quantity::Pm10, "pm10", "mean", ColumnType::Float),
        exposure("pm10_max", Quantity::Pm10, "pm10", "max", ColumnType::Float),
        exposure("pm10_count", Quantity::Pm10, "pm10", "count", ColumnType::Integer),
    ]
}
