//! Dry run of a submission.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{Receipt, Submission, dedup, insert, replay::Replays, transaction};
use crate::{
    db::{DbError, device},
    domain::device::DeviceId,
};

/// The receipt of the submission if it were recorded now. Only reads.
///
/// # Errors
/// When the database fails.
pub(super) async fn compare(db: &mut PgConnection, submission: &Submission) -> Result<Receipt, DbError> {
    let mut receipts = [transaction::new_receipt(submission)];
    let keys: Vec<_> = transaction::device_kinds(&[submission]).into_keys().collect();
    let mut known = device::load_ids_by_keys(&mut *db, &keys).await?;
    // An unknown device gets an unused row number, so it has no stored rows.
    let unheard_of = (1..).map(|number| DeviceId(-number));
    let devices: HashMap<_, _> = keys
        .into_iter()
        .zip(unheard_of)
        .map(|(key, none)| (key.to_owned(), known.remove(key).unwrap_or(none)))
        .collect();
    let mut candidates = dedup::dedup(&[submission], &devices, &[None], &mut receipts);
    insert::compare_with_stored(db, &mut candidates, &mut Replays::default(), &mut receipts).await?;
    let [receipt] = receipts;
    Ok(Receipt { recorded: candidates.len(), ..receipt })
}
