//! Both ways of an answer, for random questions about random rows: the text written here, and what async-graphql's
//! resolvers and serde make of it.

use std::sync::{Arc, LazyLock};

use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Request, Response, Schema, Value, Variables};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use proptest::prelude::*;
use serde_json::json;

use super::Spliced;
use crate::{
    domain::{
        device::DeviceId,
        filter::Filter,
        joined_readings::JoinedReadings,
        measurement::{Measurement, MeasurementKey},
        position::Position,
        quality::QualityFlags,
        quantity::{Group, Quantity},
    },
    graphql::{
        compat::complete,
        execute::{
            operation::{Document, Operation, TypeSystem},
            response_writer,
        },
        page::Slice,
        test_util::Choices,
        types::{
            measurement_connection::{AllMeasurements, MeasurementConnection},
            node::Node,
        },
    },
};

struct Query;

type TestSchema = Schema<Query, EmptyMutation, EmptySubscription>;

/// Its rows come with the request.
static SCHEMA: LazyLock<TestSchema> =
    LazyLock::new(|| Schema::build(Query, EmptyMutation, EmptySubscription).register_output_type::<Node>().finish());

fn rows_of(ctx: &Context<'_>) -> impl DoubleEndedIterator<Item = Measurement> {
    ctx.data_unchecked::<Vec<Measurement>>().iter().cloned()
}

#[Object]
impl Query {
    async fn list(&self, ctx: &Context<'_>) -> MeasurementConnection {
        let slice = Slice { rows: rows_of(ctx).collect(), has_previous: true, has_next: false };
        MeasurementConnection::new(slice, AllMeasurements::Of(Arc::new(Filter::default())))
    }

    async fn other(&self, ctx: &Context<'_>) -> MeasurementConnection {
        let slice = Slice { rows: rows_of(ctx).rev().collect(), has_previous: false, has_next: true };
        MeasurementConnection::new(slice, AllMeasurements::Of(Arc::new(Filter::default())))
    }
}

static TYPES: LazyLock<TypeSystem> = LazyLock::new(|| TypeSystem::read(&SCHEMA.sdl()).expect("a schema"));

/// What is executed of a question; none where it is not valid.
fn operation(question: &str) -> Option<Arc<Operation>> {
    let document = Document::parse(question).expect("a document");
    document.validate(&TYPES, true).ok()?;
    Some(document.operation(&TYPES, None, &Variables::from_json(variables())).expect("an operation"))
}

fn executed(operation: &Operation, rows: &[Measurement], spliced: bool) -> Response {
    let mut request = Request::new("").data(rows.to_vec());
    if spliced {
        request = request.data(Spliced);
    }
    request.set_parsed_query(operation.document.clone());
    let mut response = SCHEMA.execute(request).now_or_never().expect("none of these fields waits for anything");
    complete(&TYPES, operation.kind, operation.selection_set(), &mut response);
    response
}

/// The ordinary answer; the question is a valid one.
pub(in crate::graphql) fn completed(rows: &[Measurement], question: &str) -> Response {
    executed(&operation(question).expect("a valid question"), rows, false)
}

/// The ordinary answer, and the spliced one; none where the question is not valid.
fn answers(rows: &[Measurement], question: &str) -> Option<(String, String)> {
    let operation = operation(question)?;
    let ordinary = executed(&operation, rows, false);
    assert!(!has_text(&ordinary.data), "{question}");
    let spliced = response_writer::text(&executed(&operation, rows, true));
    Some((serde_json::to_string(&ordinary).expect("text"), String::from_utf8(spliced).expect("text")))
}

/// Values of the variables that any question may use.
pub(in crate::graphql) fn variables() -> serde_json::Value {
    json!({ "yes": true, "no": false, "fine": 12, "bad": 16 })
}

/// Whether a list was told as finished text.
fn has_text(data: &Value) -> bool {
    match data {
        Value::Binary(_) => true,
        Value::Object(fields) => fields.values().any(has_text),
        Value::List(items) => items.iter().any(has_text),
        _ => false,
    }
}

