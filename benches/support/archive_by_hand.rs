//! Handlers written by hand for the same responses: axum, sqlx, `Json`.

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgPool};

use super::archive::{RIDE_AREA, TOWN_AREA};

type Answer<T> = Result<Json<Vec<T>>, StatusCode>;

#[derive(FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sample {
    measured_at: DateTime<Utc>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    pm2_5: Option<f32>,
    pm10: Option<f32>,
}

#[derive(FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reading {
    #[serde(skip)]
    device_id: i64,
    measured_at: DateTime<Utc>,
    pm2_5: Option<f32>,
    pm10: Option<f32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    key: String,
    latest: Option<Reading>,
    measurements: Vec<Reading>,
}

#[derive(FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
struct Hour {
    start: DateTime<Utc>,
    count: i64,
    pm2_5_mean: Option<f64>,
    pm2_5_min: Option<f32>,
    pm2_5_max: Option<f32>,
    pm10_mean: Option<f64>,
    pm10_min: Option<f32>,
    pm10_max: Option<f32>,
}

#[derive(FromRow, Serialize)]
struct Hexagon {
    cell: i64,
    count: i64,
    mean: Option<f64>,
}

/// Their positions.
pub fn routes() -> Router<PgPool> {
    Router::new()
        .route("/latest/{count}", post(latest))
        .route("/devices", post(devices))
        .route("/box", post(in_box))
        .route("/hours", post(hours))
        .route("/map", post(map))
}

async fn latest(State(pool): State<PgPool>, Path(count): Path<i64>) -> Answer<Sample> {
    let rows = sqlx::query_as(
        "select measured_at, latitude, longitude, pm2_5, pm10 from measurement
         where device_id = (select device_id from device where key = 'station')
         order by measured_at desc, seq desc limit $1",
    );
    answer(rows.bind(count).fetch_all(&pool).await)
}

async fn devices(State(pool): State<PgPool>) -> Answer<Device> {
    let found = async {
        let devices: Vec<(i64, String)> =
            sqlx::query_as("select device_id, key from device order by key limit 50").fetch_all(&pool).await?;
        let ids: Vec<_> = devices.iter().map(|device| device.0).collect();
        let latest: Vec<Reading> = sqlx::query_as(
            "select m.device_id, m.measured_at, m.pm2_5, m.pm10 from latest
             join measurement m using (device_id, measured_at, seq) where m.device_id = any($1)",
        )
        .bind(&ids)
        .fetch_all(&pool)
        .await?;
        let newest: Vec<Reading> = sqlx::query_as(
            "select m.* from unnest($1::bigint[]) as wanted (id) cross join lateral (
                 select device_id, measured_at, pm2_5, pm10 from measurement where device_id = wanted.id
                 order by measured_at desc, seq desc limit 10) as m",
        )
        .bind(&ids)
        .fetch_all(&pool)
        .await?;
        let mut latest: HashMap<_, _> = latest.into_iter().map(|row| (row.device_id, row)).collect();
        let mut measurements: HashMap<_, Vec<_>> = HashMap::new();
        for row in newest {
            measurements.entry(row.device_id).or_default().push(row);
        }
        Ok(devices
            .into_iter()
            .map(|(id, key)| Device {
                key,
                latest: latest.remove(&id),
                measurements: measurements.remove(&id).unwrap_or_default(),
            })
            .collect())
    };
    answer(found.await)
}

async fn in_box(State(pool): State<PgPool>) -> Answer<Sample> {
    let (south, west, north, east) = RIDE_AREA;
    let rows = sqlx::query_as(
        "select measured_at, latitude, longitude, pm2_5, pm10 from measurement
         where measured_at >= '2025-03-01 00:00Z' and measured_at < '2025-04-01 00:00Z'
           and latitude between $1 and $2 and longitude between $3 and $4
         order by measured_at desc, device_id desc, seq desc limit 100",
    );
    answer(rows.bind(south).bind(north).bind(west).bind(east).fetch_all(&pool).await)
}

async fn hours(State(pool): State<PgPool>) -> Answer<Hour> {
    let rows = sqlx::query_as(
        "select date_trunc('hour', measured_at, 'UTC') as start, count(*) as count,
                avg(pm2_5) as pm2_5_mean, min(pm2_5) as pm2_5_min, max(pm2_5) as pm2_5_max,
                avg(pm10) as pm10_mean, min(pm10) as pm10_min, max(pm10) as pm10_max
         from measurement where device_id = (select device_id from device where key = 'station')
           and measured_at >= '2025-03-01 00:00Z' and measured_at < '2025-04-01 00:00Z'
         group by 1 order by 1",
    );
    answer(rows.fetch_all(&pool).await)
}

async fn map(State(pool): State<PgPool>) -> Answer<Hexagon> {
    let (south, west, north, east) = TOWN_AREA;
    let rows = sqlx::query_as(
        "select (cell & ~((15::bigint << 52) | 262143)) | (9::bigint << 52) | 262143 as cell, count(*) as count, avg(pm2_5) as mean
         from measurement
         where measured_at >= '2025-03-01 00:00Z' and measured_at < '2025-04-01 00:00Z'
           and latitude between $1 and $2 and longitude between $3 and $4
         group by 1 order by 1",
    );
    answer(rows.bind(south).bind(north).bind(west).bind(east).fetch_all(&pool).await)
}

fn answer<T>(rows: sqlx::Result<Vec<T>>) -> Answer<T> {
    rows.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
