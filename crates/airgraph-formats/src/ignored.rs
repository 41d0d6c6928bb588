//! The names of what a body tells beside the quantities known here, and how much of a foreign text an answer repeats.

use std::collections::BTreeSet;

/// Names that an answer lists at most: a body may hold far more, and the answer is for people.
const MAX_IGNORED_NAMES: usize = 100;
/// Characters of a name that an answer repeats at most.
const MAX_NAME_CHARS: usize = 64;

/// Characters of a reason at most, not counting those that say that some were left out.
const MAX_REASON_CHARS: usize = 500;

/// Names, once each.
#[derive(Debug, Default)]
pub(super) struct IgnoredNames(BTreeSet<String>);

impl IgnoredNames {
    pub(super) fn insert(&mut self, name: &str) {
        if self.0.len() < MAX_IGNORED_NAMES {
            self.0.insert(truncate_name(name));
        }
    }

    /// The names, sorted.
    pub(super) fn into_names(self) -> Vec<String> {
        self.0.into_iter().collect()
    }
}

/// The beginning of a foreign text, short enough to be repeated in an answer.
pub(super) fn truncate_name(text: &str) -> String {
    text.chars().take(MAX_NAME_CHARS).collect()
}

/// A reason in which a foreign text may stand, short enough for an answer and a column. What is wrong stands at its
/// beginning, what is expected and where at its end.
pub(super) fn elide_middle(reason: String) -> String {
    let chars = reason.chars().count();
    if chars <= MAX_REASON_CHARS {
        return reason;
    }
    let beginning = reason.chars().take(MAX_REASON_CHARS / 2);
    beginning.chain(" […] ".chars()).chain(reason.chars().skip(chars - MAX_REASON_CHARS / 2)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_once_each_and_bounded() {
        let mut ignored = IgnoredNames::default();
        for number in (0..500).rev() {
            ignored.insert(&format!("n{number:03}"));
            ignored.insert(&format!("n{number:03}"));
        }
        let names = ignored.into_names();
        assert_eq!((names.len(), names[0].as_str()), (MAX_IGNORED_NAMES, "n400"));
        let mut long = IgnoredNames::default();
        long.insert(&"ß".repeat(1000));
        assert_eq!(long.into_names(), ["ß".repeat(MAX_NAME_CHARS)]);
    }

    #[test]
    fn long_reason_keeps_its_beginning_and_end() {
        assert_eq!(elide_middle("ß".repeat(500)), "ß".repeat(500));
        let reason = format!("invalid type: string {:?}, expected i64 at column 7", "ß".repeat(100_000));
        let told = elide_middle(reason);
        assert_eq!(told.chars().count(), 505);
        assert!(told.starts_with("invalid type: string") && told.ends_with("expected i64 at column 7"), "{told}");
    }
}
