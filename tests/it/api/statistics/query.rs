//! Random queries of statistics.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::by_hand::BucketStatistics;
use crate::support::at;

/// A query, in this test's own form.
#[derive(Clone, Debug)]
pub struct StatisticsQuery {
    pub zone: Tz,
    pub every: Option<&'static str>,
    pub groups: Vec<&'static str>,
    pub devices: Option<Vec<String>>,
    pub from: DateTime<Utc>,
    pub to: Option<DateTime<Utc>>,
    /// South, west, north, east.
    pub area: Option<[f64; 4]>,
    pub least_pm10: Option<f64>,
    /// Whether percentiles are selected, which need the rows.
    pub percentiles: bool,
    /// Whether invalid values and positions count.
    pub included: bool,
    /// Whether the number of invalid values is selected, which needs the rows.
    pub invalid_counts: bool,
}

const INTERVALS: [&str; 9] =
    ["FIFTEEN_MINUTES", "HOUR", "THREE_HOURS", "SIX_HOURS", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"];
const ZONES: [Tz; 5] =
    [Tz::UTC, Tz::Europe__London, Tz::Asia__Kolkata, Tz::Australia__Lord_Howe, Tz::America__St_Johns];

impl StatisticsQuery {
    pub fn random(rng: &mut ChaCha8Rng) -> Self {
        let begin =
            at(["2025-03-29T20:00:00Z", "2025-10-25T12:00:00Z", "2025-01-01T00:00:00Z"][rng.random_range(0..3)]);
        let whole = rng.random_bool(0.5);
        let moment = |rng: &mut ChaCha8Rng, days: i64| {
            let seconds = rng.random_range(0..days * 86_400);
            begin + TimeDelta::seconds(if whole { seconds / 3600 * 3600 } else { seconds })
        };
        let from = moment(rng, 2);
        let days = if rng.random_bool(0.3) { 400 } else { 3 };
        let to = moment(rng, days);
        // With quarter-hour buckets a year is too long.
        let every = if days == 3 { 0..INTERVALS.len() } else { 1..INTERVALS.len() };
        let every = rng.random_bool(0.7).then(|| INTERVALS[rng.random_range(every)]);
        let short = ["FIFTEEN_MINUTES", "HOUR"].iter().any(|&short| every == Some(short));
        let mut groups = Vec::new();
        for (group, share) in [("DEVICE", 0.3), ("CELL", 0.3), ("HOUR_OF_DAY", 0.2), ("DAY_OF_WEEK", 0.2)] {
            if rng.random_bool(share) {
                groups.push(group);
            }
        }
        Self {
            zone: ZONES[rng.random_range(0..ZONES.len())],
            every,
            groups,
            devices: rng.random_bool(0.3).then(|| vec!["bike-1".to_owned(), "bike-2".to_owned()]),
            from,
            // Up to the present there would be too many short buckets.
            to: (to > from || short).then(|| to.max(from + TimeDelta::hours(1))),
            area: rng.random_bool(0.3).then(|| {
                if rng.random_bool(0.2) {
                    return [-1.0, -1.0, 53.0, 1.0]; // the town, and Null Island
                }
                let (south, west) = (rng.random_range(52.18..52.2), rng.random_range(0.09..0.12));
                [south, west, south + rng.random_range(0.001..0.03), west + rng.random_range(0.001..0.04)]
            }),
            least_pm10: rng.random_bool(0.2).then_some(12.4),
            percentiles: rng.random_bool(0.3),
            included: rng.random_bool(0.3),
            invalid_counts: rng.random_bool(0.2),
        }
    }

    /// The query text; with a field that needs a resolver, the response isn't written straight from the rows.
    pub fn query(&self, with_device: bool) -> String {
        let device = if with_device { "device { key }" } else { "" };
        let to = self.to.map(|to| format!("to: \"{}\"", to.to_rfc3339()));
        let mut filter =
            vec![format!("measuredAt: {{from: \"{}\" {}}}", self.from.to_rfc3339(), to.unwrap_or_default())];
        filter.extend(self.devices.as_ref().map(|devices| format!("devices: {devices:?}")));
        filter.extend(self.area.map(|[south, west, north, east]| {
            format!("area: {{boundingBox: {{south: {south}, west: {west}, north: {north}, east: {east}}}}}")
        }));
        filter.extend(self.least_pm10.map(|least| format!("pm10: {{min: {least}}}")));
        let filter = filter.join(", ");
        let every = self.every.map_or_else(String::new, |every| format!(", every: {every}"));
        let percentiles = if self.percentiles { "median: percentile(p: 50) high: percentile(p: 97.5)" } else { "" };
        let humidity = if self.percentiles {
            "humidity: quantity(of: HUMIDITY) { count mean min max standardDeviation }"
        } else {
            ""
        };
        let invalid_count = if self.invalid_counts { "invalidCount" } else { "" };
        let included = if self.included { ", includeInvalid: true" } else { "" };
        format!(
            "{{ statistics(filter: {{{filter}}}{every}{included}, timeZone: \"{}\", groupBy: [{}]) {{
                start end {device} cell hourOfDay dayOfWeek count coverage
                pm25 {{ count mean min max standardDeviation {percentiles} {invalid_count} }} {humidity} }} }}",
            self.zone.name(),
            self.groups.join(", "),
        )
    }

    /// A bucket of a response, with the key that identifies it.
    pub fn read_bucket(&self, bucket: &Value) -> (String, BucketStatistics) {
        let start = bucket["start"].as_str().map(at);
        let label = self.every.map(|every| super::by_hand::bucket(every, self.zone, start.expect("a start")));
        let group =
            |name: &str, field: &Value| if self.groups.contains(&name) { field.to_string() } else { "null".to_owned() };
        let key = format!(
            "{} {} {} {} {}",
            label.unwrap_or_default(),
            group("DEVICE", &bucket["device"]["key"]),
            group("CELL", &bucket["cell"]),
            group("HOUR_OF_DAY", &bucket["hourOfDay"]),
            group("DAY_OF_WEEK", &bucket["dayOfWeek"]),
        );
        (key, BucketStatistics::read(bucket, self.percentiles))
    }
}
