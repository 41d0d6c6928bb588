//! Isolation of callers: connections, concurrency permits and database time. Callers are addresses here.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use airgraph::{
    config::security::SecuritySettings,
    limits::{Limits, ReadLimits, rate_limit::CallerId},
};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

use super::timeouts::{lock_table, wait_for_lock_waiters};
use crate::support::{Answer, TestApp, empty_database, statements::Statements};

/// The longest wait of another reader while one caller uses its full limits. On an idle machine it is some
/// milliseconds.
const MAX_WAIT: Duration = Duration::from_secs(2);

const ATTACKER: &str = "192.0.2.1";
const NEIGHBOUR: &str = "192.0.2.2";

fn behind_a_proxy() -> SecuritySettings {
    SecuritySettings { trusted_proxies: vec!["0.0.0.0/32".parse().expect("a network")], ..SecuritySettings::default() }
}

async fn post_from(app: &TestApp, address: &str, body: &Value) -> Answer {
    let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    let request = request.header("x-forwarded-for", address);
    app.send(request.body(Body::from(body.to_string())).expect("a request")).await
}

/// Twenty lists in one request, all of which read the table of devices.
fn twenty_lists() -> Value {
    let lists: Vec<_> = (0..20).map(|n| format!("a{n}: devices(first: {}) {{ nodes {{ key }} }}", n + 1)).collect();
    json!({ "query": format!("{{ {} }}", lists.join(" ")) })
}

/// Reads no table that the tests lock.
fn small_query() -> Value {
    json!({ "query": "{ measurements(first: 1) { nodes { pm10 } } }" })
}

async fn on(options: &PgConnectOptions, security: SecuritySettings, limits: Limits) -> TestApp {
    TestApp::with_security_on(options, security, limits).await
}

#[tokio::test]
async fn request_uses_at_most_two_connections() {
    let options = empty_database().await;
    let app = on(&options, behind_a_proxy(), Limits::default()).await;
    let mut watch = options.connect().await.expect("a connection");
    let lock = lock_table(&options, "device").await;
    let lists = twenty_lists();
    let request = post_from(&app, ATTACKER, &lists);
    let meanwhile = async {
        wait_for_lock_waiters(&mut watch, 2).await;
        for _ in 0..5 {
            assert_eq!(post_from(&app, NEIGHBOUR, &small_query()).await.status, StatusCode::OK);
            wait_for_lock_waiters(&mut watch, 2).await;
        }
        lock.close().await.expect("closed");
    };
    let (answer, ()) = tokio::join!(request, meanwhile);
    assert_eq!(answer.json()["errors"], Value::Null, "all lists are read in the end: {}", answer.text);
}

#[tokio::test]
async fn caller_at_its_limits_leaves_connections_and_permits_for_others() {
    let options = empty_database().await;
    let app = on(&options, behind_a_proxy(), Limits::default()).await;
    let mut watch = options.connect().await.expect("a connection");
    let lock = lock_table(&options, "device").await;
    let lists = twenty_lists();
    let attack = join_all((0..30).map(|_| post_from(&app, ATTACKER, &lists)));
    let meanwhile = async {
        wait_for_lock_waiters(&mut watch, 3).await;
        for _ in 0..5 {
            let since = Instant::now();
            let answer = post_from(&app, NEIGHBOUR, &small_query()).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
            assert!(since.elapsed() < MAX_WAIT, "{:?}", since.elapsed());
        }
        wait_for_lock_waiters(&mut watch, 3).await;
        let refused = async {
            while app.app.concurrency_limit.load().shed < 25 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_mins(1), refused).await.expect("the requests beyond its places are refused");
        lock.close().await.expect("closed");
    };
    let (answers, ()) = tokio::join!(attack, meanwhile);
    let refused = answers.iter().filter(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE).count();
    assert_eq!(refused, 25, "half of ten places are its own: {answers:?}");
}

