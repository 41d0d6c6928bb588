//! What a network server's own decoder made of a payload.
//!
//! Numbered fields are a bicycle's: keys "0", "1", "2", "3" are latitude, longitude, PM10 and PM2.5 of the first sample,
//! and so on by fours. Servers write the keys sorted as texts ("0", "1", "10", "11", …, "2"), so their numbers decide,
//! not the order in which they stand. Named fields are one sample of any sensor.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::Value;

use super::{DecodeError, Fields};
use crate::{
    domain::{quantity::Quantity, sample::Sample},
    ingest::{ignored::Ignored, parse},
};

/// Values of one sample in numbered fields.
pub(super) const VALUES_PER_SAMPLE: usize = 4;

/// What fields turned out to be.
pub(super) enum Read {
    Fours(Vec<[f64; VALUES_PER_SAMPLE]>),
    Named(Named),
}

impl Fields {
    /// Reads the fields; `called` is their name in the body.
    pub(super) fn read(self, called: &str) -> Result<Read, DecodeError> {
        match self {
            Self::Numbered(numbered) => numbered.by_fours(called).map(Read::Fours),
            Self::Any(Object(entries)) => {
                let numbers = entries.iter().filter(|(key, _)| key.parse::<usize>().is_ok()).count();
                if numbers == 0 {
                    Named::read(entries, called).map(Read::Named)
                } else if numbers == entries.len() {
                    Numbered::read(&entries, called)?.by_fours(called).map(Read::Fours)
                } else {
                    let detail = format!("{called}: some keys are numbers, others are names; which sample is meant?");
                    Err(DecodeError::new("FIELDS_MIXED", detail))
                }
            }
        }
    }
}

/// Numbered values, in whatever order they stand.
pub(in crate::ingest) struct Numbered(Vec<(usize, f64)>);

impl Numbered {
    fn read(entries: &[(String, Value)], called: &str) -> Result<Self, DecodeError> {
        let numbered = entries.iter().map(|(key, value)| {
            let number = key.parse().map_err(|_| wrong_type(called, key, "is no number"))?;
            let value = value.as_f64().ok_or_else(|| wrong_type(called, key, "must be a number"))?;
            Ok((number, value))
        });
        numbered.collect::<Result<_, DecodeError>>().map(Self)
    }

    /// The values of each sample, after checking that the numbers run without a gap.
    fn by_fours(mut self, called: &str) -> Result<Vec<[f64; VALUES_PER_SAMPLE]>, DecodeError> {
        let sorted = &mut self.0;
        sorted.sort_unstable_by_key(|&(number, _)| number);
        if !sorted.len().is_multiple_of(VALUES_PER_SAMPLE) {
            return Err(DecodeError::new(
                "FIELDS_NOT_BY_FOURS",
                format!("{called}: {} values don't group by four (latitude, longitude, PM10, PM2.5)", sorted.len()),
            ));
        }
        if let Some((expected, _)) = sorted.iter().enumerate().find(|(expected, (number, _))| expected != number) {
            return Err(DecodeError::new("FIELDS_WITH_GAP", format!("{called}: key \"{expected}\" is missing")));
        }
        let (fours, _) = sorted.as_chunks::<VALUES_PER_SAMPLE>();
        Ok(fours.iter().map(|four| four.map(|(_, value)| value)).collect())
    }
}

impl<'de> Deserialize<'de> for Numbered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberedVisitor;
        impl<'de> Visitor<'de> for NumberedVisitor {
            type Value = Numbered;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the keys \"0\", \"1\", … and numbers as values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Numbered, A::Error> {
                let mut fields = Vec::new();
                let mut seen = HashSet::new();
                while let Some((key, value)) = map.next_entry::<String, f64>()? {
                    let number = key.parse().map_err(|_| A::Error::custom(format!("key {key:?} is no number")))?;
                    if !seen.insert(number) {
                        return Err(A::Error::custom(format!("key \"{number}\" stands twice")));
                    }
                    fields.push((number, value));
                }
                Ok(Numbered(fields))
            }
        }
        deserializer.deserialize_map(NumberedVisitor)
    }
}

/// An object of anything, with its entries as they stand, so that a key that stands twice is seen.
pub(in crate::ingest) struct Object(Vec<(String, Value)>);

impl Object {
    /// Network servers leave empty objects out; one that stands there tells as little.
    pub(in crate::ingest) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object, A::Error> {
                parse::entries(map).map(Object)
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Latitude,
    Longitude,
    Quantity(Quantity),
}

impl Meaning {
    /// Whether in capitals or not: the names of `domain::quantity`, and how people write those that have a point in them.
    fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Some(match name.as_str() {
            "latitude" | "lat" => Self::Latitude,
            "longitude" | "lon" | "lng" => Self::Longitude,
            "pm1.0" => Self::Quantity(Quantity::Pm1),
            "pm2.5" | "pm25" => Self::Quantity(Quantity::Pm2_5),
            name => Self::Quantity(Quantity::named(name)?),
        })
    }
}

/// Named values, in the units of `domain::quantity`.
pub(super) struct Named {
    values: Vec<(Meaning, f64)>,
    /// Numbers whose name means nothing here.
    pub ignored: Ignored,
}

impl Named {
    fn read(entries: Vec<(String, Value)>, called: &str) -> Result<Self, DecodeError> {
        let mut named = Self { values: Vec::new(), ignored: Ignored::default() };
        for (key, value) in entries {
            match (Meaning::of(&key), value.as_f64()) {
                (Some(meaning), Some(value)) => match named.get(meaning) {
                    None => named.values.push((meaning, value)),
                    // Kept once, so that looking it up doesn't take the longer the more often it is told.
                    Some(other) if other.to_bits() == value.to_bits() => {}
                    Some(_) => {
                        let detail = format!("{called}: {key:?} is told twice, with different values");
                        return Err(DecodeError::new("FIELD_TOLD_TWICE", detail));
                    }
                },
                (Some(_), None) if !value.is_null() => return Err(wrong_type(called, &key, "must be a number")),
                (None, Some(_)) => named.ignored.insert(&key),
                (_, None) => {} // a sensor that has no value, or a text that is no measurement
            }
        }
        if named.values.is_empty() {
            let detail = format!("{called}: no field is a number with the name of a quantity, such as pm10 or pm2_5");
            return Err(DecodeError::new("NO_KNOWN_FIELD", detail));
        }
        Ok(named)
    }

    fn get(&self, wanted: Meaning) -> Option<f64> {
        self.values.iter().find(|(meaning, _)| *meaning == wanted).map(|&(_, value)| value)
    }

    pub(super) fn tells_place(&self) -> bool {
        self.get(Meaning::Latitude).is_some() && self.get(Meaning::Longitude).is_some()
    }

    /// Puts the values into a sample.
    pub(super) fn fill(&self, sample: &mut Sample) -> Result<(), (&'static str, String)> {
        sample.position = parse::position(self.get(Meaning::Latitude), self.get(Meaning::Longitude))?;
        for &(meaning, value) in &self.values {
            if let Meaning::Quantity(quantity) = meaning {
                sample.readings.set(quantity, value).map_err(|reason| ("INVALID_VALUE", reason.to_string()))?;
            }
        }
        Ok(())
    }
}

fn wrong_type(called: &str, key: &str, reason: &str) -> DecodeError {
    DecodeError::new("WRONG_TYPE", format!("{called}: {key:?} {reason}"))
}
