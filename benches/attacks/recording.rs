//! Attacks with a sensor's key.

use anyhow::Result;
use serde_json::json;

use crate::attacker::{Attacker, workers};

const WORKER_COUNT: usize = 4;

/// Undecodable bodies, which are stored.
pub async fn undecodable(attacker: &Attacker) -> Result<()> {
    let body = "x".repeat(1_000_000);
    repeat(attacker, |_, _| body.clone()).await
}

/// New devices.
pub async fn new_devices(attacker: &Attacker) -> Result<()> {
    repeat(attacker, |worker, number| {
        let sample = |device: u32| json!({ "device": format!("new-{worker}-{number}-{device}"), "time": "2025-06-15T10:00:00Z", "pm10": 1 });
        json!((0..5000).map(sample).collect::<Vec<_>>()).to_string()
    })
    .await
}

/// Samples in each month of 26 years.
pub async fn months(attacker: &Attacker) -> Result<()> {
    repeat(attacker, |worker, number| {
        let sample = |month: u32| {
            let time = format!(
                "{}-{:02}-15T10:{:02}:{:02}Z",
                2000 + month / 12,
                1 + month % 12,
                number / 60 % 60,
                number % 60
            );
            json!({ "device": format!("old-{worker}"), "time": time, "pm10": 1 })
        };
        json!((0..312).map(sample).collect::<Vec<_>>()).to_string()
    })
    .await
}

/// A submission that once failed each time, with its batch.
pub async fn leap_second(attacker: &Attacker) -> Result<()> {
    repeat(attacker, |_, _| {
        let sample = json!({ "device": "leap", "time": "2016-12-31T23:59:60Z", "pm10": 1 });
        json!([sample, sample]).to_string()
    })
    .await
}

/// Sends bodies, each made from the numbers of its worker and of the request.
async fn repeat(attacker: &Attacker, body: impl Fn(usize, u32) -> String) -> Result<()> {
    workers(WORKER_COUNT, |worker| {
        let body = &body;
        async move {
            for number in 0.. {
                attacker.record("/ingest/json", &body(worker, number)).await?;
            }
            Ok(())
        }
    })
    .await
}
