use async_graphql::{Value, Variables, value};
use chrono::{NaiveDate, TimeDelta};

use super::*;
use crate::{
    db::row_counts::MonthCounts,
    graphql::execute::{complexity, operation::Document},
};

fn storage_statistics() -> StorageStatistics {
    let month = |month| {
        let rows = MonthCounts { measurements: 50_000, device_hours: 20_000, cell_hours: 40_000 };
        (NaiveDate::from_ymd_opt(2026, month, 1).expect("a day"), rows)
    };
    StorageStatistics::new(100, (1..=12).map(month))
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_454) // 2026-01-01
}

fn cost_of(text: &str, name: Option<&str>, variables: Value) -> Cost {
    let document = Document::parse(text).expect("a document");
    document.validate(types(), true).expect("a valid one");
    let operation = document.operation(types(), name, &Variables::from_value(variables)).expect("an operation");
    analyze(&operation, &storage_statistics(), now())
}

fn response_cost(text: &str, variables: Value) -> u64 {
    cost_of(text, None, variables).response
}

fn database_cost(text: &str) -> u64 {
    cost_of(text, None, value!({})).database
}

#[test]
fn list_cost_is_page_size_times_fields() {
    let none = || value!({});
    assert_eq!(cost_of("{ server { version time } }", None, none()), Cost { response: 3, database: 0 });
    assert_eq!(response_cost("{ measurements(first: 10) { nodes { pm10 pm25 } } }", none()), 10 * 3 + 1);
    assert_eq!(
        response_cost("{ measurements { nodes { ...F } } } fragment F on Measurement { pm10 }", none()),
        50 * 2 + 1
    );
    let text = "query ($n: Int = 3) { measurements(first: $n) { nodes { pm10 } } }";
    assert_eq!(response_cost(text, none()), 3 * 2 + 1);
    assert_eq!(response_cost(text, value!({ "n": 7 })), 7 * 2 + 1);
    assert_eq!(response_cost("subscription { measurementRecorded { cursor } }", none()), 2);
    let nested = "{ devices(first: 10) { nodes { measurements(first: 20) { edges { node { pm10 } } } } } }";
    assert_eq!(response_cost(nested, none()), 1 + 10 + 10 + 10 * 20 * 3);
}

#[test]
fn only_executed_fields_are_charged() {
    let text = "query A { server { version } } query B { devices(first: 100) { nodes { id } } }";
    assert_eq!(cost_of(text, Some("A"), value!({})).response, 2);
    assert_eq!(cost_of(text, Some("B"), value!({})).response, 201);
    assert_eq!(response_cost("{ server { version version } server { version time @skip(if: true) } }", value!({})), 2);
    assert_eq!(response_cost("{ node(id: 1) { id ... on Device { name } } }", value!({})), 3);
    assert_eq!(response_cost("{ server { version @skip(if: true) } }", value!({})), 1);
}

#[test]
fn total_count_has_its_own_cost() {
    let total = database_cost("{ measurements(first: 1) { totalCount } }");
    assert_eq!(database_cost("{ measurements(first: 10000) { totalCount totalCountIsEstimate } }"), total, "once");
    let filtered = database_cost("{ measurements(first: 1, filter: {pm10: {min: 5}}) { totalCount } }");
    assert!(filtered > total && total > 5000, "{filtered} {total}");
    let of_each = database_cost("{ devices(first: 50) { nodes { measurements(first: 1) { totalCount } } } }");
    assert!(of_each < 3 * total, "devices share what is read: {of_each}");
}

#[test]
fn filter_cost_depends_on_rows_and_tables() {
    let list = |first: u32, filter: &str| {
        database_cost(&format!("{{ measurements(first: {first}, filter: {{{filter}}}) {{ nodes {{ pm10 }} }} }}"))
    };
    let humid = |count: usize| format!("or: [{}]", "{quantities: [{quantity: HUMIDITY, min: 9}]} ".repeat(count));
    let both = "quantities: [{quantity: HUMIDITY} {quantity: SPEED}]";
    assert!(list(100, "") < list(100, "pm10: {min: 5}"));
    assert!(list(100, "pm10: {min: 5}") < list(100, &humid(1)));
    assert!(list(100, &humid(49)) < 2 * list(100, &humid(1)), "one look-up for all conditions of a table");
    assert!(list(100, both) > list(100, &humid(1)) * 3 / 2, "one for each table");
    assert!(list(1000, &humid(1)) > 5 * list(100, &humid(1)));
    let polygon = format!("area: {{polygon: [{}]}}", "{latitude: 1, longitude: 2} ".repeat(1000));
    assert!(list(1, &polygon) > 1000 * filter::POLYGON_POINT_COST);
}

#[test]
fn polygons_cost_by_the_edges_that_rows_are_compared_with() {
    let polygon = |point: &dyn Fn(f64) -> (f64, f64)| {
        let point = |n: u32| {
            let (north, east) = point(f64::from(n));
            value!({ "latitude": north, "longitude": east })
        };
        value!({ "area": { "polygon": (Value::List((0..1000).map(point).collect())) } })
    };
    let ring = polygon(&|n| (n * std::f64::consts::TAU / 1000.0).sin_cos());
    let across_the_antimeridian = polygon(&|n| {
        let (north, east) = (n * std::f64::consts::TAU / 1000.0).sin_cos();
        (north, if east < 0.0 { east + 180.0 } else { east - 180.0 })
    });
    let scribble = polygon(&|n| (n * 79.0 % 997.0 / 997.0, n * 271.0 % 991.0 / 991.0));
    let on_a_meridian = polygon(&|n| (n / 1000.0, 0.0));
    for selection in
        ["measurements(first: 100, filter: $f) { nodes { pm10 } }", "measurements(filter: $f) { totalCount }"]
    {
        let text = format!("query ($f: MeasurementFilter) {{ {selection} }}");
        let of = |filter: &Value| cost_of(&text, None, value!({ "f": (filter.clone()) })).database;
        assert_eq!(of(&ring), of(&across_the_antimeridian));
        assert!(of(&scribble) > of(&ring) + 50_000, "{} {}", of(&scribble), of(&ring));
        assert!(of(&on_a_meridian) <= of(&ring));
    }
}

