//! Compares the gateway: recording with bare Postgres, lists with a handler written by hand for the purpose.
//!
//! ```sh
//! cargo bench --bench gateway        # seconds per measurement: AIRGRAPH_BENCH_SECONDS, default 5
//! ```
//!
//! Everything runs on this machine at the same time, including the load, so only the ratios are meaningful. Needs
//! `pgbench`, which is part of Postgres.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod support;

use anyhow::Result;
use serde_json::json;
use sqlx::PgPool;
use support::{
    Gateway, KEY,
    by_hand::{self, Reference},
    database, is_wanted, lists,
    lists::ListedKeys,
    load::Load,
    packets::Packets,
    pgbench::Pgbench,
    setting,
};

/// Number of concurrent connections.
const CLIENT_COUNT: usize = 16;
/// Number of concurrent connections of sensors in a larger network.
const MANY_CLIENTS: usize = 64;

#[tokio::main]
async fn main() -> Result<()> {
    if by_hand::serve_if_requested().await? {
        return Ok(());
    }
    let seconds = setting("AIRGRAPH_BENCH_SECONDS", 5)?;
    let database = database().await?;
    let gateway = Gateway::start(&database.url).await?;
    let bench =
        Bench { gateway, url: database.url.clone(), anonymous: Load { clients: CLIENT_COUNT, seconds, key: None } };
    println!("{:44} {:>12} {:>12} {:>7}", "", "airgraph/s", "reference/s", "ratio");
    bench.recording().await?;
    bench.reading().await?;
    bench.gateway.stop().await?;
    database.stop().await
}

struct Bench {
    gateway: Gateway,
    url: String,
    anonymous: Load,
}

impl Bench {
    fn with_key(&self) -> Load {
        Load { key: Some(KEY), ..self.anonymous }
    }

    /// Number of rounds, which take a second each and alternate with the reference, since the load of the machine varies.
    #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
    fn rounds(&self) -> f64 {
        self.anonymous.seconds as f64
    }

    /// Packets of eight samples: posted, decoded, stored verbatim and as rows, and answered; compared with `pgbench`
    /// inserting the same eight rows in a transaction with prepared statements.
    async fn recording(&self) -> Result<()> {
        const LINE: &str = "packets of 8 samples, against pgbench";
        if !is_wanted(LINE) {
            return Ok(());
        }
        let packets = Packets::default();
        let pgbench = Pgbench::create(&self.url).await?;
        for clients in [CLIENT_COUNT, MANY_CLIENTS] {
            let load = Load { clients, seconds: 1, key: None };
            let posting = Load { key: Some(KEY), ..load };
            let (mut posted, mut inserted) = (0.0, 0.0);
            // The first round stores the devices and is not counted.
            for round in 0..=self.anonymous.seconds {
                let answers =
                    posting.run(&self.gateway.address, "/insertSensorData", || packets.next()).await?.per_second;
                let transactions = pgbench.run(&load).await?;
                if round > 0 {
                    posted += answers;
                    inserted += transactions;
                }
            }
            let line =
                if clients == CLIENT_COUNT { LINE.to_owned() } else { format!("the same, {clients} connections") };
            report(&line, posted / self.rounds(), inserted / self.rounds());
        }
        Ok(())
    }

    /// Lists, compared with axum, sqlx and `Json` written for just that list.
    async fn reading(&self) -> Result<()> {
        let pool = PgPool::connect(&self.url).await?;
        lists::listed_devices(&pool).await?;
        let reference = Reference::start(&self.url).await?;
        for count in [1, 100, 1000, 10_000] {
            let query = format!(
                "query($key: String!) {{ device(key: $key) {{ measurements(first: {count}) {{ nodes {{
                    measuredAt recordedAt latitude longitude pm25 pm10 timeUncertainty }} }} }} }}"
            );
            let keys = ListedKeys::default();
            let body = || json!({ "query": query, "variables": { "key": keys.next() } }).to_string();
            let (line, path) = (format!("latest {count} of a device"), format!("/listed/{count}"));
            let by_hand = ByHand { address: &reference.address, path: &path, body: || keys.next() };
            self.compare(&line, body, &self.anonymous, &by_hand).await?;
            if count == 1 {
                self.compare(&format!("{line}, with a key"), body, &self.with_key(), &by_hand).await?;
            }
        }
        self.weather(&pool).await?;
        lists::nested_devices(&pool).await?;
        let nested = "{ devices(first: 50) { nodes { key name latest { measuredAt pm25 pm10 }
            measurements(first: 10) { nodes { measuredAt pm25 pm10 } } } } }";
        let body = json!({ "query": nested }).to_string();
        let by_hand = ByHand { address: &reference.address, path: "/nested", body: String::new };
        self.compare("nested: 50 devices, latest, 10 of each", || body.clone(), &self.anonymous, &by_hand).await
    }

    /// A list with the weather of each measurement, compared with the same list without.
    async fn weather(&self, pool: &PgPool) -> Result<()> {
        const LINE: &str = "latest 10000 with weather, against without";
        if !is_wanted(LINE) {
            return Ok(());
        }
        fill_weather(pool).await?;
        let query = |weather: &str| {
            let query = format!(
                "{{ device(key: \"listed-0\") {{ measurements(first: 10000) {{ nodes {{
                    measuredAt latitude longitude pm25 pm10 {weather} }} }} }} }}"
            );
            json!({ "query": query }).to_string()
        };
        let (with, without) = (query("weather { temperature humidity }"), query(""));
        let load = Load { seconds: 1, ..self.anonymous };
        let (mut answers, mut reference) = (0.0, 0.0);
        for _ in 0..self.anonymous.seconds {
            answers += load.run(&self.gateway.address, "/graphql", || with.clone()).await?.per_second;
            reference += load.run(&self.gateway.address, "/graphql", || without.clone()).await?.per_second;
        }
        report(LINE, answers / self.rounds(), reference / self.rounds());
        Ok(())
    }

    async fn compare(
        &self,
        line: &str,
        body: impl Fn() -> String + Sync,
        load: &Load,
        by_hand: &ByHand<'_, impl Fn() -> String + Sync>,
    ) -> Result<()> {
        if is_wanted(line) {
            let (mut gateway, mut handler) = (0.0, 0.0);
            for _ in 0..load.seconds {
                let (load, anonymous) = (Load { seconds: 1, ..*load }, Load { seconds: 1, ..self.anonymous });
                gateway += load.run(&self.gateway.address, "/graphql", &body).await?.per_second;
                handler += anonymous.run(by_hand.address, by_hand.path, &by_hand.body).await?.per_second;
            }
            report(line, gateway / self.rounds(), handler / self.rounds());
        }
        Ok(())
    }
}

/// A request of the handler written by hand.
struct ByHand<'a, F> {
    address: &'a str,
    path: &'a str,
    body: F,
}

/// The weather of a listed device's samples.
async fn fill_weather(pool: &PgPool) -> Result<()> {
    sqlx::raw_sql(
        "create table weather_back_0 partition of weather for values from ('2026-01-01 00:00Z') to ('2026-02-01 00:00Z');
         insert into weather (device_id, measured_at, seq, temperature, humidity)
         select device_id, measured_at, seq, extract(second from measured_at), 50.25
         from measurement join device using (device_id) where key = 'listed-0'",
    )
    .execute(pool)
    .await?;
    sqlx::raw_sql("vacuum analyze weather").execute(pool).await?;
    Ok(())
}

fn report(what: &str, airgraph: f64, reference: f64) {
    println!("{what:44} {airgraph:12.0} {reference:12.0} {:6.2}×", airgraph / reference);
}
