//! Whatever has a global id.

use async_graphql::{ID, Interface};

use super::{device::Device, measurement::Measurement, trip::Trip, uplink::Uplink};

/// An object with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global id: opaque, stable, unique among all objects."))]
pub enum Node {
    /// A device.
    Device(Device),
    /// A measurement.
    Measurement(Measurement),
    /// A ride of a device.
    Trip(Trip),
    /// An uplink; for admins only.
    Uplink(Uplink),
}
