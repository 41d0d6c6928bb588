//! Statistics of the current bucket, sent when they change.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    channel::ChannelState,
    channel_error::ChannelError,
    feed::ring_buffer::{RingItem, RingLimits},
};
use crate::{
    domain::feed::FeedOffset,
    graphql::subscriptions::{render::Events, topic::CurrentStatistics},
};

/// Minimum time between two computations.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// Holds the newest result only. It is as large as the result of a query, so its size has no limit of its own.
const NEWEST_ONLY: RingLimits = RingLimits { items: 1, bytes: usize::MAX };

/// Sends the statistics at once, and again after changes: a batch touches one of the devices, or a bucket ends.
pub(super) async fn run(channel: &ChannelState, statistics: &CurrentStatistics) -> Result<Infallible, ChannelError> {
    let mut sent = Bytes::new();
    let mut number = 0;
    loop {
        // Batches that touched a device until now are stored, so they are included.
        let _ = channel.statistics_changed.notified().now_or_never();
        let began = Instant::now();
        let payload = channel.render(&Events::Statistics(statistics.clone().into())).await?.pop().unwrap_or_default();
        if payload != sent {
            number += 1; // offsets for ordering, not in the feed
            let offset = FeedOffset::after(number);
            channel.ring.push([RingItem { offset, bytes: payload.len(), value: payload.clone() }], offset, NEWEST_ONLY);
            sent = payload;
        }
        tokio::select! {
            () = channel.statistics_changed.notified() => {}
            () = sleep(until_bucket_ends(channel, statistics)) => {}
        }
        if let Some(closed) = channel.closed() {
            return Err(ChannelError(closed.errors));
        }
        sleep_until(began + MIN_REFRESH_INTERVAL).await;
    }
}

fn until_bucket_ends(channel: &ChannelState, statistics: &CurrentStatistics) -> Duration {
    let now = channel.renderer.event_renderer().now();
    (statistics.bucket(now).1 - now).to_std().unwrap_or_default()
}
