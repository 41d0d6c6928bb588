//! Subscriptions miss no event and deliver none twice: at the transition from stored to live events, when they are cut,
//! when they are slow, and when the gateway loses its connection.

use std::time::Duration;

use airgraph::{
    db,
    db::feed::FeedEntry,
    domain::{feed::FeedOffset, measurement::MeasurementKey},
    graphql::cursor::FeedCursor,
    subscriptions::{Delivery, Subscriber, SubscriptionEvent},
};
use async_graphql::connection::CursorType as _;
use axum::{
    body::Body,
    http::{Request, header},
};
use chrono::TimeDelta;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::support::{
    TestApp, at,
    live::{assert_no_event, events, next, payload},
    noon,
};

const QUERY: &str = "subscription ($after: String) { measurementRecorded(after: $after) { cursor measurement { pm10 device { key } } } }";

fn sample(device: &str, millis: i64, pm10: i64) -> Value {
    json!({ "device": device, "measuredAt": noon() - TimeDelta::days(1) + TimeDelta::milliseconds(millis), "pm10": pm10 })
}

async fn subscribe(app: &TestApp, after: Option<&str>) -> Subscriber {
    app.try_subscribe(QUERY, json!({ "after": after }), None).await.unwrap_or_else(|refused| panic!("{refused:#}"))
}

fn cursor(place: FeedOffset) -> String {
    FeedCursor(place).encode_cursor()
}

/// PM10 of an event, which differs for each sample.
fn pm10(event: &SubscriptionEvent) -> i64 {
    let payload = payload(event);
    let received = &payload["data"]["measurementRecorded"];
    assert_eq!(received["cursor"], cursor(event.offset.expect("a place")), "{payload}");
    received["measurement"]["pm10"].to_string().trim_end_matches(".0").parse().unwrap_or_else(|_| panic!("{payload}"))
}

async fn entries(app: &TestApp) -> Vec<FeedEntry> {
    let mut entries: Vec<FeedEntry> = Vec::new();
    loop {
        let last = entries.last().map_or(0, |entry| entry.number);
        let more = db::feed::list_after(&app.database.reads, last, 1000).await.expect("read").expect("kept");
        if more.is_empty() {
            return entries;
        }
        entries.extend(more);
    }
}

/// PM10 of all stored samples, in the order of the feed, each with its offset.
async fn stored(app: &TestApp) -> Vec<(FeedOffset, i64)> {
    let entries = entries(app).await;
    let keys: Vec<MeasurementKey> = entries.iter().flat_map(|entry| entry.record.recorded.clone()).collect();
    let rows = db::measurement::load_by_keys(&app.database.reads, &keys).await.expect("measurements");
    let each = entries.iter().flat_map(|entry| {
        (0..).zip(&entry.record.recorded).map(|(index, key)| {
            #[expect(clippy::cast_possible_truncation, reason = "they are whole numbers")]
            let pm10 = rows[key].pm10.expect("PM10") as i64;
            (FeedOffset { number: entry.number, index }, pm10)
        })
    });
    each.collect()
}

async fn upload(app: &TestApp, file: String) {
    let request = Request::post("/ingest/csv").header(header::AUTHORIZATION, format!("Bearer {}", app.admin));
    let request = request.header(header::CONTENT_TYPE, "text/csv").body(Body::from(file)).expect("a request");
    let answer = app.send(request).await;
    assert!(answer.status.is_success(), "{answer:?}");
}

/// A file with this number of samples.
fn file(count: i64) -> String {
    let lines = (0..count)
        .map(|n| format!("bike,{},{n}\n", (noon() - TimeDelta::days(2) + TimeDelta::seconds(n)).to_rfc3339()));
    std::iter::once("device,time,pm10\n".to_owned()).chain(lines.map(|line| line.replace("+00:00", "Z"))).collect()
}

/// Terminates the connection that follows the feed, if there is one.
async fn terminate_follower(app: &TestApp) {
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
               where application_name = 'airgraph feed' and datname = current_database()";
    sqlx::query(cut).execute(&app.database.writes).await.expect("cut");
}

/// A subscriber that is cut at random and resumes each time.
struct Viewer {
    subscriber: Subscriber,
    from: Option<FeedOffset>,
    last: Option<String>,
    received: Vec<i64>,
}

impl Viewer {
    fn add(&mut self, events: &[SubscriptionEvent]) {
        self.received.extend(events.iter().map(pm10));
        self.last = events.last().and_then(|event| event.offset).map(cursor).or(self.last.take());
    }
}

