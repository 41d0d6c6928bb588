//! Writes a GraphQL response as JSON. Lists that are already JSON text ([`crate::graphql::fast_json`]) are copied;
//! serde would write their bytes as an array of numbers, or parse them again.

use async_graphql::{Response, Value};
use serde::Serialize;

/// A response as JSON.
pub(crate) fn to_json(response: &Response) -> Vec<u8> {
    let mut out = Vec::with_capacity(min_json_size(&response.data) + 64);
    out.extend_from_slice(b"{\"data\":");
    write_value(&response.data, &mut out);
    if !response.extensions.is_empty() {
        out.extend_from_slice(b",\"extensions\":");
        write_serialized(&response.extensions, &mut out);
    }
    if !response.errors.is_empty() {
        out.extend_from_slice(b",\"errors\":");
        write_serialized(&response.errors, &mut out);
    }
    out.push(b'}');
    out
}

/// A value as JSON.
pub(crate) fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Binary(text) => out.extend_from_slice(text),
        Value::Object(fields) => {
            let mut before = b'{';
            for (key, field) in fields {
                out.push(before);
                write_serialized(key.as_str(), out);
                out.push(b':');
                write_value(field, out);
                before = b',';
            }
            if fields.is_empty() {
                out.push(b'{');
            }
            out.push(b'}');
        }
        Value::List(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Null | Value::Number(_) | Value::String(_) | Value::Boolean(_) | Value::Enum(_) => {
            write_serialized(value, out);
        }
    }
}

/// Minimum size of the JSON text, in bytes.
pub(crate) fn min_json_size(value: &Value) -> usize {
    match value {
        Value::Binary(text) => text.len(),
        Value::String(text) => text.len() + 2,
        Value::Object(fields) => fields.iter().map(|(key, field)| key.len() + 4 + min_json_size(field)).sum(),
        Value::List(items) => items.iter().map(|item| 1 + min_json_size(item)).sum(),
        _ => 8,
    }
}

/// Writes a value with serde.
pub(crate) fn write_serialized(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    // Writing a response to a vector can't fail.
    if let Err(error) = serde_json::to_writer(out, value) {
        tracing::error!(error = &error as &dyn std::error::Error, "writing a response failed");
    }
}
