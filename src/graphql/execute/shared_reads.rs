//! Reads about a single device, which concurrent requests share: one statement for all that wait for the same kind.
//!
//! They are the most frequent reads, and the smallest: messages and wake-ups cost more than the rows, so a statement for
//! several devices takes hardly longer than one for a single device. Reads of several devices at once, and pages with
//! conditions or cursors, have statements of their own.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::Error;
use tokio::time::timeout;

use super::read_pool::DatabaseUsage;
use crate::{
    db::{
        self, DbError,
        batcher::{Batcher, ReadStatement, with_retries},
        cancellation::count_statement,
        error::DatabaseLimit,
        kept_connections::KeptConnections,
        latest,
        measurement_page::{self, MeasurementPage},
        measurement_projection::MeasurementProjection,
    },
    domain::{
        device::{Device, DeviceId},
        filter::Filter,
        measurement::Measurement,
    },
    graphql::loaders::merge_columns,
};

/// Maximum number of the newest measurements of a device: a page of ten, and the row behind it. A longer list takes long
/// enough to be read alone.
const MAX_NEWEST: i64 = 11;

/// The batchers of one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SharedReads {
    devices: Batcher<DeviceId, Batch<Device>>,
    latest: Batcher<LatestRequest, Batch<Measurement>>,
    newest: Batcher<NewestRequest, Batch<Vec<Measurement>>>,
}

/// The newest measurement of a device, with at least these columns.
#[derive(Clone, Copy, Debug)]
struct LatestRequest {
    device: DeviceId,
    columns: MeasurementProjection,
}

/// This many newest measurements of a device, with at least these columns.
#[derive(Clone, Copy, Debug)]
struct NewestRequest {
    device: DeviceId,
    limit: i64,
    columns: MeasurementProjection,
}

/// The result of a statement for all requests of a batch.
struct Batch<T> {
    found: HashMap<DeviceId, T>,
    /// The database time that each request is charged.
    time_each: Duration,
}

impl SharedReads {
    /// Starts the batchers. They end when the last handle is dropped.
    #[must_use]
    pub fn start(connections: &KeptConnections) -> Self {
        Self {
            devices: start(connections, |db, ids| Box::pin(db::device::load_by_ids(db, ids))),
            latest: start(connections, |db, requests: &[LatestRequest]| {
                let (ids, columns) = merge_columns(requests.iter().map(|request| (request.device, request.columns)));
                Box::pin(async move { latest::load_by_device_ids(db, &ids, columns).await })
            }),
            newest: start(connections, |db, requests: &[NewestRequest]| {
                let (ids, columns) = merge_columns(requests.iter().map(|request| (request.device, request.columns)));
                let limit = requests.iter().map(|request| request.limit).max().unwrap_or(0);
                let page = newest_page(limit);
                Box::pin(async move { measurement_page::list_per_device(db, &ids, &page, columns).await })
            }),
        }
    }
}

/// Whether the page is one that requests share.
#[must_use]
pub fn is_shared(page: &MeasurementPage) -> bool {
    page.limit <= MAX_NEWEST && *page == newest_page(page.limit)
}

/// The shared reads of a request.
pub struct RequestSharedReads<'a> {
    /// The batchers of its server.
    pub reads: &'a SharedReads,
    /// What the request has used.
    pub usage: &'a DatabaseUsage,
}

impl RequestSharedReads<'_> {
    /// A device.
    ///
    /// # Errors
    /// When the database fails, or the request has used up its database time.
    pub async fn load_device(&self, device: DeviceId) -> Result<Option<Device>, Arc<DbError>> {
        Ok(self.load(&self.reads.devices, device).await?.found.get(&device).cloned())
    }

    /// The newest measurement of a device, with columns of `measurement` alone.
    ///
    /// # Errors
    /// Those of [`Self::load_device`].
    pub async fn load_latest(
        &self,
        device: DeviceId,
        columns: MeasurementProjection,
    ) -> Result<Option<Measurement>, Arc<DbError>> {
        let batch = self.load(&self.reads.latest, LatestRequest { device, columns }).await?;
        Ok(batch.found.get(&device).cloned())
    }

    /// The newest measurements of a device, with columns of `measurement` alone, for a page that [`is_shared`].
    ///
    /// # Errors
    /// Those of [`Self::load_device`].
    pub async fn list_newest(
        &self,
        device: DeviceId,
        limit: i64,
        columns: MeasurementProjection,
    ) -> Result<Vec<Measurement>, Arc<DbError>> {
        let batch = self.load(&self.reads.newest, NewestRequest { device, limit, columns }).await?;
        let rows = batch.found.get(&device).map_or(&[][..], Vec::as_slice);
        // Another request of the batch may have wanted more.
        Ok(rows.iter().take(usize::try_from(limit).unwrap_or(0)).cloned().collect())
    }

    #[tracing::instrument(name = "db.shared_read", skip_all)]
    async fn load<Q, T>(&self, batcher: &Batcher<Q, Batch<T>>, request: Q) -> Result<Arc<Batch<T>>, Arc<DbError>>
    where
        Q: Send + 'static,
        T: Send + Sync + 'static,
    {
        let remaining_time = self.usage.remaining_time().map_err(DbError::from)?;
        count_statement();
        let batch = timeout(remaining_time, batcher.load(request)).await;
        let batch = batch.map_err(|_| DbError::from(Error::from(DatabaseLimit::TimeBudgetExceeded)))??;
        self.usage.charge(batch.time_each);
        Ok(batch)
    }
}

/// Starts a batcher of a statement.
fn start<Q, T>(
    connections: &KeptConnections,
    statement: ReadStatement<[Q], HashMap<DeviceId, T>>,
) -> Batcher<Q, Batch<T>>
where
    Q: Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    let connections = connections.clone();
    Batcher::start(move |requests: Vec<Q>| {
        let connections = connections.clone();
        async move {
            let started_at = Instant::now();
            let found = with_retries(&connections, &*requests, statement).await?;
            let time_each = started_at.elapsed() / u32::try_from(requests.len()).unwrap_or(u32::MAX);
            Ok(Batch { found, time_each })
        }
    })
}

/// The first page of a device without conditions.
fn newest_page(limit: i64) -> MeasurementPage {
    MeasurementPage { filter: Filter::default(), descending: true, after: None, before: None, limit }
}
