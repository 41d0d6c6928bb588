//! Notifications about rows that gateways cache, whichever gateway or command changed them.

use std::time::Duration;

use sqlx::{PgExecutor, postgres::PgListener};

use super::{
    DbError,
    connect::Database,
    notifications::{listen, next_notification, with_statement_timeout},
    server_info,
};
use crate::domain::{api_key::ApiKeyId, device::DeviceId};

/// Channel of the trigger `api_key_changed`. The payload is `api_key_id`.
const API_KEY_CHANNEL: &str = "airgraph_api_key";
/// Channel of deleted devices. The payload is `device_id`. Notified by [`notify_device_deletion`] and by the trigger
/// `device_deleted`, which Citus doesn't have; Postgres delivers equal notifications of a transaction once.
const DEVICE_CHANNEL: &str = "airgraph_device_deleted";
/// `application_name` of the connection in `pg_stat_activity`.
const APPLICATION_NAME: &str = "airgraph keys";

/// A change that makes cached rows stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// An API key was changed or revoked.
    ApiKey(ApiKeyId),
    /// A device was deleted.
    Device(DeviceId),
}

/// Makes gateways drop a device from their caches when the transaction is committed.
///
/// # Errors
/// When the database fails.
pub(super) async fn notify_device_deletion(db: impl PgExecutor<'_>, device: DeviceId) -> Result<(), DbError> {
    let notify = sqlx::query("select pg_notify($1, $2)").bind(DEVICE_CHANNEL).bind(device.0.to_string());
    notify.execute(db).await?;
    Ok(())
}

/// The listening connection. After any error it must be replaced.
pub struct InvalidationListener(PgListener);

impl InvalidationListener {
    /// Connects and listens.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn connect(database: &Database) -> Result<Self, DbError> {
        let mut listener = listen(database, APPLICATION_NAME, API_KEY_CHANNEL).await?;
        with_statement_timeout(async { Ok(listener.listen(DEVICE_CHANNEL).await?) }).await?;
        Ok(Self(listener))
    }

    /// Waits for a change. Returns `None` after `time`; the connection has been checked then.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn changed_within(&mut self, time: Duration) -> Result<Option<Invalidation>, DbError> {
        let Some(notification) = next_notification(&mut self.0, time).await? else {
            return with_statement_timeout(server_info::ping(&mut self.0)).await.map(|()| None);
        };
        let number = notification.payload().parse().ok();
        Ok(number.map(|number| match notification.channel() {
            DEVICE_CHANNEL => Invalidation::Device(DeviceId(number)),
            _ => Invalidation::ApiKey(ApiKeyId(number)),
        }))
    }
}
