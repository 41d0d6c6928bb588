//! Mutations, each read back.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn recorded_measurement_reads_back_unchanged() {
    let app = TestApp::new().await;
    let measurement = json!({
        "device": "bike-07", "measuredAt": "2026-05-01T10:00:00.123456Z", "latitude": 52.205_123_456_789, "longitude": 0.1218,
        "pm1": 3.3, "pm25": 40.22928, "pm4": 8.1, "pm10": 999.9,
        "weather": { "temperature": 21.59, "ambientTemperature": 15.5, "humidity": 80, "dewPoint": 12, "pressure": 1013,
            "windSpeed": 0, "windGust": 0.5, "windDirection": 225, "rain": 0, "sunshine": 3.03 },
        "motion": { "altitude": 205.5, "speed": 9.5, "accelerationX": -4069.45, "accelerationY": 595.45, "accelerationZ": -134.72,
            "accelerationMagnitude": 4_114.988_880_106_482, "rotationX": -6.99, "rotationY": 34.6, "rotationZ": -52.5,
            "rotationMagnitude": 12.107_035_144_906_455 },
        "status": { "batteryVoltage": 5.03, "signalStrength": -61, "satellites": 6, "gpsUpdated": true, "sampleCounter": 21,
            "uptime": 4_294_967_295.0, "accelerometerSamples": 273 },
    });
    app.record(json!([measurement])).await;
    let data = app.query("{ measurements { nodes {
        device { key kind } measuredAt recordedAt timeUncertainty latitude longitude pm1 pm25 pm4 pm10 flags
        weather { temperature ambientTemperature humidity dewPoint pressure windSpeed windGust windDirection rain sunshine }
        motion { altitude speed accelerationX accelerationY accelerationZ accelerationMagnitude rotationX rotationY rotationZ rotationMagnitude }
        status { batteryVoltage signalStrength satellites gpsUpdated sampleCounter uptime accelerometerSamples } } } }").await;
    let mut stored = data["measurements"]["nodes"][0].clone();
    let mut expected = measurement;
    expected["device"] = json!({ "key": "bike-07", "kind": "MOBILE" });
    expected["recordedAt"] = json!("2026-05-01T12:00:00Z");
    expected["timeUncertainty"] = json!(null);
    expected["flags"] = json!(["HIGH_HUMIDITY"]);
    for group in ["weather", "motion", "status"] {
        for (field, value) in expected[group].take().as_object().expect("fields") {
            let stored = stored[group][field].take();
            assert!(stored == *value || stored.as_f64() == value.as_f64(), "{group}.{field}: {stored} for {value}");
        }
        stored[group].take();
    }
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn recording_again_changes_nothing_and_the_future_is_left_out() {
    let app = TestApp::new().await;
    let mutation = "mutation ($time: DateTime!) { recordMeasurements(input: {measurements: [
        {device: \"a\", measuredAt: \"2026-05-01T10:00:00Z\", pm10: 1}, {device: \"b\", measuredAt: $time, pm10: 1}]})
        { status recorded duplicates rejected { index code } } }";
    let record = async |time: &str| app.admin(mutation, json!({ "time": time })).await["recordMeasurements"].take();
    let report = |status, recorded, duplicates, rejected| json!({ "status": status, "recorded": recorded, "duplicates": duplicates, "rejected": rejected });
    assert_eq!(record("2026-05-01T11:00:00+01:00").await, report("RECORDED", 2, 0, json!([])));
    assert_eq!(record("2026-05-01T10:00:00Z").await, report("RECORDED", 0, 2, json!([])));
    let future = json!([{ "index": 1, "code": "TIME_IN_THE_FUTURE" }]);
    assert_eq!(record("2026-05-01T12:01:01Z").await, report("PARTLY_RECORDED", 0, 1, future));
}

#[tokio::test]
async fn latest_is_the_newest_whatever_comes_after_it() {
    let app = TestApp::new().await;
    for (time, pm10) in [("10:00:02", 2), ("10:00:01", 1), ("10:00:03", 3), ("09:00:00", 0)] {
        app.record(json!([{ "device": "a", "measuredAt": format!("2026-05-01T{time}Z"), "pm10": pm10 }])).await;
    }
    assert_eq!(
        app.query("{ device(key: \"a\") { latest { pm10 } } }").await["device"]["latest"],
        json!({ "pm10": 3.0 })
    );
}

