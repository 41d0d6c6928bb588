//! The root fields of queries, one file per type.

mod api_key;
mod device;
mod feed;
pub(super) mod measurement;
mod node;
mod server;
pub(super) mod statistics;
pub(super) mod trip;
mod uplink;

use async_graphql::MergedObject;

/// Queries: read devices, measurements, statistics and trips.
#[derive(Default, MergedObject)]
pub struct Query(
    api_key::ApiKeyQuery,
    device::DeviceQuery,
    feed::FeedQuery,
    measurement::MeasurementQuery,
    node::NodeQuery,
    server::ServerQuery,
    statistics::StatisticsQuery,
    trip::TripQuery,
    uplink::UplinkQuery,
);
