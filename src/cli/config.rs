//! Settings: command-line arguments, each with an environment variable. `airgraph serve --help` is the reference.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use clap::{ArgAction, Args};
use sqlx::postgres::PgConnectOptions;

use crate::{
    config::{comma_separated::CommaSeparated, security::SecurityArgs},
    db::embedded,
    domain::{retention::RetentionPolicy, time},
    http::{Edition, Origin},
    limits::ConnectionLimits,
    observability::logging::LogFormat,
};

/// Which database.
#[derive(Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// The database as a URL, such as <postgres://user:password@host:5432/name>; takes precedence over the others
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,

    /// Another URL of the same database, past a pooler that keeps no sessions: for what needs a session
    #[arg(long, env = "DATABASE_DIRECT_URL", hide_env_values = true, global = true)]
    pub database_direct_url: Option<String>,

    /// The database's host; without this and without a URL, a private Postgres is started
    #[arg(long, env = "POSTGRES_HOST", global = true)]
    pub postgres_host: Option<String>,

    /// Its port
    #[arg(long, env = "POSTGRES_PORT", default_value_t = 5432, global = true)]
    pub postgres_port: u16,

    /// The database's name
    #[arg(long, env = "POSTGRES_DB", default_value = "airgraph", global = true)]
    pub postgres_db: String,

    /// The user
    #[arg(long, env = "POSTGRES_USER", default_value = "airgraph", global = true)]
    pub postgres_user: String,

    /// The user's password
    #[arg(long, env = "POSTGRES_PASSWORD", hide_env_values = true, global = true)]
    pub postgres_password: Option<String>,

    /// Where the private Postgres keeps its data; by default /var/lib/airgraph for root, else the user's data folder
    #[arg(long, env = "AIRGRAPH_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
}

// Written by hand so that no secret gets into a log.
impl fmt::Debug for DatabaseArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseArgs")
            .field("postgres_host", &self.postgres_host)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// The database that the settings choose.
#[derive(Clone)]
pub enum DatabaseChoice {
    /// One that runs already.
    External(Box<PgConnectOptions>),
    /// A private one with its data here.
    Embedded(PathBuf),
}

// Written by hand since the options hold a password, which their own `Debug` shows.
impl fmt::Debug for DatabaseChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::External(options) => write!(f, "External({}:{})", options.get_host(), options.get_port()),
            Self::Embedded(data_dir) => f.debug_tuple("Embedded").field(data_dir).finish(),
        }
    }
}

/// Settings that choose no database.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The URL can't be read. The error doesn't repeat it: it may hold a password.
    #[error("DATABASE_URL can't be read ({0}); it looks like postgres://user:password@host:5432/name")]
    DatabaseUrl(String),
    /// The same of the way past a pooler.
    #[error("DATABASE_DIRECT_URL can't be read ({0}); it looks like postgres://user:password@host:5432/name")]
    DirectUrl(String),
    /// The same of one of the replicas.
    #[error(
        "DATABASE_REPLICA_URLS: the URL number {0} can't be read ({1}); it looks like postgres://user:password@host:5432/name, \
         with %2C for a comma in it"
    )]
    ReplicaUrl(usize, String),
    /// There is no place for the private Postgres' data.
    #[error("no home folder, so no place for the data: set AIRGRAPH_DATA_DIR to a folder, or DATABASE_URL")]
    NoDataDir,
}

impl DatabaseArgs {
    /// `DATABASE_URL`; else `POSTGRES_HOST` and its kin; else a private Postgres.
    ///
    /// # Errors
    /// When the URL can't be read, or there is no place for data.
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

    /// The way past a pooler, where one is told.
    ///
    /// # Errors
    /// When the URL can't be read.
    pub fn direct_options(&self) -> Result<Option<PgConnectOptions>, ConfigError> {
        let url = self.database_direct_url.as_deref().filter(|url| !url.is_empty());
        url.map(parse_url).transpose().map_err(ConfigError::DirectUrl)
    }

    /// Where the private Postgres keeps its data. Ask before giving up root.
    ///
    /// # Errors
    /// When none is told and the user has no home folder.
    pub fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        self.data_dir.clone().or_else(embedded::default_data_dir).ok_or(ConfigError::NoDataDir)
    }
}

/// Reads a database's URL; or says why it can't be, without repeating it.
fn parse_url(url: &str) -> Result<PgConnectOptions, String> {
    // sqlx takes any, and so what is a typing mistake for a server on this machine.
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err("it begins neither with postgres:// nor with postgresql://".to_owned());
    }
    url.parse().map_err(|error| match error {
        sqlx::Error::Configuration(reason) => reason.to_string(),
        _ => "unknown form".to_owned(),
    })
}

/// How the gateway serves.
#[derive(Clone, Args)]
#[command(next_help_heading = "Serving")]
pub struct ServeArgs {
    /// The address to listen on
    #[arg(long, env = "AIRGRAPH_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,

    /// An address on which /metrics needs no key, for Prometheus; keep it from strangers. Beside it, /metrics is for
    /// admins
    #[arg(long, env = "AIRGRAPH_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,

