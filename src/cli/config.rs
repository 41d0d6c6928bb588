//! Settings: command-line arguments, each with an environment variable. `airgraph serve --help` is the reference.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use clap::{ArgAction, Args};
use sqlx::postgres::PgConnectOptions;

use crate::{
    config::{comma_separated::CommaSeparated, explorer::ExplorerArgs, security::SecurityArgs},
    db::embedded,
    domain::{retention::RetentionPolicy, time},
    http::{Edition, Origin},
    limits::ConnectionLimits,
    observability::logging::LogFormat,
};

/// Database connection settings.
#[derive(Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// The database as a URL, such as <postgres://user:password@host:5432/name>; takes precedence over the others
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,

    /// Another URL of the same database that bypasses a pooler without sessions, for features that need a session
    #[arg(long, env = "DATABASE_DIRECT_URL", hide_env_values = true, global = true)]
    pub database_direct_url: Option<String>,

    /// Host of the database; without a host and without a URL, an embedded Postgres is started
    #[arg(long, env = "POSTGRES_HOST", global = true)]
    pub postgres_host: Option<String>,

    /// Port of the database
    #[arg(long, env = "POSTGRES_PORT", default_value_t = 5432, global = true)]
    pub postgres_port: u16,

    /// Name of the database
    #[arg(long, env = "POSTGRES_DB", default_value = "airgraph", global = true)]
    pub postgres_db: String,

    /// Database user
    #[arg(long, env = "POSTGRES_USER", default_value = "airgraph", global = true)]
    pub postgres_user: String,

    /// Password of the database user
    #[arg(long, env = "POSTGRES_PASSWORD", hide_env_values = true, global = true)]
    pub postgres_password: Option<String>,

    /// Data folder of the embedded Postgres; default /var/lib/airgraph for root, else the user's data folder
    #[arg(long, env = "AIRGRAPH_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
}

// Written by hand so that no secret is logged.
impl fmt::Debug for DatabaseArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseArgs")
            .field("postgres_host", &self.postgres_host)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// The configured database.
#[derive(Clone)]
pub enum DatabaseChoice {
    /// An external database.
    External(Box<PgConnectOptions>),
    /// The embedded Postgres, with its data folder.
    Embedded(PathBuf),
}

// Written by hand: the options hold a password, which their own `Debug` shows.
impl fmt::Debug for DatabaseChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::External(options) => write!(f, "External({}:{})", options.get_host(), options.get_port()),
            Self::Embedded(data_dir) => f.debug_tuple("Embedded").field(data_dir).finish(),
        }
    }
}

/// An invalid database configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The URL is invalid. The error does not repeat it: it may hold a password.
    #[error("DATABASE_URL can't be read ({0}); it looks like postgres://user:password@host:5432/name")]
    DatabaseUrl(String),
    /// The same for the URL that bypasses a pooler.
    #[error("DATABASE_DIRECT_URL can't be read ({0}); it looks like postgres://user:password@host:5432/name")]
    DirectUrl(String),
    /// The same for one of the replicas.
    #[error(
        "DATABASE_REPLICA_URLS: the URL number {0} can't be read ({1}); it looks like postgres://user:password@host:5432/name, \
         with %2C for a comma in it"
    )]
    ReplicaUrl(usize, String),
    /// No data folder for the embedded Postgres.
    #[error("no home folder, so no place for the data: set AIRGRAPH_DATA_DIR to a folder, or DATABASE_URL")]
    NoDataDir,
}

impl DatabaseArgs {
    /// `DATABASE_URL`; else `POSTGRES_HOST` and the related settings; else the embedded Postgres.
    ///
    /// # Errors
    /// When the URL is invalid, or there is no data folder.
    pub fn database_choice(&self) -> Result<DatabaseChoice, ConfigError> {
        if let Some(url) = &self.database_url {
            let options = parse_url(url).map_err(ConfigError::DatabaseUrl)?;
            return Ok(DatabaseChoice::External(Box::new(options)));
        }
        if let Some(host) = &self.postgres_host {
            let mut options = PgConnectOptions::new()
                .host(host)
                .port(self.postgres_port)
                .database(&self.postgres_db)
                .username(&self.postgres_user);
            if let Some(password) = &self.postgres_password {
                options = options.password(password);
            }
            return Ok(DatabaseChoice::External(Box::new(options)));
        }
        Ok(DatabaseChoice::Embedded(self.data_dir()?))
    }

