//! The air over the town: weather that changes over days, the course of the day, and traffic.

use std::f64::consts::TAU;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc, Weekday};
use rand_chacha::ChaCha8Rng;

use super::random::{Purpose, chance, noise, rng, uniform};

/// The weather at one midnight, as deviations of about −1 to 1 from the seasonal average.
#[derive(Clone, Copy, Debug)]
struct Weather {
    /// Settled (1) or stormy (−1) weather.
    pressure: f64,
    warmth: f64,
    damp: f64,
    /// Amount of dust from distant sources.
    haze: f64,
}

/// The air of one day.
#[derive(Debug)]
pub(super) struct AirModel {
    date: NaiveDate,
    /// The weather at its first and its last midnight.
    weather: [Weather; 2],
}

/// The air at one time, away from streets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    /// Particles up to 2.5 µm, µg/m³.
    pub fine: f64,
    /// Particles from 2.5 to 10 µm, µg/m³.
    pub coarse: f64,
    /// Traffic, from 0 (none) to about 1 (rush hour).
    pub rush: f64,
    /// °C.
    pub temperature: f64,
    /// Relative, %.
    pub humidity: f64,
    /// At sea level, hPa.
    pub pressure: f64,
}

impl AirModel {
    pub(super) fn for_day(seed: u64, date: NaiveDate) -> Self {
        let tomorrow = date.succ_opt().unwrap_or(date); // exists until the year 262142
        Self { date, weather: [weather_at(seed, date), weather_at(seed, tomorrow)] }
    }

    /// The air at a time of this day.
    pub(super) fn at(&self, time: DateTime<Utc>) -> Conditions {
        let hour = f64::from(time.num_seconds_from_midnight()) / 3600.0;
        let weather = self.weather_at(hour / 24.0);
        // 1 at the coldest time of the year (about 25 January), −1 half a year later.
        let winter = (TAU * (f64::from(self.date.ordinal()) + hour / 24.0 - 25.0) / 365.25).cos();
        let afternoon = (TAU * (hour - 15.0) / 24.0).cos();

        let mean = 10.8 - 6.8 * winter + 3.5 * weather.warmth;
        let temperature = mean + (3.2 - 1.6 * winter) * (1.0 + 0.4 * weather.pressure) * afternoon;
        let dew_point = (mean - 4.0 + 2.5 * weather.damp).min(temperature - 0.3);
        let rush = self.rush(hour);
        // Still, clear nights keep the air near the ground; stoves are lit on cold evenings.
        let stillness = 1.0 - (0.15 + 0.1 * weather.pressure) * afternoon;
        let stoves = (1.4 * (1.0 + winter)) * gaussian(hour, 21.0, 2.0);
        Conditions {
            fine: 6.5 * (0.8 * weather.haze + 0.4 * weather.pressure).exp() * stillness + 1.8 * rush + stoves,
            coarse: 4.0 * (0.5 * weather.haze).exp() + 2.5 * rush,
            rush,
            temperature,
            humidity: relative_humidity(temperature, dew_point),
            pressure: 1014.0 + 14.0 * weather.pressure,
        }
    }

    /// The amount of traffic.
    fn rush(&self, hour: f64) -> f64 {
        let day = 0.25 * gaussian(hour, 13.0, 4.0);
        match self.date.weekday() {
            Weekday::Sat => day + 0.35 * gaussian(hour, 12.0, 2.5) + 0.2 * gaussian(hour, 18.5, 2.0),
            Weekday::Sun => day + 0.25 * gaussian(hour, 14.0, 2.5),
            _ => day + 0.85 * gaussian(hour, 8.2, 1.1) + 0.75 * gaussian(hour, 17.4, 1.4),
        }
    }

    /// The weather after this share of the day. It is smooth from midnight to midnight.
    fn weather_at(&self, share: f64) -> Weather {
        let share = share * share * (3.0 - 2.0 * share);
        let [before, after] = self.weather;
        let between = |before: f64, after: f64| before + (after - before) * share;
        Weather {
            pressure: between(before.pressure, after.pressure),
            warmth: between(before.warmth, after.warmth),
            damp: between(before.damp, after.damp),
            haze: between(before.haze, after.haze),
        }
    }
}

/// The remaining exhaust or dust of a vehicle that passed by, µg/m³.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plume {
    pub fine: f64,
    pub coarse: f64,
}

