//! `InfluxDB` line protocol of airRohr, Telegraf, Home Assistant and others.
//!
//! `feinstaub,node=esp8266-12345678 SDS_P1=12.40,SDS_P2=6.83,signal=-61 1777629600000000000`. [`point`] finds the
//! device and the values of a line; names are airRohr's names of values ([`vocabulary::airrohr`](super::vocabulary)) or
//! those of the quantities. A line with values as fields is a sample. Lines with a single value are one sample if
//! device and timestamp are the same. The device is in a tag, else in the request.
//!
//! Timestamps are in nanoseconds, or in the unit of the query's `precision` ([`precision`]); without one the time of
//! arrival counts.
//!
//! A bad line is rejected by itself. Lines without a value of a known quantity, such as the metrics of Telegraf's host,
//! are not rejected but listed in `ignored` by their fields, and create no device. A body without a single sample is
//! rejected.

mod home_assistant;
mod line;
mod named_value;
mod point;
mod precision;

use std::collections::HashMap;

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    quality::QualityFlag,
    time,
};
use chrono::{DateTime, Utc};

use self::{
    line::{InfluxLine, InfluxLines},
    named_value::ValueKind,
    point::{Point, PointValues, VALUE},
    precision::Precision,
};
use super::{
    DecodeError, Decoded, Incoming, Observation, Rejection,
    ignored::IgnoredNames,
    vocabulary::{RawValue, SampleBuilder, airrohr::AIRROHR_OR_CONVENTIONAL},
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "influx";

/// Maximum number of lines in a body, not counting empty ones and comments.
const MAX_LINES: usize = 10_000;

/// Decodes one body. A body without lines is a client's test of its connection, and has no samples.
///
/// # Errors
/// If the precision is unknown, or there are too many lines, or no line is valid: the success response has no body that
/// could report the errors.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let mut samples = SampleGatherer::new(incoming)?;
    let mut ignored = IgnoredNames::default();
    let mut decoded = Decoded::empty(DeviceKind::Fixed);
    let mut count = 0;
    for (index, line) in InfluxLines::new(incoming.body) {
        if count == MAX_LINES {
            return Err(DecodeError::new("TOO_MANY_LINES", format!("at most {MAX_LINES} lines in one body")));
        }
        count += 1;
        if let Err((code, detail)) = line.and_then(|line| samples.add(index, &line, &mut ignored)) {
            decoded.rejected.push(Rejection { index, code, detail });
        }
    }
    samples.finish(&mut decoded);
    decoded.ignored = ignored.into_names();
    if decoded.observations.is_empty() && count > 0 {
        return Err(no_sample(&decoded));
    }
    Ok(decoded)
}

/// Why a body with lines has no sample.
fn no_sample(decoded: &Decoded) -> DecodeError {
    if let Some(Rejection { index, code, detail }) = decoded.rejected.first() {
        return DecodeError::new(code, format!("no line is good; line {index} (from 0): {detail}"));
    }
    let names = decoded.ignored.join(", ");
    let detail = format!("no line has a value of a known quantity in a known unit; ignored: {names}");
    DecodeError::new("NO_VALUES", detail)
}

/// The samples of a body while its lines are read.
struct SampleGatherer<'a> {
    incoming: &'a Incoming<'a>,
    precision: Precision,
    gathered: Vec<GatheredSample>,
    /// Indices in `gathered` of the single values of a device and a timestamp.
    singles: HashMap<(DeviceKey, Option<i64>), usize>,
}

/// A sample that is not read completely yet.
struct GatheredSample {
    /// Its first line.
    index: usize,
    device: DeviceKey,
    /// `None` if the line has no timestamp.
    measured_at: Option<DateTime<Utc>>,
    builder: SampleBuilder<'static>,
}

impl<'a> SampleGatherer<'a> {
    fn new(incoming: &'a Incoming<'a>) -> Result<Self, DecodeError> {
        let precision = Precision::from_query(incoming.event)?;
        Ok(Self { incoming, precision, gathered: Vec::new(), singles: HashMap::new() })
    }

    /// Adds a line.
    fn add(&mut self, index: usize, line: &InfluxLine, ignored: &mut IgnoredNames) -> Result<(), line::Reason> {
        let Some(point) = Point::from_line(line, ignored) else { return Ok(()) };
        let device = point
            .device
            .or(self.incoming.device_hint)
            .ok_or_else(|| ("MISSING_DEVICE", "a tag such as node, device or host must name the device".to_owned()))?;
        let device = DeviceKey::try_new(device).map_err(|reason| ("INVALID_DEVICE", reason.to_string()))?;
        let measured_at = line.timestamp.map(|timestamp| self.time(timestamp)).transpose()?;
        match point.values {
            PointValues::Fields(unit) => {
                let place = self.start_sample(index, device, measured_at);
                let builder = &mut self.gathered[place].builder;
                for (name, field) in &line.fields {
                    let value = RawValue::from(field);
                    match point::in_unit(name, unit) {
                        Some((quantity, unit)) => builder.add_quantity(name, quantity, unit, value, ignored),
                        None => builder.add(name, value, ignored),
                    }
                }
            }
            PointValues::Single(kind) => {
                let key = (device.clone(), line.timestamp);
                let known = self.singles.get(&key).copied();
                let place = known.unwrap_or_else(|| self.start_sample(index, device, measured_at));
                self.singles.insert(key, place);
                let builder = &mut self.gathered[place].builder;
                let value = line.field(VALUE).map_or(RawValue::Null, RawValue::from);
                match kind {
                    ValueKind::Name(name) => builder.add(name, value, ignored),
                    ValueKind::InUnit(quantity, unit) => {
                        builder.add_quantity(quantity.definition().name, quantity, unit, value, ignored);
                    }
                }
            }
        }
        Ok(())
    }

    /// Begins a sample, and returns its index in `gathered`.
    fn start_sample(&mut self, index: usize, device: DeviceKey, measured_at: Option<DateTime<Utc>>) -> usize {
        let builder = SampleBuilder::new(&AIRROHR_OR_CONVENTIONAL);
        self.gathered.push(GatheredSample { index, device, measured_at, builder });
        self.gathered.len() - 1
    }

    /// The time of a timestamp. An implausible one is rejected here already, since the success response would not
    /// report it.
    fn time(&self, timestamp: i64) -> Result<DateTime<Utc>, line::Reason> {
        let unit = self.precision.unit();
        let time = self.precision.time(timestamp);
        let time = time.ok_or_else(|| ("INVALID_TIME", format!("timestamp {timestamp} in {unit} is no time")))?;
        time::check(time, self.incoming.received_at, time::EARLIEST_TIME).map_err(|reason| {
            let detail = format!("timestamp {timestamp} in {unit} (precision in the query sets the unit): {reason}");
            (reason.code(), detail)
        })?;
        Ok(time)
    }

    /// Builds the samples.
    fn finish(self, decoded: &mut Decoded) {
        for GatheredSample { index, device, measured_at, builder } in self.gathered {
            if builder.has_receiver {
                decoded.kind = DeviceKind::Mobile;
            }
            match builder.build(measured_at.unwrap_or(self.incoming.received_at)) {
                Ok(mut sample) => {
                    if measured_at.is_none() {
                        sample.flags.insert(QualityFlag::EstimatedTime);
                    }
                    decoded.observations.push(Observation { index, device, sample });
                }
                Err((code, detail)) => decoded.rejected.push(Rejection { index, code, detail }),
            }
        }
        decoded.rejected.sort_by_key(|rejection| rejection.index);
    }
}

#[cfg(test)]
#[path = "influx_tests.rs"]
mod tests;
