//! Responses are bounded, and unread responses hold a bounded amount of memory.

use std::{net::SocketAddr, time::Duration};

use airgraph::limits::{Limits, ResponseLimits};
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};

use crate::support::{Answer, TestApp, gateway::DEADLINE, live::payloads, socket::Socket};

/// A gateway with 2000 measurements, whose list is 300 kB.
async fn app(responses: ResponseLimits) -> TestApp {
    let app = TestApp::with_limits(Limits { responses, ..Limits::default() }).await;
    for minute in 0..2 {
        let sample = |n: u32| {
            json!({ "device": "bike", "measuredAt": format!("2026-05-01T10:{minute:02}:{:02}.{:03}Z", n / 20, n % 20),
                    "pm10": n, "pm25": 1 })
        };
        app.record((0..1000).map(sample).collect()).await;
    }
    app
}

const LIST: &str = "{ measurements(first: 2000) { nodes { id measuredAt recordedAt pm10 pm25 device { key } } } }";
const FLAT_LIST: &str = "{ measurements(first: 2000) { nodes { id measuredAt recordedAt pm10 pm25 } } }";

async fn post(app: &TestApp, query: &str) -> Answer {
    app.post("/graphql", None, json!({ "query": query }).to_string()).await
}

fn code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["code"]
}

#[tokio::test]
async fn oversized_response_is_an_error_on_every_transport() {
    let app = app(ResponseLimits { max_bytes: 100_000, ..ResponseLimits::default() }).await;
    for query in [FLAT_LIST, LIST] {
        let answer = post(&app, query).await;
        assert!(answer.text.len() < 2000, "{} bytes", answer.text.len());
        assert_eq!(code(&answer.json()), "TOO_COMPLEX", "{}", answer.text);
        let message = answer.json()["errors"][0]["message"].to_string();
        assert!(message.contains("larger than 100000 bytes; request smaller pages"), "{message}");
        assert_eq!(code(&app.by_resolvers(query).await), "TOO_COMPLEX", "without text of lists");
    }
    let both = "{ a: measurements(first: 500) { nodes { id measuredAt recordedAt pm10 pm25 } }
                  b: measurements(first: 500) { nodes { id measuredAt recordedAt pm10 pm25 } } }";
    assert_eq!(code(&post(&app, both).await.json()), "TOO_COMPLEX", "all lists together");
    let mut socket = Socket::ready(app.listen().await, None).await;
    socket.subscribe("1", FLAT_LIST, json!({})).await;
    assert!(socket.receive().await.to_string().contains("TOO_COMPLEX"));
    let stream = app.post("/graphql/stream", None, json!({ "query": FLAT_LIST }).to_string()).await;
    assert!(stream.text.contains("TOO_COMPLEX"), "{}", stream.text);
    assert_eq!(post(&app, "{ measurements(first: 100) { nodes { id } } }").await.status, StatusCode::OK);
}

/// Sends a query and does not read the response.
async fn send_without_reading(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(8192).expect("a size");
    let mut connection = socket.connect(address).await.expect("a connection");
    let body = json!({ "query": FLAT_LIST }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.expect("sent");
    connection
}

async fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let reached = async {
        while !holds() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, reached).await.unwrap_or_else(|_| panic!("{what}"));
}

/// Attack 3: unread responses took unbounded memory and no concurrency permit.
#[tokio::test]
async fn unread_responses_count_until_their_connection_is_closed() {
    let length = post(&app(ResponseLimits::default()).await, FLAT_LIST).await.text.len();
    assert!(length > 250_000, "{length} bytes fit into the buffers of a connection");
    let limits = ResponseLimits { max_bytes_sent_per_caller: length * 3 / 2, ..ResponseLimits::default() };
    let app = app(limits).await;
    let address = app.listen().await;
    let mut first = send_without_reading(address).await;
    wait_until("it is being sent", || {
        app.app.response_memory.bytes() == length && app.app.concurrency_limit.load().in_flight == 1
    })
    .await;
    let mut second = send_without_reading(address).await;
    let mut answer = vec![0; 4096];
    let read = timeout(DEADLINE, second.read(&mut answer)).await.expect("in time").expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("too many large responses to you"), "{answer}");
    assert_eq!(post(&app, FLAT_LIST).await.status, StatusCode::OK, "another address");

    let mut read = 0;
    while read < length {
        read += timeout(DEADLINE, first.read(&mut vec![0; 65_536])).await.expect("in time").expect("the answer");
    }
    wait_until("it is sent", || {
        app.app.response_memory.bytes() == 0 && app.app.concurrency_limit.load().in_flight == 0
    })
    .await;
    let third = send_without_reading(address).await;
    wait_until("it is being sent", || app.app.response_memory.bytes() == length).await;
    drop(third);
    wait_until("it is gone", || {
        app.app.response_memory.bytes() == 0 && app.app.concurrency_limit.load().in_flight == 0
    })
    .await;
}

/// An event is a response like any other; a large one is an error, and the events beside it are complete.
#[tokio::test]
async fn too_large_event_is_an_error_and_the_others_are_delivered() {
    let responses = ResponseLimits { max_bytes: 1000, ..ResponseLimits::default() };
    let app = TestApp::with_limits(Limits { responses, ..Limits::default() }).await;
    let sample = |device: &str, n: u32| json!({ "device": device, "measuredAt": format!("2026-05-01T10:00:{n:02}Z"), "pm10": n });
    app.record(json!([sample("large", 60 - 1), sample("small", 0), sample("small", 1)])).await;
    let lists = "measurements(first: 60) { nodes { id measuredAt pm10 } }";
    let aliases = (0..40).map(|n| format!(" a{n:02}: measuredAt")).collect::<Vec<_>>().concat();
    let mut devices = app.subscribe(&format!("subscription {{ deviceUpdated {{ device {{ key {lists} }} }} }}")).await;
    let mut texts =
        app.subscribe(&format!("subscription {{ measurementRecorded {{ measurement {{ {aliases} }} }} }}")).await;
    let mut resolved = app
        .subscribe(&format!(
            "subscription {{ measurementRecorded {{ measurement {{ {aliases} device {{ key }} }} }} }}"
        ))
        .await;
    let mut half = app
        .subscribe(&format!(
            "subscription {{ measurementRecorded {{ measurement {{ {} }} }} }}",
            &aliases[..aliases.len() / 2]
        ))
        .await;
    let mut large: Vec<_> = (0..59).map(|n| sample("large", n)).collect();
    large.push(sample("small", 2));
    app.record(json!(large)).await;

    let mut events = payloads(&mut devices, 2).await;
    events.sort_by_key(|event| event["errors"].is_array());
    assert_eq!(events[0]["data"]["deviceUpdated"]["device"]["key"], "small", "{}", events[0]);
    let nodes = &events[0]["data"]["deviceUpdated"]["device"]["measurements"]["nodes"];
    assert_eq!(nodes.as_array().map(Vec::len), Some(3));
    assert_eq!(code(&events[1]), "TOO_COMPLEX", "{}", events[1]);
    for subscriber in [&mut texts, &mut resolved] {
        for event in payloads(subscriber, 60).await {
            assert_eq!((&event["data"], code(&event)), (&Value::Null, &json!("TOO_COMPLEX")), "{event}");
            assert_eq!(event["errors"][0]["path"], json!(["measurementRecorded"]));
            assert!(event["errors"][0]["message"].to_string().contains("larger than 1000 bytes"), "{event}");
        }
    }
    for event in payloads(&mut half, 60).await {
        assert!(event["errors"].is_null(), "one is half as large as an answer may be: {event}");
    }
}