impl Plume {
    /// Advances by some seconds in a street with this traffic (from 0, none, to 1, a main road in the rush hour).
    pub(super) fn pass(&mut self, seconds: f64, street: f64, rng: &mut ChaCha8Rng) {
        let left = (-seconds / 12.0).exp();
        self.fine *= left;
        self.coarse *= left;
        // Only the last seconds of passing vehicles still matter.
        if chance(rng, (0.0006 + 0.012 * street) * seconds.min(15.0)) {
            let strength = uniform(rng, 0.2, 1.0).powi(3); // strong ones are rare
            self.fine += 38.0 * strength;
            self.coarse += 30.0 * strength * uniform(rng, 0.2, 1.0);
        }
    }
}

/// The weather at the midnight that begins a day: averaged over three random days, so consecutive days are similar.
fn weather_at(seed: u64, date: NaiveDate) -> Weather {
    let mut weather = Weather { pressure: 0.0, warmth: 0.0, damp: 0.0, haze: 0.0 };
    for day in -1..=1 {
        let mut rng = rng(seed, Purpose::Weather, 0, date.num_days_from_ce() + day);
        let weight = if day == 0 { 0.9 } else { 0.7 };
        for value in [&mut weather.pressure, &mut weather.warmth, &mut weather.damp, &mut weather.haze] {
            *value += weight * noise(&mut rng);
        }
    }
    weather
}

/// A bell curve of height 1 over the time of day; all three in hours.
fn gaussian(hour: f64, at: f64, width: f64) -> f64 {
    let apart = (hour - at + 36.0).rem_euclid(24.0) - 12.0;
    (-0.5 * (apart / width).powi(2)).exp()
}

/// Relative humidity (%) from temperature and dew point (°C), by Magnus' formula with the coefficients of Alduchov and
/// Eskridge (1996).
fn relative_humidity(temperature: f64, dew_point: f64) -> f64 {
    let saturation = |celsius: f64| (17.625 * celsius / (243.04 + celsius)).exp();
    (100.0 * saturation(dew_point) / saturation(temperature)).clamp(0.0, 100.0)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(time: &str) -> Conditions {
        let time: DateTime<Utc> = time.parse().expect("a time");
        AirModel::for_day(1, time.date_naive()).at(time)
    }

    #[test]
    fn working_days_have_two_rush_hours_and_sundays_none() {
        let [morning, noon, evening, sunday] =
            ["2026-05-06T08:12:00Z", "2026-05-06T12:00:00Z", "2026-05-06T17:24:00Z", "2026-05-10T08:12:00Z"].map(at);
        assert!(morning.rush > 2.0 * noon.rush && evening.rush > 2.0 * noon.rush && morning.rush > 3.0 * sunday.rush);
    }

    #[test]
    fn summers_are_warm_and_afternoons_are_dry() {
        let mean = |month: u32| {
            let days = (1..=28).map(|day| at(&format!("2026-{month:02}-{day:02}T15:00:00Z")).temperature);
            days.sum::<f64>() / 28.0
        };
        assert!(mean(7) > mean(1) + 8.0);
        let (night, afternoon) = (at("2026-07-01T04:00:00Z"), at("2026-07-01T15:00:00Z"));
        assert!(afternoon.temperature > night.temperature && afternoon.humidity < night.humidity);
    }

    proptest::proptest! {
        #[test]
        fn conditions_are_continuous_at_midnight(seed: u64, day in 0_i64..20_000) {
            let midnight = DateTime::from_timestamp(946_684_800 + 86_400 * day, 0).expect("a time");
            let before = midnight - TimeDelta::seconds(1);
            let [before, after] = [before, midnight].map(|time| AirModel::for_day(seed, time.date_naive()).at(time));
            // Traffic is 0 then, so the start or end of a weekend makes no difference.
            let differences = [
                before.fine - after.fine,
                before.coarse - after.coarse,
                before.temperature - after.temperature,
                before.humidity - after.humidity,
                before.pressure - after.pressure,
            ];
            proptest::prop_assert!(differences.iter().all(|change| change.abs() < 0.1), "{before:?} {after:?}");
        }

        #[test]
        fn conditions_are_plausible(seed: u64, seconds in 946_684_800_i64..4_102_444_800) {
            let time = DateTime::from_timestamp(seconds, 0).expect("a time");
            let air = AirModel::for_day(seed, time.date_naive()).at(time);
            proptest::prop_assert!((0.5..90.0).contains(&air.fine) && (0.5..60.0).contains(&air.coarse), "{air:?}");
            proptest::prop_assert!((0.0..1.5).contains(&air.rush), "{air:?}");
            proptest::prop_assert!((-20.0..45.0).contains(&air.temperature), "{air:?}");
            proptest::prop_assert!((10.0..=100.0).contains(&air.humidity), "{air:?}");
            proptest::prop_assert!((960.0..1060.0).contains(&air.pressure), "{air:?}");
        }
    }
}