const DIRECTIVES: [&str; 14] = [
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "@include(if: true)",
    "@include(if: false)",
    "@skip(if: false)",
    "@skip(if: true)",
    "@include(if: $yes)",
    "@skip(if: $no) @include(if: $yes)",
    "@skip(if: $yes)",
];

/// Fragments that any question may use, by type; the second of a type opens the first.
const FRAGMENTS: [(&str, &str); 5] = [
    ("M", "fragment M on Measurement { pm10 c: cell(resolution: $fine) __typename }"),
    ("MM", "fragment MM on Measurement { x: pm1 ...M ... on Node { id } pm10 }"),
    ("N", "fragment N on Node { id ... on Measurement { flags } }"),
    ("E", "fragment E on MeasurementEdge { cursor node { pm25 ...M } }"),
    ("C", "fragment C on MeasurementConnection { nodes { latitude } pageInfo { endCursor } ... { edges { ...E } } }"),
];

/// A field of measurements that holds the readings of a group, and the type of these.
fn group(choices: &mut Choices<'_>) -> (&'static str, &'static str) {
    let field = choices.of(&["weather", "w: weather", "ambient", "motion", "status", "a: ambient", "s: status"]);
    let object = match field.rsplit(' ').next() {
        Some("weather") => "Weather",
        Some("ambient") => "Ambient",
        Some("motion") => "Motion",
        _ => "DeviceStatus",
    };
    (field, object)
}

