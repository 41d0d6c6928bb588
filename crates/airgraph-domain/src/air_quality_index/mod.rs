//! Air-quality indices: hourly means of particulates on the scales that authorities publish.
//!
//! All of them are indicative: a low-cost sensor is not a reference station, and only PM2.5 and PM10 of the pollutants
//! in the published scales are measured here. Each scale is one file with its source. Each revision of a scale is a
//! version; a new revision is a new table and a new text in `VERSION`.

mod concentration;
mod european;
mod hours;
mod uk_daqi;
mod us_epa;
mod us_nowcast;

pub use concentration::Concentration;

/// A published scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// The Daily Air Quality Index of the United Kingdom.
    UkDaqi,
    /// The European Air Quality Index.
    European,
    /// The Air Quality Index of the United States, of 24 hours.
    UsEpa,
    /// The same scale with the NowCast average of 12 hours.
    UsNowcast,
}

/// A pollutant that has an index of its own on every scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pollutant {
    /// PM2.5.
    Pm2_5,
    /// PM10.
    Pm10,
}

/// A named range of a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its name, as published.
    pub name: &'static str,
    /// Its colour, `#rrggbb`.
    pub colour: &'static str,
}

/// A value on a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The value.
    pub value: u16,
    /// The range the value is in.
    pub band: Band,
    /// Whether the concentration is above the end of the scale; the value is then the scale's maximum.
    pub above_scale: bool,
}

/// The means of whole hours, newest first, in µg/m³; `None` for an hour without a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HourlyMeans {
    /// Of PM2.5.
    pub pm2_5: Vec<Option<f64>>,
    /// Of PM10.
    pub pm10: Vec<Option<f64>>,
}

/// The index of one pollutant.
#[derive(Clone, Debug, PartialEq)]
pub struct SubIndex {
    /// The pollutant.
    pub pollutant: Pollutant,
    /// Its index; `None` if too few hours have a value.
    pub level: Option<Level>,
    /// The averaged concentration the index is computed from; `None` if too few hours have a value.
    pub concentration: Option<Concentration>,
    /// The share of the period's hours that have a value, 0 to 1.
    pub coverage: f64,
}

/// An air-quality index: the highest index of its pollutants.
#[derive(Clone, Debug, PartialEq)]
pub struct AirQualityIndex {
    /// The pollutant with the highest index; `None` if no pollutant has an index.
    pub deciding: Option<(Pollutant, Level)>,
    /// The share of the period's hours with a value of the deciding pollutant, 0 to 1; without one, of the pollutant
    /// with the most hours.
    pub coverage: f64,
    /// The index of each pollutant.
    pub sub_indices: Vec<SubIndex>,
}

impl Scale {
    /// Edition of the scale: source and date.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::UkDaqi => uk_daqi::VERSION,
            Self::European => european::VERSION,
            Self::UsEpa => us_epa::VERSION,
            Self::UsNowcast => us_nowcast::VERSION,
        }
    }

    /// Number of hours in the averaging period.
    #[must_use]
    pub fn hours(self) -> usize {
        match self {
            Self::UkDaqi => uk_daqi::HOURS,
            Self::European => european::HOURS,
            Self::UsEpa => us_epa::HOURS,
            Self::UsNowcast => us_nowcast::HOURS,
        }
    }

    /// The index of these hours. Hours beyond the period are ignored, and missing hours count as hours without a
    /// value.
    #[must_use]
    pub fn index(self, means: &HourlyMeans) -> AirQualityIndex {
        let of = [(Pollutant::Pm2_5, &means.pm2_5), (Pollutant::Pm10, &means.pm10)];
        let sub_indices: Vec<_> = of.into_iter().map(|(pollutant, means)| self.sub_index(pollutant, means)).collect();
        let worst = sub_indices
            .iter()
            .filter_map(|sub| Some((sub, sub.level?)))
            // The first of equals, where `max_by_key` would take the last.
            .rev()
            .max_by_key(|(_, level)| (level.value, level.above_scale));
        let coverage = match worst {
            Some((sub, _)) => sub.coverage,
            None => sub_indices.iter().map(|sub| sub.coverage).fold(0.0, f64::max),
        };
        AirQualityIndex { deciding: worst.map(|(sub, level)| (sub.pollutant, level)), coverage, sub_indices }
    }

    fn sub_index(self, pollutant: Pollutant, means: &[Option<f64>]) -> SubIndex {
        let hours = hours::latest(means, self.hours());
        let concentration = match self {
            Self::UkDaqi | Self::European | Self::UsEpa => hours::mean(&hours),
            Self::UsNowcast => us_nowcast::average(&hours),
        }
        .map(Concentration::from_f64);
        let level = concentration.map(|concentration| self.level(pollutant, concentration));
        SubIndex { pollutant, level, concentration, coverage: hours::coverage(&hours) }
    }

    /// The level of an averaged concentration.
    #[must_use]
    pub fn level(self, pollutant: Pollutant, concentration: Concentration) -> Level {
        match self {
            Self::UkDaqi => uk_daqi::level(pollutant, concentration),
            Self::European => european::level(pollutant, concentration),
            Self::UsEpa | Self::UsNowcast => us_epa::level(pollutant, concentration),
        }
    }
}

#[cfg(test)]
mod tests;
