//! Request bodies at the edge: compressed, in several media types and charsets, with a byte order mark.

use async_compression::{
    Level,
    tokio::write::{GzipEncoder, ZlibEncoder, ZstdEncoder},
    zstd::CParameter,
};
use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::support::{Answer, TestApp};

const CODINGS: [&str; 3] = ["gzip", "zstd", "deflate"];
const MIB: usize = 1 << 20;

async fn compressed(coding: &str, body: &[u8]) -> Vec<u8> {
    macro_rules! run {
        ($encoder:expr) => {{
            let mut encoder = $encoder;
            encoder.write_all(body).await.expect("written");
            encoder.shutdown().await.expect("ended");
            encoder.into_inner()
        }};
    }
    match coding {
        "gzip" | "x-gzip" | "GZIP" => run!(GzipEncoder::new(Vec::new())),
        "zstd" => run!(ZstdEncoder::new(Vec::new())),
        "deflate" => run!(ZlibEncoder::new(Vec::new())),
        "zstd with a large window" => {
            run!(ZstdEncoder::with_quality_and_params(Vec::new(), Level::Default, &[CParameter::window_log(27)]))
        }
        other => panic!("{other}"),
    }
}

async fn send(app: &TestApp, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let request = Request::post(path).header("x-api-key", &app.admin);
    let request = headers.iter().fold(request, |request, &(name, value)| request.header(name, value));
    app.send(request.body(body.into()).expect("a request")).await
}

fn code(answer: &Answer) -> Value {
    answer.json()["errors"][0]["code"].take()
}

/// A body for each format.
fn bodies() -> [(&'static str, &'static str, String); 9] {
    let json = "application/json";
    let fields = json!({ "0": 52.2, "1": 0.1, "2": 5, "3": 4 });
    let values = json!([{ "value_type": "SDS_P1", "value": "12.40" }]);
    let stack =
        json!({ "end_device_ids": { "device_id": "s" }, "uplink_message": { "decoded_payload": { "pm10": 2 } } });
    [
        ("/ingest/json", json, json!({ "device": "j", "time": "2026-05-01T10:00:00Z", "pm10": 2 }).to_string()),
        ("/ingest/airrohr", json, json!({ "esp8266id": "1", "sensordatavalues": values }).to_string()),
        ("/ingest/influx", "text/plain", "air,node=i pm10=2 1777629600000000000\n".to_owned()),
        ("/ingest/opensensemap/box", "text/csv", "5a8601,2,2026-05-01T10:00:00Z\n".to_owned()),
        ("/boxes/box/data", json, json!([{ "sensor": "5a8601", "value": 3 }]).to_string()),
        ("/ingest/ttn-v2", json, json!({ "dev_id": "t", "payload_fields": fields }).to_string()),
        ("/ingest/things-stack", json, stack.to_string()),
        (
            "/ingest/chirpstack",
            json,
            json!({ "deviceInfo": { "deviceName": "c" }, "object": { "pm10": 2 } }).to_string(),
        ),
        ("/ingest/airgradient/a", json, json!({ "pm02": 7 }).to_string()),
    ]
}

