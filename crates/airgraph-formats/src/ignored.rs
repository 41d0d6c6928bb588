//! Names of fields without a known quantity, and truncation of external text in responses.

use std::collections::BTreeSet;

/// Maximum number of names in a response: a body may have far more, and the response is for reading.
const MAX_IGNORED_NAMES: usize = 100;
/// Maximum length of a name in a response, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Maximum length of a reason in characters, not counting the mark of omitted characters.
const MAX_REASON_CHARS: usize = 500;

/// Names, without duplicates.
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

/// The beginning of an external text, short enough for a response.
pub(super) fn truncate_name(text: &str) -> String {
    text.chars().take(MAX_NAME_CHARS).collect()
}

/// A reason that may contain external text, shortened for a response and a column. Its beginning (what is wrong) and
/// its end (what is expected, and where) are kept.
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
        let short = elide_middle(reason);
        assert_eq!(short.chars().count(), 505);
        assert!(short.starts_with("invalid type: string") && short.ends_with("expected i64 at column 7"), "{short}");
    }
}
