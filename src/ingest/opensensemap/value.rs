//! One value: what a form of the body tells of it, and what that means. Read in one place, so that the forms can't differ.

use chrono::{DateTime, Utc};

use crate::{
    domain::{position::Position, quantity::Quantity, time::normalize},
    ingest::{
        ignored::shortened,
        parse::{self, Reason},
    },
};

/// No air pressure in hectopascal, but any in pascal. senseBox's sketches divide the BMP280's pascals by 100; that others
/// (those put together of blocks, say) send pascals as they are is unverified. Nothing in a body tells which it is.
const PASCALS_ABOVE: f64 = 2000.0;
/// Pascals in a hectopascal.
const PA_PER_HPA: f64 = 100.0;

/// One value as a body tells it. Nothing of it is read yet, only sorted.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Value<'a> {
    pub(super) sensor: &'a str,
    pub(super) number: Option<Scalar<'a>>,
    pub(super) created_at: Option<&'a str>,
    pub(super) longitude: Option<Scalar<'a>>,
    pub(super) latitude: Option<Scalar<'a>>,
    pub(super) height: Option<Scalar<'a>>,
}

/// A number as it may be told. A text may be padded with spaces (sketches print with `%9.2f`); an empty one tells nothing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    Number(f64),
    Text(&'a str),
    Other,
}

/// One value, read.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) quantity: Quantity,
    /// In the quantity's unit.
    pub(super) number: f64,
    /// In whole microseconds.
    pub(super) measured_at: Option<DateTime<Utc>>,
    pub(super) position: Option<Position>,
    /// Metres above the sea.
    pub(super) height: Option<f64>,
}

impl Value<'_> {
    /// What this tells of a sensor that measures `quantity`.
    ///
    /// # Errors
    /// A code and the reason why the value is to be rejected.
    pub(super) fn read(&self, quantity: Quantity) -> Result<Told, Reason> {
        let number = number("value", self.number)?
            .ok_or_else(|| ("MISSING_VALUE", format!("sensor {:?} tells no value", shortened(self.sensor))))?;
        let created_at = self.created_at.map(str::trim).filter(|text| !text.is_empty());
        Ok(Told {
            quantity,
            number: in_unit(quantity, number),
            measured_at: created_at.map(|text| parse::time("createdAt", text)).transpose()?.map(normalize),
            position: parse::position(number_of("latitude", self.latitude)?, number_of("longitude", self.longitude)?)
                .map_err(|(code, detail)| (code, format!("{detail} (longitude comes first)")))?,
            height: number_of("height", self.height)?,
        })
    }
}

fn in_unit(quantity: Quantity, number: f64) -> f64 {
    if quantity == Quantity::Pressure && number > PASCALS_ABOVE { number / PA_PER_HPA } else { number }
}

/// A coordinate, whose reasons bear the code of positions.
fn number_of(name: &str, told: Option<Scalar<'_>>) -> Result<Option<f64>, Reason> {
    number(name, told).map_err(|(_, detail)| ("INVALID_POSITION", detail))
}

fn number(name: &str, told: Option<Scalar<'_>>) -> Result<Option<f64>, Reason> {
    match told {
        None => Ok(None),
        Some(Scalar::Number(number)) => Ok(Some(number)),
        Some(Scalar::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(Scalar::Text(text)) => {
            let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite()); // "nan" and "inf" parse too
            let reason = || ("INVALID_VALUE", format!("{name}: {:?} is no finite number", shortened(text.trim())));
            number.map(Some).ok_or_else(reason)
        }
        Some(Scalar::Other) => Err(("WRONG_TYPE", format!("{name} must be a number, or a text that is one"))),
    }
}
