//! Handlers written by hand for the same lists: axum, sqlx, `Json`.

use std::{collections::HashMap, process::Stdio};

use anyhow::{Context as _, Result};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::archive_by_hand;

#[derive(FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    measured_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    pm2_5: Option<f32>,
    pm10: Option<f32>,
    time_uncertainty_s: Option<i32>,
}

#[derive(Serialize)]
struct Device {
    key: String,
    name: Option<String>,
    latest: Option<Sample>,
    measurements: Vec<Sample>,
}

#[derive(FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sample {
    #[serde(skip)]
    device_id: i64,
    measured_at: DateTime<Utc>,
    pm2_5: Option<f32>,
    pm10: Option<f32>,
}

/// The argument that makes a benchmark serve the reference instead, as a process of its own like the gateway.
pub const SERVE: &str = "serve-by-hand";

/// A running reference server. Stops with the benchmark.
pub struct Reference {
    pub address: String,
    _process: Child,
}

impl Reference {
    pub async fn start(url: &str) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([SERVE, url])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().context("its standard output")?).read_line(&mut address).await?;
        Ok(Self { address: address.trim().to_owned(), _process: process })
    }
}

/// Serves the reference if this process was started for that; returns whether it was.
pub async fn serve_if_requested() -> Result<bool> {
    let arguments: Vec<_> = std::env::args().collect();
    let [_, command, url, ..] = &arguments[..] else { return Ok(false) };
    if command != SERVE {
        return Ok(false);
    }
    serve(url).await?;
    Ok(true)
}

/// Serves the newest measurements of the device and of fifty devices, and queries of the archive; prints the address.
async fn serve(url: &str) -> Result<()> {
    let pool = PgPool::connect(url).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let routes = Router::new().route("/listed/{count}", post(listed)).route("/nested", post(nested));
    let routes = routes.merge(archive_by_hand::routes()).with_state(pool);
    Ok(axum::serve(listener, routes).await?)
}

/// The newest measurements of the device with the key in the body.
async fn listed(State(pool): State<PgPool>, Path(count): Path<i64>, key: String) -> Result<Json<Vec<Row>>, StatusCode> {
    sqlx::query_as(
        "select measured_at, recorded_at, latitude, longitude, pm2_5, pm10, time_uncertainty_s
         from measurement where device_id = (select device_id from device where key = $1)
         order by measured_at desc, seq desc limit $2",
    )
    .bind(key)
    .bind(count)
    .fetch_all(&pool)
    .await
    .map(Json)
    .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn nested(State(pool): State<PgPool>) -> Result<Json<Vec<Device>>, StatusCode> {
    devices(&pool).await.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn devices(pool: &PgPool) -> sqlx::Result<Vec<Device>> {
    let devices: Vec<(i64, String, Option<String>)> =
        sqlx::query_as("select device_id, key, name from device order by key limit 50").fetch_all(pool).await?;
    let ids: Vec<_> = devices.iter().map(|(id, ..)| *id).collect();
    let latest: Vec<Sample> = sqlx::query_as(
        "select m.device_id, m.measured_at, m.pm2_5, m.pm10
         from latest join measurement m using (device_id, measured_at, seq)
         where device_id = any($1)",
    )
    .bind(&ids)
    .fetch_all(pool)
    .await?;
    let newest: Vec<Sample> = sqlx::query_as(
        "select m.* from unnest($1::bigint[]) as wanted (device_id) cross join lateral (
             select device_id, measured_at, pm2_5, pm10 from measurement
             where measurement.device_id = wanted.device_id order by measured_at desc, seq desc limit 10) as m",
    )
    .bind(&ids)
    .fetch_all(pool)
    .await?;
    let mut latest: HashMap<_, _> = latest.into_iter().map(|sample| (sample.device_id, sample)).collect();
    let mut lists: HashMap<_, Vec<_>> = HashMap::new();
    for sample in newest {
        lists.entry(sample.device_id).or_default().push(sample);
    }
    let device = |(id, key, name)| Device {
        key,
        name,
        latest: latest.remove(&id),
        measurements: lists.remove(&id).unwrap_or_default(),
    };
    Ok(devices.into_iter().map(device).collect())
}
