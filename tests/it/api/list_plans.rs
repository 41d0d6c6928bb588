//! Planning a list takes longer than reading it, increasingly with the number of months: Postgres must plan it once, not
//! for each request.

use airgraph::{
    db::{connect, measurement_page, measurement_page::MeasurementPage, measurement_projection::MeasurementProjection},
    domain::{device::DeviceId, filter::Filter, quantity::Quantity},
};
use sqlx::Row as _;

use crate::support::{TestApp, at, empty_database};

#[tokio::test]
async fn list_is_planned_once_for_all_pages() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    sqlx::raw_sql(
        "create table measurement_2026_04 partition of measurement for values from ('2026-04-01Z') to ('2026-05-01Z');
         insert into device (key, kind, created_at) select 'bike-' || n, 'mobile', now() from generate_series(1, 20) n;
         insert into measurement (device_id, measured_at, seq, flags, recorded_at, pm10)
         select device_id, timestamptz '2026-04-30 09:00Z' + s * interval '1 s', 0, 0, now(), s
         from device, generate_series(1, 500) s;
         create table weather_2026_04 partition of weather for values from ('2026-04-01Z') to ('2026-05-01Z');
         insert into weather (device_id, measured_at, seq, humidity) select device_id, measured_at, seq, 50 from measurement;
         insert into latest select device_id, max(measured_at), 0 from measurement group by device_id on conflict do nothing;
         analyze",
    )
    .execute(&app.database.writes)
    .await
    .expect("filled");

    // One connection, which caches its plans.
    let database = connect::open(&options, 1, 1).await.expect("a database");
    let devices: Vec<_> = (1..=20).map(DeviceId).collect();
    let from = Filter { from: Some(at("2026-04-30T09:01:00Z")), ..Filter::default() };
    let with_weather = MeasurementProjection::ALL | MeasurementProjection::quantity(Quantity::Humidity);
    let cases = [Filter::default(), from].into_iter();
    let cases: Vec<_> =
        cases.flat_map(|filter| [(filter.clone(), MeasurementProjection::ALL), (filter, with_weather)]).collect();
    for round in 0..12 {
        for (filter, columns) in cases.clone() {
            let page = MeasurementPage { filter, descending: true, after: None, before: None, limit: 60 + round };
            let each =
                measurement_page::list_per_device(&database.reads, &devices, &page, columns).await.expect("lists");
            let one = measurement_page::list_per_device(&database.reads, &devices[..1], &page, columns)
                .await
                .expect("a list");
            assert_eq!(one[&devices[0]], each[&devices[0]]);
            assert!(each.values().all(|list| i64::try_from(list.len()) == Ok(page.limit)));
            measurement_page::list::<Vec<_>>(&database.reads, &page, columns).await.expect("a list");
        }
    }
    let plans = sqlx::query(
        "select statement, generic_plans, custom_plans from pg_prepared_statements where statement like '%from measurement m %' and statement not like '%pg_prepared%'",
    )
    .fetch_all(&database.reads)
    .await
    .expect("plans");
    assert_eq!(
        plans.len(),
        12,
        "three lists, each with and without a span and weather; the size of the page makes no other"
    );
    for plan in plans {
        let (statement, generic, custom): (String, i64, i64) = (plan.get(0), plan.get(1), plan.get(2));
        assert!(generic >= 6 && custom <= 6, "{generic} times by one plan, {custom} times planned anew: {statement}");
    }
}
