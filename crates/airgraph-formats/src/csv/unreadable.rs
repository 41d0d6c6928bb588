//! Values that could not be read while the rest of their line was.

use serde::Serialize;

/// Values that a report lists one by one; the others are only counted.
const MAX_LISTED_VALUES: usize = 1000;

/// Values that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnreadableValues {
    /// How many.
    pub count: u64,
    /// The first thousand.
    pub values: Vec<UnreadableValue>,
}

/// A value that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnreadableValue {
    /// The number of its line, from 1, the header included.
    pub line: usize,
    /// The name of its column.
    pub column: String,
    /// The reason, for programs.
    pub code: &'static str,
    /// The reason, for people.
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

    /// Adds those of the lines that follow.
    pub fn extend(&mut self, more: Self) {
        let room = MAX_LISTED_VALUES.saturating_sub(self.values.len());
        self.count += more.count;
        self.values.extend(more.values.into_iter().take(room));
    }

    /// Whether every value was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
