//! Subscribers miss no event and receive none twice, whatever is killed or disconnected at whatever moment, and whichever
//! gateway they reconnect to.
//!
//! The moments are random; the seed is printed, and `AIRGRAPH_CRASH_SEED` repeats it.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use airgraph::db::feed;
use futures_util::{SinkExt as _, StreamExt as _, future::join_all};
use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::{
    postgres::crash::{KEY, gateway, random_pause, seeded_rng},
    support::{
        gateway::DEADLINE,
        load::{Expected, Load, SampleValues},
        postgres::OwnPostgres,
        socket::PROTOCOL,
    },
};

const SENSORS: usize = 8;
const SUBSCRIBERS: usize = 200;
/// One sample in three.
const PM10_FILTER: &str = r#"{"pm10": {"min": 0, "max": 333}}"#;
/// Pause of each sensor between two bodies: the subscribers receive each sample dozens of times.
const SENSOR_PAUSE: Duration = Duration::from_millis(150);
/// The longest time before a subscriber is disconnected, in milliseconds.
const MAX_CONNECTED_MILLIS: u64 = 15_000;
/// The longest pause before it reconnects, in milliseconds.
const MAX_PAUSE_MILLIS: u64 = 1000;

const SUBSCRIPTION: &str = "subscription ($filter: MeasurementFilter, $after: String) {
    measurementRecorded(filter: $filter, after: $after) {
        cursor
        measurement { measuredAt pm10 pm25 device { key } }
    }
}";

/// The filter of a subscriber.
#[derive(Clone, Copy)]
enum SampleFilter {
    All,
    Some,
    Of(usize),
}

impl SampleFilter {
    /// One in ten subscribes to all samples, as many to some of them; the others to one sensor's.
    fn by(number: usize) -> Self {
        match number % 10 {
            0 => Self::All,
            1 => Self::Some,
            _ => Self::Of(number % SENSORS),
        }
    }

    fn filter(self) -> Value {
        match self {
            Self::All => Value::Null,
            Self::Some => serde_json::from_str(PM10_FILTER).expect("JSON"),
            Self::Of(sensor) => json!({ "devices": [device(sensor)] }),
        }
    }

    fn matches(self, (key, _, pm10, _): &SampleValues) -> bool {
        match self {
            Self::All => true,
            Self::Some => (0..=333).contains(pm10),
            Self::Of(sensor) => *key == device(sensor),
        }
    }
}

fn device(sensor: usize) -> String {
    format!("sensor-{sensor}")
}

struct Subscriber {
    wanted: SampleFilter,
    gateways: [watch::Receiver<String>; 2],
    rng: ChaCha8Rng,
    /// The cursor of the last received event.
    cursor: String,
    received: Vec<SampleValues>,
    cuts: usize,
    progress: Progress,
}

/// Number of events that all subscribers have received.
#[derive(Clone, Default)]
struct Progress(Arc<AtomicUsize>);

impl Progress {
    fn events(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits for that many further events. A slow machine takes longer, so only a standstill is a failure.
    async fn wait_for(&self, further: usize) {
        let end = self.events() + further;
        let received = async {
            while self.events() < end {
                sleep(Duration::from_millis(20)).await;
            }
        };
        self.assert_continues(received).await;
    }

    /// Awaits a future, and fails when no subscriber receives an event for a minute.
    async fn assert_continues<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        loop {
            let before = self.events();
            match timeout(DEADLINE, &mut future).await {
                Ok(output) => return output,
                Err(_) => assert_ne!(self.events(), before, "no subscriber receives an event for {DEADLINE:?}"),
            }
        }
    }
}

impl Subscriber {
    /// Follows until it has received all matching samples of `total`.
    async fn follow(mut self, total: watch::Receiver<Option<Arc<Vec<SampleValues>>>>) -> Self {
        while !self.is_done(&total) {
            let stay = Instant::now() + Duration::from_millis(self.rng.random_range(0..MAX_CONNECTED_MILLIS));
            if let Ok(socket) = self.connect().await {
                self.listen(socket, stay, total.clone()).await;
                self.cuts += 1;
            }
            // A gateway that is down, a broken connection: like any client, it retries.
            let pause = self.rng.random_range(0..MAX_PAUSE_MILLIS);
            sleep(Duration::from_millis(pause)).await;
        }
        self
    }

