//! Partitions exist before the first sample of their month.

use airgraph::jobs::create_partitions::create_coming_partitions;

use crate::support::{TestApp, at};

#[tokio::test]
async fn partitions_of_a_month_are_created_a_week_before_it() {
    let app = TestApp::new().await;
    let months = async |now| {
        create_coming_partitions(&app.database, at(now)).await.expect("created");
        let partitions = sqlx::query_scalar(
            "select right(inhrelid::regclass::text, 7) from pg_inherits
             where inhparent in ('measurement'::regclass, 'device_hour'::regclass, 'uplink'::regclass)
             group by 1 having count(*) = 3 order by 1",
        );
        let months: Vec<String> = partitions.fetch_all(&app.database.writes).await.expect("names");
        months
    };
    assert_eq!(months("2026-05-24T23:59:59Z").await, ["2026_05"]);
    assert_eq!(months("2026-05-25T00:00:00Z").await, ["2026_05", "2026_06"]);
    assert_eq!(months("2026-05-25T00:00:00Z").await, ["2026_05", "2026_06"]);
}
