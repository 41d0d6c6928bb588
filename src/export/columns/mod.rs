//! The columns of exports: name, type, unit, meaning, and where the value comes from. One table per subject; the units
//! are those of the domain's quantities, and the descriptions those of the GraphQL schema.

pub mod cell;
pub mod device;
pub mod measurement;
pub mod statistics;
mod summary;
pub mod trip;

use std::borrow::Cow;

use self::measurement::MeasurementField;
use super::ExportSubject;
use crate::{api_error::ApiError, graphql};

/// Name that stands for every column.
const ALL_COLUMNS: &str = "all";

/// Type of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// A point in time.
    Timestamp,
    /// A number.
    Float,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A list of names.
    Names,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportColumn {
    /// Its name in the header, and in the parameter `columns`.
    pub name: Cow<'static, str>,
    /// A name that selects this column together with others, such as `weather`.
    pub group: Option<&'static str>,
    /// Whether it is part of an export that names no columns.
    pub is_default: bool,
    /// Type of its values.
    pub value_type: ColumnType,
    /// Unit of its values in UCUM; `None` for values without one.
    pub unit: Option<&'static str>,
    /// What its values are.
    pub description: String,
    /// Where its values come from.
    pub source: ColumnSource,
}

/// Where the values of a column come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnSource {
    /// A row of measurements.
    Measurement(MeasurementField),
    /// A field of the GraphQL operation.
    Json {
        /// The selected field without its selection set, such as `pm2_5: quantity(of: PM2_5)`.
        field: Cow<'static, str>,
        /// Its key in the response.
        key: Cow<'static, str>,
        /// Its selected member, for a field that is an object.
        member: Option<&'static str>,
    },
}

/// Every column of a subject, in order.
pub fn all(subject: ExportSubject) -> Vec<ExportColumn> {
    match subject {
        ExportSubject::Measurements => measurement::columns(),
        ExportSubject::Statistics => statistics::columns(),
        ExportSubject::Devices => device::columns(),
        ExportSubject::Trips => trip::columns(),
        ExportSubject::Cells => cell::columns(),
    }
}

/// The columns with these names, in this order; the default columns without names. A name may be that of a group, or
/// `all`.
///
/// # Errors
/// When a name is unknown.
pub fn select(subject: ExportSubject, names: &[&str]) -> Result<Vec<ExportColumn>, ApiError> {
    let known = all(subject);
    if names.is_empty() {
        return Ok(known.into_iter().filter(|column| column.is_default).collect());
    }
    let mut selected: Vec<ExportColumn> = Vec::new();
    for &name in names {
        let matching = |column: &&ExportColumn| {
            name == ALL_COLUMNS && column.name != measurement::CURSOR
                || column.name == name
                || column.group == Some(name)
        };
        let mut found = known.iter().filter(matching).peekable();
        if found.peek().is_none() {
            let names: Vec<_> = known.iter().map(|column| &*column.name).collect();
            let reason = format!("no column {name:?}; there are: {}", names.join(", "));
            return Err(ApiError::bad_input("columns", reason));
        }
        for column in found {
            if !selected.contains(column) {
                selected.push(column.clone());
            }
        }
    }
    Ok(selected)
}

/// A column with the value of a field of a GraphQL type.
fn of_field(name: &'static str, of: &str, field: &'static str, value_type: ColumnType) -> ExportColumn {
    ExportColumn {
        name: name.into(),
        group: None,
        is_default: true,
        value_type,
        unit: None,
        description: graphql::types().description(of, field).unwrap_or_default(),
        source: ColumnSource::Json { field: field.into(), key: field.into(), member: None },
    }
}

impl ExportColumn {
    /// The same with a unit.
    fn in_unit(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// The same, only exported when it is named.
    fn on_request(self) -> Self {
        Self { is_default: false, ..self }
    }

    /// The same with a member of the field, described as in this type.
    fn member(self, of: &str, name: &'static str) -> Self {
        let ColumnSource::Json { field, key, .. } = self.source else { return self };
        let description = graphql::types().description(of, name).unwrap_or_default();
        Self { description, source: ColumnSource::Json { field, key, member: Some(name) }, ..self }
    }
}
