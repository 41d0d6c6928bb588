//! Paging: every row once, in order, in both directions, also while rows arrive.

use chrono::TimeDelta;
use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};

use crate::support::{TestApp, at};

/// Samples of three devices, some at the same moment.
async fn fill(app: &TestApp) {
    let mut samples = Vec::new();
    for n in 0..50 {
        let time = at("2026-04-30T23:59:30Z") + TimeDelta::seconds(i64::from(n / 2 * 3));
        let (latitude, longitude) = (52.2 + f64::from(n % 10) * 0.001, 0.12 + f64::from(n / 10) * 0.002);
        samples.push(json!({ "device": format!("bike-{}", n % 3), "measuredAt": time, "pm10": n,
                             "latitude": latitude, "longitude": longitude }));
        if n % 7 == 0 {
            samples.push(json!({ "device": format!("bike-{}", n % 3), "measuredAt": time, "pm10": n + 100 }));
        }
    }
    app.record(samples.into()).await;
}

/// Where a list is in a query: the text before the arguments, and the path to the connection.
struct List {
    before: &'static str,
    after: &'static str,
    arguments: &'static str,
    path: &'static [&'static str],
}

const LISTS: [List; 7] = [
    List { before: "{ measurements", after: "}", arguments: "", path: &["measurements"] },
    List { before: "{ measurements", after: "}", arguments: "orderBy: MEASURED_AT_ASC", path: &["measurements"] },
    List {
        before: "{ measurements",
        after: "}",
        arguments: "filter: {devices: [\"bike-0\", \"bike-2\"], pm10: {max: 120}}",
        path: &["measurements"],
    },
    List {
        before: "{ device(key: \"bike-1\") { measurements",
        after: "} }",
        arguments: "",
        path: &["device", "measurements"],
    },
    List {
        before: "{ device(key: \"bike-1\") { measurements",
        after: "} }",
        arguments: "orderBy: MEASURED_AT_ASC, filter: {measuredAt: {from: \"2026-05-01T00:00:00Z\"}}",
        path: &["device", "measurements"],
    },
    List { before: "{ measurements", after: "}", arguments: NEARBY, path: &["measurements"] },
    List { before: "{ measurements", after: "}", arguments: NEARBY_ASCENDING, path: &["measurements"] },
];

/// A small area since some time, of which only as many rows are read as a page needs.
const NEARBY: &str = "filter: {measuredAt: {from: \"2026-04-30T23:59:36Z\"},
                               area: {circle: {latitude: 52.204, longitude: 0.124, radius: 400}}}";
const NEARBY_ASCENDING: &str = "orderBy: MEASURED_AT_ASC, filter: {measuredAt: {from: \"2026-04-30T23:59:36Z\"},
                               area: {circle: {latitude: 52.204, longitude: 0.124, radius: 400}}}";

async fn page(app: &TestApp, list: &List, arguments: &str) -> Value {
    let query = format!(
        "{}({} {arguments}) {{ edges {{ cursor node {{ id pm10 }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} {}",
        list.before, list.arguments, list.after
    );
    let mut data = app.query(&query).await;
    for step in list.path {
        data = data[step].take();
    }
    data
}

fn nodes(page: &Value) -> Vec<Value> {
    page["edges"].as_array().expect("edges").iter().map(|edge| edge["node"].clone()).collect()
}

#[tokio::test]
async fn pages_of_seven_forwards_and_backwards_give_the_whole_list() {
    let app = TestApp::new().await;
    fill(&app).await;
    for list in &LISTS {
        let whole = nodes(&page(&app, list, "first: 1000").await);
        assert!(whole.len() > 7, "{} rows", whole.len());

        let mut forwards = Vec::new();
        let mut arguments = "first: 7".to_owned();
        loop {
            let page = page(&app, list, &arguments).await;
            assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(!forwards.is_empty()));
            forwards.extend(nodes(&page));
            assert_eq!(page["pageInfo"]["hasNextPage"], json!(forwards.len() < whole.len()));
            if forwards.len() >= whole.len() {
                break;
            }
            arguments = format!("first: 7, after: {}", page["pageInfo"]["endCursor"]);
        }
        assert_eq!(forwards, whole);

        let mut backwards: Vec<Value> = Vec::new();
        let mut arguments = "last: 7".to_owned();
        loop {
            let page = page(&app, list, &arguments).await;
            assert_eq!(page["pageInfo"]["hasNextPage"], json!(!backwards.is_empty()));
            backwards.splice(0..0, nodes(&page));
            assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(backwards.len() < whole.len()));
            if backwards.len() >= whole.len() {
                break;
            }
            arguments = format!("last: 7, before: {}", page["pageInfo"]["startCursor"]);
        }
        assert_eq!(backwards, whole);
    }
}

