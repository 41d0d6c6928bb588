//! Times in bodies of network servers.

use airgraph_domain::time::EARLIEST_TIME;
use chrono::{DateTime, Utc};

use super::super::{parse::JsonValue, timestamp};

/// Maximum plausible time (2100-01-01): the clock of a gateway may be arbitrarily wrong.
const LATEST_TIME: DateTime<Utc> = DateTime::from_timestamp(4_102_444_800, 0).expect("a time that chrono can hold");

/// The first readable and plausible time; the time of arrival if there is none.
pub(crate) fn first_time<'a>(
    times: impl IntoIterator<Item = Option<&'a JsonValue>>,
    arrival: DateTime<Utc>,
) -> DateTime<Utc> {
    times.into_iter().flatten().find_map(time).unwrap_or(arrival)
}

/// Parses a time: RFC 3339, or a number since 1970.
pub(super) fn time(value: &JsonValue) -> Option<DateTime<Utc>> {
    let time = match value {
        JsonValue::Text(text) => DateTime::parse_from_rfc3339(text.trim()).ok()?.to_utc(),
        JsonValue::Number(number) => timestamp::epoch("time", number.as_f64()?).ok()?,
        _ => return None,
    };
    // A leap second (23:59:60) counts as the first second of the next minute, as in Postgres.
    DateTime::from_timestamp_micros(time.timestamp_micros()).filter(|time| (EARLIEST_TIME..LATEST_TIME).contains(time))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::at;

    #[test]
    fn first_readable_time_counts() {
        let arrival = at("2026-07-01T12:00:00Z");
        let read = |value: serde_json::Value| serde_json::from_value::<JsonValue>(value).expect("JSON");
        for (times, expected) in [
            (vec![json!("2026-06-01T10:00:00Z"), json!("2026-06-02T10:00:00Z")], "2026-06-01T10:00:00Z"),
            (vec![json!("yesterday"), json!("2026-06-02 10:00:00+02:00")], "2026-06-02T08:00:00Z"),
            (vec![json!(""), json!(null), json!({}), json!(true)], "2026-07-01T12:00:00Z"),
            (vec![json!("1999-11-30T00:00:00.09Z"), json!("2106-02-07T06:28:15Z")], "2026-07-01T12:00:00Z"),
            (vec![json!("+262142-12-31T23:59:59Z"), json!("-0001-01-01T00:00:00Z")], "2026-07-01T12:00:00Z"),
            (vec![json!("2016-12-31T23:59:60.5Z")], "2017-01-01T00:00:00.5Z"),
            (vec![json!(1_780_308_000_u64)], "2026-06-01T10:00:00Z"),
            (vec![], "2026-07-01T12:00:00Z"),
        ] {
            let times: Vec<_> = times.into_iter().map(read).collect();
            assert_eq!(first_time(times.iter().map(Some), arrival), at(expected), "{times:?}");
        }
    }
}
