//! Failing submissions of one device delay neither other devices of its key nor, without a key, other devices.

use airgraph::{
    domain::api_key::ApiKeyId,
    recorder::{RecordError, Submission},
};
use futures_util::{future::join_all, poll};

use super::isolation::{REFUSED, attempts, gateway, keys, sent};
use crate::support::TestApp;

const OTHERS: usize = 50;
const FAILING: usize = 400;

/// A gateway that knows the other devices: unknown ones go another way.
async fn gateway_with_devices() -> TestApp {
    let (app, _) = gateway().await;
    let insert = "insert into device (key, kind, created_at)
        select key, 'mobile', now() from (select 'tram' union all select 'other-' || n from generate_series(0, 49) as n) as _ (key)";
    sqlx::query(insert).execute(&app.database.writes).await.expect("devices");
    app
}

/// Records failing submissions and, behind them, one of each other device. All others must be answered before the last
/// failing one.
async fn others_are_stored_first(app: &TestApp, key: Option<ApiKeyId>, failing: Vec<Submission>, second: usize) {
    let mut refused: Vec<_> = failing.into_iter().map(|bad| Box::pin(app.recorder.record(bad))).collect();
    for refused in &mut refused {
        assert!(poll!(refused).is_pending(), "in the queue");
    }
    let others = (0..OTHERS).map(|n| app.recorder.record(sent(key, &format!("other-{n}"), second, 5)));
    for outcome in join_all(others).await {
        assert_eq!(outcome.expect("stored").recorded, 1);
    }
    let last = refused.last_mut().expect("one");
    assert!(poll!(last).is_pending(), "no other submission waited for it");
    for outcome in join_all(refused).await {
        assert!(matches!(outcome, Err(RecordError::Database(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn failing_submissions_of_a_device_delay_no_other_device_of_their_key() {
    let app = gateway_with_devices().await;
    let key = keys(&app, 1).await[0];
    // In the first round of a key the failures are found, in the second the device and the key are known to fail.
    for (round, key) in [None, None, Some(key), Some(key)].into_iter().enumerate() {
        let failing = (0..FAILING).map(|n| sent(key, "bike", 1000 * round + n, REFUSED)).collect();
        others_are_stored_first(&app, key, failing, 1000 * round).await;
    }
}

/// The key is known to fail, the device is not.
#[tokio::test]
async fn a_device_of_a_failing_key_that_begins_to_fail_delays_no_other_one() {
    let app = gateway_with_devices().await;
    let failing = (0..FAILING).map(|n| sent(None, "bike", n, REFUSED));
    others_are_stored_first(&app, None, failing.collect(), 0).await;
    let before = attempts(&app).await;
    let failing = (0..FAILING).map(|n| sent(None, "tram", 1000 + n, REFUSED));
    others_are_stored_first(&app, None, failing.collect(), 1000).await;
    assert_eq!(attempts(&app).await - before, i64::try_from(FAILING).expect("small"), "each is tried once");
}
