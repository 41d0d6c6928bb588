//! Packets whose tail the next packet contradicts.
//!
//! In a `CleanCycle` packet only the first position is absolute; each other one is the nearest to the one before it
//! with the transmitted low bits. When a bicycle moves more than half a window between two samples, the decoded
//! position is wrong, and the packet itself doesn't show it. The next packet does: it begins where the bicycle was one
//! step later.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Receipt, Submission};
use crate::{
    db::packet::Packet,
    domain::device::DeviceId,
    ingest::{Observation, cleancycle},
};

/// Maximum time until the next packet: seven more samples take 24 seconds, sending them perhaps as long.
const MAX_PACKET_INTERVAL: TimeDelta = TimeDelta::seconds(60);

/// The packets whose tails these submissions contradict, and the newest packets, to be stored.
pub(super) fn find_contradicted(
    submissions: &[&Submission],
    devices: &HashMap<String, DeviceId>,
    mut newest: BTreeMap<DeviceId, Packet>,
    uplinks: &[Option<Uuid>],
    receipts: &[Receipt],
) -> (Vec<Packet>, Vec<Packet>) {
    let mut packets: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for ((submission, uplink), receipt) in submissions.iter().zip(uplinks).zip(receipts) {
        // A repeated packet stores nothing: the rows belong to the first one.
        if let Some((start, packet)) = read_packet(submission, devices, *uplink).filter(|_| receipt.recorded > 0) {
            packets.entry(packet.device_id).or_default().push((start, packet));
        }
    }
    newest.retain(|device, _| packets.contains_key(device));
    let mut contradicted = Vec::new();
    for (device, mut packets) in packets {
        packets.sort_by_key(|(_, packet)| (packet.received_at, packet.frame_counter));
        for (start, packet) in packets {
            if let Some(before) = newest.insert(device, packet)
                && is_successor(&packet, &before)
                && start.is_some_and(|start| cleancycle::is_beyond_half_a_window(before.end, start))
            {
                contradicted.push(before);
            }
        }
    }
    (contradicted, newest.into_values().collect())
}

/// The packet of a submission, and its first position, if it has one.
fn read_packet(
    submission: &Submission,
    devices: &HashMap<String, DeviceId>,
    uplink_id: Option<Uuid>,
) -> Option<(Option<crate::domain::position::Position>, Packet)> {
    let decoded = submission.decoded.as_ref().ok().filter(|decoded| decoded.is_packet)?;
    let (first, last) = (decoded.observations.first()?, decoded.observations.last()?);
    let absolute = |seen: &Observation| seen.sample.position.filter(|_| seen.index == 0);
    let packet = Packet {
        device_id: *devices.get(first.device.as_str())?,
        frame_counter: decoded.frame_counter?,
        received_at: submission.received_at,
        uplink_id: uplink_id?,
        first_at: first.sample.measured_at,
        last_at: last.sample.measured_at,
        end: last.sample.position?,
    };
    Some((absolute(first), packet))
}

fn is_successor(packet: &Packet, before: &Packet) -> bool {
    before.frame_counter.checked_add(1) == Some(packet.frame_counter)
        && (TimeDelta::zero()..=MAX_PACKET_INTERVAL).contains(&(packet.received_at - before.received_at))
}
