//! The append path: plain batches, which most are. All of their samples are newer than the stored ones of their
//! devices, so that none can be a duplicate and no key has to be looked up; and they are few, of known devices, without
//! contradicted packets. Such a batch is stored by a single statement, which is a transaction of its own.

use super::{
    Receipt, Submission,
    dedup::{self, Candidate},
    insert, packet_continuity, transaction,
};
use crate::db::{
    MIN_COPY_ROWS,
    recorder_batch::{BatchContext, BatchWrite},
    rollup::HourlyRollups,
};

/// The rows and receipts of a batch, if it is plain.
pub(super) fn plan_append<'a>(
    submissions: &[&'a Submission],
    known: &BatchContext,
) -> Option<(BatchWrite<'a>, Vec<Receipt>)> {
    let samples: usize = submissions.iter().map(|submission| submission.observations().len()).sum();
    let is_known = |submission: &&Submission| {
        submission.observations().iter().all(|seen| known.devices.contains_key(seen.device.as_str()))
    };
    let is_replay = |submission: &&Submission| submission.replayed_uplink().is_some();
    if samples >= MIN_COPY_ROWS || submissions.iter().any(is_replay) || !submissions.iter().all(is_known) {
        return None;
    }
    let knowledge = transaction::DeviceIndex::from_context(known);
    let uplinks = transaction::uplink_ids(submissions);
    let mut receipts: Vec<_> = submissions.iter().map(|submission| transaction::new_receipt(submission)).collect();
    let mut candidates = dedup::dedup(submissions, &knowledge.ids, &uplinks, &mut receipts);
    let is_newer = |candidate: &Candidate<'_>| insert::is_newer(&knowledge.latest, candidate.device_time());
    let stand_alone = candidates.windows(2).all(|two| two[0].device_time() != two[1].device_time());
    if !stand_alone || !candidates.iter().all(is_newer) {
        return None;
    }
    dedup::flag(&mut candidates, &knowledge.histories);
    for candidate in &mut candidates {
        candidate.seq = Some(0);
        receipts[candidate.submission].recorded += 1;
    }
    let (contradicted, packets) =
        packet_continuity::find_contradicted(submissions, &knowledge.ids, knowledge.packets, &uplinks, &receipts);
    if !contradicted.is_empty() {
        return None;
    }
    let fresh: Vec<_> = candidates.iter().filter_map(Candidate::row).collect();
    let latest = transaction::newest_per_device(&fresh);
    let uplinks = transaction::uplink_rows(submissions, &knowledge.ids, &uplinks, &receipts);
    let hours = HourlyRollups::from_rows(&fresh);
    let feed_record = transaction::feed_record(&fresh, Vec::new());
    Some((BatchWrite { new_rows: fresh, hours, latest, packets, uplinks, feed_record }, receipts))
}
