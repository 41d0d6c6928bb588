//! Summaries of a quantity, with all fields. Those of the row are in the table of [`SummaryRow`].

use super::{
    JsonType,
    json::{self, nullable},
    row_fields::WriteField,
    selection::SelectedField,
};
use crate::{
    domain::{
        quantity::Quantity,
        statistics::{Percentile, QuantitySummary},
    },
    graphql::{
        types,
        types::{
            statistics::particulate_quantity,
            summary::{Summary, SummaryRow},
        },
    },
};

pub enum SummaryField {
    /// A value of the row.
    Row(WriteField<QuantitySummary>),
    Percentile(Percentile),
}

impl JsonType for Summary {
    type Field = SummaryField;

    fn compile_field(field: &SelectedField<'_>) -> Option<SummaryField> {
        Some(match field.name() {
            "percentile" => SummaryField::Percentile(Percentile::try_new(field.argument("p", None)?)?),
            name => SummaryField::Row(SummaryRow::writer(name)?),
        })
    }

    fn write(&self, column: &SummaryField, out: &mut Vec<u8>) {
        match *column {
            SummaryField::Row(write) => write(&self.0, out),
            SummaryField::Percentile(percentile) => nullable(self.0.percentile(percentile), json::float, out),
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
