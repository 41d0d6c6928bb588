//! A revoked key can do nothing more, at any gateway, on any connection that is open, and through no key that it creates.

use std::time::Duration;

use airgraph::{auth::INVALID_KEY_MESSAGE, http::SocketTimeouts};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tokio::time::{sleep, timeout};

use crate::support::{
    TestApp, empty_database,
    events::{EventStream, StreamRequest},
    gateway::DEADLINE,
    socket::Socket,
};

const SUBSCRIPTION: &str = "subscription { measurementRecorded { measurement { pm10 } } }";
const CREATE: &str = "mutation ($role: Role!) {
    createApiKey(input: {name: \"k\", role: $role}) { key apiKey { id createdBy { id } } } }";
const REVOKE: &str = "mutation ($id: ID!, $all: Boolean) { revokeApiKey(input: {id: $id, includeDescendants: $all}) {
    status descendantsRevoked descendantsValid } }";

/// A key and its id, created with another key.
async fn create(app: &TestApp, with: &str, role: &str) -> (String, Value) {
    let mut answer = app.graphql(Some(with), CREATE, json!({ "role": role })).await;
    let mut created = answer["data"]["createApiKey"].take();
    (created["key"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned(), created["apiKey"].take())
}

async fn is_valid(app: &TestApp, key: &str) -> bool {
    app.graphql(Some(key), "{ server { version } }", json!({})).await["errors"] == Value::Null
}

/// Without the periodic check of keys, and on another gateway than the one that revokes the key.
#[tokio::test]
async fn open_connections_of_a_revoked_key_end_at_all_gateways() {
    let options = empty_database().await;
    let pace = SocketTimeouts { key_recheck: 100 * DEADLINE, ..SocketTimeouts::default() };
    let app = TestApp::on(&options, true).await.with_sockets(10, pace);
    let other = TestApp::on_second(&options).await.with_sockets(10, pace);
    let address = other.listen().await;
    let (key, about) = create(&app, &app.admin, "ADMIN").await;
    let mut subscribed = Socket::ready(address, Some(&key)).await;
    subscribed.subscribe("1", SUBSCRIPTION, json!({})).await;
    let mut idle = Socket::ready(address, Some(&key)).await;
    let mut valid = Socket::ready(address, Some(&app.admin)).await;
    let mut events = EventStream::open(
        &other.app.router(),
        StreamRequest { query: SUBSCRIPTION, key: Some(&key), ..StreamRequest::default() },
    )
    .await;
    let mut busy = Socket::ready(address, Some(&key)).await;

    let revoked = app.admin(REVOKE, json!({ "id": about["id"] })).await;
    assert_eq!(revoked["revokeApiKey"]["status"], "REVOKED");
    // At once, whether or not the notification has arrived.
    busy.subscribe("2", CREATE, json!({ "role": "ADMIN" })).await;
    let forbidden = (4403, INVALID_KEY_MESSAGE.to_owned());
    match busy.next().await {
        Some(tokio_tungstenite::tungstenite::Message::Text(text)) => {
            let message: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(message["payload"][0]["extensions"]["code"], "UNAUTHENTICATED", "{message}");
            assert_eq!(busy.closed().await, forbidden);
        }
        Some(tokio_tungstenite::tungstenite::Message::Close(Some(frame))) => assert_eq!(u16::from(frame.code), 4403),
        other => panic!("{other:?}"),
    }
    let message = subscribed.receive().await;
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("1")), "{message}");
    assert_eq!(subscribed.closed().await, forbidden);
    assert_eq!(idle.closed().await, forbidden);
    assert_eq!(events.failure().await[0]["extensions"]["code"], "UNAUTHENTICATED");
    valid.send_json(json!({ "type": "ping" })).await;
    assert_eq!(valid.receive().await, json!({ "type": "pong" }));
    let names: Vec<String> =
        sqlx::query_scalar("select name from api_key").fetch_all(&app.database.writes).await.expect("keys");
    assert_eq!(names.len(), 2, "no key was created with the revoked one: {names:?}");
}

#[tokio::test]
async fn descendants_of_a_key_are_revoked_with_it_on_request() {
    let app = TestApp::new().await;
    let (parent, parent_id) = create(&app, &app.admin, "ADMIN").await;
    let (child, child_id) = create(&app, &parent, "ADMIN").await;
    let (grandchild, _) = create(&app, &child, "SENSOR").await;
    let (unrelated, _) = create(&app, &app.admin, "READER").await;
    assert_eq!(child_id["createdBy"]["id"], parent_id["id"]);

    let counts = |status: &str, revoked: u8, valid: u8| json!({ "revokeApiKey": { "status": status, "descendantsRevoked": revoked, "descendantsValid": valid } });
    let replaced = app.admin(REVOKE, json!({ "id": parent_id["id"] })).await;
    assert_eq!(replaced, counts("REVOKED", 0, 2));
    assert!(!is_valid(&app, &parent).await && is_valid(&app, &child).await && is_valid(&app, &grandchild).await);

    let own = app.graphql(Some(&child), REVOKE, json!({ "id": parent_id["id"], "all": true })).await;
    assert_eq!(own["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "it would revoke itself: {own}");
    let leaked = app.admin(REVOKE, json!({ "id": parent_id["id"], "all": true })).await;
    assert_eq!(leaked, counts("REVOKED", 2, 0));
    assert!(!is_valid(&app, &child).await && !is_valid(&app, &grandchild).await);
    assert!(is_valid(&app, &unrelated).await && is_valid(&app, &app.admin).await);
}

/// Waits until the statement that creates a key waits for a lock. The update of a key's last use may wait beside it.
async fn wait_for_creation_lock(watch: &mut PgConnection) {
    let waits = async {
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity where datname = current_database()
                 and query like '%insert into api_key%' and wait_event_type = 'Lock'",
            )
            .fetch_one(&mut *watch)
            .await
            .expect("a count");
            if waiting == 1 {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, waits).await.expect("it waits for the revocation");
}

/// A mutation that passed the check of its key just before the key is revoked.
#[tokio::test]
async fn key_under_revocation_creates_no_keys() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let (key, _) = create(&app, &app.admin, "ADMIN").await;
    let mut watch = options.connect().await.expect("a connection");
    let mut revoker = options.clone().application_name("revoker").connect().await.expect("a connection");
    revoker
        .execute("begin; update api_key set revoked_at = now() where api_key_id = 2")
        .await
        .expect("not committed yet");
    let creating = app.graphql(Some(&key), CREATE, json!({ "role": "ADMIN" }));
    let revoking = async {
        wait_for_creation_lock(&mut watch).await;
        revoker.execute("commit").await.expect("committed");
    };
    let (answer, ()) = tokio::join!(creating, revoking);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer}");
    let count: i64 = sqlx::query_scalar("select count(*) from api_key").fetch_one(&mut watch).await.expect("a count");
    assert_eq!(count, 2);
    revoker.close().await.expect("closed");
}
