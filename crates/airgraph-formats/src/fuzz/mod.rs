//! Tests every decoder with arbitrary bytes: it returns without a panic, and its result can be stored.
//!
//! The inputs are random bytes, damaged bodies of real sensors (`corpus/<format>`, one file for each body) and
//! bodies generated from their names. Every format of [`format::ALL`] is tested; it needs only its folder there.
//!
//! ```sh
//! cargo test --lib fuzz                                                                # a few seconds
//! AIRGRAPH_FUZZ_CASES=1000000 cargo test --release --package airgraph-formats fuzz -- --nocapture           # a million for each decoder
//! ```

mod generate;
mod invariants;
pub(super) mod mutate;
mod provenance;

use std::{cell::RefCell, collections::BTreeMap, fmt, fs, path::Path, sync::LazyLock, thread, time::Instant};

use airgraph_domain::{quantity::Quantity, sensor::Sensors};
use chrono::{DateTime, Utc};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};

use super::{
    Incoming,
    format::{self, Format},
    testing::{at, incoming},
};

/// Default number of inputs for each decoder.
const DEFAULT_CASES: u32 = 1500;
const CASES_VARIABLE: &str = "AIRGRAPH_FUZZ_CASES";

/// Quantities of the corpus' sensors, for the format that sends sensor ids.
pub(super) static SENSORS: LazyLock<Sensors> = LazyLock::new(|| {
    let quantities = [("6", Quantity::Pm2_5), ("7", Quantity::Pm10), ("8", Quantity::Temperature)];
    let mut sensors = Sensors::default();
    for (digit, quantity) in quantities {
        sensors.add(format!("5a8c1c8abc2d410019d2f51{digit}"), quantity).expect("a sensor");
    }
    sensors
});

/// Number of inputs for each decoder.
pub(super) fn cases() -> u32 {
    std::env::var(CASES_VARIABLE).map_or(DEFAULT_CASES, |cases| cases.parse().expect(CASES_VARIABLE))
}

/// Owned input of a decoder.
#[derive(Clone)]
struct FuzzInput {
    body: Vec<u8>,
    device_hint: Option<String>,
    event: Option<String>,
    received_at: DateTime<Utc>,
}

impl FuzzInput {
    fn incoming(&self) -> Incoming<'_> {
        let (named, event) = (self.device_hint.as_deref(), self.event.as_deref());
        Incoming { device_hint: named, event, received_at: self.received_at, sensors: &SENSORS, ..incoming(&self.body) }
    }
}

impl fmt::Debug for FuzzInput {
    /// Readable, and ready to be pasted into a test.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { body, device_hint: named, event, received_at } = self;
        write!(f, "b\"{}\" named {named:?}, event {event:?}, at {received_at:?}", body.escape_ascii())
    }
}

#[test]
fn decoders_handle_any_bytes_and_produce_only_storable_samples() {
    let cases = cases();
    thread::scope(|scope| {
        for format in format::ALL_FORMATS {
            thread::Builder::new()
                .name(format.name.to_owned())
                .spawn_scoped(scope, move || run(format, cases))
                .expect("a thread");
        }
    });
}

fn run(format: &Format, cases: u32) {
    let since = Instant::now();
    let answers = RefCell::new(BTreeMap::<_, u32>::new());
    // Failures are not persisted: the smallest input is printed, and belongs into a test or the corpus.
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&inputs(&corpus(format)), |input| {
        let answer = invariants::check_decoded(format, &input.incoming())?;
        *answers.borrow_mut().entry(answer).or_default() += 1;
        Ok(())
    });
    assert!(outcome.is_ok(), "{}: {}", format.name, outcome.expect_err("a failure"));
    println!("{}: {cases} inputs in {:.0?}: {:?}", format.name, since.elapsed(), answers.into_inner());
}

/// The bodies that real sensors of this format send.
fn corpus(format: &Format) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(format.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("bodies of the format in {folder:?}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a body")).collect()
}

#[test]
fn every_corpus_body_is_decoded() {
    for format in format::ALL_FORMATS {
        let bodies = corpus(format);
        assert!(!bodies.is_empty(), "{}", format.name);
        for body in bodies {
            let decoded =
                (format.decode)(&Incoming { device_hint: Some("device"), sensors: &SENSORS, ..incoming(&body) });
            assert!(decoded.is_ok(), "{}: {decoded:?} of {}", format.name, body.escape_ascii());
        }
    }
}

fn inputs(corpus: &[Vec<u8>]) -> impl Strategy<Value = FuzzInput> + use<> {
    let words = mutate::vocabulary(corpus);
    let body = prop_oneof![
        1 => proptest::collection::vec(any::<u8>(), 0..300),
        4 => mutate::mutated(corpus, &words),
        1 => generate::body(&words),
    ];
    // A device hint has no control characters: the route removes them.
    let named =
        prop_oneof![Just(None), Just(Some("airgradient:84fce612eff4".to_owned())), "[^\\pC]{0,140}".prop_map(Some)];
    let event = prop_oneof![4 => Just(None), 4 => Just(Some("up".to_owned())), 1 => "(precision|sensor)=[a-z0-9]{0,3}".prop_map(Some),
        1 => Just(Some("sensor=5a8c1c8abc2d410019d2f516".to_owned())), 1 => "[a-z]{0,5}".prop_map(Some)];
    let noon = at("2026-07-01T12:00:00Z");
    let received_at = prop_oneof![
        8 => Just(noon),
        1 => select(vec![DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, DateTime::UNIX_EPOCH]),
    ];
    (body, named, event, received_at).prop_map(|(body, named, event, received_at)| FuzzInput {
        body,
        device_hint: named,
        event,
        received_at,
    })
}
