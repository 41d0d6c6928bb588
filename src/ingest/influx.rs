//! `InfluxDB` line protocol, as airRohr, Telegraf and others send it.
//!
//! `feinstaub,node=esp8266-12345678 SDS_P1=12.40,SDS_P2=6.83,signal=-61 1777629600000000000`: a line is a sample. Its
//! fields bear airRohr's names of values ([`vocabulary::airrohr`](super::vocabulary)) or the names of the quantities. The device
//! is the tag `node`, else `device`, else `host`, else what the request names. The timestamp is in nanoseconds, whatever
//! the query's `precision` says; without one the time of arrival counts.

mod line;

use chrono::{DateTime, Utc};

use self::line::{Field, Line, Lines};
use super::{
    DecodeError, Decoded, Incoming, Observation, Rejection,
    ignored::Ignored,
    vocabulary::{RawValue, SampleBuilder, airrohr::AIRROHR_OR_CONVENTIONAL},
};
use crate::domain::{
    device::{DeviceKey, DeviceKind},
    quality::QualityFlag,
    sample::Sample,
    time,
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "influx";

/// Lines in a body at most, not counting empty ones and comments.
const MAX_LINES: usize = 10_000;

/// Decodes one body.
///
/// # Errors
/// When it holds too many lines, or none of them is good: success has no body in which a sender could read of that.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let mut ignored = Ignored::default();
    let mut decoded = Decoded::nothing(DeviceKind::Fixed);
    for (count, (index, line)) in Lines::new(incoming.body).enumerate() {
        if count == MAX_LINES {
            return Err(DecodeError::new("TOO_MANY_LINES", format!("at most {MAX_LINES} lines in one body")));
        }
        match line.and_then(|line| observation(index, &line, incoming, &mut decoded.kind, &mut ignored)) {
            Ok(observation) => decoded.observations.push(observation),
            Err((code, detail)) => decoded.rejected.push(Rejection { index, code, detail }),
        }
    }
    match decoded.rejected.first() {
        Some(Rejection { index, code, detail }) if decoded.observations.is_empty() => {
            let detail = format!("no line is good; line {index} (from 0): {detail}");
            Err(DecodeError::new(code, detail))
        }
        _ => Ok(Decoded { ignored: ignored.into_names(), ..decoded }),
    }
}

fn observation(
    index: usize,
    line: &Line,
    incoming: &Incoming<'_>,
    kind: &mut DeviceKind,
    ignored: &mut Ignored,
) -> Result<Observation, line::Reason> {
    let tagged = ["node", "device", "host"].into_iter().find_map(|name| line.tag(name));
    let device = tagged
        .or(incoming.named)
        .ok_or_else(|| ("MISSING_DEVICE", "a tag node, device or host must name the device".to_owned()))?;
    let device = DeviceKey::try_new(device).map_err(|reason| ("INVALID_DEVICE", reason.to_string()))?;
    let mut builder = SampleBuilder::new(&AIRROHR_OR_CONVENTIONAL);
    for (name, field) in &line.fields {
        let value = match field {
            Field::Number(number) => RawValue::Number(*number),
            Field::Text(text) => RawValue::Text(text),
            Field::Boolean => RawValue::Other,
        };
        builder.add(name, value, ignored);
    }
    let has_receiver = builder.has_receiver;
    let sample = timed(builder, line.timestamp, incoming.received_at)?;
    if has_receiver {
        *kind = DeviceKind::Mobile;
    }
    Ok(Observation { index, device, sample })
}

fn timed(
    builder: SampleBuilder<'_>,
    timestamp: Option<i64>,
    received_at: DateTime<Utc>,
) -> Result<Sample, line::Reason> {
    let Some(nanoseconds) = timestamp else {
        let mut sample = builder.build(received_at)?;
        sample.flags.insert(QualityFlag::EstimatedTime);
        return Ok(sample);
    };
    let measured_at = DateTime::from_timestamp_nanos(nanoseconds);
    // Sorted out here already, because success would hide it: seconds taken for nanoseconds lie in 1970.
    if measured_at < time::EARLIEST {
        let detail = format!("{nanoseconds} is {measured_at}; a timestamp is in nanoseconds since 1970");
        return Err(("TIME_TOO_EARLY", detail));
    }
    builder.build(measured_at)
}

#[cfg(test)]
#[path = "influx_tests.rs"]
mod tests;
