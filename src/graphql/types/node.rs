//! Objects with a global id.

use async_graphql::{ID, Interface};

use super::{device::Device, measurement::Measurement, trip::Trip, uplink::Uplink};

/// Object with a global id (Relay's `Node`).
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global id: opaque, stable, unique among all objects."))]
pub enum Node {
    /// A device.
    Device(Device),
    /// A measurement.
    Measurement(Measurement),
    /// A trip of a device.
    Trip(Trip),
    /// An uplink. Admins only.
    Uplink(Uplink),
}
