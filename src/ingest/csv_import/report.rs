//! Reports of imports.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    ingest::{Rejection, csv::UnreadableValues},
    recorder::Receipt,
};

/// Maximum number of names in a report.
const MAX_IGNORED_NAMES: usize = 100;
/// Maximum number of rejected lines in a report; the others are only counted.
const MAX_LISTED_LINES: usize = 1000;

/// Outcome of a file, or of the part that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Whether this was a dry run: nothing was stored.
    pub dry_run: bool,
    /// Lines read, without the header and lines without data.
    pub lines: u64,
    /// Samples stored.
    pub recorded: u64,
    /// Samples that were stored before or occur in the file twice.
    pub duplicates: u64,
    /// Lines that are not samples.
    pub rejected: RejectedLines,
    /// Unknown columns and sensors: the first hundred.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ignored: BTreeSet<String>,
    /// Unreadable values in lines that are samples.
    #[serde(skip_serializing_if = "UnreadableValues::is_empty")]
    pub unreadable: UnreadableValues,
}

/// Lines that are not samples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RejectedLines {
    /// Number of lines.
    pub count: u64,
    /// The first thousand.
    pub lines: Vec<RejectedLine>,
}

/// A line that is not a sample, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RejectedLine {
    /// Its number, from 1, the header included.
    pub line: usize,
    /// The reason, machine-readable.
    pub code: &'static str,
    /// The reason, human-readable.
    pub detail: String,
}

impl ImportReport {
    /// Whether the file has lines and none of them is stored, by this upload or an earlier one.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.recorded == 0 && self.duplicates == 0 && self.rejected.count > 0
    }

    /// Adds unknown names.
    pub(super) fn ignore(&mut self, names: &[String]) {
        for name in names {
            if self.ignored.len() < MAX_IGNORED_NAMES && !self.ignored.contains(name) {
                self.ignored.insert(name.clone());
            }
        }
    }

    /// Adds the outcome of some lines.
    pub(super) fn add(&mut self, lines: u64, receipt: Receipt) {
        self.lines += lines;
        self.recorded += receipt.recorded as u64;
        self.duplicates += receipt.duplicates as u64;
        self.rejected.count += receipt.rejected.len() as u64;
        let room = MAX_LISTED_LINES.saturating_sub(self.rejected.lines.len());
        let listed = receipt.rejected.into_iter().take(room);
        self.rejected.lines.extend(listed.map(|Rejection { index, code, detail }| RejectedLine {
            line: index,
            code,
            detail,
        }));
    }
}
