//! Refusal of deletions in months that are in an archive: their rollups can't be recomputed.

use crate::{api_error::ApiError, domain::month::Month};

/// Refuses an argument that concerns these months, unless there are none. `relation` is between the argument and the months,
/// `alternative` another way than to import them.
pub fn refuse(
    argument: &str,
    relation: &str,
    months: impl Iterator<Item = Month>,
    alternative: Option<String>,
) -> Result<(), ApiError> {
    let names: Vec<_> = months.map(|month| month.to_string()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let alternative = alternative.map(|alternative| format!("{alternative}, or ")).unwrap_or_default();
    let reason = format!(
        "{relation} archived months ({}), of which measurements can't be deleted; {alternative}import these months of the \
         archive first (airgraph import)",
        names.join(", ")
    );
    Err(ApiError::bad_input(argument, reason))
}
