//! Requests that are rejected before they cost anything: documents beyond a limit, on every transport.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

const NEW: &str = "application/graphql-response+json";

async fn post(app: &TestApp, accept: &str, body: String) -> Answer {
    let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    app.send(request.header(header::ACCEPT, accept).body(Body::from(body)).expect("a request")).await
}

fn many(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().join(" ")
}

/// Documents that are rejected, with the error's code and part of its message.
fn refused() -> Vec<(String, &'static str, &'static str)> {
    let aliases = many(101, |n| format!("a{n}: version"));
    let bomb = many(40, |n| format!("fragment F{n} on Query {{ ...F{} ...F{} }}", n + 1, n + 1));
    let depth = "device { latest { ".repeat(9);
    vec![
        (format!("{{ server {{ {aliases} }} }}"), "TOO_COMPLEX", "more than 100 aliases"),
        (
            format!(
                "{{ a: server {{ ...F }} b: server {{ ...F }} }} fragment F on Server {{ {} }}",
                many(50, |n| format!("a{n}: version"))
            ),
            "TOO_COMPLEX",
            "more than 100 aliases",
        ),
        (
            format!("{{ server {{ version {} }} }}", "@include(if: true) ".repeat(50)),
            "TOO_COMPLEX",
            "more than 49 directives",
        ),
        (format!("{{ server {{ {} }} }}", "version @skip(if: false) ".repeat(50)), "TOO_COMPLEX", "49"),
        (
            format!("{{ server {{ {} }} }}", "version ".repeat(50)),
            "TOO_COMPLEX",
            "`version` is selected more than 49 times",
        ),
        (format!("{{ {}: server {{ version }} }}", "x".repeat(129)), "TOO_COMPLEX", "is longer than 128 bytes"),
        (format!("{{ {} {{ version }} }}", "x".repeat(129)), "TOO_COMPLEX", "is longer than 128 bytes"),
        (format!("{{ {} }}", "__typename ".repeat(50)), "TOO_COMPLEX", "`__typename` is selected more than 49 times"),
        (format!("{{ {} }}", many(50, |n| format!("a{n}: __typename"))), "TOO_COMPLEX", "more than 49 root fields"),
        (
            "{ ...A } fragment A on Query { server { version } ...B } fragment B on Query { ...A }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
            "a fragment can't contain itself",
        ),
        ("{ ...A } fragment A on Query { ...A }".to_owned(), "GRAPHQL_VALIDATION_FAILED", "fragment `A`"),
        (format!("{{ ...F0 }} {bomb} fragment F40 on Query {{ __typename }}"), "TOO_COMPLEX", "more than 2000 fields"),
        (format!("{{ {depth} id {} }}", "} } ".repeat(9)), "TOO_COMPLEX", "more than 15 levels"),
        (format!("{{ devices {} }}", "{ nodes ".repeat(100_000)), "TOO_COMPLEX", "nested more than 64 deep"),
        (format!("{{ node(id: {}", "[".repeat(500_000)), "TOO_COMPLEX", "nested more than 64 deep"),
        (format!("{{ {} }}", "a ".repeat(500_000)), "TOO_COMPLEX", "more than 10000 tokens"),
        (format!("{{ node(id: \"{}\") {{ id }} }}", "x".repeat(500_000)), "TOO_COMPLEX", "longer than 131072 bytes"),
    ]
}

#[tokio::test]
async fn documents_beyond_a_limit_are_rejected_with_advice() {
    let app = TestApp::new().await;
    for (document, code, expected) in refused() {
        let shown = &document[..document.len().min(120)];
        let body = json!({ "query": document }).to_string();
        for accept in [NEW, "application/json"] {
            let answer = post(&app, accept, body.clone()).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{shown}: {}", answer.text);
            let answer = answer.json();
            assert_eq!(
                (&answer["errors"][0]["extensions"]["code"], answer.get("data")),
                (&json!(code), None),
                "{answer}"
            );
            assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
            let message = answer["errors"][0]["message"].as_str().expect("a message");
            assert!(message.contains(expected), "{shown}: {message}");
        }
    }
}

