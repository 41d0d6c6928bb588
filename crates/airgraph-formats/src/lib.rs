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

/// Input of a decoder.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The body.
    pub body: &'a [u8],
    /// Time of arrival.
    pub received_at: DateTime<Utc>,
    /// The device named outside the body: in a header of its firmware, or in the path.
    pub device_hint: Option<&'a str>,
    /// Further parameters of the URL: the event type as it is (`up`), otherwise `<name>=<value>`, such as
    /// `precision=ms` of `InfluxDB` and `sensor=<id>` of openSenseMap.
    pub event: Option<&'a str>,
    /// Quantities of the device's sensors, for formats that send sensor ids.
    pub sensors: &'a Sensors,
}

/// Result of decoding a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The samples, each with its device and its index in the body.
    pub observations: Vec<Observation>,
    /// The samples with implausible times or invalid values.
    pub rejected: Vec<Rejection>,
    /// Kind of a device that is created by this body.
    pub kind: DeviceKind,
    /// LoRaWAN frame counter, if the body has one.
    pub frame_counter: Option<i64>,
    /// Whether each position but the first is relative to the previous one: a `CleanCycle` packet.
    pub is_packet: bool,
    /// Names of numbers without a known quantity, as in the body. They remain in the stored body.
    pub ignored: Vec<String>,
}

/// A sample of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Its index among the samples of the body, from 0.
    pub index: usize,
    /// The device that measured it.
    pub device: DeviceKey,
    /// The sample.
    pub sample: Sample,
}

/// A rejected sample and the reason. Part of every response to a sensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Its index among the samples of the body, from 0.
    pub index: usize,
    /// The reason, machine-readable.
    pub code: &'static str,
    /// The reason, human-readable.
    pub detail: String,
}

/// Why a body could not be decoded. The body is stored nevertheless, to be decoded again after a fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The reason, machine-readable.
    pub code: &'static str,
    /// The reason, human-readable: what is wrong, where, and what is expected.
    pub detail: String,
}

impl DecodeError {
    /// With control characters replaced and a long detail shortened, since parts of the body may be in it.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        // The text may contain keys and texts of the body: a NUL, which no text column holds, or a megabyte.
        let detail = detail.into().replace(char::is_control, "\u{fffd}");
        Self { code, detail: ignored::elide_middle(detail) }
    }
}

impl Decoded {
    /// A body without samples, of a device of this kind.
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

    /// Rejects samples with implausible times, and sets the quality flags of the others.
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
