//! Random queries on random rows: the JSON text written here equals the response of async-graphql's resolvers and
//! serde.

use std::sync::{Arc, LazyLock};

use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Request, Response, Schema, Value, Variables};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use proptest::prelude::*;
use serde_json::json;

use super::RawJson;
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
        compat::normalize_response,
        execute::{
            operation::{Document, Operation, TypeSystem},
            response_writer,
        },
        page::PageSlice,
        test_util::RandomChoices,
        types::{
            measurement_connection::{MeasurementConnection, MeasurementScope},
            node::Node,
        },
    },
};

struct Query;

type TestSchema = Schema<Query, EmptyMutation, EmptySubscription>;

/// The rows are data of the request.
static SCHEMA: LazyLock<TestSchema> =
    LazyLock::new(|| Schema::build(Query, EmptyMutation, EmptySubscription).register_output_type::<Node>().finish());

fn request_rows(ctx: &Context<'_>) -> impl DoubleEndedIterator<Item = Measurement> {
    ctx.data_unchecked::<Vec<Measurement>>().iter().cloned()
}

#[Object]
impl Query {
    async fn list(&self, ctx: &Context<'_>) -> MeasurementConnection {
        let slice = PageSlice { rows: request_rows(ctx).collect(), has_previous: true, has_next: false };
        MeasurementConnection::new(slice, MeasurementScope::Filtered(Arc::new(Filter::default())))
    }

    async fn other(&self, ctx: &Context<'_>) -> MeasurementConnection {
        let slice = PageSlice { rows: request_rows(ctx).rev().collect(), has_previous: false, has_next: true };
        MeasurementConnection::new(slice, MeasurementScope::Filtered(Arc::new(Filter::default())))
    }
}

static TYPES: LazyLock<TypeSystem> = LazyLock::new(|| TypeSystem::parse(&SCHEMA.sdl()).expect("a schema"));

/// The operation of a query; `None` when it is not valid.
fn valid_operation(query: &str) -> Option<Arc<Operation>> {
    let document = Document::parse(query).expect("a document");
    document.validate(&TYPES, true).ok()?;
    Some(document.operation(&TYPES, None, &Variables::from_json(variables())).expect("an operation"))
}

fn execute(operation: &Operation, rows: &[Measurement], spliced: bool) -> Response {
    let mut request = Request::new("").data(rows.to_vec());
    if spliced {
        request = request.data(RawJson);
    }
    request.set_parsed_query(operation.document.clone());
    let mut response = SCHEMA.execute(request).now_or_never().expect("none of these fields waits for anything");
    normalize_response(&TYPES, operation.kind, operation.selection_set(), &mut response);
    response
}

/// The response of the resolvers to a valid query.
pub(in crate::graphql) fn resolver_response(rows: &[Measurement], query: &str) -> Response {
    execute(&valid_operation(query).expect("a valid query"), rows, false)
}

/// The response of the resolvers and the one written here; `None` when the query is not valid.
fn resolver_and_fast_json(rows: &[Measurement], query: &str) -> Option<(String, String)> {
    let operation = valid_operation(query)?;
    let ordinary = execute(&operation, rows, false);
    assert!(!contains_raw_json(&ordinary.data), "{query}");
    let spliced = response_writer::to_json(&execute(&operation, rows, true));
    Some((serde_json::to_string(&ordinary).expect("text"), String::from_utf8(spliced).expect("text")))
}

/// Values of the variables that a query can use.
pub(in crate::graphql) fn variables() -> serde_json::Value {
    json!({ "yes": true, "no": false, "fine": 12, "bad": 16 })
}

