//! Values of fields that are written without resolvers.

use async_graphql::ID;

use super::json;
use crate::graphql::{
    inputs::interval::Interval,
    scalar::{DateTime, Float32},
    types::{device::DeviceKind, enum_name, quality_flag::QualityFlag},
};

/// A value that is written as async-graphql returns it.
pub trait JsonValue {
    /// Writes the value as JSON.
    fn write_json(&self, out: &mut Vec<u8>);
}

impl<T: JsonValue> JsonValue for Option<T> {
    fn write_json(&self, out: &mut Vec<u8>) {
        json::nullable(self.as_ref(), T::write_json, out);
    }
}

impl<T: JsonValue> JsonValue for Vec<T> {
    fn write_json(&self, out: &mut Vec<u8>) {
        json::list(self, T::write_json, out);
    }
}

impl JsonValue for bool {
    fn write_json(&self, out: &mut Vec<u8>) {
        json::boolean(*self, out);
    }
}

macro_rules! integer_value {
    ($($type:ty),+) => {$(
        impl JsonValue for $type {
            fn write_json(&self, out: &mut Vec<u8>) {
                json::integer(*self, out);
            }
        }
    )+};
}

integer_value!(u8, i32, i64);

impl JsonValue for f64 {
    fn write_json(&self, out: &mut Vec<u8>) {
        json::float(*self, out);
    }
}

impl JsonValue for Float32 {
    fn write_json(&self, out: &mut Vec<u8>) {
        json::float32(self.0, out);
    }
}

impl JsonValue for &str {
    fn write_json(&self, out: &mut Vec<u8>) {
        json::string(self, out);
    }
}

impl JsonValue for String {
    fn write_json(&self, out: &mut Vec<u8>) {
        json::string(self, out);
    }
}

/// Global ids consist of letters, digits, `-` and `_`.
impl JsonValue for ID {
    fn write_json(&self, out: &mut Vec<u8>) {
        json::unescaped_string(self, out);
    }
}

impl JsonValue for DateTime {
    fn write_json(&self, out: &mut Vec<u8>) {
        json::timestamp(self.0, out);
    }
}

macro_rules! enum_value {
    ($($type:ty),+) => {$(
        impl JsonValue for $type {
            fn write_json(&self, out: &mut Vec<u8>) {
                json::unescaped_string(enum_name(*self), out);
            }
        }
    )+};
}

enum_value!(DeviceKind, Interval, QualityFlag);
