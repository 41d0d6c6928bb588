//! Progress on standard error; nothing if that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of this length, or a spinner if the length is unknown.
pub(super) fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
