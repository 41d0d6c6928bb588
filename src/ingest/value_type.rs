//! What airRohr firmware calls its values, whether it sends them as JSON or as line protocol.
//!
//! A name is the sensor and the value: `SDS_P1`, `BME280_pressure`; a DHT22 has no prefix. P0, P1, P2 and P4 are PM1,
//! **PM10, PM2.5** and PM4. Pressure is told in pascal. Names with other prefixes have no quantity here, on purpose:
//! `HECA_temperature`, for one, is that of a heated inlet.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{ignored::Ignored, parse};
use crate::domain::{quantity::Quantity, sample::Sample};

/// Particulate sensors. Where several tell the same quantity, the first of this list counts. The order is ours: the SDS011
/// first, since it is what most of the network carries.
const PARTICULATES: &[&str] = &["SDS", "SPS30", "NPM", "IPS", "PMS", "HPM"];
/// Weather sensors, likewise; the DHT22, without a prefix, comes last.
const WEATHER: &[&str] = &["BME280", "SHT3X", "HTU21D", "BMP280", "BMP", "DS18B20", ""];
/// Pascals in a hectopascal.
const PA_PER_HPA: f64 = 100.0;

/// Which names are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// Those of the firmware.
    AirRohr,
    /// Those, and the names of the quantities, in their units. The firmware has no `pressure` without a prefix, so
    /// that one is in hectopascal.
    AirRohrOrQuantity,
}

/// A value as it was told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Number(f64),
    Text(&'a str),
    Other,
}

enum Meaning {
    Latitude,
    Longitude,
    Quantity { quantity: Quantity, rank: usize, divisor: f64 },
}

/// The values of one sample, as they are read.
pub(super) struct Values {
    naming: Naming,
    /// The best told of each quantity, with its place in the order of preference and its name.
    best: BTreeMap<Quantity, (usize, String, f64)>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    /// The receiver said that it doesn't know where it is.
    no_fix: bool,
    /// Whether a position was told, or that there is none: the device has a receiver.
    pub(super) has_receiver: bool,
}

impl Values {
    pub(super) fn new(naming: Naming) -> Self {
        Self { naming, best: BTreeMap::new(), latitude: None, longitude: None, no_fix: false, has_receiver: false }
    }

    /// Takes a value in. What has no quantity, is no finite number, or is told by a better sensor too, goes to
    /// `ignored` by its name.
    pub(super) fn take(&mut self, name: &str, value: Value<'_>, ignored: &mut Ignored) {
        let Some(meaning) = meaning(name, self.naming) else {
            // The firmware's time when its receiver has none.
            if !(name.starts_with("GPS_") && matches!(value, Value::Text(text) if text.contains("1970"))) {
                ignored.insert(name);
            }
            return;
        };
        let coordinate = match meaning {
            Meaning::Quantity { quantity, rank, divisor } => match number(value, quantity) {
                Some(number) if is_no_value(quantity, number) => return,
                Some(number) => return self.prefer(quantity, (rank, name.to_owned(), number / divisor), ignored),
                None => return ignored.insert(name),
            },
            Meaning::Latitude => &mut self.latitude,
            Meaning::Longitude => &mut self.longitude,
        };
        self.has_receiver = true;
        match finite(value) {
            Some(-200.0) => self.no_fix = true,
            Some(degrees) if coordinate.is_none() => *coordinate = Some(degrees),
            _ => ignored.insert(name),
        }
    }

    fn prefer(&mut self, quantity: Quantity, told: (usize, String, f64), ignored: &mut Ignored) {
        match self.best.get_mut(&quantity) {
            None => {
                self.best.insert(quantity, told);
            }
            Some(best) if told.0 < best.0 => ignored.insert(&std::mem::replace(best, told).1),
            Some(_) => ignored.insert(&told.1),
        }
    }

    /// The sample that the values make, or why they make none: a code and the reason.
    pub(super) fn sample(self, measured_at: DateTime<Utc>) -> Result<Sample, (&'static str, String)> {
        let mut sample = Sample::new(measured_at);
        if !self.no_fix {
            sample.position = parse::position(self.latitude, self.longitude)?;
        }
        for (quantity, (_, name, value)) in self.best {
            sample.readings.set(quantity, value).map_err(|reason| ("INVALID_VALUE", format!("{name}: {reason}")))?;
        }
        if sample.readings.is_empty() {
            return Err(("NO_VALUES", "not one value of a known quantity".to_owned()));
        }
        Ok(sample)
    }
}

fn meaning(name: &str, naming: Naming) -> Option<Meaning> {
    let quantity = |quantity| Some(Meaning::Quantity { quantity, rank: usize::MAX, divisor: 1.0 });
    let own = naming == Naming::AirRohrOrQuantity;
    match name {
        "GPS_lat" => return Some(Meaning::Latitude),
        "GPS_lon" => return Some(Meaning::Longitude),
        "GPS_height" => return quantity(Quantity::Altitude),
        "signal" => return quantity(Quantity::SignalStrength),
        "latitude" if own => return Some(Meaning::Latitude),
        "longitude" if own => return Some(Meaning::Longitude),
        "pressure" if own => return quantity(Quantity::Pressure),
        _ => {}
    }
    let (prefix, kind) = name.rsplit_once('_').unwrap_or(("", name));
    let known = match kind {
        "P0" => Some((Quantity::Pm1, PARTICULATES, 1.0)),
        "P1" => Some((Quantity::Pm10, PARTICULATES, 1.0)),
        "P2" => Some((Quantity::Pm2_5, PARTICULATES, 1.0)),
        "P4" => Some((Quantity::Pm4, PARTICULATES, 1.0)),
        "temperature" => Some((Quantity::Temperature, WEATHER, 1.0)),
        "humidity" => Some((Quantity::Humidity, WEATHER, 1.0)),
        "pressure" => Some((Quantity::Pressure, WEATHER, PA_PER_HPA)),
        _ => None,
    };
    let ranked = known.and_then(|(quantity, order, divisor)| {
        let rank = order.iter().position(|known| *known == prefix)?;
        Some(Meaning::Quantity { quantity, rank, divisor })
    });
    ranked.or_else(|| Quantity::named(name).filter(|_| own).and_then(quantity))
}

/// What the firmware sends where it has measured nothing.
#[expect(clippy::float_cmp, reason = "the firmware sends exactly these numbers")]
fn is_no_value(quantity: Quantity, value: f64) -> bool {
    match quantity {
        Quantity::Altitude => value == -1000.0,
        Quantity::Temperature => value == -128.0,
        Quantity::Humidity => value == -1.0,
        _ => false,
    }
}

fn number(value: Value<'_>, quantity: Quantity) -> Option<f64> {
    match value {
        Value::Text(text) if quantity == Quantity::SignalStrength => {
            finite(Value::Text(text.trim().strip_suffix("dBm").unwrap_or(text)))
        }
        _ => finite(value),
    }
}

fn finite(value: Value<'_>) -> Option<f64> {
    let number = match value {
        Value::Number(number) => Some(number),
        Value::Text(text) => text.trim().parse().ok(), // also "nan" and "inf", which are not finite
        Value::Other => None,
    };
    number.filter(|number| number.is_finite())
}