/// Without `pageInfo`, no row beyond the page is read.
#[tokio::test]
async fn page_without_page_info_has_the_same_rows() {
    let app = TestApp::new().await;
    fill(&app).await;
    for list in &LISTS {
        for size in ["first: 0", "first: 1", "first: 7", "first: 1000", "last: 1", "last: 7"] {
            let with = nodes(&page(&app, list, size).await);
            let query = format!("{}({size} {}) {{ nodes {{ id pm10 }} }} {}", list.before, list.arguments, list.after);
            let mut data = app.query(&query).await;
            for step in list.path {
                data = data[step].take();
            }
            assert_eq!(data["nodes"], json!(with), "{query}");
        }
    }
}

#[tokio::test]
async fn page_between_two_cursors_has_the_rows_between_them() {
    let app = TestApp::new().await;
    fill(&app).await;
    for list in &LISTS {
        let whole = page(&app, list, "first: 1000").await;
        let cursor = |at: usize| whole["edges"][at]["cursor"].to_string();
        let window = format!("after: {}, before: {}", cursor(2), cursor(9));
        assert_eq!(nodes(&page(&app, list, &window).await), nodes(&whole)[3..9]);
        assert_eq!(nodes(&page(&app, list, &format!("{window}, first: 2")).await), nodes(&whole)[3..5]);
        assert_eq!(nodes(&page(&app, list, &format!("{window}, last: 2")).await), nodes(&whole)[7..9]);
    }
}

#[tokio::test]
async fn rows_that_arrive_meanwhile_neither_shift_nor_repeat_the_others() {
    let app = TestApp::new().await;
    fill(&app).await;
    let list = &LISTS[0];
    let whole = nodes(&page(&app, list, "first: 1000").await);
    let mut found = Vec::new();
    let mut arguments = "first: 7".to_owned();
    for round in 0.. {
        let page = page(&app, list, &arguments).await;
        found.extend(nodes(&page));
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        arguments = format!("first: 7, after: {}", page["pageInfo"]["endCursor"]);
        if round < 3 {
            // one newer than all, which the walk has passed, and one older, which lies ahead
            app.record(json!([
                { "device": "bike-0", "measuredAt": at("2026-05-01T11:00:00Z") + TimeDelta::seconds(round), "pm10": 1 },
                { "device": "bike-1", "measuredAt": at("2026-04-01T11:00:00Z") - TimeDelta::seconds(round), "pm10": round },
            ]))
            .await;
        }
    }
    assert_eq!(found[..whole.len()], whole);
    let old: Vec<_> = found[whole.len()..].iter().map(|node| node["pm10"].clone()).collect();
    assert_eq!(old, [0.0, 1.0, 2.0]);
}

#[tokio::test]
async fn device_pages_are_complete_in_each_order() {
    let app = TestApp::new().await;
    for n in [3, 1, 4, 15, 9, 2, 6, 5, 35, 8, 97, 93] {
        let register = "mutation ($key: String!) { registerDevice(input: {key: $key, kind: FIXED}) { status } }";
        app.admin(register, json!({ "key": format!("station-{n}") })).await;
        app.clock.advance(TimeDelta::seconds(n % 2));
    }
    for (order, first) in [
        ("KEY_ASC", "station-1"),
        ("KEY_DESC", "station-97"),
        ("CREATED_AT_ASC", "station-3"),
        ("CREATED_AT_DESC", "station-93"),
    ] {
        let list = async |arguments: &str| {
            let query = format!(
                "{{ devices(orderBy: {order}, {arguments}) {{ nodes {{ key }} pageInfo {{ startCursor endCursor }} totalCount }} }}"
            );
            let mut data = app.query(&query).await;
            assert_eq!(data["devices"]["totalCount"], 12);
            data["devices"].take()
        };
        let keys = |page: &Value| {
            page["nodes"].as_array().expect("nodes").iter().map(|node| node["key"].clone()).collect::<Vec<_>>()
        };
        let whole = keys(&list("first: 100").await);
        assert_eq!(whole[0], first);
        let (mut forwards, mut backwards) = (Vec::new(), Vec::new());
        let (mut after, mut before) = (String::new(), String::new());
        for _ in 0..3 {
            let page = list(&format!("first: 5 {after}")).await;
            forwards.extend(keys(&page));
            after = format!(", after: {}", page["pageInfo"]["endCursor"]);
            let page = list(&format!("last: 5 {before}")).await;
            backwards.splice(0..0, keys(&page));
            before = format!(", before: {}", page["pageInfo"]["startCursor"]);
        }
        assert_eq!(forwards, whole, "{order}");
        assert_eq!(backwards, whole, "{order}");
    }
}

