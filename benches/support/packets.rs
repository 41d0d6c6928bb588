//! Packets of bicycles.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta};
use serde_json::json;

/// Number of samples in a packet.
pub const SAMPLES_PER_PACKET: u32 = 8;

/// Number of bicycles.
const BICYCLE_COUNT: u32 = 64;
/// Seconds from one packet of a bicycle to its next.
const PACKET_INTERVAL: i64 = 24;
/// Eight samples with positions, as the bicycles' firmware packs them.
const PAYLOAD: &str = "dBitCKpGqAmB23FyAmB25FcAmB24E8AwCDDDsAvCDEDiAvCDKDgAuCLSDcAuCIAAAAAA";

/// The bodies of packets, in the order of their times; bicycles send in turn.
#[derive(Default)]
pub struct Packets {
    sent: AtomicU32,
}

impl Packets {
    /// The body of the next packet.
    pub fn next(&self) -> String {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let (bicycle, counter) = (number % BICYCLE_COUNT, number / BICYCLE_COUNT);
        let time = DateTime::UNIX_EPOCH + TimeDelta::seconds(1_700_000_000 + PACKET_INTERVAL * i64::from(counter));
        json!({ "dev_id": format!("bike-{bicycle}"), "counter": counter, "metadata": { "time": time }, "payload_raw": PAYLOAD })
            .to_string()
    }
}