/// A random generator, whose seed `AIRGRAPH_LIVE_SEED` sets.
#[expect(clippy::print_stdout, reason = "what repeats a failure")]
fn seeded_rng() -> ChaCha8Rng {
    let seed =
        std::env::var("AIRGRAPH_LIVE_SEED").map_or_else(|_| rand::rng().random(), |seed| seed.parse().expect("a seed"));
    println!("AIRGRAPH_LIVE_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

#[tokio::test]
async fn events_are_delivered_exactly_once_across_any_start_and_reconnect() {
    let mut random = seeded_rng();
    let app = TestApp::new().await;
    let (mut viewers, mut places): (Vec<Viewer>, _) = (Vec::new(), vec![FeedOffset::after(0)]);
    let mut number = 0;
    for _ in 0..60 {
        let count = random.random_range(1..8);
        let batch = (0..count).map(|n| sample(&format!("bike-{}", random.random_range(0..5)), number + n, number + n));
        let batch: Value = batch.collect();
        number += count;
        // One starts while a batch is being stored: after some earlier offset, or with live events.
        let begin = async {
            if viewers.len() < 12 {
                let from = random.random_bool(0.7).then(|| places[random.random_range(0..places.len())]);
                let after = from.map(cursor);
                let subscriber = subscribe(&app, after.as_deref()).await;
                // Without a cursor it starts at an offset that only the gateway knows.
                let from = from.or(subscriber.offset());
                viewers.push(Viewer { subscriber, from, last: after, received: Vec::new() });
            }
        };
        tokio::join!(app.record(batch), begin);
        if random.random_bool(0.1) {
            terminate_follower(&app).await;
        }
        if random.random_bool(0.3) {
            places = stored(&app).await.into_iter().map(|(place, _)| place).collect();
        }
        for viewer in &mut viewers {
            // A cancelled call loses nothing.
            let limit = Duration::from_micros(random.random_range(0..3000));
            if let Ok(Delivery::Events(events)) = tokio::time::timeout(limit, viewer.subscriber.next()).await {
                viewer.add(&events);
            }
            if viewer.last.is_some() && random.random_bool(0.2) {
                viewer.subscriber = subscribe(&app, viewer.last.as_deref()).await;
            }
        }
    }
    let all = stored(&app).await;
    assert_eq!(all.len(), usize::try_from(number).expect("few"));
    for viewer in &mut viewers {
        let from = viewer.from.expect("a place");
        let expected: Vec<_> = all.iter().filter(|(place, _)| *place > from).map(|&(_, pm10)| pm10).collect();
        while viewer.received.len() < expected.len() {
            let Delivery::Events(events) = next(&mut viewer.subscriber).await else { panic!("it goes on") };
            viewer.add(&events);
        }
        assert_eq!(viewer.received, expected);
        assert_no_event(&mut viewer.subscriber).await;
        assert_eq!(viewer.subscriber.offset(), all.last().map(|(place, _)| FeedOffset::after(place.number)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // delivering this many events would block all else
async fn slow_subscriber_is_closed_and_resumes_at_its_cursor() {
    let app = TestApp::new().await;
    // Long responses, so that the channel can't hold all of them.
    let cells: String =
        (0..50).map(|n| format!("c{n:012}: cell(resolution: 12) f{n:012}: flags")).collect::<Vec<_>>().join(" ");
    let query =
        format!("subscription {{ measurementRecorded {{ cursor measurement {{ pm10 {cells} device {{ key }} }} }} }}");
    let mut slow = app.subscribe(&query).await;
    let mut quick = app.subscribe(&query).await;
    app.record(json!([sample("a", 0, -1)])).await;
    let first = events(&mut slow, 1).await;
    upload(&app, file(12_000)).await;
    let all = stored(&app).await;
    // A subscriber that keeps up is not cut, or resumes as well.
    let mut received: Vec<i64> = Vec::new();
    while received.len() < all.len() {
        match next(&mut quick).await {
            Delivery::Events(events) => received.extend(events.iter().map(pm10)),
            Delivery::SlowConsumer(place) => {
                quick = app.try_subscribe(&query, json!({}), Some(&cursor(place))).await.expect("resumed");
            }
            failed @ Delivery::Failed(_) => panic!("{failed:?}"),
        }
    }
    assert!(received.iter().eq(all.iter().map(|(_, pm10)| pm10)));
    let Delivery::SlowConsumer(place) = next(&mut slow).await else { panic!("not all was held for it") };
    assert_eq!(Some(place), first.last().expect("one").offset);
    let mut resumed = app.try_subscribe(&query, json!({}), Some(&cursor(place))).await.expect("resumed");
    let rest = events(&mut resumed, all.len() - 1).await;
    assert!(rest.iter().map(pm10).eq(all[1..].iter().map(|&(_, pm10)| pm10)));
    assert_no_event(&mut resumed).await;
}

#[tokio::test]
async fn cursors_that_cannot_be_followed_are_refused_with_what_to_do() {
    let app = TestApp::new().await;
    app.record(json!([sample("a", 0, 1), sample("a", 1, 2)])).await;
    let within = stored(&app).await[0].0;
    let after = app.feed_cursor().await;
    app.record(json!([sample("a", 2, 3)])).await;
    db::feed::trim_before(&app.database.writes, at("2100-01-01T00:00:00Z")).await.expect("forgotten");
    let newest = app.feed_cursor().await;
    assert_ne!(after, newest, "that it was forgotten doesn't turn the feed back");
    for (cursor, code, text) in [
        (after, "CURSOR_EXPIRED", "feedCursor"),
        (cursor(within), "CURSOR_EXPIRED", "feedCursor"),
        (cursor(FeedOffset::after(1_000_000)), "BAD_USER_INPUT", "another database"),
        ("x".to_owned(), "BAD_USER_INPUT", "after: not a cursor"),
        (String::new(), "BAD_USER_INPUT", "after: not a cursor"),
    ] {
        for (after, resume) in [(Some(&cursor), None), (Some(&newest), Some(cursor.as_str()))] {
            let refused = app.try_subscribe(QUERY, json!({ "after": after }), resume).await.err().expect("refused");
            assert_eq!(refused["errors"][0]["extensions"]["code"], code, "{cursor}: {refused}");
            assert!(refused["errors"][0]["message"].as_str().expect("text").contains(text), "{refused}");
        }
    }
    // A subscriber that has seen all of it continues.
    let mut subscriber = subscribe(&app, Some(&newest)).await;
    app.record(json!([sample("a", 3, 4)])).await;
    assert_eq!(pm10(&events(&mut subscriber, 1).await[0]), 4);
}

#[tokio::test]
async fn entries_without_a_notification_are_found() {
    let app = TestApp::new().await;
    let mut subscriber = subscribe(&app, None).await;
    app.record(json!([sample("a", 0, 0)])).await;
    assert_eq!(pm10(&events(&mut subscriber, 1).await[0]), 0);
    let silent = "create or replace function next_feed_number() returns bigint language sql volatile
                  as 'select nextval(''feed_number'')'";
    sqlx::query(silent).execute(&app.database.writes).await.expect("silent");
    for n in 1..4 {
        app.record(json!([sample("a", n, n)])).await;
        assert_eq!(pm10(&events(&mut subscriber, 1).await[0]), n);
    }
}

#[tokio::test]
async fn restored_database_ends_all_subscriptions() {
    let app = TestApp::new().await;
    let mut subscriber = subscribe(&app, None).await;
    for n in 0..3 {
        app.record(json!([sample("a", n, n)])).await;
    }
    let received = events(&mut subscriber, 3).await;
    sqlx::raw_sql("delete from feed where number > 1").execute(&app.database.writes).await.expect("put back");
    terminate_follower(&app).await;
    let Delivery::Failed(refused) = next(&mut subscriber).await else { panic!("it ends") };
    let refused = serde_json::to_value(refused).expect("JSON");
    assert_eq!(refused["errors"][0]["extensions"]["code"], "CURSOR_EXPIRED", "{refused}");
    assert!(refused["errors"][0]["message"].as_str().expect("text").contains("earlier state"), "{refused}");
    let last = received.last().and_then(|event| event.offset).map(cursor);
    let refused = app.try_subscribe(QUERY, json!({ "after": last }), None).await.err().expect("refused");
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
    let mut anew = subscribe(&app, None).await;
    app.record(json!([sample("a", 9, 9)])).await;
    assert_eq!(pm10(&events(&mut anew, 1).await[0]), 9);
}

#[tokio::test]
async fn events_after_a_response_are_delivered_from_its_cursor() {
    let app = TestApp::new().await;
    app.record(json!([sample("a", 0, 0)])).await;
    let answer = app.query("{ measurements { nodes { pm10 } } feedCursor }").await;
    assert_eq!(answer["measurements"]["nodes"], json!([{ "pm10": 0.0 }]));
    app.record(json!([sample("a", 1, 1)])).await;
    let mut subscriber = subscribe(&app, answer["feedCursor"].as_str()).await;
    assert_eq!(pm10(&events(&mut subscriber, 1).await[0]), 1);
    assert_no_event(&mut subscriber).await;
}
