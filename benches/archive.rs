//! Compares queries of a large archive with handlers written by hand for the same responses, at several sizes.
//!
//! ```sh
//! cargo bench --bench archive        # AIRGRAPH_BENCH_SECONDS each (5), AIRGRAPH_BENCH_ROWS sizes (1000000,50000000)
//! cargo bench --bench archive -- box # only the lines with that word
//! ```
//!
//! Statements are counted separately, on a second gateway and a second handler, so counting does not affect the times.
//!
//! Each archive covers twelve months; a larger one has more bicycles in other places. Fifty million rows take about
//! ten minutes and 15 GB of the temporary folder. Everything runs on this machine at the same time, so only ratios of
//! one run are meaningful.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod support;

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use sqlx::PgPool;
use support::{
    Database, Gateway, archive,
    by_hand::{self, Reference},
    database, is_wanted,
    load::{Load, Outcome},
    statements::Counted,
};
use tokio::time::sleep;

/// Number of concurrent connections.
const CLIENT_COUNT: usize = 4;

/// A query to the gateway and the equivalent path of the handler.
struct Case {
    name: &'static str,
    query: String,
    path: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    if by_hand::serve_if_requested().await? {
        return Ok(());
    }
    let seconds = std::env::var("AIRGRAPH_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let sizes = std::env::var("AIRGRAPH_BENCH_ROWS").unwrap_or_else(|_| "1000000,50000000".to_owned());
    let load = Load { clients: CLIENT_COUNT, seconds, key: None };
    let mut medians: Vec<Vec<f64>> = Vec::new();
    for size in sizes.split(',') {
        let database = database().await?;
        archive::fill(&database.url, size.trim().parse().context("AIRGRAPH_BENCH_ROWS")?).await?;
        medians.push(measure(&database, &load).await?);
        database.stop().await?;
    }
    if let [first, .., last] = medians.as_slice() {
        println!("\nMedian in the largest archive, as a multiple of that in the smallest:");
        for ((case, first), last) in cases().iter().zip(first).zip(last) {
            println!("{:36} {:6.2}×", case.name, last / first);
        }
    }
    Ok(())
}

/// Number of months that have their index.
const INDEXED_MONTHS_STATEMENT: &str =
    "select count(*) from pg_index where indisvalid and indexrelid::regclass::text like 'cell_hour_%_whole'";

/// Measures all queries, and returns the gateway's median times.
async fn measure(database: &Database, load: &Load) -> Result<Vec<f64>> {
    let gateway = Gateway::start(&database.url).await?; // fills the rollups
    let pool = PgPool::connect(&database.url).await?;
    while sqlx::query_scalar::<_, i64>(INDEXED_MONTHS_STATEMENT).fetch_one(&pool).await? < 12 {
        sleep(Duration::from_millis(200)).await; // built in the background
    }
    // Postgres would do this later, possibly during a measurement.
    sqlx::raw_sql("vacuum analyze").execute(&pool).await?;
    sqlx::raw_sql("checkpoint").execute(&PgPool::connect(&database.superuser_url()?).await?).await?;
    let rows: i64 = sqlx::query_scalar("select count(*) from measurement").fetch_one(&pool).await?;
    let reference = Reference::start(&database.url).await?;
    println!("\n{rows} measurements, {CLIENT_COUNT} connections: the gateway, and below it a handler written by hand");
    println!(
        "{:36} {:>9} {:>8} {:>8} {:>9} {:>10} {:>7}",
        "", "answers/s", "p50 ms", "p99 ms", "bytes", "statements", "ratio"
    );
    let counting = Counting::start(&database.url).await?;
    let mut medians = Vec::new();
    for case in cases() {
        let body = json!({ "query": case.query }).to_string();
        let statements = counting.of(&body, &case.path, load).await?;
        let gateway_run = load.run(&gateway.address, "/graphql", || body.clone()).await?;
        let answered = load.run(&reference.address, &case.path, String::new).await?;
        let ratio = gateway_run.per_second / answered.per_second;
        report(case.name, &gateway_run, statements.0, &format!("{ratio:6.2}×"));
        report("", &answered, statements.1, "");
        medians.push(gateway_run.median.as_secs_f64());
    }
    pool.close().await;
    counting.gateway.stop().await?;
    gateway.stop().await?;
    Ok(medians)
}

/// A gateway and a handler with counted statements.
struct Counting {
    by_gateway: Counted,
    gateway: Gateway,
    by_hand: Counted,
    reference: Reference,
}

impl Counting {
    async fn start(url: &str) -> Result<Self> {
        let (by_gateway, by_hand) = (Counted::before(url).await?, Counted::before(url).await?);
        let gateway = Gateway::start(&by_gateway.url).await?;
        let reference = Reference::start(&by_hand.url).await?;
        Ok(Self { by_gateway, gateway, by_hand, reference })
    }

