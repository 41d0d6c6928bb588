//! The checks of graphql-cop (1.14) against the hardened profile: none of them finds anything.

use airgraph::config::security::SecurityProfile;
use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, query_string};

enum Sent {
    Post(Value),
    Form(&'static str),
    Get(&'static str),
    /// A page that a browser visits.
    Page(&'static str),
}

use Sent::{Form, Get, Page, Post};

async fn send(app: &TestApp, sent: &Sent) -> Answer {
    let request = match sent {
        Post(body) => {
            let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
            request.body(Body::from(body.to_string()))
        }
        Form(query) => {
            let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            request.body(Body::from(query_string(&[("query", query)])))
        }
        Get(query) => Request::get(format!("/graphql?{}", query_string(&[("query", query)]))).body(Body::empty()),
        Page(path) => Request::get(*path).header(header::ACCEPT, "text/html").body(Body::empty()),
    };
    app.send(request.expect("a request")).await
}

/// Whether a response shows the weakness that a check looks for.
type Finding<'a> = &'a dyn Fn(&Answer) -> bool;

#[tokio::test]
async fn graphql_cop_finds_nothing_in_the_hardened_profile() {
    let app = TestApp::with_security(SecurityProfile::Hardened.into()).await;
    let query = |query: &str| Post(json!({ "query": query }));
    let aliases: Vec<_> = (0..=100).map(|at| format!("alias{at}:__typename")).collect();
    let aliases = aliases.join(" ");
    let batch: Vec<_> = (0..10).map(|_| json!({ "query": "query cop { __typename }" })).collect();
    let circle =
        "{ __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } }";
    let executes = |answer: &Answer| answer.text.contains("\"data\"");
    let suggests = |answer: &Answer| answer.text.to_lowercase().contains("did you mean");
    let shows_an_ide = |answer: &Answer| {
        ["graphiql", "graphql playground", "graphql-playground", "graphql console"]
            .iter()
            .any(|word| answer.text.to_lowercase().contains(word))
    };
    let traces = |answer: &Answer| answer.text.contains("\"tracing\"");
    let shows_internals = |answer: &Answer| ["exception", "stack", ".rs"].iter().any(|word| answer.text.contains(word));
    let checks: [(&str, Sent, Finding<'_>); 18] = [
        ("alias overloading", query(&format!("query cop {{ {aliases} }}")), &executes),
        ("array-based query batching", Post(Value::from(batch)), &executes),
        (
            "directive overloading",
            query(&format!("query cop {{ __typename {} }}", "@aa".repeat(10))),
            &|answer: &Answer| answer.json()["errors"].as_array().is_some_and(|errors| errors.len() == 10),
        ),
        (
            "repeated directives",
            query(&format!("query cop {{ __typename {} }}", "@skip(if: false)".repeat(50))),
            &executes,
        ),
        ("circular introspection", query(circle), &executes),
        ("field duplication", query(&format!("query cop {{ {} }}", "__typename ".repeat(500))), &executes),
        ("field suggestions", query("query cop { __schema { directive } }"), &suggests),
        ("field suggestions of data", query("query cop { devicess { key } }"), &suggests),
        ("introspection", query("query cop { __schema { types { name fields { name } } } }"), &executes),
        ("GraphiQL at /graphql", Page("/graphql"), &shows_an_ide),
        ("GraphiQL at /graphiql", Page("/graphiql"), &shows_an_ide),
        ("GraphiQL at /playground", Page("/playground"), &shows_an_ide),
        ("GraphiQL at /console", Page("/console"), &shows_an_ide),
        ("queries by GET", Get("query cop { __typename }"), &executes),
        ("mutations by GET", Get("mutation cop { __typename }"), &executes),
        ("queries by forms", Form("query cop { __typename }"), &executes),
        ("trace mode", query("query cop { __typename }"), &traces),
        ("unhandled errors", query("qwerty cop { abc }"), &shows_internals),
    ];
    for (check, sent, is_found) in checks {
        let answer = send(&app, &sent).await;
        assert!(!answer.status.is_server_error() && !is_found(&answer), "{check}: {} {}", answer.status, answer.text);
    }
    assert!(executes(&send(&app, &query("query cop { __typename }")).await), "the checks would see it");
}
