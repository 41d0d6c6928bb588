//! Numbered fields of `CleanCycle`'s decoder on the network server.
//!
//! Keys "0", "1", "2", "3" are latitude, longitude, PM10 and PM2.5 of the first sample, and so on in groups of four.
//! Servers write the keys sorted as texts ("0", "1", "10", "11", ..., "2"), so the samples follow the numbers, not the
//! order of the keys.

use super::super::{
    parse::{JsonValue, Reason},
    vocabulary::RawValue,
};

/// Number of values of a sample in numbered fields.
pub(super) const VALUES_PER_SAMPLE: usize = 4;

/// The fields, sorted by their numbers; a value that is not a number is `None`.
pub(super) struct NumberedFields(Vec<(usize, Option<f64>)>);

impl NumberedFields {
    /// Reads the fields with numbers as keys.
    pub(super) fn read(fields: &[(&str, &JsonValue)]) -> Self {
        let numbered =
            fields.iter().filter_map(|(key, value)| Some((key.parse().ok()?, RawValue::from(*value).number())));
        let mut numbered: Vec<_> = numbered.collect();
        numbered.sort_by_key(|&(number, _)| number);
        Self(numbered)
    }

    /// The values of each sample, if there are any and the numbers have no gap.
    pub(super) fn complete_samples(&self) -> Option<Vec<[Option<f64>; VALUES_PER_SAMPLE]>> {
        if self.0.is_empty() || self.fault().is_some() {
            return None;
        }
        let (fours, _) = self.0.as_chunks::<VALUES_PER_SAMPLE>();
        Some(fours.iter().map(|four| four.map(|(_, value)| value)).collect())
    }

    /// Why the fields are not samples. `None` if there are no fields.
    pub(super) fn fault(&self) -> Option<Reason> {
        if !self.0.len().is_multiple_of(VALUES_PER_SAMPLE) {
            let detail = format!("{} values don't group by four (latitude, longitude, PM10, PM2.5)", self.0.len());
            return Some(("FIELDS_NOT_BY_FOURS", detail));
        }
        let (expected, _) = self.0.iter().enumerate().find(|(expected, (number, _))| expected != number)?;
        Some(("FIELDS_WITH_GAP", format!("key \"{expected}\" is missing")))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|&(number, _)| number)
    }
}
