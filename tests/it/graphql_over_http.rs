//! GraphQL over HTTP: media types, methods, status codes.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, query_string};

const NEW: &str = "application/graphql-response+json";

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

#[tokio::test]
async fn the_status_tells_only_where_the_client_knows_the_newer_media_type() {
    let app = TestApp::new().await;
    for (body, with_new) in [
        (r#"{"query":"{ server { version } }"}"#, StatusCode::OK),
        (r#"{"query":"{ nonsense }"}"#, StatusCode::BAD_REQUEST),
        (r#"{"query":"{"}"#, StatusCode::BAD_REQUEST),
        (r#"{"query":"query ($n: Int!) { devices(first: $n) { totalCount } }"}"#, StatusCode::BAD_REQUEST),
        (r#"{"query":"{ devices(first: -1) { totalCount } }"}"#, StatusCode::OK),
    ] {
        let answer = post(&app, "application/json", NEW, body).await;
        assert_eq!((answer.status, media_type(&answer)), (with_new, NEW), "{body}: {}", answer.text);
        assert_eq!(answer.json().get("data").is_some(), with_new == StatusCode::OK, "{body}");
        for accept in ["application/json", "*/*"] {
            let answer = post(&app, "application/json; charset=utf-8", accept, body).await;
            assert_eq!((answer.status, media_type(&answer)), (StatusCode::OK, "application/json"), "{body}");
        }
    }
}

#[tokio::test]
async fn the_answer_comes_in_the_form_that_the_client_likes_best() {
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
        assert_eq!((answer.status, media_type(&answer)), (StatusCode::NOT_ACCEPTABLE, "application/json"), "{accept}");
        assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "NOT_ACCEPTABLE");
        assert_eq!(answer.json().get("data"), None);
    }
    let without = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    let answer = app.send(without.body(Body::from(body)).expect("a request")).await;
    assert_eq!((answer.status, media_type(&answer)), (StatusCode::OK, "application/json"));
    assert!(answer.headers[header::CONTENT_TYPE].to_str().expect("text").ends_with("; charset=utf-8"));
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let app = TestApp::new().await;
    for body in [
        "",
        "{",
        "[]",
        "7",
        "{}",
        r#"{"query":7}"#,
        r#"{"query":null}"#,
        r#"{"query":"{ a }","query":"{ b }"}"#,
        r#"[{"query":"{ server { version } }"}]"#,
        r#"{"query":"{ a }","variables":[]}"#,
        r#"{"query":"{ a }","operationName":1}"#,
        r#"{"query":"{ a }","extensions":"x"}"#,
    ] {
        assert_eq!(post(&app, "application/json", NEW, body).await.status, StatusCode::BAD_REQUEST, "{body}");
        let answer = post(&app, "application/json", "application/json", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(
            answer.json()["errors"][0]["message"].is_string() && answer.json().get("data").is_none(),
            "{}",
            answer.text
        );
    }
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
    assert_eq!(get(&app, &[]).await.status, StatusCode::BAD_REQUEST);
    let visit = Request::get("/graphql").header(header::ACCEPT, "text/html,*/*;q=0.8").body(Body::empty());
    assert_eq!(app.send(visit.expect("a request")).await.headers[header::LOCATION], "playground");
    for (name, value) in [
        ("variables", "[]"),
        ("variables", "7"),
        ("variables", "{"),
        ("extensions", "\"x\""),
        ("extensions", "[{}]"),
        ("query", "{ server { version } }"),
        ("operationName", "Unknown"),
    ] {
        let answer = get(&app, &[("query", "{ server { version } }"), (name, value)]).await;
        assert_eq!((answer.status, answer.json().get("data")), (StatusCode::BAD_REQUEST, None), "{name}={value}");
    }
    for (name, value) in [("variables", ""), ("variables", "null"), ("extensions", "{}"), ("operationName", "")] {
        let answer = get(&app, &[("query", "{ server { version } }"), (name, value)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}={value}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_named_operation_runs() {
    let app = TestApp::new().await;
    let run = async |name: Value| {
        let body = json!({ "query": "query A { server { version } } query B { devices { totalCount } }", "operationName": name });
        post(&app, "application/json", NEW, &body.to_string()).await
    };
    assert_eq!(run(json!("B")).await.json()["data"], json!({ "devices": { "totalCount": 0 } }));
    for name in [json!("C"), json!(null)] {
        assert_eq!(run(name).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn every_answer_has_an_id_of_the_gateways_own() {
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
    let data = app.query(include_str!("queries/introspection.graphql")).await;
    let types = data["__schema"]["types"].as_array().expect("types");
    assert!(types.iter().any(|found| found["name"] == "Measurement"));
}
