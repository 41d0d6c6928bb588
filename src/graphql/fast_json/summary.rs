//! Summaries of a quantity, with all fields.

use super::{
    JsonType,
    json::{self, nullable},
    selection::SelectedField,
};
use crate::{
    domain::{quantity::Quantity, statistics::Percentile},
    graphql::{
        types,
        types::{statistics::particulate_quantity, summary::Summary},
    },
};

pub enum SummaryField {
    Count,
    InvalidCount,
    Mean,
    Min,
    Max,
    StandardDeviation,
    Percentile(Percentile),
}

impl JsonType for Summary {
    type Field = SummaryField;

    fn compile_field(field: &SelectedField<'_>) -> Option<SummaryField> {
        Some(match field.name() {
            "count" => SummaryField::Count,
            "invalidCount" => SummaryField::InvalidCount,
            "mean" => SummaryField::Mean,
            "min" => SummaryField::Min,
            "max" => SummaryField::Max,
            "standardDeviation" => SummaryField::StandardDeviation,
            "percentile" => SummaryField::Percentile(Percentile::try_new(field.argument("p", None)?)?),
            _ => return None,
        })
    }

    fn write(&self, column: &SummaryField, out: &mut Vec<u8>) {
        let summary = &self.0;
        match *column {
            SummaryField::Count => json::integer(summary.count, out),
            SummaryField::InvalidCount => json::integer(summary.invalid_count, out),
            SummaryField::Mean => nullable(summary.mean, json::float, out),
            SummaryField::Min => nullable(summary.min, json::float, out),
            SummaryField::Max => nullable(summary.max, json::float, out),
            SummaryField::StandardDeviation => nullable(summary.standard_deviation, json::float, out),
            SummaryField::Percentile(percentile) => nullable(summary.percentile(percentile), json::float, out),
        }
    }
}

/// The quantity that a field of `Statistics` or `Cell` summarises; `None` for other fields.
pub fn summary_quantity(field: &SelectedField<'_>) -> Option<Quantity> {
    Some(match field.name() {
        "quantity" => field.argument::<types::quantity::Quantity>("of", None)?.into(),
        name => particulate_quantity(name)?,
    })
}
