//! The first connection to Postgres: waits until the server is up, finds the TLS mode that works, checks the version
//! and which database it is.

use backon::Retryable as _;
use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::{DbError, connect::ConnectError, dialect::Dialect, tls};
use crate::concurrency::retry::RETRY_DELAYS;

/// Minimum Postgres version, as `server_version_num`.
const MIN_SERVER_VERSION: i32 = 150_000;

/// A server that accepts connections.
pub(super) struct ReadyServer {
    /// The options with the TLS mode that works.
    pub options: PgConnectOptions,
    /// Which database it is.
    pub dialect: Dialect,
}

/// Waits until Postgres accepts connections.
pub(super) async fn wait_until_ready(options: &PgConnectOptions) -> Result<ReadyServer, ConnectError> {
    let at = format!("{}:{}", options.get_host(), options.get_port());
    if let Some(reason) = tls::unreadable_file(options) {
        return Err(ConnectError::CertificateFile { at, mode: tls::mode_name(options.get_ssl_mode()), reason });
    }
    let report = |error: &sqlx::Error, next_try_in| {
        tracing::warn!(%at, reason = %error, ?next_try_in, "waiting for Postgres");
    };
    // A transient error is retried without limit, so the outer result is the permanent one.
    let checked = (|| check(options, &at)).retry(RETRY_DELAYS.with_jitter()).notify(report).await;
    checked.unwrap_or_else(|source| Err(ConnectError::Other { at, source }))
}

/// The outer error is transient; the inner one is permanent.
async fn check(options: &PgConnectOptions, at: &str) -> Result<Result<ReadyServer, ConnectError>, sqlx::Error> {
    let (mut connection, options) = match connect_with_any_mode(options, at).await? {
        Ok(connected) => connected,
        Err(error) => return Ok(Err(error)),
    };
    let (number, version): (i32, String) =
        sqlx::query_as("select current_setting('server_version_num')::int, current_setting('server_version')")
            .fetch_one(&mut connection)
            .await?;
    let dialect = Dialect::detect(&mut connection).await.map_err(DbError::into_source)?;
    connection.close().await?;
    if number < MIN_SERVER_VERSION {
        return Ok(Err(ConnectError::UnsupportedServerVersion { at: at.to_owned(), version }));
    }
    Ok(Ok(ReadyServer { options, dialect }))
}

/// Connects with the first TLS mode that works. When none does, the error is the one of the first.
async fn connect_with_any_mode(
    options: &PgConnectOptions,
    at: &str,
) -> Result<Result<(PgConnection, PgConnectOptions), ConnectError>, sqlx::Error> {
    let mut first_error = None;
    for attempt in tls::attempts(options) {
        let error = match PgConnection::connect_with(&attempt).await {
            Ok(connection) => {
                if let Some(ConnectError::Tls { reason, .. }) = &first_error {
                    tracing::warn!(%at, sslmode = "prefer", %reason, "TLS to Postgres failed; connecting without TLS");
                }
                return Ok(Ok((connection, attempt)));
            }
            Err(error) => error,
        };
        let mode_matters = tls::may_depend_on_mode(&error);
        let error = classify_connect_error(error, at, attempt.get_ssl_mode())?;
        let error = first_error.take().unwrap_or(error);
        if !mode_matters {
            return Ok(Err(error));
        }
        first_error = Some(error);
    }
    first_error.map(Err).ok_or_else(|| sqlx::Error::Protocol("no TLS mode to try".to_owned()))
}

/// `Err` for transient errors, `Ok` for permanent ones.
fn classify_connect_error(error: sqlx::Error, at: &str, mode: PgSslMode) -> Result<ConnectError, sqlx::Error> {
    let at = at.to_owned();
    match &error {
        error if tls::is_tls_error(error) => {
            let reason = match error {
                sqlx::Error::Tls(reason) => reason.to_string(),
                sqlx::Error::Io(reason) => reason.to_string(),
                error => error.to_string(),
            };
            Ok(ConnectError::Tls { at, mode: tls::mode_name(mode), reason, advice: tls::advice(mode) })
        }
        sqlx::Error::Io(_) => Err(error),
        sqlx::Error::Database(database) => match database.code().as_deref().unwrap_or_default() {
            // starting up or shutting down; too many connections
            "57P01" | "57P02" | "57P03" | "53300" => Err(error),
            // a wrong password or user; a database that doesn't exist
            code if code.starts_with("28") || code == "3D000" => {
                Ok(ConnectError::Refused { at, reason: database.message().to_owned() })
            }
            _ => Ok(ConnectError::Other { at, source: error }),
        },
        _ => Ok(ConnectError::Other { at, source: error }),
    }
}
