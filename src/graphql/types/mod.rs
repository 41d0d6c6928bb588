//! Object types of the schema: thin wrappers of domain types. Their doc comments are the descriptions in the schema.

pub mod air_quality_index;
pub mod api_key;
pub mod cell;
pub mod connection;
pub mod coordinates;
pub mod device;
pub mod device_connection;
pub mod device_event;
pub mod measurement;
pub mod measurement_connection;
pub mod measurement_event;
pub mod node;
pub mod quality_flag;
pub mod quantity;
pub mod readings;
pub mod rejection;
pub mod sensor;
pub mod server;
pub mod statistics;
pub mod summary;
pub mod trip;
pub mod trip_connection;
pub mod uplink;

use async_graphql::resolver_utils::EnumType;

/// The name of an enum's value in the schema.
pub(crate) fn enum_name<E: EnumType>(value: E) -> &'static str {
    E::items().iter().find(|item| item.value == value).map_or("", |item| item.name)
}
