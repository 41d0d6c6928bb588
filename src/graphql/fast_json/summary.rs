//! Summaries of a quantity, whole.

use super::{
    Flat,
    json::{self, optional},
    selection::Selected,
};
use crate::{
    domain::{quantity::Quantity, statistics::Percentile},
    graphql::{
        types,
        types::{statistics::particulate, summary::Summary},
    },
};

pub enum Column {
    Count,
    InvalidCount,
    Mean,
    Min,
    Max,
    StandardDeviation,
    Percentile(Percentile),
}

impl Flat for Summary {
    type Column = Column;

    fn column(field: &Selected<'_>) -> Option<Column> {
        Some(match field.name() {
            "count" => Column::Count,
            "invalidCount" => Column::InvalidCount,
            "mean" => Column::Mean,
            "min" => Column::Min,
            "max" => Column::Max,
            "standardDeviation" => Column::StandardDeviation,
            "percentile" => Column::Percentile(Percentile::try_new(field.argument("p", None)?)?),
            _ => return None,
        })
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        let summary = &self.0;
        match *column {
            Column::Count => json::integer(summary.count, out),
            Column::InvalidCount => json::integer(summary.invalid_count, out),
            Column::Mean => optional(summary.mean, json::float, out),
            Column::Min => optional(summary.min, json::float, out),
            Column::Max => optional(summary.max, json::float, out),
            Column::StandardDeviation => optional(summary.standard_deviation, json::float, out),
            Column::Percentile(percentile) => optional(summary.percentile(percentile), json::float, out),
        }
    }
}

/// The quantity that a field of statistics or of a cell sums up; none where it is another field.
pub fn summarised(field: &Selected<'_>) -> Option<Quantity> {
    Some(match field.name() {
        "quantity" => field.argument::<types::quantity::Quantity>("of", None)?.into(),
        name => particulate(name)?,
    })
}
