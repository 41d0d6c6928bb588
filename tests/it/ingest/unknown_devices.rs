//! A key of no device matches nothing, wherever a query or a subscription names it; mutations reject it.

use serde_json::json;

use crate::support::TestApp;

async fn recorded() -> TestApp {
    let app = TestApp::new().await;
    app.record(
        json!([{ "device": "bike", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1, "latitude": 52.2, "longitude": 0.12 }]),
    )
    .await;
    app
}

#[tokio::test]
async fn queries_of_unknown_devices_are_empty() {
    let app = recorded().await;
    for key in ["unknown", "", " x", "a\0b"] {
        let keys = json!([key]);
        let response = app
            .query_with(
                "query ($key: String!, $keys: [String!]) {
                    device(key: $key) { id }
                    devices(filter: {keys: $keys}) { totalCount nodes { id } }
                    measurements(filter: {devices: $keys}) { totalCount nodes { id } }
                    within: measurements(filter: {or: [{devices: $keys}]}) { totalCount nodes { id } }
                    statistics(filter: {devices: $keys}, groupBy: [DEVICE]) { count }
                    cells(filter: {devices: $keys}, resolution: 6) { count } }",
                json!({ "key": key, "keys": keys }),
            )
            .await;
        let nothing = json!({ "totalCount": 0, "nodes": [] });
        assert_eq!(
            response,
            json!({ "device": null, "devices": nothing, "measurements": nothing, "within": nothing, "statistics": [],
                    "cells": [] }),
            "{key:?}"
        );
    }
}

#[tokio::test]
async fn known_devices_beside_an_unknown_one_are_found() {
    let app = recorded().await;
    let response = app
        .query(
            "{ some: measurements(filter: {devices: [\"unknown\", \"bike\"]}) { totalCount }
               others: measurements(filter: {not: {devices: [\"unknown\"]}}) { totalCount } }",
        )
        .await;
    assert_eq!(response, json!({ "some": { "totalCount": 1 }, "others": { "totalCount": 1 } }));
}

#[tokio::test]
async fn subscriptions_to_unknown_devices_are_accepted() {
    let app = recorded().await;
    for subscription in [
        "subscription { measurementRecorded(filter: {devices: [\"unknown\"]}) { cursor } }",
        "subscription { deviceUpdated(devices: [\"unknown\"]) { cursor } }",
        "subscription { statisticsUpdated(devices: [\"unknown\"], every: HOUR) { count } }",
    ] {
        app.try_subscribe(subscription, json!({}), None).await.expect(subscription);
    }
}

#[tokio::test]
async fn mutations_reject_unknown_devices() {
    let app = recorded().await;
    for mutation in [
        "mutation { deleteMeasurements(input: {filter: {devices: [\"bike\", \"unknown\"]}}) { measurements } }",
        "mutation { replayUplinks(input: {filter: {devices: [\"bike\", \"unknown\"]}}) { uplinks } }",
    ] {
        let answer = app.graphql(Some(&app.admin), mutation, json!({})).await;
        let argument = answer["errors"][0]["extensions"]["argument"].as_str().unwrap_or_default();
        assert!(argument.ends_with("filter.devices[1]"), "{answer}");
    }
}
