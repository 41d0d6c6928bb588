//! Replay: decodes stored uplinks again with the current decoders and their original time of arrival.
//!
//! Their samples are recorded through the recorder with [`Source`] replay. A replay has the permission of its own
//! caller, whether or not the uplinks' keys are still valid. But a key that is bound to a device limits its uplinks to
//! that device: a body that could not be decoded on arrival may contain another device.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{DecodeError, Decoded, Observation, decode_context, format::Format};
use crate::{
    db::{self, connect::Database},
    domain::{
        api_key::{ApiKey, ApiKeyId},
        device::DeviceKey,
        uplink::{Uplink, UplinkOutcome},
    },
    recorder::{Arrival, Receipt, RecordError, Recorder, Source, Submission},
};

/// Maximum size of bodies in memory, in bytes; a single one may be larger.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// Uplinks in flight: enough for the writers to batch some while they commit.
const MAX_IN_FLIGHT: usize = 32;

/// Result of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Number of uplinks read.
    pub uplinks: usize,
    /// Uplinks that could not be decoded.
    pub undecodable: usize,
    /// Unchanged uplinks: of a format without a decoder, stored truncated, deleted in the meantime, or rejected
    /// by the database.
    pub skipped: usize,
    /// Samples stored that were not stored before, including replacements.
    pub recorded: usize,
    /// Samples that were stored before.
    pub duplicates: usize,
    /// Samples with implausible times or invalid values.
    pub rejected: usize,
    /// Samples that a dry run would record or find stored.
    pub not_compared: usize,
}

impl ReplayReport {
    /// The sum of two reports.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            uplinks: self.uplinks + other.uplinks,
            undecodable: self.undecodable + other.undecodable,
            skipped: self.skipped + other.skipped,
            recorded: self.recorded + other.recorded,
            duplicates: self.duplicates + other.duplicates,
            rejected: self.rejected + other.rejected,
            not_compared: self.not_compared + other.not_compared,
        }
    }
}

/// Decodes these uplinks again and records their samples, in the order of each device's uplinks. A dry run only
/// decodes.
///
/// # Errors
/// If the database fails, or the gateway shuts down. Uplinks before the error are replayed; replaying the same uplinks
/// again does not change them.
#[tracing::instrument(name = "ingest.replay", skip_all, fields(uplinks = uplinks.len(), dry_run))]
pub async fn replay(
    database: &Database,
    recorder: &Recorder,
    uplinks: &[Uplink],
    dry_run: bool,
) -> Result<ReplayReport, RecordError> {
    let replay = ReplayRun { database, recorder, keys: load_keys(database, uplinks).await?, dry_run };
    let mut replayed = ReplayReport::default();
    for some in split_by_bytes(uplinks) {
        let keys: Vec<_> = some.iter().map(|uplink| uplink.key).collect();
        let mut bodies = db::uplink::load_bodies(&database.reads, &keys).await?;
        let with_bodies = some.iter().map(|uplink| (uplink, bodies.remove(&uplink.key).map(Bytes::from)));
        for sequences in replay_order(with_bodies.collect()) {
            let sequences: Vec<_> = sequences.into_iter().map(|uplinks| replay.replay_all(uplinks)).collect();
            replayed = stream::iter(sequences)
                .buffered(MAX_IN_FLIGHT)
                .try_fold(replayed, async |sum, one| Ok(sum.merge(one)))
                .await?;
        }
    }
    Ok(replayed)
}

/// The API keys of these uplinks.
async fn load_keys(database: &Database, uplinks: &[Uplink]) -> Result<HashMap<ApiKeyId, ApiKey>, RecordError> {
    let mut ids: Vec<_> = uplinks.iter().filter_map(|uplink| uplink.api_key_id).collect();
    ids.sort_unstable_by_key(|id| id.0);
    ids.dedup();
    Ok(db::api_key::load_by_ids(&database.reads, &ids).await?)
}

/// The uplinks in chunks of at most [`MAX_BATCH_BYTES`] of bodies.
fn split_by_bytes(mut uplinks: &[Uplink]) -> impl Iterator<Item = &[Uplink]> {
    std::iter::from_fn(move || {
        let mut bytes = 0_usize;
        let fitting = uplinks.iter().take_while(|uplink| {
            bytes = bytes.saturating_add(usize::try_from(uplink.bytes).unwrap_or(0));
            bytes <= MAX_BATCH_BYTES
        });
        let fitting = fitting.count().max(1).min(uplinks.len());
        let (some, rest) = uplinks.split_at(fitting);
        uplinks = rest;
        (!some.is_empty()).then_some(some)
    })
}

/// An uplink with its body; `None` if it was deleted since it was listed.
type UplinkWithBody<'a> = (&'a Uplink, Option<Bytes>);