/// Whether a list was returned as JSON text.
fn contains_raw_json(data: &Value) -> bool {
    match data {
        Value::Binary(_) => true,
        Value::Object(fields) => fields.values().any(contains_raw_json),
        Value::List(items) => items.iter().any(contains_raw_json),
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

/// Fragments that a query can use, by type; the second of a type spreads the first.
const FRAGMENTS: [(&str, &str); 5] = [
    ("M", "fragment M on Measurement { pm10 c: cell(resolution: $fine) __typename }"),
    ("MM", "fragment MM on Measurement { x: pm1 ...M ... on Node { id } pm10 }"),
    ("N", "fragment N on Node { id ... on Measurement { flags } }"),
    ("E", "fragment E on MeasurementEdge { cursor node { pm25 ...M } }"),
    ("C", "fragment C on MeasurementConnection { nodes { latitude } pageInfo { endCursor } ... { edges { ...E } } }"),
];

/// A field of measurements with the readings of a group, and its type.
fn random_group(choices: &mut RandomChoices<'_>) -> (&'static str, &'static str) {
    let field = choices.pick(&["weather", "w: weather", "ambient", "motion", "status", "a: ambient", "s: status"]);
    let object = match field.rsplit(' ').next() {
        Some("weather") => "Weather",
        Some("ambient") => "Ambient",
        Some("motion") => "Motion",
        _ => "DeviceStatus",
    };
    (field, object)
}

/// A field of the readings of a group.
fn random_group_field(of: &str, choices: &mut RandomChoices<'_>) -> &'static str {
    match of {
        "Weather" => choices.pick(&["temperature", "h: humidity", "rain"]),
        "Ambient" => choices.pick(&["co2", "particles03", "__typename"]),
        "Motion" => choices.pick(&["speed", "rotationX"]),
        _ => choices.pick(&["gpsUpdated", "g: gpsUpdated", "uptime"]),
    }
}

/// A random selection set on a type.
fn random_selection(of: &str, choices: &mut RandomChoices<'_>, depth: usize) -> String {
    let mut items = Vec::new();
    for _ in 0..=choices.index_below(6) {
        let nested = |of, choices: &mut RandomChoices<'_>| random_selection(of, choices, depth + 1);
        // An alias usually contains the field and its arguments, so that fields with the same key can be merged.
        let item = match (of, choices.index_below(if depth < 8 { 10 } else { 7 })) {
            (_, 7) => format!("... {} {}", choices.pick(&DIRECTIVES), nested(of, choices)),
            (_, 8) => format!("... on {of} {} {}", choices.pick(&DIRECTIVES), nested(of, choices)),
            ("Measurement", 9) => {
                format!("... on Node {{ id {} }}", choices.pick(&["", "a: id", "__typename", "...N"]))
            }
            ("Measurement", 6) => format!("...{} {}", choices.pick(&["M", "MM", "N"]), choices.pick(&DIRECTIVES)),
            ("Measurement", 4) => {
                let (field, object) = random_group(choices);
                format!("{field} {} {}", choices.pick(&DIRECTIVES), nested(object, choices))
            }
            ("Weather" | "Ambient" | "Motion" | "DeviceStatus", _) => {
                format!("{} {}", random_group_field(of, choices), choices.pick(&DIRECTIVES))
            }
            ("Measurement", 5) => {
                let field = choices.pick(&[
                    "cell",
                    "twelve: cell(resolution: 12)",
                    "fine: cell(resolution: $fine)",
                    "default: cell(resolution: $default)",
                    "device { id }",
                    "bad: cell(resolution: $bad)",
                    "pm10: pm1",
                ]);
                let directives = choices.pick(&DIRECTIVES);
                match field.split_once(" {") {
                    Some((field, selection)) => format!("{field} {directives} {{{selection}"),
                    None => format!("{field} {directives}"),
                }
            }
            ("Measurement", _) => {
                let field = choices.pick(&[
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
                let alias = if choices.index_below(4) == 1 {
                    format!("a_{}: ", field.trim_start_matches('_'))
                } else {
                    String::new()
                };
                format!("{alias}{field} {}", choices.pick(&DIRECTIVES))
            }
            ("MeasurementEdge", 0..4) => {
                format!(
                    "{} {} {}",
                    choices.pick(&["node", "n: node"]),
                    choices.pick(&DIRECTIVES),
                    nested("Measurement", choices)
                )
            }
            ("MeasurementEdge", 6 | 9) => format!("...E {}", choices.pick(&DIRECTIVES)),
            ("MeasurementEdge", _) => {
                format!("{} {}", choices.pick(&["cursor", "c: cursor", "__typename"]), choices.pick(&DIRECTIVES))
            }
            ("MeasurementConnection", 0..2) => {
                format!(
                    "{} {} {}",
                    choices.pick(&["nodes", "n: nodes"]),
                    choices.pick(&DIRECTIVES),
                    nested("Measurement", choices)
                )
            }
            ("MeasurementConnection", 2..4) => {
                format!(
                    "{} {} {}",
                    choices.pick(&["edges", "e: edges"]),
                    choices.pick(&DIRECTIVES),
                    nested("MeasurementEdge", choices)
                )
            }
            ("MeasurementConnection", 6 | 9) => format!("...C {}", choices.pick(&DIRECTIVES)),
            ("MeasurementConnection", _) => {
                choices.pick(&["__typename", "pageInfo { startCursor hasNextPage }"]).to_owned()
            }
            _ => {
                let field = choices.pick(&["list", "l: list", "other", "o: other", "list"]);
                format!("{field} {} {}", choices.pick(&DIRECTIVES), nested("MeasurementConnection", choices))
            }
        };
        items.push(item);
    }
    format!("{{ {} }}", items.join(" "))
}

fn random_query(bytes: &[u8]) -> String {
    document_with_fragments("query", random_selection("Query", &mut RandomChoices(bytes), 0))
}

/// A random selection on a measurement.
pub(in crate::graphql) fn random_measurement_selection(bytes: &[u8]) -> String {
    random_selection("Measurement", &mut RandomChoices(bytes), 0)
}

/// A document with this selection set and the fragments and variables it uses.
pub(in crate::graphql) fn document_with_fragments(operation: &str, mut body: String) -> String {
    let mut open: Vec<_> = FRAGMENTS.to_vec();
    while let Some(at) = open.iter().position(|(name, _)| body.contains(&format!("...{name} "))) {
        body.push_str(open.remove(at).1);
    }
    let declared = ["$yes: Boolean!", "$no: Boolean!", "$fine: Int = 3", "$default: Int = 5", "$bad: Int! = 16"];
    let used: Vec<_> =
        declared.into_iter().filter(|declared| body.contains(declared.split(':').next().unwrap_or(""))).collect();
    if used.is_empty() { format!("{operation} {body}") } else { format!("{operation} ({}) {body}", used.join(", ")) }
}

pub(in crate::graphql) fn arbitrary_measurements() -> impl Strategy<Value = Vec<Measurement>> {
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
    let row = (key, time(), place, (value(), value(), value(), value()), any::<i32>(), (seconds, arbitrary_readings()));
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

/// All groups, each with values of some of its quantities, or absent.
fn arbitrary_readings() -> impl Strategy<Value = JoinedReadings> {
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
    fn fast_json_equals_resolver_response(rows in arbitrary_measurements(), bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let query = random_query(&bytes);
        let answers = resolver_and_fast_json(&rows, &query);
        prop_assume!(answers.is_some());
        let (ordinary, spliced) = answers.unwrap_or_default();
        prop_assert_eq!(spliced, ordinary, "{}", query);
    }
}

fn is_raw_json(query: &str) -> bool {
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
    let response = execute(&valid_operation(query).expect("a valid query"), &[row], true);
    assert!(response.errors.is_empty(), "{query}: {:?}", response.errors);
    contains_raw_json(&response.data)
}

#[test]
fn only_lists_without_resolvers_are_raw_json() {
    for query in [
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
        assert!(is_raw_json(query), "{query}");
    }
    for query in ["{ list { pageInfo { hasNextPage } } }", "{ list { nodes { pm10 @skip(if: true) } } }"] {
        assert!(!is_raw_json(query), "{query}");
    }
}
