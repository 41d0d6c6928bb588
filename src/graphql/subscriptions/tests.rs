//! An event equals the response to a query of the same measurement, for random selections.

use std::{sync::LazyLock, time::Duration};

use async_graphql::{Request, Variables, connection::CursorType as _};
use futures_util::FutureExt as _;
use proptest::prelude::*;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::runtime::Runtime;

use super::{
    check, event_schema,
    render::{EventSchema, Events},
};
use crate::{
    auth::Caller,
    clock::Clock,
    config::security::SecuritySettings,
    db::{connect::Database, replicas::Replicas},
    domain::{feed::FeedOffset, measurement},
    graphql::{
        context::GatewayInfo,
        cursor::FeedCursor,
        fast_json::tests::{
            arbitrary_measurements, document_with_fragments, random_measurement_selection, resolver_response, variables,
        },
        types::{measurement::Measurement, measurement_event::MeasurementEvent},
    },
    http::state::AppState,
    limits::Limits,
};

/// A gateway without database, and its runtime.
static APP: LazyLock<(AppState, EventSchema, Runtime)> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(1);
    let pool = || PgPoolOptions::new().acquire_timeout(Duration::from_millis(1)).connect_lazy_with(options.clone());
    let info = GatewayInfo {
        public_read: true,
        security_profile: SecuritySettings::default(),
        limits: Limits::default(),
        slow_operation_threshold: Duration::MAX,
        database_host: String::new(),
        database_port: 1,
    };
    let database = Database::from_pool(&pool(), PgConnectOptions::new());
    let (app, _) = AppState::start(database, Replicas::default(), Clock::system(), info);
    let event_schema = event_schema(app.state.clone());
    (app, event_schema, runtime)
});

fn feed_offset(at: usize) -> FeedOffset {
    FeedOffset { number: 7, index: u32::try_from(at).expect("few") }
}

/// The events of these rows; `None` when the subscription is rejected.
fn rendered_events(rows: &[measurement::Measurement], document: &str) -> Option<Vec<Value>> {
    let (app, event_schema, _) = &*APP;
    let request = Request::new(document).variables(Variables::from_json(variables()));
    let checked = check(&app.schema, event_schema, request, &Caller::Anonymous, None).now_or_never().expect("at once");
    let (_, renderer) = checked.ok()?;
    let event = |(at, row): (usize, &measurement::Measurement)| MeasurementEvent {
        place: feed_offset(at),
        measurement: Measurement(row.clone()),
    };
    let events = Events::Measurements(rows.iter().enumerate().map(event).collect());
    let payloads = renderer.render(&events).now_or_never().expect("at once").expect("no database is needed");
    Some(payloads.iter().map(|payload| serde_json::from_slice(payload).expect("JSON")).collect())
}

/// A response for comparison: with the path of each error relative to the measurement, and errors sorted.
fn comparable(measurement: &Value, errors: &Value, from: usize) -> Value {
    let mut errors: Vec<_> = errors
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| {
            let path = error["path"].as_array().map(|path| path[from..].to_vec());
            json!([error["message"], path, error["extensions"]]).to_string()
        })
        .collect();
    errors.sort();
    json!([measurement, errors])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn event_equals_query_response(
        rows in arbitrary_measurements(),
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        is_in_a_fragment: bool,
    ) {
        let selection = random_measurement_selection(&bytes);
        let field = format!("e: measurementRecorded {{ cursor measurement {selection} }}");
        let body = if is_in_a_fragment { format!("{{ ... on Subscription {{ {field} }} }}") } else { format!("{{ {field} }}") };
        let events = rendered_events(&rows, &document_with_fragments("subscription", body));
        prop_assume!(events.is_some());
        for (at, (row, rendered)) in rows.iter().zip(events.unwrap_or_default()).enumerate() {
            let response = resolver_response(std::slice::from_ref(row), &document_with_fragments("query", format!("{{ list {{ nodes {selection} }} }}")));
            let response = serde_json::to_value(response).expect("JSON");
            let event = &rendered["data"]["e"];
            prop_assert_eq!(&event["cursor"], &json!(FeedCursor(feed_offset(at)).encode_cursor()));
            let expected = comparable(&response["data"]["list"]["nodes"][0], &response["errors"], 3);
            prop_assert_eq!(comparable(&event["measurement"], &rendered["errors"], 2), expected, "{}", selection);
        }
    }
}