/// A field of the readings of a group.
fn of_group(of: &str, choices: &mut Choices<'_>) -> &'static str {
    match of {
        "Weather" => choices.of(&["temperature", "h: humidity", "rain"]),
        "Ambient" => choices.of(&["co2", "particles03", "__typename"]),
        "Motion" => choices.of(&["speed", "rotationX"]),
        _ => choices.of(&["gpsUpdated", "g: gpsUpdated", "uptime"]),
    }
}

/// A selection set of a type.
fn selection(of: &str, choices: &mut Choices<'_>, depth: usize) -> String {
    let mut items = Vec::new();
    for _ in 0..=choices.below(6) {
        let nested = |of, choices: &mut Choices<'_>| selection(of, choices, depth + 1);
        // An alias tells the field and its arguments, so that fields of one key can be merged; most of the time.
        let item = match (of, choices.below(if depth < 8 { 10 } else { 7 })) {
            (_, 7) => format!("... {} {}", choices.of(&DIRECTIVES), nested(of, choices)),
            (_, 8) => format!("... on {of} {} {}", choices.of(&DIRECTIVES), nested(of, choices)),
            ("Measurement", 9) => format!("... on Node {{ id {} }}", choices.of(&["", "a: id", "__typename", "...N"])),
            ("Measurement", 6) => format!("...{} {}", choices.of(&["M", "MM", "N"]), choices.of(&DIRECTIVES)),
            ("Measurement", 4) => {
                let (field, object) = group(choices);
                format!("{field} {} {}", choices.of(&DIRECTIVES), nested(object, choices))
            }
            ("Weather" | "Ambient" | "Motion" | "DeviceStatus", _) => {
                format!("{} {}", of_group(of, choices), choices.of(&DIRECTIVES))
            }
            ("Measurement", 5) => {
                let field = choices.of(&[
                    "cell",
                    "twelve: cell(resolution: 12)",
                    "fine: cell(resolution: $fine)",
                    "default: cell(resolution: $default)",
                    "device { id }",
                    "bad: cell(resolution: $bad)",
                    "pm10: pm1",
                ]);
                let directives = choices.of(&DIRECTIVES);
                match field.split_once(" {") {
                    Some((field, selection)) => format!("{field} {directives} {{{selection}"),
                    None => format!("{field} {directives}"),
                }
            }
            ("Measurement", _) => {
                let field = choices.of(&[
                    "pm1",
                    "pm25",
                    "pm4",
                    "pm10",
                    "id",
                    "measuredAt",
                    "recordedAt",
                    "timeUncertainty",
                    "latitude",
                    "longitude",
                    "flags",
                    "__typename",
                ]);
                let alias = if choices.below(4) == 1 {
                    format!("a_{}: ", field.trim_start_matches('_'))
                } else {
                    String::new()
                };
                format!("{alias}{field} {}", choices.of(&DIRECTIVES))
            }
            ("MeasurementEdge", 0..4) => {
                format!(
                    "{} {} {}",
                    choices.of(&["node", "n: node"]),
                    choices.of(&DIRECTIVES),
                    nested("Measurement", choices)
                )
            }
            ("MeasurementEdge", 6 | 9) => format!("...E {}", choices.of(&DIRECTIVES)),
            ("MeasurementEdge", _) => {
                format!("{} {}", choices.of(&["cursor", "c: cursor", "__typename"]), choices.of(&DIRECTIVES))
            }
            ("MeasurementConnection", 0..2) => {
                format!(
                    "{} {} {}",
                    choices.of(&["nodes", "n: nodes"]),
                    choices.of(&DIRECTIVES),
                    nested("Measurement", choices)
                )
            }
            ("MeasurementConnection", 2..4) => {
                format!(
                    "{} {} {}",
                    choices.of(&["edges", "e: edges"]),
                    choices.of(&DIRECTIVES),
                    nested("MeasurementEdge", choices)
                )
            }
            ("MeasurementConnection", 6 | 9) => format!("...C {}", choices.of(&DIRECTIVES)),
            ("MeasurementConnection", _) => {
                choices.of(&["__typename", "pageInfo { startCursor hasNextPage }"]).to_owned()
            }
            _ => {
                let field = choices.of(&["list", "l: list", "other", "o: other", "list"]);
                format!("{field} {} {}", choices.of(&DIRECTIVES), nested("MeasurementConnection", choices))
            }
        };
        items.push(item);
    }
    format!("{{ {} }}", items.join(" "))
}

fn question(bytes: &[u8]) -> String {
    document("query", selection("Query", &mut Choices(bytes), 0))
}

/// What may be selected of a measurement.
pub(in crate::graphql) fn of_a_measurement(bytes: &[u8]) -> String {
    selection("Measurement", &mut Choices(bytes), 0)
}

/// A whole document with this selection set, and the fragments and variables that it uses.
pub(in crate::graphql) fn document(operation: &str, mut body: String) -> String {
    let mut open: Vec<_> = FRAGMENTS.to_vec();
    while let Some(at) = open.iter().position(|(name, _)| body.contains(&format!("...{name} "))) {
        body.push_str(open.remove(at).1);
    }
    let declared = ["$yes: Boolean!", "$no: Boolean!", "$fine: Int = 3", "$default: Int = 5", "$bad: Int! = 16"];
    let used: Vec<_> =
        declared.into_iter().filter(|declared| body.contains(declared.split(':').next().unwrap_or(""))).collect();
    if used.is_empty() { format!("{operation} {body}") } else { format!("{operation} ({}) {body}", used.join(", ")) }
}

pub(in crate::graphql) fn rows() -> impl Strategy<Value = Vec<Measurement>> {
    let odd = prop_oneof![
        prop::sample::select(vec![0.0, -0.0, 12.4, 40.22928, 258_198.63, 999.9, 1e-7, 3.4e38, 16_777_216.0, 1e6]),
        any::<f32>(),
        (0..9_999_u16).prop_map(|tenths| f32::from(tenths) / 10.0),
    ]
    .prop_filter("stored values are finite", |value| value.is_finite());
    let value = move || prop::option::of(odd.clone());
    let time = || (-62_135_596_800_i64..253_402_300_799, prop::sample::select(vec![0, 500_000, 123_000, 1, 999_999]));
    let place = prop::option::of((-90.0..=90.0, -180.0..180.0));
    let seconds = prop::option::of(any::<i32>());
    let key = (any::<i64>(), time(), 0..3);
    let row = (key, time(), place, (value(), value(), value(), value()), any::<i32>(), (seconds, joined_readings()));
    let moment = |(seconds, micros): (i64, i64)| -> DateTime<Utc> {
        DateTime::from_timestamp_micros(seconds * 1_000_000 + micros).expect("a time")
    };
    let row = row.prop_map(
        move |((device, measured_at, seq), recorded_at, place, (pm1, pm2_5, pm4, pm10), flags, (seconds, readings))| {
            Measurement {
                key: MeasurementKey { device_id: DeviceId(device), measured_at: moment(measured_at), seq },
                recorded_at: moment(recorded_at),
                position: place.map(|(latitude, longitude)| Position::try_new(latitude, longitude).expect("a place")),
                pm1,
                pm2_5,
                pm4,
                pm10,
                flags: QualityFlags::from_bits(flags),
                time_uncertainty_s: seconds,
                readings,
            }
        },
    );
    prop::collection::vec(row, 0..4)
}

const GROUPS: [Group; 4] = [Group::Weather, Group::Ambient, Group::Motion, Group::Status];

/// All groups, each with a value of some of its quantities, or absent.
fn joined_readings() -> impl Strategy<Value = JoinedReadings> {
    let odd = prop_oneof![Just(0.0), Just(1.0), Just(-40.05), Just(1e300), any::<f64>()];
    let values = prop::collection::vec(prop::option::of(odd), Quantity::ALL.len());
    (prop::array::uniform4(any::<bool>()), values).prop_map(|(present, values)| {
        let mut readings = JoinedReadings::default();
        for (group, is_present) in GROUPS.into_iter().zip(present) {
            readings.set_group(group, is_present);
            let values = Quantity::ALL.iter().zip(&values).filter(|(quantity, _)| quantity.definition().group == group);
            values.for_each(|(&quantity, &value)| value.into_iter().for_each(|value| readings.set(quantity, value)));
        }
        readings
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_is_the_same_by_either_way(rows in rows(), bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let question = question(&bytes);
        let answers = answers(&rows, &question);
        prop_assume!(answers.is_some());
        let (ordinary, spliced) = answers.unwrap_or_default();
        prop_assert_eq!(spliced, ordinary, "{}", question);
    }
}

fn is_text(question: &str) -> bool {
    let mut readings = JoinedReadings::default();
    for group in GROUPS {
        readings.set_group(group, true);
    }
    let row = Measurement {
        key: MeasurementKey { device_id: DeviceId(1), measured_at: DateTime::UNIX_EPOCH, seq: 0 },
        recorded_at: DateTime::UNIX_EPOCH,
        position: None,
        pm1: None,
        pm2_5: None,
        pm4: None,
        pm10: None,
        flags: QualityFlags::default(),
        time_uncertainty_s: None,
        readings,
    };
    let response = executed(&operation(question).expect("a valid question"), &[row], true);
    assert!(response.errors.is_empty(), "{question}: {:?}", response.errors);
    has_text(&response.data)
}

#[test]
fn flat_lists_are_text_and_what_needs_a_resolver_is_not() {
    for question in [
        "{ list { nodes { id pm10 cell } } }",
        "{ list { edges { cursor node { flags ... on Node { id } } } } }",
        "{ list { nodes { pm10 device { id } } } }",
        "{ a: list { nodes { pm10 } } b: list { nodes { pm10 } } }",
        "{ list { ...F ...F } } fragment F on MeasurementConnection { nodes { pm10 pm10 } }",
        "{ list { nodes { pm10 device { id } device { __typename } } } }",
        "{ list { nodes { pm10 } nodes { pm25 } } }",
        "{ list { nodes { pm10 } } list { nodes { pm25 @skip(if: false) } } }",
        "{ list { nodes { weather { humidity } ambient { noise } motion { speed } status { gpsUpdated } } } }",
    ] {
        assert!(is_text(question), "{question}");
    }
    for question in ["{ list { pageInfo { hasNextPage } } }", "{ list { nodes { pm10 @skip(if: true) } } }"] {
        assert!(!is_text(question), "{question}");
    }
}
