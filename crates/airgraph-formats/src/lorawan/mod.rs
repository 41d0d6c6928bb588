//! The samples of a LoRaWAN uplink, whichever network server forwards it.
//!
//! An uplink has bytes, and fields that a decoder on the network server read from them. There are three kinds of samples:
//!
//! - **Named fields** (`pm2_5`, `temperature`, ...): one sample of any sensor. [`codec`] says what the names mean.
//! - **Numbered fields**: samples of a bicycle, by fours ([`numbered`]).
//! - **A [`cleancycle`](super::cleancycle) packet** in the bytes. Any payload may have its length, so it is decoded only where no named
//!   field is there, and the numbered fields, the format or the samples themselves show a bicycle.

mod codec;
mod named;
mod normalized;
mod numbered;
mod ride;
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

/// How old a sample with named fields may be, in seconds: such a sensor measures and sends; its radio may have to repeat.
/// Unverified, since sensors differ.
const MAX_SENDING_DELAY_S: i32 = 60;

/// An uplink as a network server forwards it.
pub(super) struct LorawanUplink<'a> {
    pub device: DeviceKey,
    pub frame_counter: Option<i64>,
    /// When the network received it.
    pub received_at: DateTime<Utc>,
    /// The payload in base64.
    pub raw: Option<&'a str>,
    /// What the network server's decoder made of the payload.
    pub fields: Option<&'a JsonValue>,
    /// The same in the schema of The Things Stack's device repository.
    pub normalized: Option<&'a JsonValue>,
    /// What the named fields mean.
    pub codec: &'static Codec,
    /// Whether the bytes are those of a bicycle unless named fields say otherwise.
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

/// The first of the names that isn't empty, each with the field it stands in.
///
/// # Errors
/// When there is none, or it can't be a device key.
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
    /// When it has no payload, or none that can be read.
    pub(super) fn decode(self) -> Result<Decoded, DecodeError> {
        let entries: &[(String, JsonValue)] =
            if let Some(JsonValue::Object(entries)) = self.fields { entries } else { &[] };
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
        // The schema settles the units of the normalized fields, so they count before the decoder's own.
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

    /// Why neither payload gives a sample.
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

    /// The one sample of named fields. A device that sends its position is taken for one that moves.
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

    /// Samples with times of their own, as a device sends that stores what it measures. The decoder's fields are not read:
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

/// A sample whose time is that of the network, not the sensor's.
fn estimated(mut sample: Sample, uncertainty_s: i32) -> Sample {
    sample.time_uncertainty_s = Some(uncertainty_s);
    sample.flags.insert(QualityFlag::EstimatedTime);
    sample
}
