//! What became of a file.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    ingest::{Rejection, csv::UnreadableValues},
    recorder::Receipt,
};

/// Names that a report lists at most.
const MAX_IGNORED_NAMES: usize = 100;
/// Rejected lines that a report tells one by one; of the others it tells how many they are.
const MAX_LISTED_LINES: usize = 1000;

/// What became of a file, or of so much of it as was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Whether nothing was stored, and the numbers tell what would have become of it.
    pub dry_run: bool,
    /// Lines read, without the header and what is no data.
    pub lines: u64,
    /// Samples stored.
    pub recorded: u64,
    /// Samples that were stored before, or stand in the file twice.
    pub duplicates: u64,
    /// Lines that are no samples.
    pub rejected: RejectedLines,
    /// Columns and sensors that have no meaning here: the first hundred.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ignored: BTreeSet<String>,
    /// Values that could not be read in lines that are samples.
    #[serde(skip_serializing_if = "UnreadableValues::is_empty")]
    pub unreadable: UnreadableValues,
}

/// Lines that are no samples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RejectedLines {
    /// How many.
    pub count: u64,
    /// The first thousand.
    pub lines: Vec<RejectedLine>,
}

/// A line that is no sample, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RejectedLine {
    /// Its number, from 1, the header included.
    pub line: usize,
    /// The reason, for programs.
    pub code: &'static str,
    /// The reason, for people.
    pub detail: String,
}

impl ImportReport {
    /// Whether the file holds lines and not one of them is stored, by this upload or an earlier one.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.recorded == 0 && self.duplicates == 0 && self.rejected.count > 0
    }

    /// Adds names of what has no meaning here.
    pub(super) fn ignore(&mut self, names: &[String]) {
        for name in names {
            if self.ignored.len() < MAX_IGNORED_NAMES && !self.ignored.contains(name) {
                self.ignored.insert(name.clone());
            }
        }
    }

    /// Adds what became of some lines.
    pub(super) fn add(&mut self, lines: u64, receipt: Receipt) {
        self.lines += lines;
        self.recorded += receipt.recorded as u64;
        self.duplicates += receipt.duplicates as u64;
        self.rejected.count += receipt.rejected.len() as u64;
        let room = MAX_LISTED_LINES.saturating_sub(self.rejected.lines.len());
        let told = receipt.rejected.into_iter().take(room);
        self.rejected.lines.extend(told.map(|Rejection { index, code, detail }| RejectedLine {
            line: index,
            code,
            detail,
        }));
    }
}