    /// The connection that bypasses a pooler, if configured.
    ///
    /// # Errors
    /// When the URL is invalid.
    pub fn direct_options(&self) -> Result<Option<PgConnectOptions>, ConfigError> {
        let url = self.database_direct_url.as_deref().filter(|url| !url.is_empty());
        url.map(parse_url).transpose().map_err(ConfigError::DirectUrl)
    }

    /// Data folder of the embedded Postgres. Call it before the privileges of root are dropped.
    ///
    /// # Errors
    /// When none is configured and the user has no home folder.
    pub fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        self.data_dir.clone().or_else(embedded::default_data_dir).ok_or(ConfigError::NoDataDir)
    }
}

/// Parses a database URL. The error does not repeat the URL.
fn parse_url(url: &str) -> Result<PgConnectOptions, String> {
    // sqlx accepts any scheme, and treats a misspelled URL as a server on this machine.
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err("it begins neither with postgres:// nor with postgresql://".to_owned());
    }
    url.parse().map_err(|error| match error {
        sqlx::Error::Configuration(reason) => reason.to_string(),
        _ => "unknown form".to_owned(),
    })
}

/// Settings of the server.
#[derive(Clone, Args)]
#[command(next_help_heading = "Serving")]
pub struct ServeArgs {
    /// The address to listen on
    #[arg(long, env = "AIRGRAPH_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,

    /// Another address to listen on, where /metrics needs no key, for Prometheus; do not expose it. At the main
    /// address,
    /// /metrics needs an admin key
    #[arg(long, env = "AIRGRAPH_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,

    /// Other origins with pages that may send requests, separated by commas, such as <https://map.example>, or `*` for
    /// all; default none
    #[arg(long, env = "AIRGRAPH_CORS_ORIGINS", value_name = "ORIGINS")]
    pub cors_origins: Vec<CommaSeparated<Origin>>,

    /// Edition of GraphQL over HTTP that decides the status codes
    #[arg(long, env = "AIRGRAPH_GRAPHQL_HTTP", value_enum, default_value_t)]
    pub graphql_http: Edition,

    /// Timeout of a request, such as 30s. Its database statements are cancelled with it. File uploads have no such
    /// timeout
    #[arg(long, env = "AIRGRAPH_REQUEST_TIMEOUT", default_value = "30s", value_parser = parse_request_timeout)]
    pub request_timeout: Duration,

    /// Log GraphQL operations slower than this, by name and without variables; such as 1s, or 0s for all
    #[arg(long, env = "AIRGRAPH_SLOW_OPERATION_THRESHOLD", default_value = "1s", value_parser = humantime::parse_duration)]
    pub slow_operation_threshold: Duration,

    /// Whether reading is allowed without a key; writing always needs one
    #[arg(long, env = "AIRGRAPH_PUBLIC_READ", default_value_t = true, action = ArgAction::Set)]
    pub public_read: bool,

    /// An admin key of your choice: at least 32 characters that are hard to guess, such as the output of `openssl rand
    /// -hex 32`. Without it the first start creates one and prints it once
    #[arg(long, env = "AIRGRAPH_ADMIN_KEY", hide_env_values = true)]
    pub admin_key: Option<String>,

    /// Reject samples from before this date or time, such as 2015-01-01: set it to the installation of your first
    /// sensor, so that sensors with an unset clock are detected. Not before 2000-01-01
    #[arg(long, env = "AIRGRAPH_EARLIEST_TIME", default_value = "2000-01-01", value_parser = parse_earliest_time)]
    pub earliest_time: DateTime<Utc>,

    /// Free disk space, in MiB, below which the embedded Postgres keeps no request bodies of sensors; measurements are
    /// recorded in any case
    #[arg(long, env = "AIRGRAPH_MIN_FREE_DISK_MIB", default_value_t = 1024)]
    pub min_free_disk_mib: u32,

    /// How long received request bodies are kept: a time such as 90d or 2years, or `forever`. Whole months are deleted
    /// once all of the month is older; measurements stay
    #[arg(long, env = "AIRGRAPH_UPLINK_RETENTION", default_value = "90d")]
    pub uplink_retention: RetentionPolicy,

    /// How long changes are kept for subscribers that reconnect, such as 1day or 6h. A subscriber that was disconnected
    /// for longer has to query the events that it missed
    #[arg(long, env = "AIRGRAPH_FEED_RETENTION", default_value = "1day", value_parser = parse_feed_retention)]
    pub feed_retention: TimeDelta,

