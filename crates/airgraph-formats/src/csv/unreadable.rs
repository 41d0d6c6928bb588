//! Unreadable values in lines that are otherwise valid.

use serde::Serialize;

/// Maximum number of values that a report lists; the others are only counted.
const MAX_LISTED_VALUES: usize = 1000;

/// Unreadable values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnreadableValues {
    /// Number of values.
    pub count: u64,
    /// The first thousand.
    pub values: Vec<UnreadableValue>,
}

/// An unreadable value and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnreadableValue {
    /// The number of its line, from 1, the header included.
    pub line: usize,
    /// The name of its column.
    pub column: String,
    /// The reason, machine-readable.
    pub code: &'static str,
    /// The reason, human-readable.
    pub detail: String,
}

impl UnreadableValues {
    /// Adds a value.
    pub(super) fn push(&mut self, value: UnreadableValue) {
        self.count += 1;
        if self.values.len() < MAX_LISTED_VALUES {
            self.values.push(value);
        }
    }

    /// Adds the values of later lines.
    pub fn extend(&mut self, more: Self) {
        let room = MAX_LISTED_VALUES.saturating_sub(self.values.len());
        self.count += more.count;
        self.values.extend(more.values.into_iter().take(room));
    }

    /// Whether every value is readable.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
