//! Batches of the feed are complete when they are read, though their commit becomes visible in parts.

use airgraph::db::{feed, measurement};
use serde_json::json;
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::time::timeout;

use crate::support::{TestApp, citus_cluster, empty_database, gateway::DEADLINE};

/// Batches that are read. Without the rule a few of them are incomplete, and sometimes none.
const BATCHES: usize = 500;
/// How many times that many are read without the rule, until one is incomplete.
const MAX_CONTROLS: usize = 10;
const WRITERS: usize = 4;

/// Takes the rule away: each batch counts as whole.
const NO_RULE: &str =
    "create or replace function is_feed_whole() returns boolean language sql volatile as 'select true'";

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_read_at_once_are_complete() {
    if citus_cluster::is_missing() {
        return;
    }
    assert_eq!(incomplete_batches(true).await, 0);
    let mut incomplete = 0;
    for _ in 0..MAX_CONTROLS {
        incomplete += incomplete_batches(false).await;
        if incomplete > 0 {
            break;
        }
    }
    assert_ne!(incomplete, 0, "without the rule some are incomplete, so that this test finds them");
}

/// How many of the batches lack measurements when they are read as soon as they are in the feed.
#[expect(clippy::print_stdout, reason = "a figure of docs/scale-out.md")]
async fn incomplete_batches(has_rule: bool) -> usize {
    let options = empty_database().await;
    let mut reader = options.connect().await.expect("a connection");
    if !has_rule {
        reader.execute(NO_RULE).await.expect("replaced");
    }
    let first = TestApp::on(&options, true).await;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let app = TestApp::with_admin(&options, &first.admin).await;
        writers.push(tokio::spawn(async move {
            for count in 0.. {
                // Two devices, most of them in different shards.
                let sample = |device| {
                    let time = format!("2026-05-01T{:02}:{:02}:{:02}Z", count / 3600, count / 60 % 60, count % 60);
                    json!({ "device": format!("{device}-{writer}"), "measuredAt": time, "pm10": count })
                };
                app.record(json!([sample("a"), sample("b")])).await;
            }
        }));
    }
    let (mut number, mut batches, mut incomplete) = (0, 0, 0);
    while batches < BATCHES {
        let page = timeout(DEADLINE, feed::page_after(&mut reader, number, 100)).await.expect("an answer");
        for entry in page.expect("a page").expect("nothing is trimmed").entries {
            let keys = &entry.record.recorded;
            let found = measurement::load_by_keys(&mut reader, keys).await.expect("measurements");
            incomplete += usize::from(keys.iter().any(|key| !found.contains_key(key)));
            batches += 1;
            number = entry.number;
        }
    }
    for writer in writers {
        writer.abort();
    }
    println!("{incomplete} of {batches} batches were incomplete, with the rule: {has_rule}");
    incomplete
}
