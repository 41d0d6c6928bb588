//! Contents of the published bodies in `corpus`, as its table lists them.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use airgraph_domain::device::DeviceKey;
use chrono::SecondsFormat;
use futures_util::FutureExt as _;

use super::{
    Incoming, Observation,
    csv::{self, CsvOptions, CsvReader},
    format::{ALL_FORMATS, Format},
    fuzz::SENSORS,
    testing::incoming,
};

/// Bodies with an address that each format has at least.
const MIN_PUBLISHED_BODIES: usize = 3;

/// A row of the table: file, source and what is stored.
struct PublishedBody {
    file: String,
    source: String,
    stored: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn published() -> Vec<PublishedBody> {
    let table = fs::read_to_string(folder().join("README.md")).expect("the table");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")).skip(1);
    rows.map(|row| {
        let [file, source, stored] = row.split(" | ").map(str::to_owned).collect::<Vec<_>>().try_into().expect(row);
        PublishedBody { file, source, stored }
    })
    .collect()
}

/// The samples of a body as the table writes them.
fn stored(format: &str, body: &[u8]) -> String {
    let observations = if format == csv::FORMAT {
        let options = CsvOptions { device: Some(DeviceKey::try_new("named").expect("a key")), ..CsvOptions::default() };
        let reader = CsvReader::open(body, options).now_or_never().expect("in memory");
        let chunk = reader.expect("a known header").next_chunk().now_or_never().expect("in memory");
        chunk.expect("a chunk").decoded.observations
    } else {
        let decode = Format::from_name(format).expect(format).decode;
        let incoming = Incoming { device_hint: Some("named"), sensors: &SENSORS, ..incoming(body) };
        decode(&incoming).expect(format).observations
    };
    let samples: Vec<_> = observations.iter().map(sample).collect();
    if samples.is_empty() { "nothing".to_owned() } else { samples.join("; ") }
}

fn sample(observation: &Observation) -> String {
    let Observation { device, sample, .. } = observation;
    let mut text = format!("{device} {}", sample.measured_at.to_rfc3339_opts(SecondsFormat::Secs, true));
    if let Some(position) = sample.position {
        write!(text, " at {} {}", position.latitude(), position.longitude()).expect("a String takes it");
    }
    let values = sample.readings.iter().map(|(quantity, value)| format!("{} {value}", quantity.definition().name));
    format!("{text}: {}", values.collect::<Vec<_>>().join(", "))
}

#[test]
fn published_bodies_have_their_values() {
    let mut differences = String::new();
    for PublishedBody { file, source, stored: expected } in published() {
        let body = fs::read(folder().join(&file)).expect(&file);
        let (format, _) = file.split_once('/').expect("a folder");
        let found = stored(format, &body);
        if found != expected {
            writeln!(differences, "| {file} | {source} | {found} |").expect("a String takes it");
        }
    }
    assert!(differences.is_empty(), "the table differs from what is stored:\n{differences}");
}

#[test]
fn each_format_has_published_bodies_with_their_address() {
    let mut counts: BTreeMap<&str, usize> = ALL_FORMATS.iter().map(|format| (format.name, 0)).collect();
    counts.insert(csv::FORMAT, 0);
    let published = published();
    for PublishedBody { file, .. } in published.iter().filter(|body| body.source.starts_with("https://")) {
        *counts.get_mut(file.split('/').next().expect("a folder")).expect("a format") += 1;
    }
    assert!(counts.values().all(|&count| count >= MIN_PUBLISHED_BODIES), "{counts:?}");
}