#[tokio::test]
async fn request_is_ended_when_its_database_time_is_used_up() {
    let reading =
        ReadLimits { database_time_per_anonymous_request: Duration::from_millis(300), ..ReadLimits::default() };
    let app = TestApp::with_limits(Limits { reading, ..Limits::default() }).await;
    let options = (*app.database.reads.connect_options()).clone();
    let mut watch = options.connect().await.expect("a connection");
    let lock = lock_table(&options, "device").await;
    let answer = post_from(&app, ATTACKER, &twenty_lists()).await.json();
    let errors = answer["errors"].as_array().expect("errors");
    assert!(errors.iter().all(|error| error["extensions"]["code"] == "TIMEOUT"), "{answer}");
    timeout(Duration::from_secs(20), wait_for_lock_waiters(&mut watch, 0))
        .await
        .expect("its statements end in Postgres");
    lock.close().await.expect("closed");
    let answer = post_from(&app, ATTACKER, &twenty_lists()).await.json();
    assert_eq!(answer["errors"], Value::Null, "the next request has time of its own: {answer}");
}

#[tokio::test]
async fn caller_without_database_time_is_rejected_before_any_read() {
    let security = SecuritySettings { anonymous_database_seconds_per_minute: NonZeroU32::new(30), ..behind_a_proxy() };
    let app = on(&empty_database().await, security, Limits::default()).await;
    let attacker = CallerId::from_address(ATTACKER.parse().expect("an address"));
    assert_eq!(post_from(&app, ATTACKER, &small_query()).await.status, StatusCode::OK);
    let budget = &app.app.state.rate_limiters.anonymous_database_time;
    budget.charge(attacker, Duration::from_secs(35), app.app.state.clock.now());

    let statements = Statements::watch();
    let (count, refused) = statements.count(post_from(&app, ATTACKER, &json!("no request"))).await;
    assert_eq!(count, 0, "no statement runs");
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "its body is not even read: {}", refused.text);
    let seconds: u32 = refused.headers[header::RETRY_AFTER].to_str().expect("text").parse().expect("seconds");
    assert!((10..=11).contains(&seconds), "{seconds}");
    assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    let metrics = Request::get("/metrics").header("x-api-key", &app.admin).body(Body::empty()).expect("a request");
    let metrics = app.send(metrics).await.text;
    assert!(metrics.contains("airgraph_limit_refusals_total{limit=\"database_time\"} 1"), "{metrics}");

    assert_eq!(post_from(&app, NEIGHBOUR, &small_query()).await.status, StatusCode::OK);
    let key = Request::post("/graphql").header("x-forwarded-for", ATTACKER).header("x-api-key", &app.admin);
    let key = key.header(header::CONTENT_TYPE, "application/json").body(Body::from(small_query().to_string()));
    assert_eq!(app.send(key.expect("a request")).await.status, StatusCode::OK, "a key pays for itself");
    app.clock.advance(TimeDelta::seconds(11));
    assert_eq!(post_from(&app, ATTACKER, &small_query()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn database_time_is_charged_to_the_caller_that_used_it() {
    let security = SecuritySettings { anonymous_database_seconds_per_minute: NonZeroU32::new(1), ..behind_a_proxy() };
    let options = empty_database().await;
    let app = on(&options, security, Limits::default()).await;
    let mut watch = options.connect().await.expect("a connection");
    let lock = lock_table(&options, "device").await;
    let lists = twenty_lists();
    let request = post_from(&app, ATTACKER, &lists);
    let release = async {
        wait_for_lock_waiters(&mut watch, 2).await;
        sleep(Duration::from_millis(1100)).await; // two connections are held for so long
        lock.close().await.expect("closed");
    };
    let (answer, ()) = tokio::join!(request, release);
    assert_eq!(answer.json()["errors"], Value::Null, "what began is answered: {}", answer.text);
    assert_eq!(post_from(&app, ATTACKER, &small_query()).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(post_from(&app, NEIGHBOUR, &small_query()).await.status, StatusCode::OK);
}

/// Measurements of some months, half of them with weather.
async fn archive() -> TestApp {
    let options = empty_database().await;
    let app = on(&options, behind_a_proxy(), Limits::default()).await;
    let first = |month: u32| {
        json!({ "device": "bike", "measuredAt": format!("2026-{month:02}-01T00:00:00Z"), "pm10": 1, "latitude": 52.2,
                "longitude": 0.12, "weather": { "humidity": 50 } })
    };
    app.record((1..=4).map(first).collect()).await;
    sqlx::raw_sql(
        "insert into measurement (device_id, measured_at, seq, flags, recorded_at, latitude, longitude, cell, pm10)
         select m.device_id, m.measured_at + n * interval '1 min', 0, 0, now(), 52.2 + n % 100 / 1000.0, 0.12, m.cell, n % 50
         from measurement m, generate_series(1, 15000) n;
         insert into weather (device_id, measured_at, seq, humidity)
         select device_id, measured_at, seq, n % 90 from (select *, row_number() over () n from measurement) m
         where pm10 > 20 on conflict do nothing;
         analyze",
    )
    .execute(&app.database.writes)
    .await
    .expect("an archive");
    app
}

/// The forms of attacks 1 and 2: each had a low cost, and took seconds of Postgres.
fn attacks() -> Vec<Value> {
    let aliases = |of: &str| (0..20).map(|n| format!("a{n}: {of} ")).collect::<Vec<_>>().concat();
    let never = |n: i32| json!({ "quantities": [{ "quantity": "HUMIDITY", "min": 200 + n }] });
    let conditions = json!({ "or": (0..49).map(never).collect::<Vec<_>>() });
    let zigzag = |n: i32| json!({ "latitude": 52.0 + f64::from(n) / 10_000.0, "longitude": f64::from(n % 2) });
    let polygon = json!({ "area": { "polygon": (0..10_000).map(zigzag).collect::<Vec<_>>() } });
    let ring = |n: i32| {
        let angle = f64::from(n) * std::f64::consts::TAU / 10_000.0;
        json!({ "latitude": 52.2 + angle.sin() / 20.0, "longitude": 0.12 + angle.cos() / 20.0 })
    };
    let ring = json!({ "area": { "polygon": (0..10_000).map(ring).collect::<Vec<_>>() } });
    let percentiles: String = [5, 50, 95].map(|p| format!("p{p}: percentile(p: {p}) ")).concat();
    let quantities: String = ["PM10", "PM2_5", "HUMIDITY", "TEMPERATURE", "PRESSURE", "NOISE", "SPEED"]
        .map(|of| format!("{of}: quantity(of: {of}) {{ {percentiles} }} "))
        .concat();
    let with = |filter: &Value, selection: String| json!({ "query": format!("query ($f: MeasurementFilter!) {{ {selection} }}"), "variables": { "f": filter } });
    let count = "measurements(first: 1, filter: $f) { totalCount }";
    let rows = "measurements(first: 1, filter: $f) { totalCount nodes { pm10 } }";
    vec![
        with(&conditions, aliases(count)),
        with(&conditions, aliases(rows)),
        with(&polygon, aliases(count)),
        with(&ring, aliases(rows)),
        with(&json!({}), format!("statistics(filter: $f) {{ {quantities} }}")),
        with(&json!({}), aliases(&format!("statistics(filter: $f) {{ pm10 {{ {percentiles} }} }}"))),
    ]
}

/// For some seconds one caller repeatedly sends all attacks at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_answered_while_one_caller_attacks() {
    let app = archive().await;
    let attacks = attacks();
    let until = Instant::now() + Duration::from_secs(5);
    let attackers = join_all((0..12).map(|number| {
        let (app, attacks) = (&app, &attacks);
        async move {
            let mut statuses = Vec::new();
            while Instant::now() < until {
                for attack in attacks.iter().cycle().skip(number).take(attacks.len()) {
                    statuses.push(post_from(app, ATTACKER, attack).await.status);
                    if Instant::now() >= until {
                        break;
                    }
                }
            }
            statuses
        }
    }));
    let neighbour = async {
        let (mut longest, mut answers) = (Duration::ZERO, 0);
        while Instant::now() < until {
            let since = Instant::now();
            let answer = post_from(&app, NEIGHBOUR, &small_query()).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
            longest = longest.max(since.elapsed());
            answers += 1;
        }
        (longest, answers)
    };
    let (statuses, (longest, answers)) = tokio::join!(attackers, neighbour);
    let attacks: usize = statuses.iter().map(Vec::len).sum();
    println!("{attacks} attacks; {answers} answers to another caller, the slowest in {longest:.0?}");
    assert!(longest < MAX_WAIT, "{longest:?}");
}
