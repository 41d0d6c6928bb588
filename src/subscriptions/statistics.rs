//! Statistics of the present bucket, sent when they change.

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

/// They are computed at most this often.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// Only the newest are of interest. They are an answer as any query may have, so they have no bound of their own.
const NEWEST_ONLY: RingLimits = RingLimits { items: 1, bytes: usize::MAX };

/// Sends them at once, and again when they change: because a batch touches one of the devices, or a bucket ends.
pub(super) async fn run(channel: &ChannelState, wanted: &CurrentStatistics) -> Result<Infallible, ChannelError> {
    let mut sent = Bytes::new();
    let mut number = 0;
    loop {
        // What touched a device until now is stored, so it is counted.
        let _ = channel.statistics_changed.notified().now_or_never();
        let began = Instant::now();
        let payload = channel.render(&Events::Statistics(wanted.clone().into())).await?.pop().unwrap_or_default();
        if payload != sent {
            number += 1; // places among themselves, not in the feed
            let place = FeedOffset::after(number);
            channel.ring.push(
                [RingItem { offset: place, bytes: payload.len(), value: payload.clone() }],
                place,
                NEWEST_ONLY,
            );
            sent = payload;
        }
        tokio::select! {
            () = channel.statistics_changed.notified() => {}
            () = sleep(until_bucket_ends(channel, wanted)) => {}
        }
        if let Some(closed) = channel.closed() {
            return Err(ChannelError(closed.errors));
        }
        sleep_until(began + MIN_REFRESH_INTERVAL).await;
    }
}

fn until_bucket_ends(channel: &ChannelState, wanted: &CurrentStatistics) -> Duration {
    let now = channel.renderer.answers().now();
    (wanted.bucket(now).1 - now).to_std().unwrap_or_default()
}
