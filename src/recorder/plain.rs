//! The hot path: batches that are plain, which most are. All of their samples are newer than what their devices have, so
//! that none can be stored already and no key has to be asked for; and they are few, of known devices, and contradict
//! nothing. Such a batch is stored by a single statement, which is a transaction of its own.

use super::{
    Receipt, Submission,
    candidates::{self, Candidate},
    insert, packets, transaction,
};
use crate::db::{
    MIN_COPY_ROWS,
    recorder_batch::{BatchWrite, Known},
    rollup::HourlyRollups,
};

/// What a batch leaves in the database and tells its senders, where it is plain.
pub(super) fn plain<'a>(submissions: &[&'a Submission], known: &Known) -> Option<(BatchWrite<'a>, Vec<Receipt>)> {
    let samples: usize = submissions.iter().map(|submission| submission.observations().len()).sum();
    let is_known = |submission: &&Submission| {
        submission.observations().iter().all(|seen| known.devices.contains_key(seen.device.as_str()))
    };
    let is_replay = |submission: &&Submission| submission.replayed().is_some();
    if samples >= MIN_COPY_ROWS || submissions.iter().any(is_replay) || !submissions.iter().all(is_known) {
        return None;
    }
    let knowledge = transaction::DeviceIndex::of(known);
    let uplinks = transaction::uplink_ids(submissions);
    let mut receipts: Vec<_> = submissions.iter().map(|submission| transaction::receipt(submission)).collect();
    let mut candidates = candidates::gather(submissions, &knowledge.ids, &uplinks, &mut receipts);
    let is_newer = |candidate: &Candidate<'_>| insert::is_newer(&knowledge.latest, candidate.moment());
    let stand_alone = candidates.windows(2).all(|two| two[0].moment() != two[1].moment());
    if !stand_alone || !candidates.iter().all(is_newer) {
        return None;
    }
    candidates::judge(&mut candidates, &knowledge.traces);
    for candidate in &mut candidates {
        candidate.seq = Some(0);
        receipts[candidate.submission].recorded += 1;
    }
    let (contradicted, packets) = packets::compare(submissions, &knowledge.ids, knowledge.packets, &uplinks, &receipts);
    if !contradicted.is_empty() {
        return None;
    }
    let fresh: Vec<_> = candidates.iter().filter_map(Candidate::row).collect();
    let latest = transaction::newest(&fresh);
    let uplinks = transaction::uplink_rows(submissions, &knowledge.ids, &uplinks, &receipts);
    let hours = HourlyRollups::of(&fresh);
    let news = transaction::news(&fresh, Vec::new());
    Some((BatchWrite { fresh, hours, latest, packets, uplinks, news }, receipts))
}
