//! Groups single values into samples.

use std::collections::{HashMap, hash_map::Entry};

use airgraph_domain::{position::Position, quality::QualityFlag, quantity::Quantity, sample::Sample, sensor::Sensors};
use chrono::{DateTime, Utc};

use super::value::{ParsedValue, SensorValue};
use crate::{Rejection, ignored::IgnoredNames, parse::Reason};

/// Groups the values of one device into samples: those with the same time, position and height are one, and those
/// without a time have the time of arrival.
///
/// Of two values of one quantity at one time the first counts. Values of one time that are grouped separately (in two
/// requests, or in two parts of a file) become two samples, since nothing indicates that they belong together. A file
/// should therefore be split only where the time changes.
#[derive(Debug)]
pub(crate) struct MomentGatherer<'a> {
    sensors: &'a Sensors,
    received_at: DateTime<Utc>,
    gathered: Vec<Moment>,
    places: HashMap<MomentKey, usize>,
    rejected: Vec<Rejection>,
    unknown: IgnoredNames,
    has_known_sensor: bool,
}

/// Result of grouping values.
#[derive(Debug)]
pub(crate) struct GatheredMoments {
    /// The samples, in the order of their first values, each with the index of its first value.
    pub(crate) samples: Vec<(usize, Sample)>,
    /// The rejected values.
    pub(crate) rejected: Vec<Rejection>,
    /// The unregistered sensors with skipped values.
    pub(crate) unknown: Vec<String>,
    /// Whether any sensor was registered, with a valid value or not.
    pub(crate) has_known_sensor: bool,
}

#[derive(Debug)]
struct Moment {
    index: usize,
    sample: Sample,
    /// Whether the altitude is that of the position. A sensor that measures it has precedence.
    altitude_of_place: bool,
}

/// Time, position and height. Numbers are compared by their bits, which are equal for equal numbers in the body.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MomentKey(Option<DateTime<Utc>>, Option<[u64; 2]>, Option<u64>);

impl MomentKey {
    fn from_value(value: &ParsedValue) -> Self {
        let bits = |number: f64| (number + 0.0).to_bits(); // -0 is 0
        let place = |position: Position| [bits(position.latitude()), bits(position.longitude())];
        Self(value.measured_at, value.position.map(place), value.height.map(bits))
    }
}

impl<'a> MomentGatherer<'a> {
    /// Without values.
    pub(crate) fn new(sensors: &'a Sensors, received_at: DateTime<Utc>) -> Self {
        Self {
            sensors,
            received_at,
            gathered: Vec::new(),
            places: HashMap::new(),
            rejected: Vec::new(),
            unknown: IgnoredNames::default(),
            has_known_sensor: false,
        }
    }

    /// Adds the value at `index` of the body, or the reason why there is none.
    pub(crate) fn add_result(&mut self, index: usize, value: Result<SensorValue<'_>, Reason>) {
        let taken = value.and_then(|value| {
            let sensor = value.sensor.trim();
            let Some(quantity) = self.sensors.quantity_of(sensor) else {
                self.unknown.insert(sensor);
                return Ok(());
            };
            self.has_known_sensor = true;
            self.add(index, &value.read(quantity)?)
        });
        if let Err((code, detail)) = taken {
            self.rejected.push(Rejection { index, code, detail });
        }
    }

    fn add(&mut self, index: usize, value: &ParsedValue) -> Result<(), Reason> {
        match self.places.entry(MomentKey::from_value(value)) {
            Entry::Occupied(place) => self.gathered[*place.get()].add(value),
            Entry::Vacant(place) => {
                let moment = Moment::new(index, value, self.received_at)?;
                place.insert(self.gathered.len());
                self.gathered.push(moment);
                Ok(())
            }
        }
    }

    /// The result.
    pub(crate) fn finish(self) -> GatheredMoments {
        GatheredMoments {
            samples: self.gathered.into_iter().map(|moment| (moment.index, moment.sample)).collect(),
            rejected: self.rejected,
            unknown: self.unknown.into_names(),
            has_known_sensor: self.has_known_sensor,
        }
    }
}

impl Moment {
    fn new(index: usize, value: &ParsedValue, received_at: DateTime<Utc>) -> Result<Self, Reason> {
        let mut sample = Sample::new(value.measured_at.unwrap_or(received_at));
        if value.measured_at.is_none() {
            sample.flags.insert(QualityFlag::EstimatedTime);
        }
        sample.position = value.position;
        let mut moment = Self { index, sample, altitude_of_place: false };
        if let Some(height) = value.height {
            moment.set(Quantity::Altitude, height)?;
            moment.altitude_of_place = true;
        }
        moment.add(value)?;
        Ok(moment)
    }

    fn add(&mut self, value: &ParsedValue) -> Result<(), Reason> {
        let yields = value.quantity == Quantity::Altitude && std::mem::take(&mut self.altitude_of_place);
        if self.sample.readings.get(value.quantity).is_some() && !yields {
            let name = value.quantity.definition().name;
            return Err(("VALUE_TOLD_TWICE", format!("another value of the same time already has {name}")));
        }
        self.set(value.quantity, value.number)
    }

    fn set(&mut self, quantity: Quantity, number: f64) -> Result<(), Reason> {
        self.sample.readings.set(quantity, number).map_err(|reason| ("INVALID_VALUE", reason.to_string()))
    }
}
