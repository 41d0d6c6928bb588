//! Values and bodies that no sensor sends, generated from the names of the format.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use proptest::{collection::vec, prelude::*, sample::select};

/// Numbers at the limits of types, positions and quantities, and marks of a missing value.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "-128",
    "-200",
    "-1000",
    "90",
    "90.0000001",
    "180",
    "-180",
    "1e39",
    "-3.5e38",
    "3.4e38",
    "1e308",
    "1e-400",
    "5e-324",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999999999",
    "946684799999999999",
];
/// JSON texts that resemble numbers, times and packets, or contain critical characters.
const TEXTS: &[&str] = &[
    r#""""#,
    r#""nan""#,
    r#""-inf""#,
    r#""1e999""#,
    r#""1e39""#,
    r#""-200""#,
    r#"" 5 ""#,
    r#""-59 dBm""#,
    r#""dBm""#,
    r#""\u0000""#,
    r#""\ud800""#,
    r#""\u202e""#,
    r#""\u001b[2J""#,
    "\"\u{7f}\u{1f4a8}\"",
    r#""dBit""#,
    r#""dBi""#,
    r#""+262142-12-31T23:59:59.999999999Z""#,
    r#""-262143-01-01T00:00:00Z""#,
    r#""9999-12-31T23:59:59-23:59""#,
    r#""0000-01-01T00:00:00+23:59""#,
    r#""2026-06-30T23:59:60Z""#,
    r#""1969-12-31T23:59:59Z""#,
    r#""AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA""#,
    r#""////////////////////////////////////////////////////////////////////""#,
];
/// Values of other types, or of none.
const OTHERS: &[&str] = &[
    "null",
    "true",
    "false",
    "t",
    "[]",
    "{}",
    "[[]]",
    r#"{"":{}}"#,
    "1e999",
    "-1e999",
    "1e",
    "0x10",
    "1_000",
    "01",
    "+1",
    ".5",
    "1.",
    "NaN",
    "inf",
    "-Infinity",
    "12i",
    "-1u",
    "9223372036854775807i",
    "9223372036854775808i",
];

/// A number.
pub(super) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        select(NUMBERS).prop_map(str::to_owned),
        (-200..200_i32).prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
    ]
}

/// A text in quotes.
pub(super) fn text(words: &[String]) -> impl Strategy<Value = String> + use<> {
    prop_oneof![
        2 => select(TEXTS).prop_map(str::to_owned),
        2 => number().prop_map(|number| quoted(&number)),
        1 => ".{0,12}".prop_map(|text| quoted(&text)),
        1 => select(words.to_vec()).prop_map(|word| quoted(&word)),
        1 => (1..2000_usize).prop_map(|length| quoted(&"\u{1}ß".repeat(length))),
        2 => packet().prop_map(|packet| quoted(&packet)),
    ]
}

/// A number, a text, something else, or a structure of the format's own names.
pub(super) fn value(words: &[String]) -> impl Strategy<Value = String> + use<> {
    let scalar = prop_oneof![4 => number(), 2 => text(words), 1 => select(OTHERS).prop_map(str::to_owned)];
    let name = prop_oneof![4 => select(words.to_vec()), 1 => "[0-9]{1,3}", 1 => ".{0,4}"];
    let entries = vec((name, scalar.clone()), 0..8);
    // Fields of bicycles: numbered, in groups of four.
    let numbered = vec(number(), 0..17)
        .prop_map(|values| object(values.into_iter().enumerate().map(|(key, value)| (key.to_string(), value))));
    prop_oneof![
        4 => scalar.clone(),
        1 => entries.clone().prop_map(object),
        1 => vec(scalar, 0..5).prop_map(|values| format!("[{}]", values.join(","))),
        1 => numbered,
        1 => vec(entries.prop_map(object), 0..4).prop_map(|objects| format!("[{}]", objects.join(","))),
    ]
}

/// A body: a value, or some lines.
pub(super) fn body(words: &[String]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let word = || prop_oneof![4 => select(words.to_vec()), 1 => number()];
    let pair = move || (word(), word()).prop_map(|(name, value)| format!("{name}={value}"));
    let time = prop_oneof![Just(String::new()), any::<i64>().prop_map(|time| format!(" {time}"))];
    let line = (word(), vec(pair(), 0..3), vec(pair(), 0..4), time).prop_map(|(name, tags, fields, time)| {
        format!("{} {}{time}", [vec![name], tags].concat().join(","), fields.join(","))
    });
    let rows = vec(vec(word(), 0..7).prop_map(|cells| cells.join(",")), 0..5);
    prop_oneof![
        value(words).prop_map(String::into_bytes),
        vec(line, 0..5).prop_map(|lines| lines.join("\n").into_bytes()),
        rows.prop_map(|rows| rows.join("\r\n").into_bytes()),
    ]
}

/// Bytes in base64: a packet with the required tail of zeros, or random bytes.
fn packet() -> impl Strategy<Value = String> {
    let whole = vec(any::<u8>(), 51).prop_map(|mut packet| {
        packet[46] &= 0b1100_0000;
        packet[47..].fill(0);
        packet
    });
    prop_oneof![4 => whole, 1 => vec(any::<u8>(), 40..60)].prop_map(|packet| BASE64.encode(packet))
}

fn object(entries: impl IntoIterator<Item = (String, String)>) -> String {
    let entries: Vec<_> = entries.into_iter().map(|(name, value)| format!("{}:{value}", quoted(&name))).collect();
    format!("{{{}}}", entries.join(","))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
