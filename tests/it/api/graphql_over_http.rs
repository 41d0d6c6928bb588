//! GraphQL over HTTP: media types, methods, status codes.

use std::{net::SocketAddr, time::Duration};

use airgraph::{config::security::SecuritySettings, http::Edition};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Answer, TestApp, gateway::DEADLINE, query_string};

const NEW: &str = "application/graphql-response+json";
const NEW_UTF8: &str = "application/graphql-response+json; charset=utf-8";

async fn post(app: &TestApp, content_type: &str, accept: &str, body: &str) -> Answer {
    let request = Request::post("/graphql").header(header::CONTENT_TYPE, content_type).header(header::ACCEPT, accept);
    app.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

async fn get(app: &TestApp, parameters: &[(&str, &str)]) -> Answer {
    let request = Request::get(format!("/graphql?{}", query_string(parameters))).header(header::ACCEPT, NEW);
    app.send(request.body(Body::empty()).expect("a request")).await
}

fn media_type(answer: &Answer) -> &str {
    answer.headers[header::CONTENT_TYPE].to_str().expect("text").split(';').next().expect("a type")
}

/// Well-formed requests, each with its status for `application/graphql-response+json` and for `application/json`, in the
/// edition of September 2026 and in the drafts.
const RESPONSES: [(&str, &str, [u16; 2], [u16; 2]); 11] = [
    ("data", r#"{"query":"{ server { version } }"}"#, [200, 200], [200, 200]),
    ("data and errors", r#"{"query":"{ devices(first: -1) { totalCount } }"}"#, [294, 200], [200, 200]),
    (
        "some data and errors",
        r#"{"query":"{ server { version } device(key: \"box\") { measurements(first: -1) { totalCount } } }"}"#,
        [294, 200],
        [200, 200],
    ),
    ("no document", r#"{"query":"{"}"#, [400, 400], [400, 200]),
    ("an empty document", r#"{"query":""}"#, [400, 400], [400, 200]),
    ("an unknown field", r#"{"query":"{ nonsense }"}"#, [422, 422], [400, 200]),
    (
        "a variable without a value",
        r#"{"query":"query ($n: Int!) { devices(first: $n) { totalCount } }"}"#,
        [422, 422],
        [400, 200],
    ),
    (
        "a variable of another type",
        r#"{"query":"query ($n: Int) { devices(first: $n) { totalCount } }","variables":{"n":"one"}}"#,
        [422, 422],
        [400, 200],
    ),
    (
        "an ambiguous operation",
        r#"{"query":"query A { server { version } } query B { server { version } }"}"#,
        [422, 422],
        [400, 200],
    ),
    (
        "an unknown operation",
        r#"{"query":"query A { server { version } }","operationName":"B"}"#,
        [422, 422],
        [400, 200],
    ),
    ("a circle of fragments", r#"{"query":"{ ...A } fragment A on Query { ...A }"}"#, [422, 422], [400, 200]),
];

#[tokio::test]
async fn each_response_has_the_status_of_the_edition() {
    let app = TestApp::new().await;
    let legacy = TestApp::new().await.with_edition(Edition::Legacy);
    for app in [&app, &legacy] {
        app.record(json!([{ "device": "box", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    }
    for (case, body, new, drafts) in RESPONSES {
        for (app, edition, statuses) in [(&app, Edition::September2026, new), (&legacy, Edition::Legacy, drafts)] {
            for (accept, status) in [(NEW, statuses[0]), ("application/json", statuses[1]), ("*/*", statuses[1])] {
                let answer = post(app, "application/json", accept, body).await;
                assert_eq!(answer.status.as_u16(), status, "{edition:?} {accept} {case}: {}", answer.text);
                let is_json = accept != NEW && (edition == Edition::Legacy || answer.status.is_success());
                let form = if is_json { "application/json; charset=utf-8" } else { NEW_UTF8 };
                assert_eq!(answer.headers[header::CONTENT_TYPE], form, "{edition:?} {accept} {case}");
                let answer = answer.json();
                assert_eq!(answer.get("data").is_some(), new[0] < 300, "{case}: {answer}");
                assert_eq!(answer.get("errors").is_some(), case != "data", "{case}: {answer}");
            }
        }
    }
}

/// Bodies that are no well-formed request: JSON that cannot be read (400), and JSON of another form (422).
const MALFORMED: [(&str, u16); 15] = [
    ("", 400),
    ("{", 400),
    ("{}}", 400),
    ("nonsense", 400),
    (r#"{"query":"\ud800"}"#, 400),
    ("[]", 422),
    ("7", 422),
    ("{}", 422),
    (r#"{"query":7}"#, 422),
    (r#"{"query":null}"#, 422),
    (r#"{"query":"{ a }","query":"{ b }"}"#, 422),
    (r#"[{"query":"{ server { version } }"}]"#, 422),
    (r#"{"query":"{ a }","variables":[]}"#, 422),
    (r#"{"query":"{ a }","operationName":1}"#, 422),
    (r#"{"query":"{ a }","extensions":"x"}"#, 422),
];

#[tokio::test]
async fn bodies_that_are_no_request_have_the_status_of_the_edition() {
    let app = TestApp::new().await;
    let legacy = TestApp::new().await.with_edition(Edition::Legacy);
    for (body, status) in MALFORMED {
        for accept in [NEW, "application/json", "text/event-stream"] {
            let answer = post(&app, "application/json", accept, body).await;
            assert_eq!(answer.status.as_u16(), status, "{accept} {body}: {}", answer.text);
            assert_eq!(post(&legacy, "application/json", accept, body).await.status, StatusCode::BAD_REQUEST, "{body}");
            let answer = answer.json();
            assert!(answer["errors"][0]["message"].is_string() && answer.get("data").is_none(), "{answer}");
        }
    }
}

/// Requests that HTTP itself rejects, sent as bytes on a connection.
#[tokio::test]
async fn requests_that_http_refuses_have_its_status_in_either_edition() {
    for edition in [Edition::September2026, Edition::Legacy] {
        let app = TestApp::new().await.with_edition(edition);
        let address = app.listen().await;
        let long = "a".repeat(70_000);
        let headers = "X-Header: x\r\n".repeat(200);
        for (case, request, status) in [
            ("URI too long", format!("GET /graphql?query={long} HTTP/1.1\r\nHost: x\r\n\r\n"), 414),
            ("headers too many", format!("GET /graphql HTTP/1.1\r\nHost: x\r\n{headers}\r\n"), 431),
            (
                "body too large",
                "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n"
                    .to_owned(),
                413,
            ),
            ("no such method", "PUT /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".to_owned(), 405),
        ] {
            let head = exchange(address, &request).await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{edition:?} {case}: {head}");
            assert_eq!(head.contains("\r\nAllow: "), status == 405, "{case}: {head}");
        }
        let slow = TestApp::new().await.with_edition(edition).with_request_timeout(Duration::from_millis(50));
        let request =
            "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
        let head = exchange(slow.listen().await, request).await;
        assert!(head.starts_with("HTTP/1.1 408 "), "{edition:?}: {head}");
    }
}

/// Sends a request unchanged; returns the head of the response.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    connection.write_all(request.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(DEADLINE, connection.read_u8()).await.expect("an answer").expect("a byte"));
    }
    String::from_utf8(head).expect("text")
}

#[tokio::test]
async fn refusals_before_execution_have_their_own_status() {
    let app = TestApp::with_security(SecuritySettings { introspection: false, ..SecuritySettings::default() }).await;
    let introspection = r#"{"query":"{ __schema { queryType { name } } }"}"#;
    for accept in [NEW, "application/json"] {
        assert_eq!(
            post(&app, "application/json", accept, introspection).await.status,
            StatusCode::FORBIDDEN,
            "{accept}"
        );
    }
    let unknown_key = app.post("/graphql", Some("invalid"), r#"{"query":"{ server { version } }"}"#).await;
    assert_eq!(unknown_key.status, StatusCode::UNAUTHORIZED);
    assert!(unknown_key.headers.contains_key(header::WWW_AUTHENTICATE));
}

#[tokio::test]
async fn response_media_type_follows_the_accept_header() {
    let app = TestApp::new().await;
    let body = r#"{"query":"{ server { version } }"}"#;
    for (accept, form) in [
        ("application/json", "application/json"),
        ("application/graphql-response+json, application/json;q=0.9", NEW),
        ("application/graphql-response+json;q=0.4, application/json;q=0.5", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/json;q=0, */*", NEW),
        ("text/event-stream", "text/event-stream"),
    ] {
        let answer = post(&app, "application/json", accept, body).await;
        assert_eq!((answer.status, media_type(&answer)), (StatusCode::OK, form), "{accept}");
        assert_eq!(answer.headers[header::VARY], "accept");
    }
    for accept in ["text/html", "application/json;q=0", "application/xml, image/*;q=0.8"] {
        let answer = post(&app, "application/json", accept, body).await;
        assert_eq!((answer.status, media_type(&answer)), (StatusCode::NOT_ACCEPTABLE, NEW), "{accept}");
        assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "NOT_ACCEPTABLE");
        assert_eq!(answer.json().get("data"), None);
    }
    let without = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    let answer = app.send(without.body(Body::from(body)).expect("a request")).await;
    assert_eq!((answer.status, media_type(&answer)), (StatusCode::OK, "application/json"));
    assert!(answer.headers[header::CONTENT_TYPE].to_str().expect("text").ends_with("; charset=utf-8"));
}

#[tokio::test]
async fn malformed_requests_are_rejected() {
    let app = TestApp::new().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "application/graphql",
        "json",
    ] {
        let answer = post(&app, content_type, "*/*", r#"{"query":"{ server { version } }"}"#).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    let large = format!(r#"{{"query":"{}"}}"#, " ".repeat(1 << 20));
    assert_eq!(post(&app, "application/json", "*/*", &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn queries_but_no_mutations_are_answered_by_get() {
    let app = TestApp::new().await;
    let answer = get(
        &app,
        &[
            ("query", "query A { server { version } } query B($n: Int) { devices(first: $n) { totalCount } }"),
            ("operationName", "B"),
            ("variables", r#"{"n":1}"#),
        ],
    )
    .await;
    assert_eq!((answer.status, &answer.json()["data"]), (StatusCode::OK, &json!({ "devices": { "totalCount": 0 } })));
    for document in [
        "mutation { registerDevice(input: {key: \"a\", kind: FIXED}) { status } }",
        "mutation Alone { registerDevice(input: {key: \"a\", kind: FIXED}) { status } }",
        "query A { server { version } } mutation B { registerDevice(input: {key: \"a\", kind: FIXED}) { status } }",
    ] {
        let answer =
            get(&app, &[("query", document), ("operationName", if document.starts_with('q') { "B" } else { "" })])
                .await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers[header::ALLOW], "POST");
    }
    assert_eq!(get(&app, &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let visit = Request::get("/graphql").header(header::ACCEPT, "text/html,*/*;q=0.8").body(Body::empty());
    assert_eq!(app.send(visit.expect("a request")).await.headers[header::LOCATION], "playground");
    for (name, value, status) in [
        ("variables", "[]", 422),
        ("variables", "7", 422),
        ("variables", "{", 400),
        ("extensions", "\"x\"", 422),
        ("extensions", "[{}]", 422),
        ("query", "{ server { version } }", 400),
        ("operationName", "Unknown", 422),
    ] {
        let answer = get(&app, &[("query", "{ server { version } }"), (name, value)]).await;
        assert_eq!((answer.status.as_u16(), answer.json().get("data")), (status, None), "{name}={value}");
    }
    for (name, value) in [("variables", ""), ("variables", "null"), ("extensions", "{}"), ("operationName", "")] {
        let answer = get(&app, &[("query", "{ server { version } }"), (name, value)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}={value}: {}", answer.text);
    }
}

#[tokio::test]
async fn operation_named_in_the_request_runs() {
    let app = TestApp::new().await;
    let run = async |name: Value| {
        let body = json!({ "query": "query A { server { version } } query B { devices { totalCount } }", "operationName": name });
        post(&app, "application/json", NEW, &body.to_string()).await
    };
    assert_eq!(run(json!("B")).await.json()["data"], json!({ "devices": { "totalCount": 0 } }));
    for name in [json!("C"), json!(null)] {
        assert_eq!(run(name).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn every_response_has_a_request_id_of_the_gateway() {
    let app = TestApp::new().await;
    for path in ["/healthz", "/readyz", "/nothing", "/graphql"] {
        let request = Request::get(path).header("x-request-id", "forged").body(Body::empty()).expect("a request");
        let answer = app.send(request).await;
        let id = answer.headers["x-request-id"].to_str().expect("text");
        assert!(id.len() == 36 && id != "forged", "{path}: {id}");
    }
    assert_eq!(app.get("/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get("/insertSensorData").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(app.get("/healthz").await.json(), json!({ "status": "ok" }));
    assert_eq!(app.get("/readyz").await.json(), json!({ "status": "ready" }));
}

#[tokio::test]
async fn graphiql_can_read_the_whole_schema() {
    let app = TestApp::new().await;
    let data = app.query(include_str!("introspection.graphql")).await;
    let types = data["__schema"]["types"].as_array().expect("types");
    assert!(types.iter().any(|found| found["name"] == "Measurement"));
}