#[test]
fn statistics_cost_depends_on_rows_and_quantities() {
    let of = |filter: &str, arguments: &str, selection: &str| {
        let filter = format!("measuredAt: {{from: \"2026-03-01T00:00:00Z\", to: \"2026-04-01T00:00:00Z\"}} {filter}");
        database_cost(&format!("{{ statistics(filter: {{{filter}}} {arguments}) {{ {selection} }} }}"))
    };
    let mean = "pm10 { mean }";
    let hours = of("", "", mean);
    assert!((20_000..100_000).contains(&hours), "{hours}");
    assert!(of("devices: [\"a\"]", "", mean) < 2000, "one of a hundred devices");
    assert!(of("", "", "pm10 { percentile(p: 5) }") > 50_000 * 5);
    assert!(of("", "", "quantity(of: HUMIDITY) { mean }") > 50_000 * 4, "with a join");
    assert!(of("", "every: MINUTE", mean) > hours, "minutes are not in rollups");
    assert!(of("pm10: {min: 1}", "", mean) > hours);
    assert!(of("", "includeInvalid: true", mean) > hours);
    let year = "{ statistics(filter: {}) { pm10 { mean } } }";
    assert!(database_cost(year) > 10 * hours);
}

/// Buckets without measurements are part of the response, so the number of measurements does not bound the cost.
#[test]
fn filled_statistics_cost_their_buckets() {
    let of = |from: &str, to: &str, arguments: &str| {
        let filter = format!("devices: [\"a\"] measuredAt: {{from: \"{from}\" {to}}}");
        response_cost(&format!("{{ statistics(filter: {{{filter}}} {arguments}) {{ count }} }}"), value!({}))
    };
    let (year, to) = ("2025-01-01T00:00:00Z", "to: \"2026-01-01T00:00:00Z\"");
    assert_eq!(of(year, to, "every: DAY"), 1 + 100, "nothing is stored in this year");
    assert_eq!(of(year, to, "every: DAY, fill: NULL"), 1 + 365);
    assert_eq!(of(year, "", "every: DAY, fill: NULL"), 1 + 365, "buckets end now");
    assert_eq!(of(year, to, "every: HOUR, fill: NULL"), 1 + 365 * 24 + 1);
    assert_eq!(of(year, to, "every: AUTO, maxBuckets: 50, fill: NULL"), 1 + 50);
    assert_eq!(of(year, to, "every: DAY, fill: NULL, groupBy: [DEVICE]"), 1 + 365, "of the one device");
    assert_eq!(of("2000-01-01T00:00:00Z", "", "every: HOUR, fill: NULL"), 1 + 10_000, "as many as there may be");
    assert_eq!(of("2030-01-01T00:00:00Z", "", "every: HOUR, fill: NULL"), 1 + 1, "from the future until now");
    let devices = "{ devices(first: 40) { nodes { statistics(every: DAY, fill: NULL,
        filter: {measuredAt: {from: \"2025-12-02T00:00:00Z\"}}) { count } } } }";
    assert_eq!(response_cost(devices, value!({})), 1 + 40 + 40 + 40 * 30, "of each device");
}

#[test]
fn known_attacks_exceed_the_cost_limit() {
    let never = || value!({ "quantities": [{ "quantity": "HUMIDITY", "min": 9 }] });
    let filter = value!({ "or": (Value::List((0..49).map(|_| never()).collect())) });
    let count = |n| format!("a{n}: measurements(first: 1, filter: $f) {{ totalCount }} ");
    let attack = format!("query ($f: MeasurementFilter) {{ {} }}", (0..20).map(count).collect::<Vec<_>>().concat());
    let cost = cost_of(&attack, None, value!({ "f": filter }));
    assert!(cost.database > 100_000, "{cost:?}");
    let percentiles = |n| format!("a{n}: statistics(filter: {{}}) {{ pm10 {{ percentile(p: {n}) }} }} ");
    let attack = format!("{{ {} }}", (1..=10).map(percentiles).collect::<Vec<_>>().concat());
    assert!(complexity::check(cost_of(&attack, None, value!({}))).is_err(), "{}", database_cost(&attack));
}

#[test]
fn whole_cells_cost_no_measurements_at_the_border_of_the_area() {
    let map = |whole: bool| {
        let area = "boundingBox: {south: 52, west: 0, north: 53, east: 1}";
        let span = r#"measuredAt: {from: "2026-04-01T00:00:00Z", to: "2026-05-01T00:00:00Z"}"#;
        database_cost(&format!(
            "{{ cells(resolution: 9, wholeCells: {whole}, filter: {{area: {{{area}}}, {span}}}) {{ count }} }}"
        ))
    };
    assert!(map(true) < map(false), "{} {}", map(true), map(false));
}
