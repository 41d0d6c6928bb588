//! Requests and their results according to the specification.

use async_graphql::{Variables, value};

use super::*;
use crate::graphql::types;

/// The canonical form, or the error messages.
fn canonical_of(text: &str, name: Option<&str>, variables: async_graphql::Value) -> Result<String, Vec<String>> {
    let messages = |errors: Vec<ServerError>| errors.into_iter().map(|error| error.message).collect::<Vec<_>>();
    let document = Document::parse(text).map_err(|error| vec![error.message])?;
    document.validate(types(), true).map_err(messages)?;
    let operation = document.operation(types(), name, &Variables::from_value(variables)).map_err(messages)?;
    Ok(canonical::selection_set_text(operation.selection_set()))
}

#[test]
fn operation_has_a_canonical_form() {
    for (text, variables, expected) in [
        // Fields with the same key are merged, at the position of the first.
        ("{server{version @skip(if:true)} server{version}}", value!({}), "{server{version}}"),
        ("{a:server{version} server{time} a:server{time}}", value!({}), "{a:server{version time} server{time}}"),
        // An empty selection is still an object.
        ("{device(key:\"b\"){key @skip(if:true)}}", value!({}), "{device(key:\"b\"){:__typename}}"),
        // Fragments are inlined, each once.
        (
            "{...F ...F ...on Query{server{time}}} fragment F on Query{server{version ...{time}}}",
            value!({}),
            "{server{version time}}",
        ),
        // Type-dependent fields of an interface are in one fragment per type.
        ("{node(id:1){id}}", value!({}), "{node(id:\"1\"){:__typename id}}"),
        (
            "{node(id:\"x\"){...on Device{name} id ...on Device{n:name}}}",
            value!({}),
            "{node(id:\"x\"){:__typename ...on Device{name} id ...on Device{n:name}}}",
        ),
        ("{device(key:\"b\"){...on Node{id ...on Trip{start}}}}", value!({}), "{device(key:\"b\"){id}}"),
        // Variables: given, by default, absent.
        ("query($k:String!){device(key:$k){key}}", value!({"k": "b"}), "{device(key:\"b\"){key}}"),
        ("query($n:Int=3){measurements(first:$n){totalCount}}", value!({}), "{measurements(first:3){totalCount}}"),
        (
            "query($n:Int=3){measurements(first:$n){totalCount}}",
            value!({"n": null}),
            "{measurements(first:null){totalCount}}",
        ),
        ("query($n:Int){measurements(first:$n){totalCount}}", value!({}), "{measurements{totalCount}}"),
        (
            "query($n:Int){measurements(first:$n){totalCount}}",
            value!({"n": 1.0}),
            "{measurements(first:1){totalCount}}",
        ),
        (
            "query($m:Float,$d:[String!]){measurements(filter:{pm10:{min:$m,max:2},devices:$d}){totalCount}}",
            value!({"d": "b"}),
            "{measurements(filter:{pm10: {max: 2}, devices: [\"b\"]}){totalCount}}",
        ),
        (
            "query($o:MeasurementOrder){measurements(orderBy:$o){totalCount}}",
            value!({"o": "MEASURED_AT_DESC", "other": 1}),
            "{measurements(orderBy:MEASURED_AT_DESC){totalCount}}",
        ),
        ("query($x:Boolean!){__typename @include(if:$x)}", value!({"x": false}), "{:__typename}"),
        ("query($x:Boolean!){__typename @include(if:$x)}", value!({"x": true}), "{__typename}"),
        // Text (§2.9.4).
        ("{device(key:\"\\uD83D\\uDE80 \\u{1F680}\"){key}}", value!({}), "{device(key:\"🚀 🚀\"){key}}"),
        ("{device(key:\"\"\"b\\\"\"\"c\"\"\"){key}}", value!({}), "{device(key:\"b\\\"\\\"\\\"c\"){key}}"),
        ("{measurements(first:-0){totalCount}}", value!({}), "{measurements(first:0){totalCount}}"),
        (
            "\"what\" query Q(\"which\" $k:\nString !){...on # x\nQuery{device(key:$k){key}}}",
            value!({"k": "b"}),
            "{device(key:\"b\"){key}}",
        ),
        ("{a,:#,\n,server{,version,}}", value!({}), "{a:server{version}}"),
        ("{__type(name:\"Node\"){interfaces{name}}}", value!({}), "{__type(name:\"Node\"){:kind interfaces{name}}}"),
    ] {
        assert_eq!(canonical_of(text, None, variables), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn only_variables_of_the_selected_operation_are_checked() {
    let text = "query A{server{version}} query B($k:String!){device(key:$k){key}}";
    assert_eq!(canonical_of(text, Some("A"), value!({})), Ok("{server{version}}".to_owned()));
    assert_eq!(
        canonical_of(text, Some("B"), value!({})),
        Err(vec!["$k: a value of type String! is required".to_owned()])
    );
    for name in [None, Some("C")] {
        let errors = canonical_of(text, name, value!({})).expect_err("not clear");
        assert!(errors.len() == 1 && errors[0].starts_with("operationName: "), "{errors:?}");
    }
}

/// Each document has one error, reported once.
const VALIDATION_ERRORS: &[(&str, &str)] = &[
    ("{", "syntax error: expected a field, found the end of the document"),
    ("{servr{version}}", "type `Query` does not have a field `servr`; did you mean `server`?"),
    ("{devices}", "a selection of fields is missing: interface, union and object types must have a subselection set"),
    ("{devices(filter:1){totalCount}}", "filter: expected an object of type DeviceFilter, found 1"),
    (
        "{measurements(orderBy:\"MEASURED_AT_DESC\"){totalCount}}",
        "orderBy: expected a value of the enum MeasurementOrder, found \"MEASURED_AT_DESC\"",
    ),
    (
        "{measurements(orderBy:MEASURED_AT_DECS){totalCount}}",
        "orderBy: expected a value of the enum MeasurementOrder, found MEASURED_AT_DECS; did you mean `MEASURED_AT_DESC`?",
    ),
    (
        "{measurements(filter:{measuredAt:{from:\"2026-05-01\"}}){totalCount}}",
        "filter.measuredAt.from: expected an RFC 3339 time with zone such as 2026-05-01T10:00:00Z, found \"2026-05-01\"",
    ),
    (
        "{measurements(first:99999999999){totalCount}}",
        "first: expected an Int: a whole number from -2147483648 to 2147483647, found 99999999999",
    ),
    ("{measurements(filter:{pm10:{min:1,min:2}}){totalCount}}", "filter.pm10.min: the field is given more than once"),
    (
        "{measurements(filter:{pm10:{mn:1}}){totalCount}}",
        "filter.pm10.mn: FloatRange has no such field; did you mean `min`?",
    ),
    ("{measurements(fist:1){totalCount}}", "`Query.measurements` has no argument `fist`; did you mean `first`?"),
    ("{device{key}}", "`Query.device` needs the argument `key: String!`"),
    ("{device(key:null){key}}", "key: expected String!, found null"),
    (
        "{measurements(filter:{area:{cells:[\"8928308280fffff\"],circle:null}}){totalCount}}",
        "filter.area: Area takes exactly one field, which is not null",
    ),
    (
        "query($c:[String!]){measurements(filter:{area:{cells:$c}}){totalCount}}",
        "variable `$c` of type [String!] can't stand for `filter.area.cells`, which needs [String!]!",
    ),
    (
        "query($k:String){device(key:$k){key}}",
        "variable `$k` of type String can't stand for `key`, which needs String!",
    ),
    ("query($k:Int!){device(key:$k){key}}", "variable `$k` of type Int! can't stand for `key`, which needs String!"),
    (
        "query($k:String){measurements(filter:{devices:[$k]}){totalCount}}",
        "variable `$k` of type String can't stand for `filter.devices[0]`, which needs String!",
    ),
    (
        "query($k:String=null){device(key:$k){key}}",
        "variable `$k` of type String can't stand for `key`, which needs String!",
    ),
    (
        "query($f:[[Int]]){measurements(first:$f){totalCount}}",
        "variable `$f` of type [[Int]] can't stand for `first`, which needs Int",
    ),
    ("{device(key:$k){key}}", "variable `$k` is not declared by the operation"),
    ("query($k:String){server{version}}", "unused variable: `$k`"),
    ("query($k:String! @nope){device(key:$k){key}}", "cannot find directive `@nope` in the schema"),
    ("{__typename @nope}", "cannot find directive `@nope` in the schema"),
    ("{__typename(a:1)}", "`Query.__typename` has no argument `a`"),
    ("{__typename{a}}", "field selection of scalar type `String` must not have subselections"),
    ("{server{version @skip}}", "`@skip` needs the argument `if: Boolean!`"),
    ("{server{version @skip(if:\"x\")}}", "if: expected a Boolean: true or false, found \"x\""),
    (
        "{a:server{version} a:devices{totalCount}}",
        "two fields are answered as `a`, but `server` and `devices` are different fields; give one of them an alias",
    ),
    (
        "{a:device(key:\"1\"){key} ...on Query{a:device(key:\"2\"){key}}}",
        "two fields are answered as `a`, but their arguments differ; give one of them an alias",
    ),
    (
        "{nodes(ids:[1]){id} nodes(ids:[1,2]){id}}",
        "two fields are answered as `nodes`, but their arguments differ; give one of them an alias",
    ),
    (
        "{node(id:1){...on Device{a:name} ...on Measurement{a:pm10}}}",
        "two fields are answered as `a`, but one is of type String, the other of type Float; give one of them an alias",
    ),
    (
        "subscription{measurementRecorded{cursor} deviceUpdated{cursor}}",
        "a subscription has exactly one root field; send one subscription for each",
    ),
    (
        "query A{server{version}} subscription B{measurementRecorded{cursor} deviceUpdated{cursor}}",
        "a subscription has exactly one root field; send one subscription for each",
    ),
    ("query($a:[Nope]=[1]){__typename @skip(if:$a)}", "cannot find type `Nope` in the schema"),
    ("type A{b:Int}", "a document that is executed has only operations and fragments"),
    ("{...F} fragment F on Query{server{nope}}", "type `Server` does not have a field `nope`"),
];

#[test]
fn validation_error_messages() {
    for &(text, expected) in VALIDATION_ERRORS {
        let errors = canonical_of(text, None, value!({})).expect_err(text);
        assert_eq!(errors, [expected], "{text}");
    }
}

#[test]
fn variable_errors_name_path_and_expected_type() {
    for (text, variables, expected) in [
        ("query($k:String!){device(key:$k){key}}", value!({"k": null}), "$k: expected String!, found null"),
        ("query($k:String!){device(key:$k){key}}", value!({"k": 1}), "$k: expected a String, found 1"),
        (
            "query($n:Int){measurements(first:$n){totalCount}}",
            value!({"n": 1.5}),
            "$n: expected an Int: a whole number from -2147483648 to 2147483647, found 1.5",
        ),
        (
            "query($f:DeviceFilter){devices(filter:$f){totalCount}}",
            value!({"f": 1}),
            "$f: expected an object of type DeviceFilter, found 1",
        ),
        (
            "query($f:MeasurementFilter){measurements(filter:$f){totalCount}}",
            value!({"f": {"or": [{"measuredAt": {"from": "today"}}]}}),
            "$f.or[0].measuredAt.from: expected an RFC 3339 time with zone such as 2026-05-01T10:00:00Z, found \"today\"",
        ),
        (
            "query($f:MeasurementFilter){measurements(filter:$f){totalCount}}",
            value!({"f": {"pm99": 1}}),
            "$f.pm99: MeasurementFilter has no such field",
        ),
        (
            "query($a:Area!){measurements(filter:{area:$a}){totalCount}}",
            value!({"a": {}}),
            "$a: Area takes exactly one field, which is not null",
        ),
        (
            "mutation($i:RegisterDeviceInput!){registerDevice(input:$i){status}}",
            value!({"i": {"key": "k"}}),
            "$i.kind: a value of type DeviceKind! is required",
        ),
    ] {
        assert_eq!(canonical_of(text, None, variables), Err(vec![expected.to_owned()]), "{text}");
    }
}

#[test]
fn validation_errors_are_in_document_order() {
    let text = "query($z:Int $a:Int){\n b:nope\n a:nope2 device(kee:1){key} }";
    let document = Document::parse(text).expect("a document");
    let errors = document.validate(types(), false).expect_err("faults");
    let places: Vec<_> = errors.iter().map(|error| (error.locations[0].line, error.locations[0].column)).collect();
    assert_eq!(places, [(2, 4), (3, 4), (3, 10), (3, 17)], "{errors:?}");
    for error in errors {
        let code = error.extensions.and_then(|extensions| extensions.get("code").cloned());
        assert_eq!(code, Some(value!("GRAPHQL_VALIDATION_FAILED")));
    }
}
