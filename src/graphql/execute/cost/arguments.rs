//! Arguments of a field in a canonical operation: constants of the right types.

use async_graphql::{Name, Positioned};
use async_graphql_value::Value;
use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::time;

/// The arguments of a field.
pub(super) struct Arguments<'a>(pub &'a [(Positioned<Name>, Positioned<Value>)]);

/// A time span. A missing end extends to all measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSpan {
    /// Start (inclusive).
    pub from: Option<DateTime<Utc>>,
    /// End (exclusive).
    pub to: Option<DateTime<Utc>>,
}

impl<'a> Arguments<'a> {
    /// An argument; `None` when it is null or absent.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        let found = self.0.iter().find(|(argument, _)| argument.node == name);
        found.map(|(_, value)| &value.node).filter(|value| **value != Value::Null)
    }

    /// An integer; a negative one is rejected later.
    pub fn int(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Value::Number(number) => Some(number.as_u64().unwrap_or(0)),
            _ => None,
        }
    }

    /// A string, or the name of an enum value.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(text)
    }

    /// Whether a boolean argument is true.
    pub fn bool(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Boolean(true))
    }

    /// The items of a list.
    pub fn list_len(&self, name: &str) -> u64 {
        list_items(self.get(name)).count() as u64
    }

    /// A time span.
    pub fn span(&self, name: &str) -> TimeSpan {
        self.get(name).map_or_else(TimeSpan::default, TimeSpan::from_value)
    }
}

/// A string, or the name of an enum value.
pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Enum(name) => Some(name),
        _ => None,
    }
}

/// The items of a list. A single value is a list of one item.
pub(super) fn list_items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let items: &[Value] = match value {
        None | Some(Value::Null) => &[],
        Some(Value::List(items)) => items,
        Some(item) => std::slice::from_ref(item),
    };
    items.iter()
}

impl TimeSpan {
    /// The span of a value of type `TimeRange`.
    pub fn from_value(value: &Value) -> Self {
        let end = |name: &str| match value {
            Value::Object(fields) => fields.get(name).and_then(text).and_then(|text| text.parse().ok()),
            _ => None,
        };
        Self { from: end("from"), to: end("to") }
    }

    /// The intersection of both spans.
    pub fn intersect(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.into_iter().chain(other.to).min() }
    }

    /// The span with this end if it has none.
    pub fn until(self, end: DateTime<Utc>) -> Self {
        Self { to: self.to.or(Some(end)), ..self }
    }

    /// Number of hours in the span. `end` replaces a missing end; the span is a month when that is unknown too.
    pub fn hours(self, end: Option<DateTime<Utc>>) -> u64 {
        let from = self.from.unwrap_or(time::EARLIEST_TIME);
        let end = end.filter(|end| *end > from);
        let to = self.to.or(end).unwrap_or_else(|| from + TimeDelta::days(31));
        u64::try_from((to - from).num_hours()).unwrap_or(0).saturating_add(1)
    }
}
