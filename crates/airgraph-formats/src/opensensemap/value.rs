//! One value of any form, and its interpretation. Shared by all forms, so that they agree.

use airgraph_domain::{position::Position, quantity::Quantity, time::normalize};
use chrono::{DateTime, Utc};

use crate::{
    ignored::truncate_name,
    parse::{self, Reason},
    timestamp::{self, ZoneRule},
};

/// A pressure in hectopascals is below this, one in pascals above. senseBox's sketches divide the BMP280's pascals by
/// 100; that others (those made of blocks, say) send pascals is unverified. A body does not state the unit.
const MIN_PASCALS: f64 = 2000.0;
/// Pascals in a hectopascal.
const PA_PER_HPA: f64 = 100.0;

/// One value of a body, not interpreted yet.
#[derive(Debug, Default)]
pub(crate) struct SensorValue<'a> {
    pub(super) sensor: &'a str,
    pub(super) number: Option<Scalar<'a>>,
    pub(super) created_at: Option<&'a str>,
    pub(super) longitude: Option<Scalar<'a>>,
    pub(super) latitude: Option<Scalar<'a>>,
    pub(super) height: Option<Scalar<'a>>,
    /// Meaning of a time without a zone.
    pub(super) zone: ZoneRule,
    /// Whether the comma of a text is a decimal sign.
    pub(super) allows_decimal_comma: bool,
}

/// A number in the body. A text may be padded with spaces (sketches print with `%9.2f`); an empty one has no value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    Number(f64),
    Text(&'a str),
    Other,
}

/// One parsed value.
#[derive(Debug)]
pub(super) struct ParsedValue {
    pub(super) quantity: Quantity,
    /// In the quantity's unit.
    pub(super) number: f64,
    /// In whole microseconds.
    pub(super) measured_at: Option<DateTime<Utc>>,
    pub(super) position: Option<Position>,
    /// Metres above the sea.
    pub(super) height: Option<f64>,
}

impl SensorValue<'_> {
    /// Parses the value of a sensor that measures `quantity`.
    ///
    /// # Errors
    /// A code and the reason why the value is rejected.
    pub(super) fn read(&self, quantity: Quantity) -> Result<ParsedValue, Reason> {
        let number = self
            .number("value", self.number)?
            .ok_or_else(|| ("MISSING_VALUE", format!("sensor {:?} has no value", truncate_name(self.sensor))))?;
        let created_at = self.created_at.map(str::trim).filter(|text| !text.is_empty());
        Ok(ParsedValue {
            quantity,
            number: in_unit(quantity, number),
            measured_at: created_at
                .map(|text| timestamp::parse("createdAt", text, self.zone))
                .transpose()?
                .map(normalize),
            position: parse::position(
                self.coordinate("latitude", self.latitude)?,
                self.coordinate("longitude", self.longitude)?,
            )
            .map_err(|(code, detail)| {
                (code, format!("{detail} (longitude comes first where no header names the columns)"))
            })?,
            height: self.coordinate("height", self.height)?,
        })
    }

    /// A coordinate; its errors have the code of positions.
    fn coordinate(&self, name: &str, scalar: Option<Scalar<'_>>) -> Result<Option<f64>, Reason> {
        self.number(name, scalar).map_err(|(_, detail)| ("INVALID_POSITION", detail))
    }

    fn number(&self, name: &str, scalar: Option<Scalar<'_>>) -> Result<Option<f64>, Reason> {
        match scalar {
            None => Ok(None),
            Some(Scalar::Number(number)) => Ok(Some(number)),
            Some(Scalar::Text(text)) if text.trim().is_empty() => Ok(None),
            Some(Scalar::Text(text)) => {
                let has_comma = self.allows_decimal_comma && text.matches([',', '.']).eq([","]);
                let number = if has_comma { parse::number(&text.replacen(',', ".", 1)) } else { parse::number(text) };
                let reason =
                    || ("INVALID_VALUE", format!("{name}: {:?} is no finite number", truncate_name(text.trim())));
                number.map(Some).ok_or_else(reason)
            }
            Some(Scalar::Other) => Err(("WRONG_TYPE", format!("{name} must be a number, or a text that is one"))),
        }
    }
}

fn in_unit(quantity: Quantity, number: f64) -> f64 {
    if quantity == Quantity::Pressure && number > MIN_PASCALS { number / PA_PER_HPA } else { number }
}
