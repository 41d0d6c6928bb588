//! Sensors that post without a pause, each sample another one, and keep a record of what was acknowledged. Like real
//! sensors they repeat what was not.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{Request, response::Parts},
};
use chrono::{DateTime, TimeDelta, Utc};
use hyper_util::{
    client::legacy::{Client, Error},
    rt::TokioExecutor,
};
use serde_json::json;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use super::{
    at,
    gateway::DEADLINE,
    packet::{RawSample, encode, ttn_body},
};

/// Pause before a body is repeated.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// One posted sample: device, microseconds since 1970, PM10, PM2.5.
pub type SampleValues = (String, i64, i32, i32);

/// The responses that a client accepts beside success.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// No response: the gateway itself is down.
    Silence,
    /// 503, and always a response.
    Unavailable,
}

/// The responses so far.
#[derive(Clone, Default)]
pub struct LoadReport {
    /// The samples of all bodies that were answered with success.
    pub answered: Vec<SampleValues>,
    pub bodies: usize,
    pub unavailable: usize,
    pub unanswered: usize,
    /// The longest duration of a response.
    pub longest: Duration,
}

/// Sensors at work.
pub struct Load {
    report: Arc<Mutex<LoadReport>>,
    ended: Arc<AtomicBool>,
    sensors: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts sensors with these numbers, of three formats in turns. Each pauses this long between two bodies.
    pub fn start(
        sensors: Range<usize>,
        pace: Duration,
        address: &watch::Receiver<String>,
        key: &str,
        expected: Expected,
    ) -> Self {
        let (report, ended) = (Arc::new(Mutex::new(LoadReport::default())), Arc::new(AtomicBool::new(false)));
        let sensors = sensors.map(|number| {
            let sensor = Sensor {
                number,
                pace,
                address: address.clone(),
                key: key.to_owned(),
                expected,
                report: report.clone(),
                ended: ended.clone(),
            };
            tokio::spawn(sensor.work())
        });
        Self { sensors: sensors.collect(), report, ended }
    }

    pub fn report(&self) -> LoadReport {
        self.report.lock().expect("no panic").clone()
    }

    /// Waits until a body is acknowledged that was not at the time of the call.
    pub async fn wait_for_progress(&self) {
        let (before, since) = (self.report().bodies, Instant::now());
        while self.report().bodies == before {
            let LoadReport { bodies, unavailable, unanswered, .. } = self.report();
            let report = format!("{bodies} bodies until then, {unavailable} times 503, {unanswered} times nothing");
            assert!(since.elapsed() < DEADLINE, "nothing is recorded for {DEADLINE:?}: {report}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until every sensor's last body is acknowledged; stops them.
    pub async fn end(self) -> LoadReport {
        self.ended.store(true, Ordering::Relaxed);
        for sensor in self.sensors {
            sensor.await.expect("no panic");
        }
        Arc::into_inner(self.report).expect("no sensor").into_inner().expect("no panic")
    }
}

struct Sensor {
    number: usize,
    pace: Duration,
    address: watch::Receiver<String>,
    key: String,
    expected: Expected,
    report: Arc<Mutex<LoadReport>>,
    ended: Arc<AtomicBool>,
}

impl Sensor {
    async fn work(self) {
        let client = Client::builder(TokioExecutor::new()).build_http();
        for count in 0.. {
            let (path, body, samples) = post(self.number, count);
            loop {
                let url = format!("{}{path}", *self.address.borrow());
                let request = Request::post(url).header("content-type", "application/json");
                let request = request.header("x-api-key", &self.key).body(Body::from(body.clone()));
                let since = Instant::now();
                let answer = timeout(DEADLINE, client.request(request.expect("a request"))).await;
                let answer = answer.unwrap_or_else(|_| panic!("no answer for {DEADLINE:?} to {body}"));
                if self.record_response(answer.map(|response| response.into_parts().0), since.elapsed(), &samples) {
                    break;
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
            if self.ended.load(Ordering::Relaxed) {
                return;
            }
            tokio::time::sleep(self.pace).await;
        }
    }

    /// Records a response; returns whether it was a success.
    fn record_response(&self, answer: Result<Parts, Error>, after: Duration, samples: &[SampleValues]) -> bool {
        let mut report = self.report.lock().expect("no panic");
        report.longest = report.longest.max(after);
        match answer {
            Ok(answer) if answer.status.is_success() => {
                report.answered.extend_from_slice(samples);
                report.bodies += 1;
                return true;
            }
            Ok(answer) => {
                assert_eq!(answer.status, 503, "of {samples:?}");
                assert!(answer.headers.contains_key("retry-after"));
                report.unavailable += 1;
            }
            Err(error) => {
                assert!(self.expected == Expected::Silence, "{error} instead of an answer to {samples:?}");
                report.unanswered += 1;
            }
        }
        false
    }
}

/// A sensor's next post: path, body, and its samples. No two are the same; the first ones cross the end of a month, so
/// that partitions are created meanwhile.
fn post(sensor: usize, count: i32) -> (&'static str, String, Vec<SampleValues>) {
    let device = format!("sensor-{sensor}");
    let samples = |each: i32| {
        (each * count..each * (count + 1)).map(move |number| (time(number), number % 1000, 1 + number / 1000))
    };
    let sent = |each: i32| {
        samples(each).map(|(time, pm10, pm2_5)| (device.clone(), time.timestamp_micros(), pm10, pm2_5)).collect()
    };
    match sensor % 3 {
        0 => {
            let raw = |(_, pm10, pm2_5)| RawSample::new(52.2, 0.13, f64::from(pm10), f64::from(pm2_5));
            let packet = encode(&samples(8).map(raw).collect::<Vec<_>>());
            let mut body = ttn_body(&device, &time(8 * count + 7).to_rfc3339(), &packet);
            body["counter"] = json!(count);
            ("/insertSensorData", body.to_string(), sent(8))
        }
        1 => {
            let sample = |(time, pm10, pm2_5): (DateTime<Utc>, _, _)| json!({ "device": device, "time": time, "pm10": pm10, "pm2_5": pm2_5 });
            ("/ingest/json", json!(samples(3).map(sample).collect::<Vec<_>>()).to_string(), sent(3))
        }
        _ => {
            let line = |(time, pm10, pm2_5): (DateTime<Utc>, _, _)| {
                format!("m,node={device} pm10={pm10},pm2_5={pm2_5} {}", time.timestamp_micros() * 1000)
            };
            ("/write", samples(2).map(line).collect::<Vec<_>>().join("\n"), sent(2))
        }
    }
}

/// The time of a sensor's sample of that number: one every three seconds, as bicycles send.
fn time(number: i32) -> DateTime<Utc> {
    at("2025-01-31T23:50:00Z") + TimeDelta::seconds(3) * number
}
