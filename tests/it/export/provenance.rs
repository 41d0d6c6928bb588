//! The description of a table: units of its columns, licences of the devices concerned.

use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Executor as _};

use super::{export, refused};
use crate::support::{TestApp, empty_database};

async fn with_devices() -> TestApp {
    let app = TestApp::new().await;
    for (key, licence) in [("a", "\"CC-BY-4.0\""), ("b", "\"ODbL-1.0\""), ("c", "null"), ("silent", "\"CC0-1.0\"")] {
        let register = format!(
            "mutation {{ registerDevice(input: {{key: \"{key}\", kind: FIXED, licence: {licence}, attribution: \"owner of {key}\"}}) {{ status }} }}"
        );
        app.admin(&register, json!({})).await;
    }
    let sample = |device: &str, time: &str| json!({ "device": device, "measuredAt": time, "pm25": 1 });
    app.record(json!([
        sample("a", "2026-04-01T00:00:00Z"),
        sample("b", "2026-04-02T00:00:00Z"),
        sample("c", "2026-04-03T00:00:00Z"),
    ]))
    .await;
    app
}

async fn describe(app: &TestApp, subject: &str, parameters: &[(&str, &str)]) -> Value {
    serde_json::from_str(&export(app, &format!("{subject}.csv-metadata.json"), parameters).await).expect("JSON")
}

#[tokio::test]
async fn description_has_types_and_units_of_the_columns() {
    let app = with_devices().await;
    let columns = "measured_at,pm2_5,temperature,gps_updated,flags";
    let table = describe(&app, "measurements", &[("columns", columns)]).await;
    assert_eq!(table["@context"][0], "http://www.w3.org/ns/csvw");
    assert_eq!(
        table["url"],
        "measurements.csv?columns=%6d%65%61%73%75%72%65%64%5f%61%74%2c%70%6d%32%5f%35%2c%74%65%6d%70%65%72%61%74%75%72%65%2c%67%70%73%5f%75%70%64%61%74%65%64%2c%66%6c%61%67%73"
    );
    let columns = table["tableSchema"]["columns"].as_array().expect("columns");
    let of = |at: usize| (&columns[at]["name"], &columns[at]["datatype"], &columns[at]["schema:unitText"]);
    assert_eq!(of(0), (&json!("measured_at"), &json!("dateTimeStamp"), &Value::Null));
    assert_eq!(of(1), (&json!("pm2_5"), &json!("double"), &json!("ug/m3")));
    assert_eq!(of(2), (&json!("temperature"), &json!("double"), &json!("Cel")));
    assert_eq!(of(3).1, &json!("boolean"));
    assert_eq!((of(4).1, &columns[4]["separator"]), (&json!("string"), &json!(" ")));
    assert!(columns.iter().all(|column| column["dc:description"].as_str().is_some_and(|text| text.len() > 10)));

    let epoch = describe(&app, "measurements", &[("columns", "measured_at"), ("times", "epoch")]).await;
    assert_eq!(epoch["tableSchema"]["columns"][0]["schema:unitText"], "s");
}

#[tokio::test]
async fn every_column_of_every_subject_is_described() {
    let app = TestApp::new().await;
    for (subject, more) in [
        ("measurements", None),
        ("statistics", None),
        ("cells", None),
        ("devices", None),
        ("trips", Some(("device", "a"))),
    ] {
        let parameters: Vec<_> = [("columns", "all")].into_iter().chain(more).collect();
        let table = describe(&app, subject, &parameters).await;
        let columns = table["tableSchema"]["columns"].as_array().expect("columns");
        let undescribed: Vec<_> = columns
            .iter()
            .filter(|column| column["dc:description"].as_str().is_none_or(|text| text.len() < 8))
            .map(|column| &column["name"])
            .collect();
        assert!(undescribed.is_empty(), "{subject}: {undescribed:?}");
    }
}

#[tokio::test]
async fn description_has_the_licences_of_the_devices_concerned() {
    let app = with_devices().await;
    let devices = async |subject: &str, parameters: &[(&str, &str)]| {
        let table = describe(&app, subject, parameters).await;
        let notes = table["notes"].as_array().expect("notes").iter();
        let mut keys: Vec<_> = notes.map(|note| note["device"].as_str().expect("a key").to_owned()).collect();
        keys.sort();
        (keys.join(" "), table["dc:license"].clone())
    };
    assert_eq!(devices("measurements", &[]).await, ("a b c".to_owned(), json!(["CC-BY-4.0", "ODbL-1.0"])));
    let april_2 = [("from", "2026-04-02T00:00:00Z")];
    assert_eq!(devices("measurements", &april_2).await, ("b c".to_owned(), json!(["ODbL-1.0"])));
    assert_eq!(devices("statistics", &[("device", "a"), ("device", "none")]).await.0, "a");
    assert_eq!(devices("trips", &[("device", "c")]).await.0, "c");
    assert_eq!(devices("devices", &[]).await.0, "", "its columns have them");
}

#[tokio::test]
async fn description_of_very_many_devices_has_all_licences_and_the_number_of_unlisted_devices() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    app.record(json!([{ "device": "a", "measuredAt": "2026-04-01T00:00:00Z", "pm25": 1 }])).await;
    let mut database = options.connect().await.expect("a connection");
    let insert = "with added as (
             insert into device (key, kind, created_at, licence)
             select 'b' || lpad(n::text, 5, '0'), 'fixed', now(), case when n = 10001 then 'ODbL-1.0' end
             from generate_series(1, 10001) n returning device_id
         ), stored as (
             insert into measurement (device_id, measured_at, recorded_at, seq, flags)
             select device_id, '2026-04-02Z', now(), 0, 0 from added
         )
         insert into latest (device_id, measured_at, seq) select device_id, '2026-04-02Z', 0 from added";
    database.execute(insert).await.expect("inserted");
    let table = describe(&app, "measurements", &[]).await;
    assert_eq!(table["dc:license"], json!(["ODbL-1.0"]));
    let notes = table["notes"].as_array().expect("notes");
    assert_eq!(notes.len(), 10_001);
    assert_eq!((&notes[9999]["device"], &notes[10_000]["unlistedDevices"]), (&json!("b09999"), &json!(2)));
    let one = describe(&app, "measurements", &[("to", "2026-04-02T00:00:00Z")]).await;
    assert_eq!(one["notes"].as_array().map(Vec::len), Some(1), "the end of the span is exclusive");
}

#[tokio::test]
async fn description_names_wrong_parameters() {
    let app = TestApp::new().await;
    let (status, _, detail) = refused(&app, "measurements.csv-metadata.json", &[("bbox", "x")]).await;
    assert_eq!((status.as_u16(), detail.as_str()), (400, "bbox: \"x\" is not a number"));
}
