//! Plain columns: `time`, `device`, `latitude`, `longitude` and quantities, in any order, by any of their names
//! ([`vocabulary::general`](crate::vocabulary)). A name without a unit is in the quantity's own.

use super::{ColumnMeaning, FileKind, meaning_in_vocabulary};
use crate::vocabulary;

pub(super) const PLAIN: FileKind = FileKind {
    name: "columns named time, device, latitude, longitude, pm10, pm2_5, ...",
    recognises: |names| names.iter().any(|name| is_time(name)),
    meaning,
    vocabulary: &vocabulary::PLAIN,
    device_prefix: "",
    is_archive: false,
    has_logger_clock: false,
};

/// Names of the time column, in lower case without separators.
const TIME_COLUMNS: &[&str] = &[
    "time",
    "timestamp",
    "datetime",
    "createdat",
    "measuredat",
    "recordedat",
    "timeutc",
    "utctime",
    "timestamputc",
    "datetimeutc",
    "utcdatetime",
];
/// Names of the device column, likewise.
const DEVICE_COLUMNS: &[&str] = &["device", "deviceid", "devicekey"];

fn meaning(name: &str) -> Option<ColumnMeaning> {
    let bare = bare(name);
    if TIME_COLUMNS.contains(&bare.as_str()) {
        Some(ColumnMeaning::Time)
    } else if DEVICE_COLUMNS.contains(&bare.as_str()) {
        Some(ColumnMeaning::Device)
    } else if bare == "date" {
        Some(ColumnMeaning::CalendarDate)
    } else {
        meaning_in_vocabulary(&vocabulary::PLAIN, name)
    }
}

fn is_time(name: &str) -> bool {
    TIME_COLUMNS.contains(&bare(name).as_str())
}

/// A name in lower case, without separators.
fn bare(name: &str) -> String {
    let signs = |char: &char| !matches!(char, ' ' | '_' | '-' | '/' | '.' | '(' | ')' | '[' | ']');
    name.chars().filter(signs).map(|char| char.to_ascii_lowercase()).collect()
}