async fn app_with_a_box() -> TestApp {
    let app = TestApp::new().await;
    let register = "mutation { registerDevice(input: {key: \"box\", kind: FIXED,
        sensors: [{sensor: \"5a8601\", quantity: PM10}]}) { status } }";
    app.admin(register, json!({})).await;
    app
}

async fn stored(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from measurement").fetch_one(&app.database.reads).await.expect("a count")
}

#[tokio::test]
async fn compressed_bodies_are_read_on_every_route_and_kept_decompressed() {
    for coding in CODINGS {
        let app = app_with_a_box().await;
        for (path, media_type, body) in bodies() {
            let headers = [("content-type", media_type), ("content-encoding", coding)];
            let answer = send(&app, path, &headers, compressed(coding, body.as_bytes()).await).await;
            assert!(answer.status.is_success(), "{coding} {path}: {} {}", answer.status, answer.text);
            let kept: i64 = sqlx::query_scalar("select count(*) from uplink where body = convert_to($1, 'UTF8')")
                .bind(&body)
                .fetch_one(&app.database.reads)
                .await
                .expect("a count");
            assert_eq!(kept, 1, "{coding} {path}");
        }
        assert_eq!(stored(&app).await, 9, "{coding}");
    }
}

#[tokio::test]
async fn compressed_files_are_read_as_they_come() {
    let line = |n| format!("2026-04-{:02}T10:{:02}:{:02}Z,f,{n}\n", 1 + n / 3600, n / 60 % 60, n % 60);
    let lines: Vec<_> = (0..30_000).map(line).collect();
    let file = format!("time,device,pm10\n{}", lines.concat());
    let app = TestApp::new().await;
    for (coding, recorded) in CODINGS.into_iter().zip([30_000, 0, 0]) {
        let pieces =
            compressed(coding, file.as_bytes()).await.chunks(1000).map(Bytes::copy_from_slice).collect::<Vec<_>>();
        let body = Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, std::convert::Infallible>)));
        let answer = send(&app, "/ingest/csv", &[("content-encoding", coding)], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let report = answer.json();
        assert_eq!((&report["lines"], &report["recorded"]), (&json!(30_000), &json!(recorded)), "{coding}");
    }
}

