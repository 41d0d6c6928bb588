//! The root fields of queries, one file a type.

mod device;
mod feed;
pub(super) mod measurement;
mod node;
mod server;
pub(super) mod statistics;
pub(super) mod trip;
mod uplink;

use async_graphql::MergedObject;

/// The questions that can be asked.
#[derive(Default, MergedObject)]
pub struct Query(
    device::DeviceQuery,
    feed::FeedQuery,
    measurement::MeasurementQuery,
    node::NodeQuery,
    server::ServerQuery,
    statistics::StatisticsQuery,
    trip::TripQuery,
    uplink::UplinkQuery,
);