/// The uplinks in the order of their replay: first those that were decoded before, each device's one after the
/// other, since a sample that one removes may be in another; an uplink of several devices joins them in one
/// sequence. Then the others, which have no samples to remove, in any order.
fn replay_order(uplinks: Vec<UplinkWithBody<'_>>) -> [Vec<Vec<UplinkWithBody<'_>>>; 2] {
    let (recorded, undecodable): (Vec<_>, Vec<_>) =
        uplinks.into_iter().partition(|(uplink, _)| uplink.outcome == UplinkOutcome::Recorded);
    let mixed = recorded.iter().any(|(uplink, _)| uplink.device_id.is_none());
    let mut by_device: HashMap<_, Vec<_>> = HashMap::new();
    for (uplink, body) in recorded {
        by_device.entry(uplink.device_id.filter(|_| !mixed)).or_default().push((uplink, body));
    }
    [by_device.into_values().collect(), undecodable.into_iter().map(|uplink| vec![uplink]).collect()]
}

struct ReplayRun<'a> {
    database: &'a Database,
    recorder: &'a Recorder,
    keys: HashMap<ApiKeyId, ApiKey>,
    dry_run: bool,
}

impl ReplayRun<'_> {
    /// Replays uplinks one after the other.
    async fn replay_all(&self, uplinks: Vec<UplinkWithBody<'_>>) -> Result<ReplayReport, RecordError> {
        let mut replayed = ReplayReport::default();
        for (uplink, body) in uplinks {
            replayed = replayed.merge(self.replay_one(uplink, body).await?);
        }
        Ok(replayed)
    }

    async fn replay_one(&self, uplink: &Uplink, body: Option<Bytes>) -> Result<ReplayReport, RecordError> {
        let seen = ReplayReport { uplinks: 1, ..ReplayReport::default() };
        let skipped = ReplayReport { skipped: 1, ..seen };
        let (Some(body), Some(format)) = (body, Format::from_name(&uplink.format)) else { return Ok(skipped) };
        if uplink.cut_from.is_some() {
            return Ok(skipped); // a truncated body can't be decoded
        }
        let (named, event) = (uplink.device_hint.clone(), uplink.event.clone());
        let arrival = Arrival { body, device_hint: named, event, cut_from: None };
        let decoded = decode_context::decode(&self.database.reads, format, &arrival, uplink.key.received_at).await?;
        let decoded = decoded.and_then(|decoded| self.check_device(uplink, decoded));
        let seen = ReplayReport { undecodable: decoded.is_err().into(), ..seen };
        if self.dry_run {
            let earliest = self.recorder.earliest_time();
            let decoded = decoded.map(|decoded| decoded.validate_times(uplink.key.received_at, earliest));
            return Ok(decoded.map_or(seen, |decoded| ReplayReport {
                rejected: decoded.rejected.len(),
                not_compared: decoded.observations.len(),
                ..seen
            }));
        }
        let submission = Submission {
            format: format.name,
            received_at: uplink.key.received_at,
            api_key: None,
            is_admin: false,
            source: Source::Replay { uplink_id: uplink.key.id },
            decoded,
        };
        match self.recorder.record_with_retry(submission).await {
            Ok(Receipt { recorded, duplicates, rejected }) => {
                Ok(ReplayReport { recorded, duplicates, rejected: rejected.len(), ..seen })
            }
            Err(RecordError::UplinkDeleted) => Ok(skipped),
            // An error of this uplink only; the others are replayed.
            Err(error @ (RecordError::Database(_) | RecordError::TimedOut)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    uplink = %uplink.key.id,
                    "uplink could not be replayed"
                );
                Ok(skipped)
            }
            Err(error) => Err(error),
        }
    }

    /// Checks that an uplink has only the device that its key may record for.
    fn check_device(&self, uplink: &Uplink, decoded: Decoded) -> Result<Decoded, DecodeError> {
        let Some(own) = self.bound_device(uplink) else { return Ok(decoded) };
        match decoded.observations.iter().find(|seen| seen.device != *own) {
            None => Ok(decoded),
            Some(Observation { device, .. }) => {
                let detail = format!("it speaks of device {device}, and the key it came with records for {own} only");
                Err(DecodeError::new("FORBIDDEN", detail))
            }
        }
    }

    fn bound_device(&self, uplink: &Uplink) -> Option<&DeviceKey> {
        self.keys.get(&uplink.api_key_id?)?.device.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::uplink::UplinkKey;

    fn uplink_of_size(bytes: i32) -> Uplink {
        Uplink {
            key: UplinkKey { received_at: DateTime::UNIX_EPOCH, id: Uuid::nil() },
            format: String::new(),
            device_id: None,
            api_key_id: None,
            device_hint: None,
            event: None,
            frame_counter: None,
            bytes,
            cut_from: None,
            outcome: UplinkOutcome::Undecodable,
            error: None,
            recorded: 0,
            duplicates: 0,
            rejected: 0,
        }
    }

    #[test]
    fn bodies_are_read_in_batches_of_bounded_size() {
        let runs = |megabytes: &[i32]| {
            let uplinks: Vec<_> = megabytes.iter().map(|megabytes| uplink_of_size(megabytes << 20)).collect();
            split_by_bytes(&uplinks).map(<[_]>::len).collect::<Vec<_>>()
        };
        assert_eq!(runs(&[]), [] as [usize; 0]);
        assert_eq!(runs(&[1, 1, 1, 1, 1]), [4, 1]);
        assert_eq!(runs(&[9, 1, 9]), [1, 1, 1], "one that is too large comes alone");
    }
}
