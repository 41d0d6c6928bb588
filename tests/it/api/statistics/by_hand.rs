//! Statistics computed from all rows, without any code of the gateway.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;
use h3o::{LatLng, Resolution};
use serde_json::{Value, json};

use super::query::StatisticsQuery;
use crate::support::at;

/// A sample.
#[derive(Clone, Debug)]
pub struct Row {
    pub device: String,
    pub time: DateTime<Utc>,
    pub position: Option<(f64, f64)>,
    pub pm25: Option<f64>,
    pub pm10: Option<f64>,
    pub humidity: Option<f64>,
}

impl Row {
    /// The input of `recordMeasurements`.
    pub fn input(&self) -> Value {
        json!({
            "device": self.device, "measuredAt": self.time, "pm25": self.pm25, "pm10": self.pm10,
            "latitude": self.position.map(|place| place.0), "longitude": self.position.map(|place| place.1),
            "weather": self.humidity.map(|humidity| json!({ "humidity": humidity })),
        })
    }

    fn is_invalid(&self) -> bool {
        let values = [(self.pm25, 999.9), (self.pm10, 999.9), (self.humidity, 100.0)];
        let present = values.iter().filter(|(value, _)| value.is_some()).count();
        present > 0 && values.into_iter().all(|(value, max)| valid(value, max).is_none())
    }

    /// The position of the sample: none at (0, 0) when invalid positions are excluded.
    fn place(&self, included: bool) -> Option<(f64, f64)> {
        self.position.filter(|&place| included || place != (0.0, 0.0))
    }

    fn cell(&self, resolution: u8, included: bool) -> Option<String> {
        let (latitude, longitude) = self.place(included)?;
        let resolution = Resolution::try_from(resolution).expect("a resolution");
        let cell = LatLng::new(latitude, longitude).expect("a place").to_cell(Resolution::Twelve);
        Some(cell.parent(resolution).expect("an ancestor").to_string())
    }
}

/// A value from 0 to the maximum.
fn valid(value: Option<f64>, max: f64) -> Option<f64> {
    value.filter(|value| (0.0..=max).contains(value))
}

/// The statistics of one bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BucketStatistics {
    count: f64,
    coverage: Option<f64>,
    pm25: Vec<Option<f64>>,
    invalid_pm25: Option<f64>,
    humidity: Option<Vec<Option<f64>>>,
}

const SUMMARY: [&str; 7] = ["count", "mean", "min", "max", "standardDeviation", "median", "high"];

impl BucketStatistics {
    /// Reads a bucket of the gateway's response.
    pub fn read(bucket: &Value, percentiles: bool) -> Self {
        let summary =
            |summary: &Value, fields: usize| SUMMARY[..fields].iter().map(|&field| summary[field].as_f64()).collect();
        Self {
            count: bucket["count"].as_f64().expect("a count"),
            coverage: bucket["coverage"].as_f64(),
            pm25: summary(&bucket["pm25"], if percentiles { 7 } else { 5 }),
            invalid_pm25: bucket["pm25"]["invalidCount"].as_f64(),
            humidity: percentiles.then(|| summary(&bucket["humidity"], 5)),
        }
    }

    fn of(rows: &[&Row], coverage: Option<f64>, percentiles: bool, included: bool) -> Self {
        let counted = |value, max| if included { value } else { valid(value, max) };
        let pm25 = summary(rows.iter().filter_map(|row| counted(row.pm25, 999.9)));
        let humidity = summary(rows.iter().filter_map(|row| counted(row.humidity, 100.0)));
        Self {
            count: f64::from(u32::try_from(rows.len()).expect("few")),
            coverage,
            pm25: pm25[..if percentiles { 7 } else { 5 }].to_vec(),
            invalid_pm25: None,
            humidity: percentiles.then(|| humidity[..5].to_vec()),
        }
    }

    pub fn assert_is(&self, expected: &Self, what: &str) {
        assert_eq!(self.count, expected.count, "{what}");
        let values = |statistics: &Self| {
            let humidity = statistics.humidity.clone().unwrap_or_default();
            [vec![statistics.coverage, statistics.invalid_pm25], statistics.pm25.clone(), humidity].concat()
        };
        let (found, expected) = (values(self), values(expected));
        let near = |(found, expected): (&Option<f64>, &Option<f64>)| match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() <= 1e-6 * expected.abs().max(1.0),
            (found, expected) => found == expected,
        };
        assert!(found.iter().zip(&expected).all(near), "{what}: {found:?}, and {expected:?} by hand");
    }
}

/// Count, mean, minimum, maximum, standard deviation, median, and the 97.5th percentile.
fn summary(values: impl Iterator<Item = f64>) -> [Option<f64>; 7] {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let count = f64::from(u32::try_from(values.len()).expect("few"));
    if values.is_empty() {
        return [Some(0.0), None, None, None, None, None, None];
    }
    let mean = values.iter().sum::<f64>() / count;
    let deviations: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places among few values")]
    let percentile = |share: f64| {
        let place = share * (count - 1.0);
        let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
        Some(low + (high - low) * place.fract())
    };
    let deviation = (count > 1.0).then(|| (deviations / (count - 1.0)).sqrt());
    [
        Some(count),
        Some(mean),
        values.first().copied(),
        values.last().copied(),
        deviation,
        percentile(0.5),
        percentile(0.975),
    ]
}

