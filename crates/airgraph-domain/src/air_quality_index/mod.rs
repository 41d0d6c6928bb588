//! Air-quality indices: what hourly means of particulates stand for on the scales that authorities publish.
//!
//! All of them are indicative: a cheap sensor is not a reference station, and of the pollutants that the authorities look
//! at only PM2.5 and PM10 are known here. One file a scale, with its source; each is a version of its own, and a later
//! one is a new table and a new text in `VERSION`.

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
    /// The same, estimated for the present hour.
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

/// What a scale calls a range of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its name, as published.
    pub name: &'static str,
    /// Its colour, `#rrggbb`.
    pub colour: &'static str,
}

/// A place on a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The value.
    pub value: u16,
    /// What it is called.
    pub band: Band,
    /// Whether the concentration is beyond the end of the scale; the value is then the scale's last.
    pub above_scale: bool,
}

/// The means of whole hours, newest first, µg/m³; none for an hour without a value.
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
    /// Which.
    pub pollutant: Pollutant,
    /// Where it stands; none where too few hours are known.
    pub level: Option<Level>,
    /// The concentration that this is told from, averaged as the scale wants it; none where too few hours are known.
    pub concentration: Option<Concentration>,
    /// The share of the period's hours that are known, 0 to 1.
    pub coverage: f64,
}

/// An air-quality index: that of the pollutant which is worst.
#[derive(Clone, Debug, PartialEq)]
pub struct AirQualityIndex {
    /// The pollutant that decides, with its index; none where no pollutant has one.
    pub deciding: Option<(Pollutant, Level)>,
    /// The share of the period's hours that are known of the pollutant that decides, 0 to 1; where none does, of the one
    /// of which most are.
    pub coverage: f64,
    /// Every pollutant's.
    pub sub_indices: Vec<SubIndex>,
}

impl Scale {
    /// Which edition of the scale this is: source and date.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::UkDaqi => uk_daqi::VERSION,
            Self::European => european::VERSION,
            Self::UsEpa => us_epa::VERSION,
            Self::UsNowcast => us_nowcast::VERSION,
        }
    }

    /// How many hours its averaging period has.
    #[must_use]
    pub fn hours(self) -> usize {
        match self {
            Self::UkDaqi => uk_daqi::HOURS,
            Self::European => european::HOURS,
            Self::UsEpa => us_epa::HOURS,
            Self::UsNowcast => us_nowcast::HOURS,
        }
    }

    /// The index that these hours have. Hours beyond the period are not looked at, and such as are not there count as not
    /// known.
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

    /// Where a concentration, averaged as the scale wants it, stands.
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