    /// A file with trusted GraphQL documents: a JSON object from ids to documents, as Relay and the GraphQL Code
    /// Generator write it, or Apollo's manifest. It is read again when it changes
    #[arg(long, env = "AIRGRAPH_TRUSTED_DOCUMENTS", value_name = "FILE")]
    pub trusted_documents: Option<PathBuf>,

    /// Database connections for queries
    #[arg(long, env = "DATABASE_READ_POOL_SIZE", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub read_pool_size: u32,

    /// Maximum connections of one client address, sockets included. Trusted proxies are not counted by address
    #[arg(long, env = "AIRGRAPH_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER",
        default_value_t = ConnectionLimits::default().max_per_address)]
    pub connections_per_address: usize,

    /// Replicas that answer queries, separated by commas: standbys of the database, each as a URL like `DATABASE_URL`
    /// that leads to that server alone
    #[arg(long, env = "DATABASE_REPLICA_URLS", hide_env_values = true, value_delimiter = ',', value_name = "URL")]
    database_replica_urls: Vec<String>,

    /// Security settings
    #[command(flatten)]
    pub security: SecurityArgs,

    /// Settings of the explorer
    #[command(flatten)]
    pub explorer: ExplorerArgs,
}

impl ServeArgs {
    /// Connection options of the replicas.
    ///
    /// # Errors
    /// When a URL is invalid.
    pub fn replica_options(&self) -> Result<Vec<PgConnectOptions>, ConfigError> {
        let urls = (1..).zip(&self.database_replica_urls).filter(|(_, url)| !url.is_empty());
        urls.map(|(n, url)| parse_url(url).map_err(|reason| ConfigError::ReplicaUrl(n, reason))).collect()
    }
}

/// Minimum feed retention: a disconnected subscriber needs time to reconnect.
const MIN_FEED_RETENTION: TimeDelta = TimeDelta::minutes(1);

fn parse_feed_retention(text: &str) -> Result<TimeDelta, String> {
    let time = humantime::parse_duration(text).map_err(|error| format!("{error}; it is a time such as 1day or 6h"))?;
    let time = TimeDelta::from_std(time).map_err(|error| error.to_string())?;
    if time < MIN_FEED_RETENTION { Err("changes are kept for a minute at least".to_owned()) } else { Ok(time) }
}

fn parse_earliest_time(text: &str) -> Result<DateTime<Utc>, String> {
    let date = || Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc());
    let time = date().or_else(|| time::parse(text)).ok_or("expected a date or time such as 2015-01-01")?;
    if time < time::EARLIEST_TIME { Err(format!("must not be before {}", time::EARLIEST_TIME)) } else { Ok(time) }
}

fn parse_request_timeout(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| format!("{error}; it is a time such as 30s"))?;
    let range = Duration::from_secs(1)..=Duration::from_hours(1);
    if range.contains(&time) { Ok(time) } else { Err("a request may take from 1s to 1h".to_owned()) }
}

// Written by hand so that no secret is logged.
impl fmt::Debug for ServeArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeArgs").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Settings of the log.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging")]
pub struct LogArgs {
    /// Log level, or levels by module such as `info,airgraph=debug,sqlx=debug`
    #[arg(long, env = "AIRGRAPH_LOG", default_value = "info,sqlx::postgres::notice=warn", global = true)]
    pub log: String,

    /// Format of log lines
    #[arg(long, env = "AIRGRAPH_LOG_FORMAT", value_enum, default_value_t = LogFormat::Pretty, global = true)]
    pub log_format: LogFormat,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_database_url_is_rejected_without_repeating_it() {
        for url in ["postgres://a:secret@host/name", "postgresql://a:secret@host:1/name?sslmode=require"] {
            assert_eq!(parse_url(url).map(|options| options.get_host().to_owned()), Ok("host".to_owned()));
        }
        for url in [
            "",
            "host",
            "mysql://a:secret@host/name",
            "nonsense:secret@host",
            "postgres:secret",
            "postgres://a:secret@ho st",
        ] {
            let reason = parse_url(url).expect_err(url);
            assert!(!reason.contains("secret"), "{reason}");
        }
    }

    #[test]
    fn earliest_time_is_a_date_or_time_not_before_2000() {
        let seconds = |text: &str| parse_earliest_time(text).map(|time| time.timestamp());
        assert_eq!(seconds("2000-01-01"), Ok(946_684_800));
        assert_eq!(seconds("2015-01-01T01:00:00+01:00"), Ok(1_420_070_400));
        assert!(seconds("1999-12-31").is_err() && seconds("2015").is_err() && seconds("").is_err());
    }
}
