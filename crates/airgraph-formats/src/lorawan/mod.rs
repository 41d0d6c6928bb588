//! The samples of a LoRaWAN uplink, for all network servers.
//!
//! An uplink has bytes, and fields that a decoder on the network server made of them. There are three kinds of samples:
//!
//! - **Named fields** (`pm2_5`, `temperature`, ...): one sample of any sensor. [`codec`] defines the names.
//! - **Numbered fields**: samples of a bicycle, in groups of four ([`numbered`]).
//! - **A [`cleancycle`](super::cleancycle) packet** in the bytes. Any payload may have its length, so it is decoded
//!   only if there is no named field, and the numbered fields, the format or the samples themselves indicate a bicycle.

mod codec;
mod named;
mod normalized;
mod numbered;
mod ride;
mod sensecap;
mod time;

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    quality::QualityFlag,
    sample::Sample,
};
use chrono::{DateTime, Utc};
pub(super) use codec::Codec;
use named::NamedFields;
use numbered::NumberedFields;
pub(super) use time::first_time;

use super::{
    DecodeError, Decoded, Observation, Rejection,
    ignored::IgnoredNames,
    parse::{JsonValue, Reason},
};

/// Maximum age of a sample with named fields, in seconds: such a sensor sends immediately; its radio may have to
/// repeat. Unverified, since sensors differ.
const MAX_SENDING_DELAY_S: i32 = 60;

/// An uplink of a network server.
pub(super) struct LorawanUplink<'a> {
    pub device: DeviceKey,
    pub frame_counter: Option<i64>,
    /// Time at which the network received it.
    pub received_at: DateTime<Utc>,
    /// The payload in base64.
    pub raw: Option<&'a str>,
    /// Fields from the network server's decoder.
    pub fields: Option<&'a JsonValue>,
    /// The same fields in the schema of The Things Stack's device repository.
    pub normalized: Option<&'a JsonValue>,
    /// Meanings of the named fields.
    pub codec: &'static Codec,
    /// Whether the bytes are a bicycle's, unless there are named fields.
    pub expects_bicycle: bool,
    pub names: PayloadNames,
}

/// Names of the two payloads in the body, and the error code of bytes that can't be decoded.
#[derive(Clone, Copy)]
pub(super) struct PayloadNames {
    pub raw: &'static str,
    pub fields: &'static str,
    pub invalid_raw: &'static str,
}

/// The first non-empty name, each with its field.
///
/// # Errors
/// If there is none, or it is not a valid device key.
pub(super) fn device_key(names: &[(&str, Option<&str>)]) -> Result<DeviceKey, DecodeError> {
    let first = names.iter().find_map(|&(field, name)| name.filter(|name| !name.is_empty()).map(|name| (field, name)));
    match (first, names) {
        (Some((field, name)), _) => {
            DeviceKey::try_new(name).map_err(|reason| DecodeError::new("INVALID_DEVICE", format!("{field}: {reason}")))
        }
        (None, [others @ .., (last, _)]) => {
            let others: Vec<_> = others.iter().map(|&(field, _)| field).collect();
            let detail = format!("one of {} and {last} must name the device", others.join(", "));
            Err(DecodeError::new("MISSING_DEVICE", detail))
        }
        (None, []) => Err(DecodeError::new("MISSING_DEVICE", "nothing names the device")),
    }
}

