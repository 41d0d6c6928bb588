//! The names of what a body tells beside the quantities known here.

use std::collections::BTreeSet;

/// Names that an answer lists at most: a body may hold far more, and the answer is for people.
const MAX_NAMES: usize = 100;
/// Characters of a name that an answer repeats at most.
const MAX_CHARS: usize = 64;

/// Names, once each.
#[derive(Debug, Default)]
pub(super) struct Ignored(BTreeSet<String>);

impl Ignored {
    pub(super) fn insert(&mut self, name: &str) {
        if self.0.len() < MAX_NAMES {
            self.0.insert(shortened(name));
        }
    }

    /// The names, sorted.
    pub(super) fn into_names(self) -> Vec<String> {
        self.0.into_iter().collect()
    }
}

/// The beginning of a foreign text, short enough to be repeated in an answer.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_once_each_and_bounded() {
        let mut ignored = Ignored::default();
        for number in (0..500).rev() {
            ignored.insert(&format!("n{number:03}"));
            ignored.insert(&format!("n{number:03}"));
        }
        let names = ignored.into_names();
        assert_eq!((names.len(), names[0].as_str()), (MAX_NAMES, "n400"));
        let mut long = Ignored::default();
        long.insert(&"ß".repeat(1000));
        assert_eq!(long.into_names(), ["ß".repeat(MAX_CHARS)]);
    }
}
