//! What somebody would write who needs just this list: axum, sqlx, `Json`.

use anyhow::Result;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgPool};

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

/// Serves the newest measurements of the device, and gives the address.
pub async fn serve(pool: PgPool) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let routes = Router::new().route("/listed/{count}", post(listed)).with_state(pool);
    tokio::spawn(axum::serve(listener, routes).into_future());
    Ok(address)
}

async fn listed(State(pool): State<PgPool>, Path(count): Path<i64>) -> Result<Json<Vec<Row>>, StatusCode> {
    sqlx::query_as(
        "select measured_at, recorded_at, latitude, longitude, pm2_5, pm10, time_uncertainty_s
         from measurement where device_id = (select device_id from device where key = 'listed')
         order by measured_at desc, seq desc limit $1",
    )
    .bind(count)
    .fetch_all(&pool)
    .await
    .map(Json)
    .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