    fn is_done(&self, total: &watch::Receiver<Option<Arc<Vec<SampleValues>>>>) -> bool {
        let total = total.borrow().clone();
        total.is_some_and(|all| all.iter().filter(|sample| self.wanted.matches(sample)).count() <= self.received.len())
    }

    async fn connect(&mut self) -> anyhow::Result<WebSocketStream<TcpStream>> {
        let gateway = self.rng.random_range(0..2);
        let host = self.gateways[gateway].borrow().replace("http://", "");
        let mut request = format!("ws://{host}/graphql").into_client_request()?;
        request.headers_mut().append(PROTOCOL.0, PROTOCOL.1.parse()?);
        let (mut socket, _) = client_async(request, TcpStream::connect(&host).await?).await?;
        socket.send(Message::text(r#"{"type":"connection_init"}"#)).await?;
        let variables = json!({ "filter": self.wanted.filter(), "after": self.cursor });
        let payload = json!({ "query": SUBSCRIPTION, "variables": variables });
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": payload });
        match socket.next().await {
            Some(Ok(Message::Text(text))) if text.contains("connection_ack") => {}
            other => anyhow::bail!("{other:?} instead of an acknowledgement"),
        }
        socket.send(Message::text(subscribe.to_string())).await?;
        Ok(socket)
    }

    async fn listen(
        &mut self,
        mut socket: WebSocketStream<TcpStream>,
        stay: Instant,
        mut total: watch::Receiver<Option<Arc<Vec<SampleValues>>>>,
    ) {
        loop {
            if self.is_done(&total) {
                return;
            }
            let at_the_end = total.borrow_and_update().is_some(); // no disconnects from here on
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        if !self.handle_message(&serde_json::from_str(&text).expect("JSON")) {
                            return;
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                },
                () = sleep_until(stay), if !at_the_end => return,
                _ = total.changed(), if !at_the_end => {}
            }
        }
    }

    /// Handles a message; false if the subscription has ended.
    fn handle_message(&mut self, message: &Value) -> bool {
        match message["type"].as_str() {
            Some("next") => {
                assert_eq!(message["payload"]["errors"], Value::Null, "{message}");
                let event = &message["payload"]["data"]["measurementRecorded"];
                event["cursor"].as_str().expect("a cursor").clone_into(&mut self.cursor);
                self.received.push(sample_values(&event["measurement"]));
                self.progress.0.fetch_add(1, Ordering::Relaxed);
                true
            }
            Some("error") => {
                // While Postgres is away or slow.
                let code = message["payload"][0]["extensions"]["code"].as_str();
                assert!(matches!(code, Some("UNAVAILABLE" | "TIMEOUT")), "{message}");
                false
            }
            _ => panic!("{message}"),
        }
    }
}

fn sample_values(measurement: &Value) -> SampleValues {
    let key = measurement["device"]["key"].as_str().expect("a key").to_owned();
    let at = measurement["measuredAt"].as_str().expect("a time");
    let whole = |value: &Value| {
        #[expect(clippy::cast_possible_truncation, reason = "the sensors send small whole numbers")]
        let whole = value.as_f64().unwrap_or_default() as i32;
        whole
    };
    (key, crate::support::at(at).timestamp_micros(), whole(&measurement["pm10"]), whole(&measurement["pm25"]))
}

/// All samples of the feed, in its order.
async fn feed_samples(options: &PgConnectOptions) -> Vec<SampleValues> {
    let mut connection = options.connect().await.expect("a connection");
    let rows: Vec<(i64, i64, i32, String, i32, i32)> = sqlx::query_as(
        "select device_id, (extract(epoch from measured_at) * 1000000)::bigint, seq, key, pm10::int, coalesce(pm2_5, 0)::int
         from measurement join device using (device_id)",
    )
    .fetch_all(&mut connection)
    .await
    .expect("measurements");
    let stored: HashMap<_, _> = rows
        .into_iter()
        .map(|(device, at, seq, key, pm10, pm2_5)| ((device, at, seq), (key, at, pm10, pm2_5)))
        .collect();
    let (mut all, mut last) = (Vec::new(), 0);
    loop {
        let some = feed::list_after(&mut connection, last, 1000).await.expect("read").expect("kept");
        let Some(entry) = some.last() else { break };
        last = entry.number;
        let keys = some.iter().flat_map(|entry| &entry.record.recorded);
        all.extend(keys.map(|key| stored[&(key.device_id.0, key.measured_at.timestamp_micros(), key.seq)].clone()));
    }
    assert_eq!(all.len(), stored.len(), "the feed has each sample once");
    connection.close().await.expect("closed");
    all
}

async fn post_query(address: &str, query: &str) -> Value {
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = axum::http::Request::post(format!("{address}/graphql"))
        .header("content-type", "application/json")
        .header("x-api-key", KEY)
        .body(axum::body::Body::from(json!({ "query": query }).to_string()));
    let answer = client.request(request.expect("a request")).await.expect("an answer");
    let body = axum::body::to_bytes(axum::body::Body::new(answer.into_body()), usize::MAX).await.expect("a body");
    serde_json::from_slice(&body).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_subscriber_receives_every_sample_once_and_in_order() {
    let (mut rng, mut postgres) = (seeded_rng(), OwnPostgres::start(&["fsync=off"]).await);
    let mut running = [Some(gateway(&postgres.options).await), Some(gateway(&postgres.options).await)];
    let addresses =
        running.each_ref().map(|gateway| watch::channel(gateway.as_ref().expect("it runs").address.clone()).0);
    let address = addresses[0].borrow().clone();
    for sensor in 0..SENSORS {
        let register =
            format!("mutation {{ registerDevice(input: {{key: \"{}\", kind: FIXED}}) {{ status }} }}", device(sensor));
        assert_eq!(post_query(&address, &register).await["errors"], Value::Null);
    }
    let cursor =
        post_query(&address, "{ feedCursor }").await["data"]["feedCursor"].as_str().expect("a cursor").to_owned();

    let (progress, (total_sender, total)) = (Progress::default(), watch::channel(None));
    let subscribers: Vec<_> = (0..SUBSCRIBERS)
        .map(|number| {
            let subscriber = Subscriber {
                wanted: SampleFilter::by(number),
                gateways: addresses.each_ref().map(watch::Sender::subscribe),
                rng: ChaCha8Rng::seed_from_u64(rng.random()),
                cursor: cursor.clone(),
                received: Vec::new(),
                cuts: 0,
                progress: progress.clone(),
            };
            tokio::spawn(subscriber.follow(total.clone()))
        })
        .collect();
    let half = SENSORS / 2;
    let loads = [(0..half, 0), (half..SENSORS, 1)]
        .map(|(sensors, at)| Load::start(sensors, SENSOR_PAUSE, &addresses[at].subscribe(), KEY, Expected::Silence));

    for round in 0..6 {
        for load in &loads {
            load.wait_for_progress().await;
        }
        progress.wait_for(SUBSCRIBERS).await;
        random_pause(&mut rng, 3000).await;
        if round == 3 {
            postgres.kill();
            random_pause(&mut rng, 2000).await;
            postgres.launch().await;
        } else {
            let at = rng.random_range(0..2);
            running[at] = None; // kill -9
            random_pause(&mut rng, 1000).await;
            let gateway = gateway(&postgres.options).await;
            addresses[at].send_replace(gateway.address.clone());
            running[at] = Some(gateway);
        }
    }
    for load in loads {
        load.wait_for_progress().await;
        load.end().await;
    }

    let all = Arc::new(feed_samples(&postgres.options).await);
    total_sender.send_replace(Some(all.clone()));
    let done = progress.assert_continues(join_all(subscribers)).await;
    let (mut cuts, mut events) = (0, 0);
    for (number, subscriber) in done.into_iter().enumerate() {
        let subscriber = subscriber.expect("no panic");
        let wanted: Vec<_> = all.iter().filter(|sample| subscriber.wanted.matches(sample)).cloned().collect();
        assert!(subscriber.received == wanted, "{}", first_difference(number, &subscriber.received, &wanted));
        cuts += subscriber.cuts;
        events += subscriber.received.len();
    }
    println!("{} samples, {events} events to {SUBSCRIBERS} subscribers, cut off {cuts} times", all.len());
    assert!(cuts > SUBSCRIBERS && events > 10 * all.len(), "it was hardly tried");
}

fn first_difference(number: usize, received: &[SampleValues], wanted: &[SampleValues]) -> String {
    let at = received.iter().zip(wanted).take_while(|(received, wanted)| received == wanted).count();
    format!(
        "subscriber {number} received {} of {} samples; from {at} on {:?} instead of {:?}",
        received.len(),
        wanted.len(),
        received.get(at),
        wanted.get(at)
    )
}
