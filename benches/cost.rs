//! CPU time per 1000 of cost, for kinds of queries. The cost model is accurate if this is about the same for all of
//! them.
//!
//! ```sh
//! cargo bench --bench cost                   # all, of an archive of 600,000 measurements
//! cargo bench --bench cost -- totalCount     # only lines with that word
//! cargo bench --profile dev --bench cost     # the gateway's CPU time is then estimated: a twelfth of what it took
//! ```
//!
//! Each query is sent repeatedly for `AIRGRAPH_BENCH_SECONDS` (2), one request at a time. CPU time is that of the
//! Postgres processes that serve the gateway, and of the gateway, from `/proc`. Fails if the maximum is
//! more than ten times the minimum.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod support;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use axum::{body::Body, http::Request};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use sqlx::PgPool;
use support::{Gateway, archive, is_wanted, process::cpu_time, setting};

/// Approximate slowdown of unoptimised code.
const DEBUG_SLOWDOWN: f64 = 12.0;
/// Maximum CPU time per cost, as a multiple of the minimum.
const MAX_FACTOR: f64 = 10.0;

struct Line {
    name: &'static str,
    cost: f64,
    postgres_ms: f64,
    gateway_ms: f64,
}

impl Line {
    /// Milliseconds of both per 1000 of cost.
    fn per_thousand(&self) -> f64 {
        let gateway_ms = if cfg!(debug_assertions) { self.gateway_ms / DEBUG_SLOWDOWN } else { self.gateway_ms };
        (self.postgres_ms + gateway_ms) / self.cost * 1000.0
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let rows = u32::try_from(setting("AIRGRAPH_BENCH_ROWS", 600_000)?)?;
    let seconds = setting("AIRGRAPH_BENCH_SECONDS", 2)?;
    let database = support::database().await?;
    archive::fill(&database.url, rows).await?;
    // The rollups are filled at the first start, and the row count is known at the second.
    Gateway::start(&database.url).await?.stop().await?;
    let pool = PgPool::connect(&database.url).await?;
    weather(&pool).await?;
    let gateway = Gateway::start(&database.url).await?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let requests = Requests { client, address: gateway.address.clone() };
    requests.send(&json!({ "query": "{ devices(first: 1) { nodes { key } } }" })).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;

    println!("{:<50}{:>10}{:>14}{:>13}{:>22}", "", "cost", "Postgres ms", "gateway ms", "ms CPU / 1000 cost");
    let mut lines = Vec::new();
    let devices: i64 = sqlx::query_scalar("select count(*) from device").fetch_one(&pool).await?;
    for (name, query) in cases(devices) {
        if !is_wanted(name) {
            continue;
        }
        let line = measure(&requests, &pool, gateway.pid()?, name, &query, Duration::from_secs(seconds)).await?;
        println!(
            "{:<50}{:>10.0}{:>14.3}{:>13.3}{:>22.3}",
            line.name,
            line.cost,
            line.postgres_ms,
            line.gateway_ms,
            line.per_thousand()
        );
        lines.push(line);
    }
    let all = || lines.iter().map(Line::per_thousand).filter(|&ms| ms > 0.0);
    let factor = all().fold(0.0, f64::max) / all().fold(f64::INFINITY, f64::min);
    println!("\nmax / min: {factor:.1}");
    gateway.stop().await?;
    pool.close().await;
    database.stop().await?;
    ensure!(factor <= MAX_FACTOR, "costs are inaccurate: factor {factor:.1}, maximum {MAX_FACTOR}");
    Ok(())
}

struct Requests {
    client: Client<HttpConnector, Body>,
    address: String,
}

impl Requests {
    /// Sends a query and returns its cost.
    async fn send(&self, body: &Value) -> Result<f64> {
        let request = Request::post(format!("{}/graphql", self.address)).header("content-type", "application/json");
        let response = self.client.request(request.body(Body::from(body.to_string()))?).await?;
        let bytes = axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await?;
        let answer: Value = serde_json::from_slice(&bytes)?;
        ensure!(answer.get("errors").is_none(), "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(500)]));
        answer["extensions"]["cost"]["requested"].as_f64().context("a cost")
    }
}

async fn measure(
    requests: &Requests,
    pool: &PgPool,
    gateway: u32,
    name: &'static str,
    query: &Value,
    time: Duration,
) -> Result<Line> {
    for _ in 0..3 {
        requests.send(query).await?; // plans and caches
    }
    let pids: Vec<i32> = sqlx::query_scalar("select pid from pg_stat_activity where application_name = 'airgraph'")
        .fetch_all(pool)
        .await?;
    let postgres = || pids.iter().filter_map(|&pid| cpu_time(pid.unsigned_abs()).ok()).sum::<Duration>();
    let (before, gateway_before) = (postgres(), cpu_time(gateway)?);
    let (since, mut count, mut cost) = (Instant::now(), 0.0, 0.0);
    while since.elapsed() < time {
        cost = requests.send(query).await?;
        count += 1.0;
    }
    let ms = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() * 1000.0 / count;
    Ok(Line { name, cost, postgres_ms: ms(before, postgres()), gateway_ms: ms(gateway_before, cpu_time(gateway)?) })
}

/// Weather for half of the measurements.
async fn weather(pool: &PgPool) -> Result<()> {
    for month in 1..=12 {
        let (start, end) = (format!("2025-{month:02}-01Z"), format!("{}-{:02}-01Z", 2025 + month / 12, month % 12 + 1));
        let statement = format!(
            "create table if not exists weather_2025_{month:02} partition of weather for values from ('{start}') to ('{end}');
             insert into weather (device_id, measured_at, seq, temperature, humidity)
             select device_id, measured_at, seq, 10 + extract(hour from measured_at), 40 + extract(minute from measured_at)
             from measurement_2025_{month:02} where extract(second from measured_at) = 0 on conflict do nothing"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(pool).await?;
    }
    sqlx::raw_sql("vacuum analyze").execute(pool).await?;
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "a table")]
/// Kinds of queries, including the known attacks.
fn cases(devices: i64) -> Vec<(&'static str, Value)> {
    let plain = |query: &str| json!({ "query": query });
    let with = |selection: String, filter: Value| json!({ "query": format!("query ($f: MeasurementFilter!) {{ {selection} }}"), "variables": { "f": filter } });
    let month = json!({ "from": "2025-06-01T00:00:00Z", "to": "2025-07-01T00:00:00Z" });
    let (south, west, north, east) = archive::TOWN_AREA;
    let town = json!({ "boundingBox": { "south": south, "west": west, "north": north, "east": east } });
    let (south, west, north, east) = archive::RIDE_AREA;
    let part = json!({ "boundingBox": { "south": south, "west": west, "north": north, "east": east } });
    let ring = |points: i32| {
        let point = |n: i32| {
            let angle = f64::from(n) * std::f64::consts::TAU / f64::from(points);
            json!({ "latitude": 52.21 + angle.sin() * 0.03, "longitude": 0.13 + angle.cos() * 0.05 })
        };
        json!({ "polygon": (0..points).map(point).collect::<Vec<_>>() })
    };
    // Crosses itself all over the town.
    let scribble = {
        let point = |n: i32| json!({ "latitude": 52.18 + f64::from(n * 79 % 997) * 6e-5, "longitude": 0.08 + f64::from(n * 271 % 991) * 1e-4 });
        json!({ "polygon": (0..10_000).map(point).collect::<Vec<_>>() })
    };
    let (latitude, longitude) = (52.21, 0.13);
    let circle = json!({ "circle": { "latitude": latitude, "longitude": longitude, "radius": 3000 } });
    let humid = |n: i32| json!({ "quantities": [{ "quantity": "HUMIDITY", "min": 200 + n }] });
    let never = json!({ "or": (0..49).map(humid).collect::<Vec<_>>() });
    let fields = "measuredAt latitude longitude pm25 pm10";
    let list = |first: i32| format!("measurements(filter: $f, first: {first}) {{ nodes {{ {fields} }} }}");
    let count = "measurements(filter: $f, first: 1) { totalCount }".to_owned();
    let means = "count pm25 { mean max } pm10 { mean max }";
    let percentiles = "count pm25 { mean percentile(p: 50) p95: percentile(p: 95) } pm10 { percentile(p: 95) }";
    vec![
        (
            "latest 1 of a station",
            plain("{ device(key: \"station\") { measurements(first: 1) { nodes { measuredAt pm10 } } } }"),
        ),
        (
            "latest 100 of a station",
            plain(&format!("{{ device(key: \"station\") {{ measurements(first: 100) {{ nodes {{ {fields} }} }} }} }}")),
        ),
        (
            "latest 10,000 of a station",
            plain(&format!(
                "{{ device(key: \"station\") {{ measurements(first: 10000) {{ nodes {{ {fields} }} }} }} }}"
            )),
        ),
        ("newest 1000", plain(&format!("{{ measurements(first: 1000) {{ nodes {{ {fields} }} }} }}"))),
        (
            "newest 1000 with weather",
            plain("{ measurements(first: 1000) { nodes { measuredAt pm10 weather { temperature humidity } } } }"),
        ),
        (
            "50 devices, latest and 10 of each",
            plain(
                "{ devices(first: 50) { nodes { key name latest { pm10 } measurements(first: 10) { nodes { measuredAt pm10 } } } } }",
            ),
        ),
        (
            "all devices by last seen",
            plain(&format!("{{ devices(first: {devices}, orderBy: LAST_SEEN_DESC) {{ nodes {{ key kind }} }} }}")),
        ),
        ("newest 100 in a box, of a month", with(list(100), json!({ "area": part, "measuredAt": month }))),
        (
            "newest 100 in a polygon of 10,000 points",
            with(list(100), json!({ "area": ring(10_000), "measuredAt": month })),
        ),
        ("newest 100 in a scribble", with(list(100), json!({ "area": scribble, "measuredAt": month }))),
        (
            "50 devices, newest in a polygon of 10,000 points",
            with(
                "devices(first: 50) { nodes { key measurements(first: 1, filter: $f) { nodes { measuredAt } } } }"
                    .to_owned(),
                json!({ "area": ring(10_000), "measuredAt": month }),
            ),
        ),
        ("newest 100 with a value", with(list(100), json!({ "pm10": { "min": 25 } }))),
        ("newest 100 with humidity", with(list(100), json!({ "quantities": [{ "quantity": "HUMIDITY", "min": 41 }] }))),
        (
            "totalCount of a day",
            with(
                count.clone(),
                json!({ "measuredAt": { "from": "2025-06-01T00:00:00Z", "to": "2025-06-02T00:00:00Z" } }),
            ),
        ),
        ("totalCount of everything", with(count.clone(), json!({}))),
        ("totalCount with a value", with(count.clone(), json!({ "pm10": { "min": 30 }, "measuredAt": month }))),
        ("totalCount of 49 conditions on humidity", with(count.clone(), never.clone())),
        (
            "totalCount in a polygon of 10,000 points",
            with(count.clone(), json!({ "area": ring(10_000), "measuredAt": month })),
        ),
        ("totalCount in a scribble", with(count.clone(), json!({ "area": scribble, "measuredAt": month }))),
        ("totalCount in a circle", with(count, json!({ "area": circle, "measuredAt": month }))),
        (
            "50 devices with totalCount",
            plain("{ devices(first: 50) { nodes { key measurements(first: 1) { totalCount } } } }"),
        ),
        (
            "a month of hours of a station",
            plain(&format!(
                "{{ device(key: \"station\") {{ statistics(filter: {{ measuredAt: {{ from: \"2025-06-01T00:00:00Z\", to: \"2025-07-01T00:00:00Z\" }} }}, every: HOUR) {{ start {means} }} }} }}"
            )),
        ),
        (
            "a month of days of all devices together",
            with(format!("statistics(filter: $f, every: DAY) {{ start {means} }}"), json!({ "measuredAt": month })),
        ),
        (
            "a month by device",
            with(format!("statistics(filter: $f, groupBy: [DEVICE]) {{ {means} }}"), json!({ "measuredAt": month })),
        ),
        (
            "percentiles of a month",
            with(format!("statistics(filter: $f) {{ {percentiles} }}"), json!({ "measuredAt": month })),
        ),
        ("percentiles of everything", with(format!("statistics(filter: $f) {{ {percentiles} }}"), json!({}))),
        (
            "10 statistics with percentiles of a month",
            with(
                (0..10)
                    .map(|n| format!("a{n}: statistics(filter: $f) {{ {percentiles} }} "))
                    .collect::<Vec<_>>()
                    .concat(),
                json!({ "measuredAt": month }),
            ),
        ),
        (
            "humidity of a month by day",
            with(
                "statistics(filter: $f, every: DAY) { count quantity(of: HUMIDITY) { mean max } }".to_owned(),
                json!({ "measuredAt": month }),
            ),
        ),
        (
            "means in a circle, of a month",
            with(format!("statistics(filter: $f) {{ {means} }}"), json!({ "area": circle, "measuredAt": month })),
        ),
        (
            "means in a polygon of 10,000 points, of a month",
            with(format!("statistics(filter: $f) {{ {means} }}"), json!({ "area": ring(10_000), "measuredAt": month })),
        ),
        (
            "map of a town, of a month",
            with(
                format!("cells(filter: $f, resolution: 9) {{ index {means} }}"),
                json!({ "area": town, "measuredAt": month }),
            ),
        ),
        (
            "map of everything, coarse",
            with(format!("cells(filter: $f, resolution: 4) {{ index {means} }}"), json!({ "measuredAt": month })),
        ),
        (
            "air quality of 50 devices",
            plain(
                "{ devices(first: 50) { nodes { key airQualityIndex(scale: EUROPEAN_AQI, at: \"2025-12-31T12:00:00Z\") { value band } } } }",
            ),
        ),
        (
            "newest rides of 10 devices",
            plain(
                "{ trips(devices: [\"bike-00001\", \"bike-00002\", \"bike-00003\", \"bike-00004\", \"bike-00005\", \"bike-00006\", \"bike-00007\", \"bike-00008\", \"bike-00009\", \"bike-00010\"], measuredAt: { from: \"2025-06-01T00:00:00Z\", to: \"2025-07-01T00:00:00Z\" }) { nodes { id distance } } }",
            ),
        ),
    ]
}
