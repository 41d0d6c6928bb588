//! The command `airgraph replay`.

use serde_json::{Value, json};

use super::{EVERYTHING, fix, post, rows, sample_json, with_temperature};
use crate::{
    ops::cli::{failure, output, text},
    support::{TestApp, empty_database, gateway::on},
};

#[tokio::test]
async fn replay_command_applies_its_options_beside_a_running_gateway() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    for body in ["{", "[", "{"].map(Value::from).iter().chain([&sample_json(5)]) {
        post(&app, &app.admin, body).await;
    }
    for place in 0..2 {
        fix(&app, place, &json!({ "device": "bike", "pm10": place })).await;
    }
    fix(&app, 3, &with_temperature(5, 18.0)).await;
    let run = async |arguments: &[&str]| {
        let output = output(on(&options, &[&["replay"], arguments].concat())).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        let message = text(&output.stdout);
        message.split_once(" in ").expect("a time").0.to_owned()
    };
    let before = rows(&app, &EVERYTHING).await;
    let dry = run(&["--all", "--dry-run"]).await;
    assert_eq!(dry, "4 uplinks, 1 undecodable: 3 samples, nothing recorded (--dry-run), 0 rejected");
    assert_eq!(rows(&app, &EVERYTHING).await, before);
    assert_eq!(
        run(&["--format", "influx"]).await,
        "0 uplinks, 0 undecodable: 0 samples recorded, 0 stored before, 0 rejected"
    );
    let one = run(&["--to", "2026-05-01T12:00:01Z", "--format", "json", "--format", "influx"]).await;
    assert_eq!(one, "1 uplinks, 0 undecodable: 1 samples recorded, 0 stored before, 0 rejected");
    assert_eq!(run(&[]).await, "2 uplinks, 1 undecodable: 1 samples recorded, 0 stored before, 0 rejected");
    let recorded = run(&["--outcome", "recorded", "--device", "bike", "--from", "2026-05-01T12:00:01Z"]).await;
    assert_eq!(recorded, "2 uplinks, 0 undecodable: 1 samples recorded, 1 stored before, 0 rejected");
    assert_eq!(run(&["--all"]).await, "4 uplinks, 1 undecodable: 0 samples recorded, 3 stored before, 0 rejected");
    for (arguments, hint) in [
        (&["replay", "--device", "unknown"][..], "--device: there is no device \"unknown\""),
        (&["replay", "--from", "2999-01-01T00:00:00Z"], "--from"),
    ] {
        let message = failure(on(&options, arguments)).await;
        assert!(message.contains(hint), "{message}");
    }
}
