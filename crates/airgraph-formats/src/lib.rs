//! Decoders of sensor formats: a pure function from the bytes of one body to a [`Decoded`], one file a format.
//!
//! [`Decoded::validate_times`] checks every sample against the clock and flags it, whatever the format. The crate does no input
//! or output, so that decoders can be fuzzed. [`format::ALL_FORMATS`] is the table of formats.

pub mod airbeam;
pub mod airgradient;
pub mod airrohr;
pub mod chirpstack;
pub mod cleancycle;
#[cfg(test)]
mod corpus_tests;
pub mod csv;
pub mod enviro;
pub mod format;
#[cfg(test)]
mod fuzz;
mod ignored;
pub mod influx;
pub mod json;
mod lorawan;
pub mod opensensemap;
mod parse;
#[cfg(test)]
mod testing;
pub mod things_stack;
mod timestamp;
pub mod ttn_v2;
mod vocabulary;

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    quality,
    sample::Sample,
    sensor::Sensors,
    time,
};
use chrono::{DateTime, Utc};
pub use parse::utf8_text;
use serde::Serialize;

/// What arrived, as a decoder sees it.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The body.
    pub body: &'a [u8],
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// What names the device outside the body: a header of its firmware, or the path.
    pub device_hint: Option<&'a str>,
    /// What else the URL says of the body: the kind of event as it is (`up`), otherwise `<name>=<value>`, such as
    /// `precision=ms` of `InfluxDB` and `sensor=<id>` of openSenseMap.
    pub event: Option<&'a str>,
    /// What the device's single sensors measure, for formats that tell values by a sensor's id.
    pub sensors: &'a Sensors,
}

/// What a decoder made of one body.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The samples, each with its device and its place in the body.
    pub observations: Vec<Observation>,
    /// The samples that can't be true.
    pub rejected: Vec<Rejection>,
    /// What a device is taken for when it is heard of for the first time.
    pub kind: DeviceKind,
    /// LoRaWAN frame counter, where the body tells one.
    pub frame_counter: Option<i64>,
    /// Whether each position was told relative to the one before it, and only the first by itself: a `CleanCycle` packet.
    pub is_packet: bool,
    /// Numbers that have no quantity here, by the names that the body gives them. They stay in the stored body.
    pub ignored: Vec<String>,
}

/// A sample of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Its place among the samples of the body, from 0.
    pub index: usize,
    /// The device that took it.
    pub device: DeviceKey,
    /// What it told.
    pub sample: Sample,
}

/// A sample that was left out, and why. Part of every answer to a sensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Its place among the samples of the body, from 0.
    pub index: usize,
    /// The reason, for programs.
    pub code: &'static str,
    /// The reason, for people.
    pub detail: String,
}

/// Why a whole body was not understood. The body is kept all the same, to be decoded again after a fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The reason, for programs.
    pub code: &'static str,
    /// The reason, for people: what was wrong, where, and what is expected.
    pub detail: String,
}

impl DecodeError {
    /// With control characters replaced and a long detail shortened, since parts of the body may be in it.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        // Keys and texts of the body may stand in it: a NUL with them, which no text column holds, or a megabyte.
        let detail = detail.into().replace(char::is_control, "\u{fffd}");
        Self { code, detail: ignored::elide_middle(detail) }
    }
}

impl Decoded {
    /// A body that tells no sample, of a device of this kind.
    #[must_use]
    pub fn empty(kind: DeviceKind) -> Self {
        Self {
            observations: Vec::new(),
            rejected: Vec::new(),
            kind,
            frame_counter: None,
            is_packet: false,
            ignored: Vec::new(),
        }
    }

    /// Sorts out samples with impossible times, and flags what is doubtful about the others.
    #[must_use]
    pub fn validate_times(mut self, now: DateTime<Utc>, earliest: DateTime<Utc>) -> Self {
        let mut admitted = Vec::with_capacity(self.observations.len());
        for mut observation in self.observations {
            match time::check(observation.sample.measured_at, now, earliest) {
                Ok(()) => {
                    observation.sample.flags = quality::assess(&observation.sample, now);
                    admitted.push(observation);
                }
                Err(reason) => {
                    let (code, detail) = (reason.code(), reason.to_string());
                    self.rejected.push(Rejection { index: observation.index, code, detail });
                }
            }
        }
        self.rejected.sort_by_key(|rejection| rejection.index);
        Self { observations: admitted, ..self }
    }
}