/// Devices whose newest samples have equal times, equal values, no value, and no sample at all.
async fn fill_devices(app: &TestApp, rng: &mut ChaCha8Rng) {
    let register = "mutation ($key: String!) { registerDevice(input: {key: $key, kind: MOBILE}) { status } }";
    let mut samples = Vec::new();
    for n in 0..23 {
        let key = format!("bike-{n}");
        app.admin(register, json!({ "key": key })).await;
        if rng.random_range(0..4) == 0 {
            continue;
        }
        let time = at("2026-05-01T10:00:00Z") + TimeDelta::minutes(rng.random_range(0..4));
        let mut sample = json!({ "device": key, "measuredAt": time, "pm1": 1 });
        if rng.random_range(0..3) > 0 {
            sample["pm10"] = json!(f64::from(rng.random_range(0..4)) / 10.0);
        }
        if rng.random_range(0..3) > 0 {
            sample["weather"] = json!({ "temperature": rng.random_range(-2..2) });
        }
        samples.push(sample);
    }
    app.record(samples.into()).await;
}

/// The value of a device that an order compares.
type ValueOf<'a> = &'a dyn Fn(&Value) -> Option<f64>;

/// The position of a device in a list that has those without a value last, whichever its direction.
fn rank(value: Option<f64>, id: usize, is_descending: bool) -> (bool, i64, i64) {
    let sign = if is_descending { -1 } else { 1 };
    #[expect(clippy::cast_possible_truncation, reason = "a few thousandths")]
    let value_rank = value.map_or(0, |value| sign * (value * 1000.0).round() as i64);
    (value.is_none(), value_rank, sign * i64::try_from(id).expect("small"))
}

#[tokio::test]
async fn device_pages_are_complete_with_ties_and_missing_values() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..3 {
        let app = TestApp::new().await;
        fill_devices(&app, &mut rng).await;
        let newest = app
            .query("{ devices(orderBy: CREATED_AT_ASC) { nodes { key latest { measuredAt pm10 weather { temperature } } } } }")
            .await;
        let newest = newest["devices"]["nodes"].as_array().expect("nodes").clone();
        let seconds = |node: &Value| {
            let time = node["latest"]["measuredAt"].as_str().map(at)?;
            u32::try_from((time - at("2026-05-01T10:00:00Z")).num_seconds()).ok().map(f64::from)
        };
        let pm10 = |node: &Value| node["latest"]["pm10"].as_f64();
        let temperature = |node: &Value| node["latest"]["weather"]["temperature"].as_f64();
        let values: [(&str, ValueOf<'_>); 3] = [
            ("LAST_SEEN_DIRECTION", &seconds),
            ("LATEST_VALUE_DIRECTION, orderByQuantity: PM10", &pm10),
            ("LATEST_VALUE_DIRECTION, orderByQuantity: TEMPERATURE", &temperature),
        ];
        for (order, value) in values {
            for direction in ["ASC", "DESC"] {
                let order = order.replace("DIRECTION", direction);
                let mut whole: Vec<_> = newest
                    .iter()
                    .enumerate()
                    .map(|(id, node)| (rank(value(node), id, direction == "DESC"), node["key"].clone()))
                    .collect();
                whole.sort_by_key(|(rank, _)| *rank);
                let whole: Vec<_> = whole.into_iter().map(|(_, key)| key).collect();
                for size in [1, 4, 7] {
                    let list = async |arguments: &str| {
                        let query = format!(
                            "{{ devices(orderBy: {order}, {arguments}) {{ nodes {{ key }} edges {{ cursor }}
                                pageInfo {{ hasNextPage hasPreviousPage }} }} }}"
                        );
                        app.query(&query).await["devices"].take()
                    };
                    for (count, cursor, end, more) in
                        [("first", "after", size - 1, "hasNextPage"), ("last", "before", 0, "hasPreviousPage")]
                    {
                        let mut found = Vec::new();
                        let mut arguments = format!("{count}: {size}");
                        loop {
                            let page = list(&arguments).await;
                            let keys: Vec<_> = page["nodes"]
                                .as_array()
                                .expect("nodes")
                                .iter()
                                .map(|node| node["key"].clone())
                                .collect();
                            if count == "first" {
                                found.extend(keys);
                            } else {
                                found.splice(0..0, keys).for_each(drop);
                            }
                            if page["pageInfo"][more] == json!(false) {
                                break;
                            }
                            arguments = format!("{count}: {size}, {cursor}: {}", page["edges"][end]["cursor"]);
                        }
                        assert_eq!(found, whole, "{order} {count} {size}");
                    }
                    // Between two cursors.
                    let page = list("first: 100").await;
                    let window =
                        format!("after: {}, before: {}", page["edges"][2]["cursor"], page["edges"][19]["cursor"]);
                    for (arguments, expected) in
                        [(format!("first: 50, {window}"), 3..19), (format!("last: 5, {window}"), 14..19)]
                    {
                        let page = list(&arguments).await;
                        let keys: Vec<_> =
                            page["nodes"].as_array().expect("nodes").iter().map(|node| node["key"].clone()).collect();
                        assert_eq!(keys, whole[expected], "{order}");
                    }
                }
            }
        }
    }
}
