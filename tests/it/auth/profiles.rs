//! The two security profiles, and each of their settings by itself.

use airgraph::{
    config::security::{SecurityProfile, SecuritySettings},
    graphql,
};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::json;

use crate::support::{
    Answer, TestApp,
    gateway::{Gateway, on},
    socket::Socket,
};

const GET: &str = "/graphql?query=%7bserver%7bversion%7d%7d";

async fn post(app: &TestApp, query: &str) -> Answer {
    let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    let request = request.header(header::ACCEPT, "application/graphql-response+json");
    app.send(request.body(Body::from(json!({ "query": query }).to_string())).expect("a request")).await
}

/// Whether the schema can be read; otherwise the error must not mention it.
async fn introspection(app: &TestApp) -> bool {
    let whole = post(app, include_str!("../api/introspection.graphql")).await;
    for query in ["{ __schema { queryType { name } } }", "{ __type(name: \"Device\") { name } }"] {
        let answer = post(app, query).await;
        assert_eq!(answer.status, whole.status, "{query}: {}", answer.text);
        assert_eq!(answer.json().get("data").is_some(), answer.status == StatusCode::OK, "{}", answer.text);
        let refused = answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN";
        assert_eq!(refused, answer.status == StatusCode::FORBIDDEN, "{}", answer.text);
    }
    assert_eq!(post(app, "{ __typename server { __typename } }").await.status, StatusCode::OK, "is always answered");
    whole.status == StatusCode::OK
}

/// Whether errors suggest names.
async fn suggestions(app: &TestApp) -> bool {
    let mut suggested = Vec::new();
    for query in ["{ servr { version } }", "{ devices(frst: 1) { totalCount } }", "{ server { versoin } }"] {
        let answer = post(app, query).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        suggested.push(answer.text.contains("did you mean"));
    }
    assert!(suggested.iter().all(|one| *one == suggested[0]), "{suggested:?}");
    suggested[0]
}

/// Whether GET is answered; if not, it is rejected on all routes, with what to do.
async fn get(app: &TestApp) -> bool {
    let answer = app.get(GET).await;
    let stream = app.get("/graphql/stream?query=%7bserver%7bversion%7d%7d").await;
    assert_eq!(stream.status, answer.status);
    if answer.status != StatusCode::OK {
        assert_eq!(
            (answer.status, &answer.headers[header::ALLOW]),
            (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().expect("a method"))
        );
        let error = &answer.json()["errors"][0];
        assert_eq!(error["extensions"]["code"], "METHOD_NOT_ALLOWED");
        assert!(error["message"].as_str().is_some_and(|message| message.contains("by POST")), "{error}");
    }
    answer.status == StatusCode::OK
}

async fn playground(app: &TestApp) -> bool {
    let page = app.get("/playground").await.status;
    let visit = Request::get("/graphql").header(header::ACCEPT, "text/html").body(Body::empty()).expect("a request");
    let visit = app.send(visit).await.status;
    assert_eq!(page == StatusCode::OK, visit == StatusCode::TEMPORARY_REDIRECT, "{page} {visit}");
    page == StatusCode::OK
}

async fn shown(app: &TestApp) -> [bool; 4] {
    [introspection(app).await, playground(app).await, get(app).await, suggestions(app).await]
}

#[tokio::test]
async fn open_profile_exposes_all_features_and_hardened_none() {
    let app = TestApp::new().await;
    assert_eq!(shown(&app).await, [true; 4], "open is the default");
    let app = TestApp::with_security(SecurityProfile::Hardened.into()).await;
    assert_eq!(shown(&app).await, [false; 4]);
    // Ordinary queries are still answered.
    assert_eq!(post(&app, "{ devices { totalCount } }").await.status, StatusCode::OK);
    let address = app.listen().await;
    let mut socket = Socket::ready(address, None).await;
    socket.subscribe("1", "{ server { version } }", json!({})).await;
    assert_eq!(socket.receive().await["payload"]["data"]["server"]["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn each_setting_is_independent() {
    let hardened = SecuritySettings::from(SecurityProfile::Hardened);
    for (security, expected) in [
        (SecuritySettings { introspection: true, ..hardened.clone() }, [true, false, false, false]),
        (SecuritySettings { playground: true, ..hardened.clone() }, [false, true, false, false]),
        (SecuritySettings { get: true, ..hardened.clone() }, [false, false, true, false]),
        (SecuritySettings { suggestions: true, ..hardened.clone() }, [false, false, false, true]),
    ] {
        assert_eq!(shown(&TestApp::with_security(security).await).await, expected);
    }
    assert!(graphql::sdl().contains("type Query"), "whatever the profile, the operator has the schema");
}

#[tokio::test]
async fn environment_sets_the_profile() {
    let options = crate::support::empty_database().await;
    let mut command = on(&options, &["serve"]);
    command.env("AIRGRAPH_SECURITY_PROFILE", "hardened").env("AIRGRAPH_ERROR_SUGGESTIONS", "true");
    // As settings files leave variables that aren't set.
    command.env("AIRGRAPH_TRUSTED_PROXIES", "").env("AIRGRAPH_CORS_ORIGINS", "");
    let gateway = Gateway::start(command).await;
    assert!(!gateway.welcome.contains("Playground"), "{}", gateway.welcome);
    assert!(gateway.welcome.contains("Explorer"), "{}", gateway.welcome);
    let address = gateway.address.strip_prefix("http://").and_then(|address| address.parse().ok()).expect("an address");
    let mut socket = Socket::ready(address, None).await;
    for (query, expected) in
        [("{ __schema { queryType { name } } }", "ask the operator"), ("{ servr }", "did you mean")]
    {
        socket.subscribe("1", query, json!({})).await;
        let errors = socket.receive().await["payload"].to_string();
        assert!(errors.contains(expected), "{errors}");
    }
}

#[tokio::test]
async fn schema_file_has_an_etag_where_it_is_public() {
    let app = TestApp::new().await;
    let whole = app.get("/schema.graphql").await;
    assert_eq!((whole.status, whole.text.as_str()), (StatusCode::OK, graphql::sdl().as_str()));
    assert_eq!(whole.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    let known = Request::get("/schema.graphql").header(header::IF_NONE_MATCH, &whole.headers[header::ETAG]);
    let known = app.send(known.body(Body::empty()).expect("a request")).await;
    assert_eq!((known.status, known.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(known.headers[header::ETAG], whole.headers[header::ETAG]);

    let app = TestApp::with_security(SecuritySettings { introspection: false, ..SecuritySettings::default() }).await;
    let refused = app.get("/schema.graphql").await;
    assert_eq!((refused.status, refused.text.contains("type Query")), (StatusCode::FORBIDDEN, false));
}
