//! A connection that is notified when the feed grows, and that then reads the feed. It belongs to no pool of the
//! requests, so neither waits for the other.

use std::{collections::HashMap, time::Duration};

use sqlx::postgres::PgListener;

use super::{
    DbError, FeedExtent, FeedPage, NOTIFY_CHANNEL,
    committed::{CommittedReader, TimeSpan},
};
use crate::{
    db::{
        connect::Database,
        notifications::{listen, next_notification, with_statement_timeout},
    },
    domain::measurement::{Measurement, MeasurementKey},
};

/// `application_name` of the connection in `pg_stat_activity`.
const APPLICATION_NAME: &str = "airgraph feed";

/// The listening connection. After any error it must be replaced.
pub struct FeedListener(PgListener);

impl FeedListener {
    /// Connects and listens for new batches.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn connect(database: &Database) -> Result<Self, DbError> {
        listen(database, APPLICATION_NAME, NOTIFY_CHANNEL).await.map(Self)
    }

    /// Waits for a notification of new batches; false after `time`. Several pending notifications count as one.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn wait_for_notification(&mut self, time: Duration) -> Result<bool, DbError> {
        let is_notified = next_notification(&mut self.0, time).await?.is_some();
        while self.0.next_buffered().is_some() {}
        Ok(is_notified)
    }

    /// See [`super::extent`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load_extent(&mut self) -> Result<FeedExtent, DbError> {
        with_statement_timeout(super::extent(&mut self.0)).await
    }

    /// See [`super::page_after`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_after(&mut self, number: i64, limit: i64) -> Result<Option<FeedPage>, DbError> {
        with_statement_timeout(super::page_after(&mut self.0, number, limit)).await
    }

    /// See [`CommittedReader::load`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load_measurements(
        &mut self,
        reader: &mut CommittedReader,
        keys: &[MeasurementKey],
        committed: TimeSpan,
    ) -> Result<Option<HashMap<MeasurementKey, Measurement>>, DbError> {
        with_statement_timeout(reader.load(&mut self.0, keys, committed)).await
    }
}