#[tokio::test]
async fn a_device_is_registered_once_and_updated_in_part() {
    let app = TestApp::new().await;
    let fields = "status device { key name kind latitude longitude licence attribution createdAt latest { id } }";
    let register =
        format!("mutation ($input: RegisterDeviceInput!) {{ registerDevice(input: $input) {{ {fields} }} }}");
    let input = json!({ "key": "school", "name": "School", "kind": "FIXED", "latitude": 52.2, "longitude": 0.12, "licence": "CC-BY-4.0" });
    let mut expected = json!({ "status": "REGISTERED", "device": { "key": "school", "name": "School", "kind": "FIXED",
        "latitude": 52.2, "longitude": 0.12, "licence": "CC-BY-4.0", "attribution": null,
        "createdAt": "2026-05-01T12:00:00Z", "latest": null } });
    assert_eq!(app.admin(&register, json!({ "input": input })).await["registerDevice"], expected);
    expected["status"] = json!("ALREADY_EXISTS");
    let other = json!({ "key": "school", "kind": "MOBILE", "name": "Another" });
    assert_eq!(app.admin(&register, json!({ "input": other })).await["registerDevice"], expected, "left as it was");

    let update = format!("mutation ($input: UpdateDeviceInput!) {{ updateDevice(input: $input) {{ {fields} }} }}");
    let change = json!({ "key": "school", "name": null, "longitude": 180, "attribution": "The pupils" });
    expected["status"] = json!("UPDATED");
    for (field, value) in [("name", json!(null)), ("longitude", json!(-180.0)), ("attribution", json!("The pupils"))] {
        expected["device"][field] = value;
    }
    assert_eq!(app.admin(&update, json!({ "input": change })).await["updateDevice"], expected);
    let read = format!(
        "{{ device(key: \"school\") {{ {} }} }}",
        "key name kind latitude longitude licence attribution createdAt latest { id }"
    );
    assert_eq!(app.query(&read).await["device"], expected["device"]);

    let missing = app.admin(&update, json!({ "input": { "key": "unknown" } })).await;
    assert_eq!(missing["updateDevice"], json!({ "status": "NOT_FOUND", "device": null }));
}

#[tokio::test]
async fn a_list_of_sensors_is_replaced_as_a_whole_or_left_alone() {
    let app = TestApp::new().await;
    let register = "mutation ($input: RegisterDeviceInput!) { registerDevice(input: $input) {
        status device { sensors { sensor quantity } } } }";
    let sensors = json!([{ "sensor": "b", "quantity": "PM2_5" }, { "sensor": "a", "quantity": "PARTICLES_0_3" }]);
    let sorted = json!([{ "sensor": "a", "quantity": "PARTICLES_0_3" }, { "sensor": "b", "quantity": "PM2_5" }]);
    let input = json!({ "key": "box", "kind": "FIXED", "sensors": sensors });
    let response = app.admin(register, json!({ "input": input })).await;
    let expected = |status| json!({ "registerDevice": { "status": status, "device": { "sensors": sorted } } });
    assert_eq!(response, expected("REGISTERED"));
    let other = json!({ "key": "box", "kind": "FIXED", "sensors": [{ "sensor": "c", "quantity": "CO2" }] });
    assert_eq!(app.admin(register, json!({ "input": other })).await, expected("ALREADY_EXISTS"), "left as it was");

    let update = "mutation ($input: UpdateDeviceInput!) { updateDevice(input: $input) { device { name } } }";
    let changed = async |change: serde_json::Value| {
        app.admin(update, json!({ "input": change })).await;
        app.query("{ device(key: \"box\") { sensors { sensor quantity } } }").await["device"]["sensors"].take()
    };
    assert_eq!(changed(json!({ "key": "box", "name": "Box" })).await, sorted);
    let one = json!([{ "sensor": "a", "quantity": "CO2" }]);
    assert_eq!(changed(json!({ "key": "box", "sensors": one })).await, one);
    assert_eq!(changed(json!({ "key": "box", "sensors": null })).await, json!([]));
}
