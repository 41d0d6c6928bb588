//! From single values to samples.

use std::collections::{HashMap, hash_map::Entry};

use airgraph_domain::{position::Position, quality::QualityFlag, quantity::Quantity, sample::Sample, sensor::Sensors};
use chrono::{DateTime, Utc};

use super::value::{ParsedValue, SensorValue};
use crate::{Rejection, ignored::IgnoredNames, parse::Reason};

/// Gathers the values of one device into samples: those with the same time, place and height are one, and those without
/// a time are of one moment, that of arrival.
///
/// Of two values of one quantity at one moment the first counts. A moment whose values are gathered apart (in two
/// requests, in two pieces of a file) becomes two samples, since nothing tells that they belong together: whoever cuts a
/// file should cut it where the time changes.
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

/// What values came to.
#[derive(Debug)]
pub(crate) struct GatheredMoments {
    /// The samples, in the order of their first values, each with the index of that one.
    pub(crate) samples: Vec<(usize, Sample)>,
    /// The values that were left out.
    pub(crate) rejected: Vec<Rejection>,
    /// The sensors that are not registered, whose values were passed over.
    pub(crate) unknown: Vec<String>,
    /// Whether a sensor was registered, be its value good or not.
    pub(crate) has_known_sensor: bool,
}

#[derive(Debug)]
struct Moment {
    index: usize,
    sample: Sample,
    /// Whether the altitude is that of the place. A sensor that measures it precedes it.
    altitude_of_place: bool,
}

/// Time, place and height. The numbers by their bits, which are the same where the body told the same.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MomentKey(Option<DateTime<Utc>>, Option<[u64; 2]>, Option<u64>);

impl MomentKey {
    fn from_value(told: &ParsedValue) -> Self {
        let bits = |number: f64| (number + 0.0).to_bits(); // -0 is 0
        let place = |position: Position| [bits(position.latitude()), bits(position.longitude())];
        Self(told.measured_at, told.position.map(place), told.height.map(bits))
    }
}

impl<'a> MomentGatherer<'a> {
    /// Nothing gathered yet.
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

    /// Takes the value that stands at `index` of the body, or the reason why there is none.
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

    fn add(&mut self, index: usize, told: &ParsedValue) -> Result<(), Reason> {
        match self.places.entry(MomentKey::from_value(told)) {
            Entry::Occupied(place) => self.gathered[*place.get()].add(told),
            Entry::Vacant(place) => {
                let moment = Moment::new(index, told, self.received_at)?;
                place.insert(self.gathered.len());
                self.gathered.push(moment);
                Ok(())
            }
        }
    }

    /// What the values came to.
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
    fn new(index: usize, told: &ParsedValue, received_at: DateTime<Utc>) -> Result<Self, Reason> {
        let mut sample = Sample::new(told.measured_at.unwrap_or(received_at));
        if told.measured_at.is_none() {
            sample.flags.insert(QualityFlag::EstimatedTime);
        }
        sample.position = told.position;
        let mut moment = Self { index, sample, altitude_of_place: false };
        if let Some(height) = told.height {
            moment.set(Quantity::Altitude, height)?;
            moment.altitude_of_place = true;
        }
        moment.add(told)?;
        Ok(moment)
    }

    fn add(&mut self, told: &ParsedValue) -> Result<(), Reason> {
        let yields = told.quantity == Quantity::Altitude && std::mem::take(&mut self.altitude_of_place);
        if self.sample.readings.get(told.quantity).is_some() && !yields {
            let name = told.quantity.definition().name;
            return Err(("VALUE_TOLD_TWICE", format!("{name} is told by another value of this moment already")));
        }
        self.set(told.quantity, told.number)
    }

    fn set(&mut self, quantity: Quantity, number: f64) -> Result<(), Reason> {
        self.sample.readings.set(quantity, number).map_err(|reason| ("INVALID_VALUE", reason.to_string()))
    }
}
