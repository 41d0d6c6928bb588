//! Input coercion of scalars and enums (GraphQL specification, §3.5, §3.10).

use std::fmt::Write as _;

use apollo_compiler::{ast, schema::ExtendedType};
use async_graphql::{Name, Number, Value};

use crate::graphql::scalar;

/// Maximum characters of a value in an error message.
const MAX_SHOWN_VALUE_CHARS: usize = 60;

/// Source of a value: JSON has fewer kinds of values than a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueSource {
    Document,
    Variable,
}

/// Coerces a value that is neither null, a list, an object nor a variable to a scalar or an enum.
///
/// # Errors
/// Description of the expected value.
pub(super) fn coerce_leaf(definition: &ExtendedType, value: &Value, source: ValueSource) -> Result<Value, String> {
    match definition {
        ExtendedType::Enum(definition) => {
            let name = match (value, source) {
                (Value::Enum(name), ValueSource::Document) => Some(name.as_str()),
                (Value::String(name), ValueSource::Variable) => Some(name.as_str()),
                _ => None,
            };
            let known = name.filter(|name| definition.values.contains_key(*name));
            known
                .map(|name| Value::Enum(Name::new(name)))
                .ok_or_else(|| format!("a value of the enum {}", definition.name))
        }
        ExtendedType::Scalar(definition) => coerce_built_in(&definition.name, value, source),
        other => Err(format!("an object of type {}", other.name())),
    }
}

fn coerce_built_in(name: &str, value: &Value, source: ValueSource) -> Result<Value, String> {
    let coerced = match (name, value) {
        ("Int", Value::Number(number)) => {
            integer(number, source).filter(|integer| i32::try_from(*integer).is_ok()).map(Value::from)
        }
        ("Float", Value::Number(number)) => number.as_f64().filter(|float| float.is_finite()).map(|_| value.clone()),
        ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => Some(value.clone()),
        ("ID", Value::Number(number)) => id_digits(number, source).map(Value::String),
        ("Int" | "Float" | "String" | "Boolean" | "ID", _) => None,
        _ => return scalar::check(name, value).map(|()| value.clone()).map_err(str::to_owned),
    };
    coerced.ok_or_else(|| {
        let expected = match name {
            "Int" => "an Int: a whole number from -2147483648 to 2147483647",
            "Float" => "a Float: a number within the range of 64 bits",
            "String" => "a String",
            "Boolean" => "a Boolean: true or false",
            _ => "an ID: a string or a whole number",
        };
        expected.to_owned()
    })
}

/// The digits of an integer of any size, as an ID (§3.5.5).
fn id_digits(number: &Number, source: ValueSource) -> Option<String> {
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    let float = number.as_f64().filter(|float| source == ValueSource::Variable && float.fract() == 0.0)?;
    Some(format!("{float:.0}"))
}

/// An integer. In JSON it may be written `1.0` (§3.5.1).
fn integer(number: &Number, source: ValueSource) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| source == ValueSource::Variable && float.fract() == 0.0)?;
        format!("{float:.0}").parse().ok()
    })
}

/// The value of a leaf in a document; `None` for a list, an object, a variable, or a number out of range.
pub(super) fn literal_value(value: &ast::Value) -> Option<Value> {
    match value {
        ast::Value::Null => Some(Value::Null),
        ast::Value::Enum(name) => Some(Value::Enum(Name::new(name))),
        ast::Value::String(text) => Some(Value::String(text.clone())),
        ast::Value::Boolean(boolean) => Some(Value::Boolean(*boolean)),
        ast::Value::Int(number) => {
            let text = number.as_str();
            let integer = text.parse::<i64>().map(Number::from).ok();
            integer.or_else(|| Number::from_f64(text.parse().ok()?)).map(Value::Number)
        }
        ast::Value::Float(number) => Number::from_f64(number.as_str().parse().ok()?).map(Value::Number),
        ast::Value::Variable(_) | ast::Value::List(_) | ast::Value::Object(_) => None,
    }
}

/// A value, truncated for an error message.
pub(super) fn truncated(value: impl std::fmt::Display) -> String {
    let mut text = String::new();
    let _ = write!(text, "{value}"); // writing to a string can't fail
    match text.char_indices().nth(MAX_SHOWN_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