impl LorawanUplink<'_> {
    /// The samples of the uplink.
    ///
    /// # Errors
    /// If it has no payload, or none that can be decoded.
    pub(super) fn decode(self) -> Result<Decoded, DecodeError> {
        let entries = self.fields.map(JsonValue::entries).unwrap_or_default();
        let (numbered, named): (Vec<_>, Vec<_>) =
            entries.iter().map(|(key, value)| (key.as_str(), value)).partition(|(key, _)| key.parse::<usize>().is_ok());
        let numbered = NumberedFields::read(&numbered);

        if let Some(fours) = numbered.complete_samples() {
            let mut ignored = IgnoredNames::default();
            let is_value = |key: &str, value: &JsonValue| {
                matches!(value, JsonValue::Number(_)) || (self.codec.meaning(key).is_some() && !value.is_null())
            };
            named.iter().filter(|(key, value)| is_value(key, value)).for_each(|(key, _)| ignored.insert(key));
            let ride = match self.raw().map(|raw| ride::packet(raw, true)) {
                Some(Ok(slots)) => ride::from_packet(&self.device, self.received_at, &slots),
                _ => ride::from_fields(&self.device, self.received_at, fours),
            };
            return Ok(Decoded { frame_counter: self.frame_counter, ignored: ignored.into_names(), ..ride });
        }

        let mut fields = NamedFields::new(self.codec, IgnoredNames::default());
        let (timed, untimed) = normalized::measurements(self.normalized);
        if !timed.is_empty() {
            return Ok(self.timed_samples(&timed, &untimed));
        }
        // The schema defines the units of the normalized fields, so they have precedence over the decoder's own.
        for measurement in untimed {
            normalized::add(&mut fields, measurement);
        }
        for (key, value) in &named {
            fields.add(key, value);
        }
        if fields.is_present {
            numbered.keys().for_each(|key| fields.ignored.insert(&key.to_string()));
            let measured_at = normalized::single_time(self.normalized);
            return self.named_sample(fields, measured_at);
        }

        match self.raw().map(|raw| ride::packet(raw, self.expects_bicycle)) {
            Some(Ok(slots)) => {
                let ride = ride::from_packet(&self.device, self.received_at, &slots);
                Ok(Decoded { frame_counter: self.frame_counter, ..ride })
            }
            failed => Err(self.no_payload(&numbered, failed.and_then(Result::err), !named.is_empty())),
        }
    }

    fn raw(&self) -> Option<&str> {
        self.raw.filter(|raw| !raw.is_empty())
    }

    /// Why neither payload has a sample.
    fn no_payload(&self, numbered: &NumberedFields, no_packet: Option<String>, has_names: bool) -> DecodeError {
        let PayloadNames { raw, fields, invalid_raw } = self.names;
        let is_object_or_absent = match self.fields {
            None | Some(JsonValue::Object(_) | JsonValue::Null) => true,
            Some(JsonValue::Text(text)) => text.is_empty(),
            Some(_) => false,
        };
        if let Some((code, detail)) = numbered.fault() {
            DecodeError::new(code, format!("{fields}: {detail}"))
        } else if !is_object_or_absent {
            DecodeError::new("WRONG_TYPE", format!("{fields}: must be an object"))
        } else if let Some(reason) = no_packet {
            DecodeError::new(invalid_raw, format!("{raw}: {reason}"))
        } else if has_names {
            no_known_field(fields, &[])
        } else {
            let detail = format!("the body must hold {raw} (a CleanCycle packet in base64) or {fields}");
            DecodeError::new("MISSING_PAYLOAD", detail)
        }
    }

    /// The sample of named fields. A device that sends its position is mobile.
    fn named_sample(self, fields: NamedFields<'_>, measured_at: Option<DateTime<Utc>>) -> Result<Decoded, DecodeError> {
        let NamedFields { builder, ignored, .. } = fields;
        let ignored = ignored.into_names();
        if builder.is_empty() && !builder.has_receiver {
            return Err(no_known_field(self.names.fields, &ignored));
        }
        let kind = if builder.has_receiver { DeviceKind::Mobile } else { DeviceKind::Fixed };
        let mut decoded = Decoded { frame_counter: self.frame_counter, ignored, ..Decoded::empty(kind) };
        let sample = match measured_at {
            Some(measured_at) => builder.build(measured_at),
            None => builder.build(self.received_at).map(|sample| estimated(sample, MAX_SENDING_DELAY_S)),
        };
        decoded.push(0, self.device, sample);
        Ok(decoded)
    }

    /// Samples with times of their own, from a device that stores its measurements. The decoder's fields are not read:
    /// they have the same values without the times.
    fn timed_samples(self, timed: &[(DateTime<Utc>, &JsonValue)], untimed: &[&JsonValue]) -> Decoded {
        let mut decoded = Decoded { frame_counter: self.frame_counter, ..Decoded::empty(DeviceKind::Fixed) };
        let mut ignored = IgnoredNames::default();
        for (index, &(measured_at, measurement)) in timed.iter().enumerate() {
            let mut fields = NamedFields::new(self.codec, ignored);
            normalized::add(&mut fields, measurement);
            ignored = fields.ignored;
            if fields.builder.has_receiver {
                decoded.kind = DeviceKind::Mobile;
            }
            decoded.push(index, self.device.clone(), fields.builder.build(measured_at));
        }
        let mut fields = NamedFields::new(self.codec, ignored);
        for measurement in untimed {
            normalized::add(&mut fields, measurement);
        }
        if !fields.builder.is_empty() {
            let sample = fields.builder.build(self.received_at).map(|sample| estimated(sample, MAX_SENDING_DELAY_S));
            decoded.push(timed.len(), self.device, sample);
        }
        Decoded { ignored: fields.ignored.into_names(), ..decoded }
    }
}

impl Decoded {
    fn push(&mut self, index: usize, device: DeviceKey, sample: Result<Sample, Reason>) {
        match sample {
            Ok(sample) => self.observations.push(Observation { index, device, sample }),
            Err((code, detail)) => self.rejected.push(Rejection { index, code, detail }),
        }
    }
}

fn no_known_field(fields: &str, ignored: &[String]) -> DecodeError {
    let mut detail =
        format!("{fields}: no field is a value of a known quantity, such as pm10 or pm2_5, in a known unit");
    if !ignored.is_empty() {
        detail = format!("{detail}; ignored: {}", ignored.join(", "));
    }
    DecodeError::new("NO_KNOWN_FIELD", detail)
}

/// A sample with the network's time instead of the sensor's.
fn estimated(mut sample: Sample, uncertainty_s: i32) -> Sample {
    sample.time_uncertainty_s = Some(uncertainty_s);
    sample.flags.insert(QualityFlag::EstimatedTime);
    sample
}
