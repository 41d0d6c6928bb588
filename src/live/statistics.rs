//! Statistics of the present bucket, told when they change.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, sleep, sleep_until};

use super::channel::{Outlet, Stop};
use crate::{
    domain::feed::Place,
    feed::{
        Broken, Reader,
        batch::Batch,
        ring::{Bound, Item},
    },
    graphql::subscription::{answers::Events, topic::CurrentStatistics},
};

/// They are computed at most this often.
const PAUSE: Duration = Duration::from_secs(1);
/// Only the newest are of interest. They are an answer as any query may have, so they have no bound of their own.
const BOUND: Bound = Bound { items: 1, bytes: usize::MAX };

/// Tells them at once, and again when they change: because a batch touches one of the devices, or a bucket ends.
pub(super) async fn run(outlet: &Outlet, mut reader: Reader, wanted: &CurrentStatistics) -> Result<Infallible, Stop> {
    let mut told = Bytes::new();
    let mut number = 0;
    loop {
        // What was read of the feed up to now is stored, so it is counted.
        let seen = reader.newest();
        let began = Instant::now();
        let payload = outlet.tell(&Events::Statistics(wanted.clone().into())).await?.pop().unwrap_or_default();
        if payload != told {
            number += 1; // places among themselves, not in the feed
            let place = Place::after(number);
            outlet.ring.push([Item { place, bytes: payload.len(), value: payload.clone() }], place, BOUND);
            told = payload;
        }
        tokio::select! {
            touched = touched(&mut reader, seen, wanted) => touched?,
            () = sleep(until_bucket_ends(outlet, wanted)) => {}
        }
        sleep_until(began + PAUSE).await;
    }
}

/// Waits for a batch that touches one of the devices.
async fn touched(reader: &mut Reader, mut seen: i64, wanted: &CurrentStatistics) -> Result<(), Broken> {
    loop {
        let batches = reader.next(seen).await?;
        let touches =
            |batch: &Batch| batch.devices.iter().any(|(_, device)| wanted.devices.binary_search(device).is_ok());
        if batches.iter().any(|batch| touches(batch)) {
            return Ok(());
        }
        seen = batches.last().map_or(seen, |batch| batch.number);
    }
}

fn until_bucket_ends(outlet: &Outlet, wanted: &CurrentStatistics) -> Duration {
    let now = outlet.source.answers.now();
    (wanted.bucket(now).1 - now).to_std().unwrap_or_default()
}