    /// The other sites whose pages may ask, separated by commas, such as <https://map.example>, or `*`
    /// for all; by default none
    #[arg(long, env = "AIRGRAPH_CORS_ORIGINS", value_name = "ORIGINS")]
    pub cors_origins: Vec<CommaSeparated<Origin>>,

    /// The edition of GraphQL over HTTP that decides on status codes
    #[arg(long, env = "AIRGRAPH_GRAPHQL_HTTP", value_enum, default_value_t)]
    pub graphql_http: Edition,

    /// What answering a request may take, such as 30s; then it is given up, and with it its statements in the database.
    /// Files that are uploaded take as long as they take
    #[arg(long, env = "AIRGRAPH_REQUEST_TIMEOUT", default_value = "30s", value_parser = parse_request_timeout)]
    pub request_timeout: Duration,

    /// GraphQL operations that take longer are logged, by their names and without their variables; such as 1s, or 0s for all
    #[arg(long, env = "AIRGRAPH_SLOW_OPERATION_THRESHOLD", default_value = "1s", value_parser = humantime::parse_duration)]
    pub slow_operation_threshold: Duration,

    /// Whether anybody may read; writing always needs a key
    #[arg(long, env = "AIRGRAPH_PUBLIC_READ", default_value_t = true, action = ArgAction::Set)]
    pub public_read: bool,

    /// An admin's key of your choice, at least 32 characters that are hard to guess, such as `openssl rand -hex 32` makes; without
    /// it the first start makes one and prints it once
    #[arg(long, env = "AIRGRAPH_ADMIN_KEY", hide_env_values = true)]
    pub admin_key: Option<String>,

    /// Samples from before this date or time are rejected, such as 2015-01-01: set it to when your first sensor was installed,
    /// so that sensors whose clock was not set are found. Not before 2000-01-01
    #[arg(long, env = "AIRGRAPH_EARLIEST_TIME", default_value = "2000-01-01", value_parser = parse_earliest_time)]
    pub earliest_time: DateTime<Utc>,

    /// MiB that must be free on the disk of the private Postgres for request bodies of sensors to be kept; measurements are
    /// recorded in any case
    #[arg(long, env = "AIRGRAPH_MIN_FREE_DISK_MIB", default_value_t = 1024)]
    pub min_free_disk_mib: u32,

    /// How long what arrived is kept as it came: a time such as 90d or 2years, or `forever`. Whole months go, once all
    /// of the month is older; measurements stay
    #[arg(long, env = "AIRGRAPH_UPLINK_RETENTION", default_value = "90d")]
    pub uplink_retention: RetentionPolicy,

    /// For how long changes are kept for subscribers that come back, such as 1day or 6h. Who stayed away longer is told to
    /// query what it missed
    #[arg(long, env = "AIRGRAPH_FEED_RETENTION", default_value = "1day", value_parser = parse_feed_retention)]
    pub feed_retention: TimeDelta,

    /// A file with the GraphQL documents that you trust: a JSON object from ids to documents, as Relay and the GraphQL Code
    /// Generator write it, or Apollo's manifest. It is read again when it changes
    #[arg(long, env = "AIRGRAPH_TRUSTED_DOCUMENTS", value_name = "FILE")]
    pub trusted_documents: Option<PathBuf>,

    /// Connections to the database for queries
    #[arg(long, env = "DATABASE_READ_POOL_SIZE", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub read_pool_size: u32,

    /// Connections of one client address, sockets included. Those of trusted proxies are not counted by address
    #[arg(long, env = "AIRGRAPH_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER",
        default_value_t = ConnectionLimits::default().max_per_address)]
    pub connections_per_address: usize,

    /// Servers that answer queries in the database's place, separated by commas: standbys of it, each by a URL as in
    /// `DATABASE_URL` that leads to it alone
    #[arg(long, env = "DATABASE_REPLICA_URLS", hide_env_values = true, value_delimiter = ',', value_name = "URL")]
    database_replica_urls: Vec<String>,

    /// What strangers may see
    #[command(flatten)]
    pub security: SecurityArgs,
}

impl ServeArgs {
    /// The servers that answer queries in the database's place.
    ///
    /// # Errors
    /// When a URL can't be read.
    pub fn replica_options(&self) -> Result<Vec<PgConnectOptions>, ConfigError> {
        let urls = (1..).zip(&self.database_replica_urls).filter(|(_, url)| !url.is_empty());
        urls.map(|(n, url)| parse_url(url).map_err(|reason| ConfigError::ReplicaUrl(n, reason))).collect()
    }
}

/// The shortest time for which changes are kept: a subscriber that was cut off needs some to come back.
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

// Written by hand so that no secret gets into a log.
impl fmt::Debug for ServeArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeArgs").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// What is logged.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging")]
pub struct LogArgs {
    /// What is logged: a level, or levels by module such as `info,airgraph=debug,sqlx=debug`
    #[arg(long, env = "AIRGRAPH_LOG", default_value = "info,sqlx::postgres::notice=warn", global = true)]
    pub log: String,

    /// How log lines look
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
