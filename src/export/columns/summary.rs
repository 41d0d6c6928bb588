//! Columns of statistics of each quantity.

use super::{ColumnSource, ColumnType, ExportColumn};
use crate::{
    domain::quantity::{Group, Quantity},
    graphql,
    graphql::types::quantity,
};

/// Suffix, field of `Summary`, type, and whether it is exported by default.
const STATISTICS: [(&str, &str, ColumnType, bool); 6] = [
    ("count", "count", ColumnType::Integer, true),
    ("mean", "mean", ColumnType::Float, true),
    ("min", "min", ColumnType::Float, true),
    ("max", "max", ColumnType::Float, true),
    ("standard_deviation", "standardDeviation", ColumnType::Float, true),
    ("invalid_count", "invalidCount", ColumnType::Integer, false),
];

/// `pm2_5_mean` and so on, for all quantities. The name of a quantity selects all of its columns.
pub fn columns() -> impl Iterator<Item = ExportColumn> {
    Quantity::ALL.iter().flat_map(|&quantity| {
        let definition = quantity.definition();
        STATISTICS.iter().map(move |&(suffix, field, value_type, is_default)| {
            let statistic = graphql::types().description("Summary", field).unwrap_or_default();
            ExportColumn {
                name: format!("{}_{suffix}", definition.name).into(),
                group: Some(definition.name),
                is_default: is_default && definition.group == Group::Air,
                value_type,
                unit: (value_type == ColumnType::Float).then_some(definition.unit),
                description: format!("{} {statistic}", quantity::schema_description(quantity)),
                source: ColumnSource::Json {
                    field: format!("{}: quantity(of: {})", definition.name, quantity::schema_name(quantity)).into(),
                    key: definition.name.into(),
                    member: Some(field),
                },
            }
        })
    })
}