/// The label of the bucket that contains a time.
pub fn bucket(every: &str, zone: Tz, time: DateTime<Utc>) -> String {
    let local = |time: DateTime<Utc>| time.with_timezone(&zone).naive_local();
    let day = local(time).date();
    let minutes = match every {
        "DAY" => return day.to_string(),
        "WEEK" => return format!("{:?}", day.iso_week()),
        "MONTH" => return day.format("%Y-%m").to_string(),
        "QUARTER" => return format!("{}-{}", day.year(), day.month0() / 3),
        "YEAR" => return day.year().to_string(),
        "SIX_HOURS" => 360,
        "THREE_HOURS" => 180,
        "HOUR" => 60,
        "FIFTEEN_MINUTES" => 15,
        other => panic!("{other}"),
    };
    // The last time at which the local clock showed a multiple.
    let mut start = time.with_second(0).and_then(|time| time.with_nanosecond(0)).expect("a time");
    while (local(start).hour() * 60 + local(start).minute()) % minutes != 0 {
        start -= TimeDelta::minutes(1);
    }
    start.to_rfc3339()
}

/// The result of a query, by the keys of its buckets.
pub fn statistics(rows: &[Row], query: &StatisticsQuery) -> BTreeMap<String, BucketStatistics> {
    let to = query.to.unwrap_or_else(|| at("2026-05-01T12:00:00Z"));
    let is_meant = |row: &&Row| {
        let within = |[south, west, north, east]: [f64; 4]| {
            let place = row.place(query.included);
            place.is_some_and(|(lat, lon)| (south..=north).contains(&lat) && (west..=east).contains(&lon))
        };
        row.time >= query.from
            && row.time < to
            && query.devices.as_ref().is_none_or(|devices| devices.contains(&row.device))
            && query.area.is_none_or(within)
            && query.least_pm10.is_none_or(|least| row.pm10.is_some_and(|pm10| pm10 >= least))
    };
    let by = |group: &str| query.groups.contains(&group);
    let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(is_meant) {
        let local = row.time.with_timezone(&query.zone);
        let cell = if by("CELL") {
            let Some(cell) = row.cell(8, query.included) else { continue };
            format!("{cell:?}")
        } else {
            "null".to_owned()
        };
        let either = |group, value: String| if by(group) { value } else { "null".to_owned() };
        let key = format!(
            "{} {} {cell} {} {}",
            query.every.map(|every| bucket(every, query.zone, row.time)).unwrap_or_default(),
            either("DEVICE", format!("{:?}", row.device)),
            either("HOUR_OF_DAY", local.hour().to_string()),
            either("DAY_OF_WEEK", local.weekday().number_from_monday().to_string()),
        );
        groups.entry(key).or_default().push(row);
    }
    let clock = by("HOUR_OF_DAY") || by("DAY_OF_WEEK");
    let hours = hours_by_bucket(query, to);
    let summarise = |(key, rows): (String, Vec<&Row>)| {
        let covering = rows.iter().filter(|row| query.included || !row.is_invalid());
        let sampled: BTreeSet<_> = covering.map(|row| hour(row.time)).collect();
        #[expect(clippy::cast_precision_loss, reason = "few hours")]
        let coverage = sampled.len() as f64 / hours[&bucket_of(query, rows[0].time)].len() as f64;
        let coverage = (!clock && (query.every.is_some() || query.to.is_some())).then_some(coverage);
        let mut bucket = BucketStatistics::of(&rows, coverage, query.percentiles, query.included);
        let invalid = rows.iter().filter(|row| row.pm25.is_some() && valid(row.pm25, 999.9).is_none());
        bucket.invalid_pm25 = query.invalid_counts.then(|| f64::from(u32::try_from(invalid.count()).expect("few")));
        (key, bucket)
    };
    groups.into_iter().map(summarise).collect()
}

fn hour(time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(3600)
}

fn bucket_of(query: &StatisticsQuery, time: DateTime<Utc>) -> String {
    query.every.map(|every| bucket(every, query.zone, time)).unwrap_or_default()
}

/// The hours of which a part is in each bucket, within the range of the query: local clocks show multiples, and change,
/// only at quarters of an hour.
fn hours_by_bucket(query: &StatisticsQuery, to: DateTime<Utc>) -> BTreeMap<String, BTreeSet<i64>> {
    let mut hours: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    let mut moment = query.from;
    while moment < to {
        hours.entry(bucket_of(query, moment)).or_default().insert(hour(moment));
        moment += TimeDelta::minutes(15) - TimeDelta::seconds(moment.timestamp().rem_euclid(900));
    }
    hours
}

/// The cells of a map, by their index; of a circle around a place, if given.
pub fn cells(
    rows: &[Row],
    resolution: u8,
    circle: Option<(f64, f64, f64)>,
    included: bool,
) -> BTreeMap<String, BucketStatistics> {
    let mut cells: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let within = |(latitude, longitude, radius): (f64, f64, f64)| {
            let centre = LatLng::new(latitude, longitude).expect("a place");
            let place = row.place(included);
            place.is_some_and(|(lat, lon)| centre.distance_m(LatLng::new(lat, lon).expect("a place")) <= radius)
        };
        if let Some(cell) = row.cell(resolution, included).filter(|_| circle.is_none_or(within)) {
            cells.entry(cell).or_default().push(row);
        }
    }
    cells.into_iter().map(|(cell, rows)| (cell, BucketStatistics::of(&rows, None, false, included))).collect()
}
