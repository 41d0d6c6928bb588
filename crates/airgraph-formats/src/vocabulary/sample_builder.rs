//! Builds one sample from named values.

use std::collections::BTreeMap;

use airgraph_domain::{quantity::Quantity, readings::Readings, sample::Sample, unit::Unit};
use chrono::{DateTime, Utc};

use super::{FieldMeaning, SentUnit, UNRANKED, Vocabulary};
use crate::{
    ignored::IgnoredNames,
    parse::{self, JsonValue, Reason},
};

/// A value of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawValue<'a> {
    Number(f64),
    /// A text, which may be a number: `"12.40"`, `"-59 dBm"`.
    Text(&'a str),
    /// No value.
    Null,
    /// A boolean or a structure.
    Other,
}

impl RawValue<'_> {
    /// The value as a finite number, if it is one.
    pub fn number(self) -> Option<f64> {
        match self {
            RawValue::Number(number) => Some(number).filter(|number| number.is_finite()),
            RawValue::Text(text) => parse::number(text),
            RawValue::Null | RawValue::Other => None,
        }
    }
}

impl<'a> From<&'a JsonValue> for RawValue<'a> {
    fn from(json: &'a JsonValue) -> Self {
        match json {
            JsonValue::Null => Self::Null,
            JsonValue::Number(number) => number.as_f64().map_or(Self::Other, Self::Number),
            JsonValue::Text(text) => Self::Text(text),
            JsonValue::Boolean | JsonValue::Array(_) | JsonValue::Object(_) => Self::Other,
        }
    }
}

/// The values of one sample while its fields are read. A field that has no meaning, is unreadable, or whose quantity
/// has a better field is added to `ignored` by its name.
pub(crate) struct SampleBuilder<'v> {
    vocabulary: &'v Vocabulary,
    /// The best value of each quantity, with its rank and its name.
    best: BTreeMap<Quantity, (u8, String, f64)>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    /// Whether a coordinate was unreadable or a mark of a receiver without a fix.
    has_no_fix: bool,
    /// Whether the body has a position or a mark of a missing one: the device has a receiver.
    pub has_receiver: bool,
}

impl<'v> SampleBuilder<'v> {
    pub fn new(vocabulary: &'v Vocabulary) -> Self {
        Self {
            vocabulary,
            best: BTreeMap::new(),
            latitude: None,
            longitude: None,
            has_no_fix: false,
            has_receiver: false,
        }
    }

    /// Adds a field.
    pub fn add(&mut self, name: &str, value: RawValue<'_>, ignored: &mut IgnoredNames) {
        if let RawValue::Null = value {
            return;
        }
        match self.vocabulary.meaning(name) {
            Some(FieldMeaning::Quantity { quantity, unit, rank }) => {
                self.add_ranked(name, quantity, unit, rank, value, ignored);
            }
            Some(FieldMeaning::Latitude) => self.add_coordinate(name, true, value, ignored),
            Some(FieldMeaning::Longitude) => self.add_coordinate(name, false, value, ignored),
            None => ignored.insert(name),
        }
    }

    /// Adds a value with its quantity and unit from the body.
    pub fn add_quantity(
        &mut self,
        name: &str,
        quantity: Quantity,
        unit: Unit,
        value: RawValue<'_>,
        ignored: &mut IgnoredNames,
    ) {
        if let RawValue::Null = value {
            return;
        }
        self.add_ranked(name, quantity, SentUnit::Is(unit), UNRANKED, value, ignored);
    }

    fn add_ranked(
        &mut self,
        name: &str,
        quantity: Quantity,
        unit: SentUnit,
        rank: u8,
        value: RawValue<'_>,
        ignored: &mut IgnoredNames,
    ) {
        let Some(value) = number(value, quantity).and_then(|value| unit.convert(quantity, value)) else {
            return ignored.insert(name);
        };
        if self.vocabulary.is_no_value(quantity, value) {
            return;
        }
        if Readings::default().set(quantity, value).is_err() {
            return ignored.insert(name); // no column holds it
        }
        match self.best.get_mut(&quantity) {
            None => {
                self.best.insert(quantity, (rank, name.to_owned(), value));
            }
            Some(best) if rank < best.0 => {
                ignored.insert(&best.1);
                *best = (rank, name.to_owned(), value);
            }
            Some(best) if best.2.to_bits() == value.to_bits() => {} // repeated
            Some(_) => ignored.insert(name),
        }
    }

    fn add_coordinate(&mut self, name: &str, is_latitude: bool, value: RawValue<'_>, ignored: &mut IgnoredNames) {
        self.has_receiver = true;
        let coordinate = if is_latitude { &mut self.latitude } else { &mut self.longitude };
        match value.number() {
            Some(-200.0) => self.has_no_fix = true, // TinyGPS's mark, which airRohr sends
            Some(degrees) if coordinate.is_none_or(|known| known.to_bits() == degrees.to_bits()) => {
                *coordinate = Some(degrees);
            }
            Some(_) => ignored.insert(name),
            None => {
                self.has_no_fix = true;
                ignored.insert(name);
            }
        }
    }

    /// Whether the sample has a value of this quantity.
    pub fn has(&self, quantity: Quantity) -> bool {
        self.best.contains_key(&quantity)
    }

    /// Whether no value was accepted.
    pub fn is_empty(&self) -> bool {
        self.best.is_empty()
    }

    /// The sample.
    ///
    /// # Errors
    /// A code and the reason why the values are not a sample.
    pub fn build(self, measured_at: DateTime<Utc>) -> Result<Sample, Reason> {
        let mut sample = Sample::new(measured_at);
        if !self.has_no_fix {
            sample.position = parse::position(self.latitude, self.longitude)?;
        }
        for (quantity, (_, name, value)) in self.best {
            sample.readings.set(quantity, value).map_err(|reason| ("INVALID_VALUE", format!("{name}: {reason}")))?;
        }
        if sample.readings.is_empty() {
            return Err(("NO_VALUES", "no field is a value of a known quantity in a known unit".to_owned()));
        }
        Ok(sample)
    }
}

/// The value as a number. `dBm` may follow a signal strength, as in airRohr's `"-59 dBm"`.
fn number(value: RawValue<'_>, quantity: Quantity) -> Option<f64> {
    match value {
        RawValue::Text(text) if quantity == Quantity::SignalStrength => {
            parse::number(text.trim().strip_suffix("dBm").unwrap_or(text))
        }
        _ => value.number(),
    }
}
