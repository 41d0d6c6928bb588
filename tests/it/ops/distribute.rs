//! `airgraph distribute`, and the gateway's statements for Citus, on a Postgres that pretends to be a coordinator.

use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};

use super::cli::{failure, output, text};
use crate::support::{TestApp, empty_database, gateway::on, rollups::assert_rollups_match};

/// What the gateway uses of the extension: it records what is placed, and has no servers. The pretended worker has a
/// setting once a statement has set it.
const EXTENSION: &str = "
    insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    select 1000000, 'citus', 10, 'pg_catalog'::regnamespace, false, '13.2-1';
    create table placed (table_name regclass, citus_table_type text, distribution_column text, shard_count bigint);
    create view citus_tables as select * from placed;
    create function create_reference_table(name regclass) returns void language sql as $$
        insert into placed values (name, 'reference', '<none>', 1)
    $$;
    create function create_distributed_table(name regclass, distribution_column text, colocate_with text)
    returns void language sql as $$
        insert into placed values (name, 'distributed', distribution_column, current_setting('citus.shard_count')::bigint)
    $$;
    create function run_command_on_all_nodes(command text)
    returns table (nodeid int, success boolean, result text) language sql as
        'select null::int, null::boolean, null::text where false';
    create table worker (is_reachable boolean default true, has_setting boolean default false);
    insert into worker default values;
    create function run_command_on_workers(command text, parallel boolean default true)
    returns table (nodename text, nodeport int, success boolean, result text) language plpgsql as $$
    begin
        update worker set has_setting = true where is_reachable and command like 'alter role %';
        return query select 'worker', 5432, is_reachable, has_setting::text::char(1)::text from worker;
    end $$";

async fn pretended_coordinator() -> (PgConnectOptions, PgConnection) {
    let options = empty_database().await;
    let mut connection = options.connect().await.expect("a connection");
    connection.execute(EXTENSION).await.expect("a pretended extension");
    (options, connection)
}

#[tokio::test]
async fn tables_are_distributed_once() {
    let (options, connection) = pretended_coordinator().await;
    let run = async |arguments: &[&str]| {
        let output = output(on(&options, arguments)).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let statements = "\
drop trigger if exists device_deleted on device;
select create_reference_table('device');
select create_reference_table('device_sensor');
set citus.shard_count = 32;
select create_distributed_table('measurement', 'device_id', colocate_with => 'none');
select create_distributed_table('weather', 'device_id', colocate_with => 'measurement');
select create_distributed_table('ambient', 'device_id', colocate_with => 'measurement');
select create_distributed_table('motion', 'device_id', colocate_with => 'measurement');
select create_distributed_table('device_status', 'device_id', colocate_with => 'measurement');
select create_distributed_table('device_hour', 'device_id', colocate_with => 'measurement');
select create_distributed_table('latest', 'device_id', colocate_with => 'measurement');
select create_distributed_table('packet', 'device_id', colocate_with => 'measurement');
select run_command_on_workers('alter role current_user set jit = off', parallel => false);
";
    assert_eq!(run(&["distribute", "--dry-run", "--shards", "32"]).await, statements);
    let first = run(&["distribute", "--shards", "32"]).await;
    assert!(first.starts_with("1/13 drop trigger if exists device_deleted on device ("), "{first}");
    let second = run(&["distribute"]).await;
    let placement = "\
TABLE            KIND         COLUMN     SHARDS
device           reference    -               1
device_sensor    reference    -               1
ambient          distributed  device_id      32
device_hour      distributed  device_id      32
device_status    distributed  device_id      32
latest           distributed  device_id      32
measurement      distributed  device_id      32
motion           distributed  device_id      32
packet           distributed  device_id      32
weather          distributed  device_id      32
";
    assert_eq!(second, placement);
    assert!(first.ends_with(placement), "{first}");
    assert_eq!(run(&["distribute", "--dry-run"]).await, "");
    connection.close().await.expect("closed");
}

#[tokio::test]
async fn rows_are_moved_only_on_request() {
    let (options, mut connection) = pretended_coordinator().await;
    let insert = "insert into device (key, kind, created_at) values ('a', 'fixed', now())";
    connection.execute(insert).await.expect("a device");
    let message = failure(on(&options, &["distribute"])).await;
    assert!(message.contains("--move-data"), "{message}");
    let moved = output(on(&options, &["distribute", "--move-data"])).await;
    assert!(moved.status.success(), "{}", text(&moved.stderr));
}

#[tokio::test]
async fn added_workers_are_set_up_without_moving_rows() {
    let (options, mut connection) = pretended_coordinator().await;
    assert!(output(on(&options, &["distribute"])).await.status.success());
    let add = "insert into device (key, kind, created_at) values ('a', 'fixed', now());
               update worker set has_setting = false, is_reachable = false";
    sqlx::raw_sql(add).execute(&mut connection).await.expect("a worker without the setting");
    let message = failure(on(&options, &["distribute"])).await;
    assert!(message.contains("not all workers could be set up"), "{message}");
    connection.execute("update worker set is_reachable = true").await.expect("reachable");
    let second = output(on(&options, &["distribute"])).await;
    assert!(second.status.success(), "{}", text(&second.stderr));
    let has_setting: bool =
        sqlx::query_scalar("select has_setting from worker").fetch_one(&mut connection).await.expect("a worker");
    assert!(has_setting);
}

#[tokio::test]
async fn plain_postgres_is_not_distributed() {
    let options = empty_database().await;
    let message = failure(on(&options, &["distribute"])).await;
    assert!(message.contains("no extension citus"), "{message}");
}

/// The statements that the gateway uses on Citus only are those of plain Postgres in their effect.
#[tokio::test]
async fn coordinator_records_and_removes_like_plain_postgres() {
    let (options, mut connection) = pretended_coordinator().await;
    let app = TestApp::on(&options, true).await;
    let plan_cache_mode: String =
        sqlx::query_scalar("show plan_cache_mode").fetch_one(&app.database.writes).await.expect("a setting");
    assert_eq!(plan_cache_mode, "auto");
    let sample = |device: &str, minute: i64, pm10: i64| {
        json!({ "device": device, "measuredAt": format!("2026-05-01T10:{minute:02}:00Z"), "pm10": pm10, "latitude": 52.2,
                "longitude": 0.12 })
    };
    for minute in 0..5 {
        app.record(json!([sample("b", minute, minute), sample("a", minute, minute + 10)])).await;
    }
    let answer = app
        .post(
            "/ingest/json",
            Some(&app.admin),
            json!([sample("a", 2, 12), sample("a", 2, 13)]).to_string().replace("measuredAt", "time"),
        )
        .await;
    assert!(answer.status.is_success(), "{answer:?}");
    app.admin("mutation { replayUplinks(input: {filter: {}}) { uplinks } }", json!({})).await;
    assert_rollups_match(&mut connection).await;
    let delete = "mutation { deleteMeasurements(input: {filter: {pm10: {min: 4}}}) { measurements } }";
    assert_eq!(app.admin(delete, json!({})).await["deleteMeasurements"]["measurements"], 7);
    assert_rollups_match(&mut connection).await;
    let newest = app.query("{ devices { nodes { key latest { pm10 } } } }").await;
    assert_eq!(
        newest["devices"]["nodes"],
        json!([{ "key": "a", "latest": null }, { "key": "b", "latest": { "pm10": 3.0 } }])
    );
}