    /// Number of statements of a response of each, after warming up.
    async fn of(&self, body: &str, path: &str, load: &Load) -> Result<(u64, u64)> {
        // Connections learn types and the gateway caches devices at first; background work adds statements now and
        // then.
        let mut fewest = (u64::MAX, u64::MAX);
        for _ in 0..10 {
            let before = (self.by_gateway.so_far(), self.by_hand.so_far());
            load.send_once(&self.gateway.address, "/graphql", body).await?;
            load.send_once(&self.reference.address, path, "").await?;
            fewest.0 = fewest.0.min(self.by_gateway.so_far() - before.0);
            fewest.1 = fewest.1.min(self.by_hand.so_far() - before.1);
        }
        Ok(fewest)
    }
}

fn cases() -> Vec<Case> {
    let fields = "measuredAt latitude longitude pm25 pm10";
    let counts = [
        (1, "latest 1 of a station"),
        (100, "latest 100 of a station"),
        (1000, "latest 1000 of a station"),
        (10_000, "latest 10,000 of a station"),
    ];
    let latest = counts.map(|(count, name)| Case {
        name,
        query: format!("{{ device(key: \"station\") {{ measurements(first: {count}) {{ nodes {{ {fields} }} }} }} }}"),
        path: format!("/latest/{count}"),
    });
    let march = "measuredAt: { from: \"2025-03-01T00:00:00Z\", to: \"2025-04-01T00:00:00Z\" }";
    let area = |(south, west, north, east): (f64, f64, f64, f64)| {
        format!("area: {{ boundingBox: {{ south: {south}, west: {west}, north: {north}, east: {east} }} }}")
    };
    let others = [
        Case {
            name: "50 devices, latest and 10 of each",
            query: "{ devices(first: 50) { nodes { key latest { measuredAt pm25 pm10 }
                measurements(first: 10) { nodes { measuredAt pm25 pm10 } } } } }"
                .to_owned(),
            path: "/devices".to_owned(),
        },
        Case {
            name: "newest 100 in a box, of a month",
            query: format!(
                "{{ measurements(first: 100, filter: {{ {march}, {} }}) {{ nodes {{ {fields} }} }} }}",
                area(archive::RIDE_AREA)
            ),
            path: "/box".to_owned(),
        },
        Case {
            name: "a month of hours of a station",
            query: format!(
                "{{ device(key: \"station\") {{ statistics(every: HOUR, filter: {{ {march} }}) {{
                    start count pm25 {{ mean min max }} pm10 {{ mean min max }} }} }} }}"
            ),
            path: "/hours".to_owned(),
        },
        Case {
            name: "map of a town, of a month",
            query: format!(
                "{{ cells(resolution: 9, filter: {{ {march}, {} }}) {{ index count pm25 {{ mean }} }} }}",
                area(archive::TOWN_AREA)
            ),
            path: "/map".to_owned(),
        },
    ];
    latest.into_iter().chain(others).filter(|case| is_wanted(case.name)).collect()
}

fn report(name: &str, outcome: &Outcome, statements: u64, ratio: &str) {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{name:36} {:9.0} {:8.2} {:8.2} {:9} {statements:10} {ratio:>7}",
        outcome.per_second,
        ms(outcome.median),
        ms(outcome.p99),
        outcome.bytes
    );
}
