//! Properties of every body.

use proptest::prelude::*;

use super::*;

/// A value in a form-independent representation: sensor, value, time, position, height.
type Parts = (&'static str, String, Option<String>, Option<(f64, f64, Option<f64>)>);

fn parts() -> impl Strategy<Value = Parts> {
    let sensor = proptest::sample::select(&["pm10", "pm25", "temp", "temp2", "alti", "unknown"][..]);
    let value = prop_oneof![(-50.0..2000.0).prop_map(|value: f64| value.to_string()), "nan|x|| 1e3|7 "];
    let time = proptest::option::of(prop_oneof!["2026-05-01T10:0[0-3]:00(\\.5)?Z", "2026-05-01 soon"]);
    let degrees = |max: f64| prop_oneof![Just(0.0), Just(-0.0), Just(7.5), -max..max];
    let height = proptest::option::of(prop_oneof![Just(60.0), -500.0..9000.0]);
    let place = proptest::option::of((degrees(190.0), degrees(95.0), height));
    (sensor, value, time, place)
}

proptest! {
    #[test]
    fn the_forms_decode_alike(values in proptest::collection::vec(parts(), 1..12)) {
        let [mut array, mut object, mut csv] = [const { Vec::new() }; 3];
        for (sensor, value, time, place) in &values {
            let place_json = place.map(|(lng, lat, height)| height.map_or(serde_json::json!([lng, lat]), |height| serde_json::json!([lng, lat, height])));
            array.push(serde_json::json!({ "sensor": sensor, "value": value, "createdAt": time, "location": place_json }).to_string());
            object.push(format!("{:?}:{}", sensor, serde_json::json!([value, time, place_json])));
            let (lng, lat, height) = place.map_or_else(Default::default, |(lng, lat, height)| {
                (lng.to_string(), lat.to_string(), height.map(|height| height.to_string()).unwrap_or_default())
            });
            csv.push(format!("{sensor},{value},{},{lng},{lat},{height}", time.as_deref().unwrap_or_default()));
        }
        let array = read(format!("[{}]", array.join(",")).as_bytes());
        prop_assert_eq!(&array, &read(format!("{{{}}}", object.join(",")).as_bytes()));
        prop_assert_eq!(&array, &read(csv.join("\n").as_bytes()));
    }
}