#[tokio::test]
async fn content_encoding_variants_and_multiple_members_are_accepted() {
    let app = TestApp::new().await;
    let body = |second: u32| format!(r#"{{"device":"a","time":"2026-05-01T10:00:{second:02}Z","pm10":2}}"#);
    for (second, coding) in ["x-gzip", "GZIP"].into_iter().enumerate() {
        let body = body(u32::try_from(second).expect("small"));
        let body = compressed(coding, body.as_bytes()).await;
        let answer = send(&app, "/ingest/json", &[("content-encoding", coding)], body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{coding}");
    }
    let body = body(10);
    let (first, second) = body.split_at(10);
    for coding in ["gzip", "zstd"] {
        let members =
            [compressed(coding, first.as_bytes()).await, compressed(coding, second.as_bytes()).await].concat();
        let answer = send(&app, "/ingest/json", &[("content-encoding", coding)], members).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{coding}: {}", answer.text);
    }
    let answer = send(&app, "/ingest/json", &[("content-encoding", "identity")], body).await;
    assert_eq!(answer.json()["duplicates"], 1, "{}", answer.text);
}

#[tokio::test]
async fn body_that_expands_beyond_the_limit_is_rejected() {
    let app = TestApp::new().await;
    let bomb = vec![b' '; 50 * MIB];
    for coding in CODINGS {
        let bomb = compressed(coding, &bomb).await;
        let answer = send(&app, "/ingest/json", &[("content-encoding", coding)], bomb.clone()).await;
        assert_eq!(
            (answer.status, code(&answer)),
            (StatusCode::PAYLOAD_TOO_LARGE, json!("BODY_TOO_LARGE")),
            "{coding}"
        );
        let headers = [("content-encoding", coding), ("content-type", "application/json")];
        let answer = send(&app, "/graphql", &headers, bomb).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{coding}");
        // A file may be longer, but its expansion is limited.
        let line = "2026-05-01T10:00:00Z,f,1\n";
        let file = format!("time,device,pm10\n{}", line.repeat(10 * MIB / line.len()));
        let file = compressed(coding, file.as_bytes()).await;
        let answer = send(&app, "/ingest/csv", &[("content-encoding", coding)], file).await;
        assert_eq!(
            (answer.status, code(&answer)),
            (StatusCode::PAYLOAD_TOO_LARGE, json!("BODY_TOO_LARGE")),
            "{coding}"
        );
        assert!(answer.json()["report"].is_object(), "{}", answer.text);
    }
    let large = compressed("zstd with a large window", &vec![b' '; MIB / 2]).await;
    let answer = send(&app, "/ingest/json", &[("content-encoding", "zstd")], large).await;
    assert_eq!((answer.status, code(&answer)), (StatusCode::BAD_REQUEST, json!("BAD_REQUEST")), "{}", answer.text);
}

#[tokio::test]
async fn truncated_or_damaged_body_is_rejected_with_a_reason() {
    let app = TestApp::new().await;
    let lines = "2026-05-01T10:00:00Z,f,1\n".repeat(20);
    for coding in CODINGS {
        let whole = compressed(coding, format!("time,device,pm10\n{lines}").as_bytes()).await;
        let (cut_off, plain) = (&whole[..whole.len() - 4], lines.as_bytes());
        for body in [cut_off, plain, b""] {
            for path in ["/ingest/influx", "/ingest/csv"] {
                let answer = send(&app, path, &[("content-encoding", coding)], body.to_vec()).await;
                let expected = (StatusCode::BAD_REQUEST, json!("BAD_REQUEST"));
                assert_eq!((answer.status, code(&answer)), expected, "{coding} {path} {body:?}: {}", answer.text);
                assert!(answer.text.contains(&format!("not valid {coding}")), "{}", answer.text);
            }
        }
    }
    assert_eq!(stored(&app).await, 0);
}

#[tokio::test]
async fn unsupported_encodings_are_rejected_with_the_supported_ones() {
    let app = TestApp::new().await;
    for coding in ["br", "compress", "gzip, gzip", "gzip,zstd", "base64"] {
        for path in ["/ingest/json", "/ingest/csv", "/key/x/ingest/json", "/graphql"] {
            let headers = [("content-encoding", coding), ("content-type", "application/json")];
            let answer = send(&app, path, &headers, "{}").await;
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {coding}: {}", answer.text);
            assert_eq!(answer.headers[header::ACCEPT_ENCODING], "gzip, zstd, deflate", "{path}");
            assert!(answer.text.contains("UNSUPPORTED_CONTENT_ENCODING"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn graphql_requests_may_be_compressed_too() {
    let app = TestApp::new().await;
    for coding in CODINGS {
        let query = compressed(coding, br#"{"query":"{ server { version } }"}"#).await;
        let headers = [("content-encoding", coding), ("content-type", "application/json; charset=utf8")];
        let answer = send(&app, "/graphql", &headers, query).await;
        assert!(answer.json()["data"]["server"]["version"].is_string(), "{coding}: {}", answer.text);
    }
}

#[tokio::test]
async fn sensors_need_not_declare_json_and_another_charset_is_named() {
    let app = TestApp::new().await;
    let body = r#"{"device":"a","time":"2026-05-01T10:00:00Z","pm10":2}"#;
    let types =
        ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf8", "application/vnd.a+json"];
    for headers in types.map(|media_type| vec![("content-type", media_type)]).into_iter().chain([vec![]]) {
        assert_eq!(send(&app, "/ingest/json", &headers, body).await.status, StatusCode::CREATED, "{headers:?}");
    }
    let latin = [("content-type", "application/json; charset=iso-8859-1")];
    for path in ["/ingest/json", "/graphql"] {
        let answer = send(&app, path, &latin, body).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
        assert!(
            answer.text.contains("iso-8859-1") && answer.text.contains("UNSUPPORTED_MEDIA_TYPE"),
            "{}",
            answer.text
        );
    }
    let from_other_site = [("content-type", "text/plain"), ("sec-fetch-site", "cross-site")];
    let answer = send(&app, "/ingest/json", &from_other_site, body).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "a page can send it with a visitor's credentials");
}

#[tokio::test]
async fn byte_order_mark_is_skipped_and_utf_16_rejected_by_name() {
    let app = app_with_a_box().await;
    for (path, media_type, body) in bodies() {
        let answer = send(&app, path, &[("content-type", media_type)], format!("\u{feff}{body}")).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text);
        let little: Vec<u8> = format!("\u{feff}{body}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let answer = send(&app, path, &[("content-type", media_type)], little).await;
        assert!(answer.text.contains("UTF-16"), "{path}: {} {}", answer.status, answer.text);
    }
    assert_eq!(stored(&app).await, 9);
    let query = r#"{"query":"{ server { version } }"}"#;
    let headers = [("content-type", "application/json")];
    let answer = send(&app, "/graphql", &headers, format!("\u{feff}{query}")).await;
    assert!(answer.json()["data"]["server"]["version"].is_string(), "{}", answer.text);
    let big: Vec<u8> = query.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let answer = send(&app, "/graphql", &headers, big).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text.contains("UTF-16"), "{}", answer.text);
}
