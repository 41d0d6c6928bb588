//! A database written by the first commit that could record is migrated by the program of today, and answers the same questions.

use airgraph::db::connect::{self, ConnectError};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};

use super::crash::KEY;
use crate::{
    ops::cli::{output, text},
    support::{
        TestApp, database_without_schema, empty_database,
        gateway::on,
        live::{assert_no_event, payloads},
        rollups::assert_rollups_match,
    },
};

/// The database of the first commit, migrated by the command.
async fn migrated() -> PgConnectOptions {
    let options = database_without_schema().await;
    let mut connection = options.connect().await.expect("a connection");
    connection.execute(sqlx::raw_sql(include_str!("first_database.sql"))).await.expect("the first database");
    connection.close().await.expect("closed");
    let output = output(on(&options, &["migrate"])).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    options
}

#[tokio::test]
async fn first_database_answers_the_same_questions_after_migration() {
    let options = migrated().await;
    let app = TestApp::with_admin(&options, KEY).await;
    let answer = app.admin(include_str!("first_database.graphql"), json!({})).await;
    insta::assert_json_snapshot!("first_database", answer);

    // The copies in table `latest`, which later migrations added, and the measurements themselves.
    let newest = "{ devices { nodes { latest { measuredAt pm25 pm10 }
                                      measurements(first: 1) { nodes { measuredAt pm25 pm10 } } } } }";
    for device in app.admin(newest, json!({})).await["devices"]["nodes"].as_array().expect("devices") {
        assert_eq!(device["latest"], device["measurements"]["nodes"][0]);
    }
    let mut connection = options.connect().await.expect("a connection");
    assert_rollups_match(&mut connection).await;
}

#[tokio::test]
async fn first_database_records_and_delivers_after_migration() {
    let options = migrated().await;
    let app = TestApp::with_admin(&options, KEY).await;
    let mut subscriber = app
        .subscribe("subscription { measurementRecorded { measurement { device { key } pm10 ambient { co2 } } } }")
        .await;

    // Samples stored by the first version are recognised.
    let mut connection = options.connect().await.expect("a connection");
    let body: Vec<u8> = sqlx::query_scalar("select body from uplink where format = 'ttn-v2' and recorded = 8")
        .fetch_one(&mut connection)
        .await
        .expect("an uplink");
    let answer = app.uplink(body).await.json();
    assert_eq!((&answer["recorded"], &answer["duplicates"]), (&json!(0), &json!(8)), "{answer}");
    assert_no_event(&mut subscriber).await;

    // Between stored samples, in a month that has partitions, with a quantity that the first version did not have.
    app.record(json!([
        { "device": "bike-07", "measuredAt": "2026-04-22T13:29:50Z", "pm10": 30, "ambient": { "co2": 410 } },
    ]))
    .await;
    let event = json!({ "data": { "measurementRecorded": { "measurement":
        { "device": { "key": "bike-07" }, "pm10": 30.0, "ambient": { "co2": 410.0 } } } } });
    assert_eq!(payloads(&mut subscriber, 1).await, [event]);
    assert_rollups_match(&mut connection).await;
}

#[tokio::test]
async fn replay_of_the_uplinks_of_the_first_database_changes_nothing() {
    let options = migrated().await;
    let app = TestApp::with_admin(&options, KEY).await;
    let mut connection = options.connect().await.expect("a connection");
    let before = rows(&mut connection).await;
    let replay =
        "mutation { replayUplinks(input: {filter: {formats: [\"ttn-v2\"]}}) { uplinks samples recorded undecodable } }";
    let report = app.admin(replay, json!({})).await["replayUplinks"].take();
    assert_eq!(report, json!({ "uplinks": 3, "samples": 16, "recorded": 0, "undecodable": 1 }));
    assert_eq!(rows(&mut connection).await, before);
    assert_rollups_match(&mut connection).await;
}

async fn rows(connection: &mut PgConnection) -> Vec<Value> {
    sqlx::query_scalar("select to_jsonb(m) from measurement m order by device_id, measured_at, seq")
        .fetch_all(connection)
        .await
        .expect("measurements")
}

#[tokio::test]
async fn earlier_forms_of_migrations_are_replaced_and_unknown_ones_rejected() {
    let options = empty_database().await;
    let mut connection = options.connect().await.expect("a connection");
    let checksums = "select encode(checksum, 'hex') from _sqlx_migrations order by version";
    let current: Vec<String> = sqlx::query_scalar(checksums).fetch_all(&mut connection).await.expect("checksums");
    for (version, earlier) in [
        (10, "436be09c288f85f8223d3398d2cf36802a4d9b58b3e05b91593c1a33719031a9790b2bfc7f1c147a241bcbd5524110f7"),
        (12, "54b3d5721b51e1115ca5bc552d2f9b3fb5c416d0a39ecbd444f4e283dccfec6640b31b67b64619d57d3db6a74efb7419"),
    ] {
        set_checksum(&mut connection, version, earlier).await;
    }
    let database = connect::open(&options, 1, 1).await.expect("a database");
    connect::migrate(&database).await.expect("migrated");
    let replaced: Vec<String> = sqlx::query_scalar(checksums).fetch_all(&mut connection).await.expect("checksums");
    assert_eq!(replaced, current);

    set_checksum(&mut connection, 10, "00").await;
    let refused = connect::migrate(&database).await.expect_err("an unknown migration");
    assert!(matches!(refused, ConnectError::Migration(_)), "{refused}");
    database.close().await;
}

async fn set_checksum(connection: &mut PgConnection, version: i64, checksum: &str) {
    let update = sqlx::query("update _sqlx_migrations set checksum = decode($2, 'hex') where version = $1");
    update.bind(version).bind(checksum).execute(connection).await.expect("updated");
}