#[tokio::test]
async fn limits_hold_on_every_transport() {
    let app = TestApp::new().await;
    let aliases = many(101, |n| format!("a{n}:version"));
    let assert_too_many_aliases = |text: &str| assert!(text.contains("more than 100 aliases"), "{text}");
    // GET
    let query = format!("{{server{{{aliases}}}}}").replace('{', "%7b").replace('}', "%7d").replace(' ', "+");
    assert_too_many_aliases(&app.get(&format!("/graphql?query={query}")).await.text);
    // Server-Sent Events, one answer and a subscription
    let body = json!({ "query": format!("{{ server {{ {aliases} }} }}") });
    assert_too_many_aliases(&app.post("/graphql/stream", None, body.to_string()).await.text);
    let subscription = many(101, |n| format!("a{n}: id"));
    let subscription = format!("subscription {{ measurementRecorded {{ measurement {{ {subscription} }} }} }}");
    assert_too_many_aliases(
        &app.post("/graphql/stream", None, json!({ "query": subscription }).to_string()).await.text,
    );
    // without HTTP, as a WebSocket does
    assert_too_many_aliases(&app.by_resolvers(&format!("{{ server {{ {aliases} }} }}")).await.to_string());
    let refusal = app.live.subscribe(subscription.into(), &airgraph::auth::Caller::Anonymous, None).await;
    assert_too_many_aliases(&refusal.err().expect("refused").errors[0].message);
}

#[tokio::test]
async fn documents_within_the_limits_are_answered() {
    let app = TestApp::new().await;
    for document in [
        format!("{{ server {{ {} }} }}", many(100, |n| format!("a{n}: version"))),
        format!("{{ {}: server {{ version }} }}", "x".repeat(128)),
        format!("{{ server {{ {} }} }}", "version ".repeat(49)),
        format!("{{ {} }}", many(49, |n| format!("a{n}: __typename"))),
        format!("{{ server {{ {} }} }}", "version @include(if: true) ".repeat(49)),
        // skipped selections count too, but are within the limit
        "query ($no: Boolean = false) { server { version ...A @include(if: $no) } } fragment A on Server { version }"
            .to_owned(),
    ] {
        app.query(&document).await;
    }
}

#[tokio::test]
async fn number_of_reported_validation_errors_is_limited() {
    let app = TestApp::new().await;
    let mistakes = many(1900, |n| format!("nonsense{n}"));
    let answer = app.graphql(None, &format!("{{ server {{ {mistakes} }} }}"), json!({})).await;
    let errors = answer["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 20);
    assert!(errors.iter().all(|error| error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"), "{answer}");
}

#[tokio::test]
async fn error_message_quotes_little_of_the_document() {
    let app = TestApp::new().await;
    let long = "x".repeat(100_000);
    for (document, expected) in [
        (format!("{{ a(b: \"{long}\" }}"), "expected"),
        (format!("{{ {long} }}"), "is longer than 128 bytes"),
        (format!("{{ node(id: {long}) {{ id }} }}"), "id: expected an ID"),
    ] {
        let answer = post(&app, NEW, json!({ "query": document }).to_string()).await;
        let status = if expected == "expected" { StatusCode::BAD_REQUEST } else { StatusCode::UNPROCESSABLE_ENTITY };
        assert_eq!(answer.status, status, "{expected}");
        assert!(answer.text.len() < 5000 && answer.text.contains(expected), "{}", &answer.text[..1000]);
    }
}

#[tokio::test]
async fn batches_and_forms_are_refused() {
    let app = TestApp::new().await;
    let one = json!({ "query": "{ server { version } }" });
    for batch in [json!([]), json!([one]), Value::from(vec![one.clone(); 11])] {
        let answer = post(&app, NEW, batch.to_string()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        let message = answer.json()["errors"][0]["message"].to_string();
        assert!(message.contains("batch") && message.contains("one request"), "{message}");
    }
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", "query=%7bserver%7bversion%7d%7d".to_owned()),
        ("text/plain", one.to_string()),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\n{}\r\n--b--".to_owned(),
        ),
    ] {
        let request = Request::post("/graphql").header(header::CONTENT_TYPE, content_type).body(Body::from(body));
        let answer = app.send(request.expect("a request")).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
        assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "UNSUPPORTED_MEDIA_TYPE");
    }
}
