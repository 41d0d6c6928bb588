//! The database cluster: its data directory, its passwords, and its URLs.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use backon::{ConstantBuilder, Retryable as _};
use rand::{RngExt, distr::Alphanumeric};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor as _, PgConnection,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::time::timeout;

use super::{
    EmbeddedError, command, entries_with_prefix,
    installation::{Installation, MINIMUM_MAJOR, parse_leading_number},
    postmaster, print_status,
};

/// The bootstrap superuser, and the database every cluster has.
const MAINTENANCE_DATABASE: &str = "postgres";

/// The gateway's database.
const DATABASE_NAME: &str = "airgraph";

/// The gateway's role, which owns that database and is no superuser: a superuser can run programs and read files.
const GATEWAY_ROLE: &str = "airgraph";

/// Transfers ownership of the superuser's objects in the gateway's database to the gateway's role, for clusters created
/// before that role existed. Sequences of columns follow their tables; members of extensions stay.
const TRANSFER_OWNERSHIP: &str = "
do $$
declare
    statement text;
begin
    for statement in
        select format('alter table %s owner to airgraph', oid::regclass)
        from pg_class
        where relnamespace = 'public'::regnamespace and relowner <> 'airgraph'::regrole
          and relkind in ('r', 'p', 'v', 'm', 'S')
          and not exists (select from pg_depend
                          where objid = pg_class.oid and (deptype = 'e' or relkind = 'S' and deptype in ('a', 'i')))
        union all
        select format('alter type %s owner to airgraph', oid::regtype)
        from pg_type
        where typnamespace = 'public'::regnamespace and typowner <> 'airgraph'::regrole
          and (typtype in ('d', 'e')
               or exists (select from pg_class where pg_class.oid = typrelid and relkind = 'c'))
          and not exists (select from pg_depend where objid = pg_type.oid and deptype = 'e')
        union all
        select format('alter routine %s owner to airgraph', oid::regprocedure)
        from pg_proc
        where pronamespace = 'public'::regnamespace and proowner <> 'airgraph'::regrole
          and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
    loop
        execute statement;
    end loop;
end
$$";

/// A database role of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// The gateway's role.
    Gateway,
    /// The bootstrap superuser, for setting the cluster up.
    Superuser,
}

impl Account {
    const fn role(self) -> &'static str {
        match self {
            Self::Gateway => GATEWAY_ROLE,
            Self::Superuser => MAINTENANCE_DATABASE,
        }
    }

    /// Name of the file with its password.
    const fn password_file(self) -> &'static str {
        match self {
            Self::Gateway => "gateway-password",
            Self::Superuser => "password",
        }
    }
}

/// A local Postgres that is slower than this is stuck.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Prefix of unfinished clusters, each of which has a unique name: an `initdb` that outlives its `dev-db` deletes its
/// target folder when it fails, which must not be in use again by then.
const UNFINISHED_PREFIX: &str = "postgres.new-";

/// Number of retries to remove an unfinished cluster, and the delay between them.
const MAX_REMOVE_RETRIES: usize = 50;
const REMOVE_RETRY_DELAY: Duration = Duration::from_millis(100);

/// The cluster of one data folder, created or not.
#[derive(Debug, Clone)]
pub struct Cluster {
    data_dir: PathBuf,
}

impl Cluster {
    /// The cluster of a data folder.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned() }
    }

    /// The data folder.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The data directory of Postgres (`PGDATA`).
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.data_dir.join("postgres")
    }

    /// The log file of Postgres.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.data_dir.join("postgres.log")
    }

    fn password_file(&self, account: Account) -> PathBuf {
        self.data_dir.join(account.password_file())
    }

    /// The major version of Postgres that created the cluster; `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// The folder contains something else, or a cluster that is too old.
    pub fn major(&self) -> Result<Option<u32>, EmbeddedError> {
        let folder = self.folder();
        match fs::read_to_string(folder.join("PG_VERSION")) {
            Ok(text) => match parse_leading_number(text.trim()) {
                Some(major) if major < MINIMUM_MAJOR => {
                    Err(EmbeddedError::TooOld { cluster: folder, major, minimum: MINIMUM_MAJOR })
                }
                Some(major) => Ok(Some(major)),
                None => Err(EmbeddedError::NotACluster { cluster: folder }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let occupied = folder.read_dir().is_ok_and(|mut entries| entries.next().is_some());
                if occupied { Err(EmbeddedError::NotACluster { cluster: folder }) } else { Ok(None) }
            }
            Err(cause) => Err(EmbeddedError::file("read", &folder.join("PG_VERSION"), cause)),
        }
    }

    /// Creates the cluster. An interrupted creation leaves only an unfinished folder, which the next attempt removes.
    ///
    /// # Errors
    ///
    /// `initdb` failed.
    pub async fn init(&self, installation: &Installation) -> Result<(), EmbeddedError> {
        for unfinished in entries_with_prefix(&self.data_dir, UNFINISHED_PREFIX) {
            remove_with_retry(&unfinished).await.map_err(|cause| EmbeddedError::file("remove", &unfinished, cause))?;
        }
        self.write_password(Account::Superuser)?;
        print_status(format_args!(
            "creating a database cluster of PostgreSQL {} in {}",
            installation.major,
            self.folder().display()
        ));

        let unfinished = self.data_dir.join(format!("{UNFINISHED_PREFIX}{}", std::process::id()));
        let initdb = installation.program("initdb");
        let output = command(&initdb, &self.data_dir)
            .arg("--pgdata")
            .arg(&unfinished)
            .arg("--pwfile")
            .arg(self.password_file(Account::Superuser))
            .args(["--username", MAINTENANCE_DATABASE, "--auth", "scram-sha-256", "--no-instructions"])
            // Locale C orders text by code point. System locales differ in name and sort order between machines and
            // between versions of the C library, which corrupts indexes.
            .args(["--encoding", "UTF8", "--locale", "C"])
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|cause| EmbeddedError::program(&initdb, cause))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let error = text.lines().find(|line| line.contains("error:")).or(text.lines().last());
            let cause = error.map_or_else(|| output.status.to_string(), ToOwned::to_owned);
            return Err(EmbeddedError::Init { cluster: self.folder(), cause });
        }
        fs::rename(&unfinished, self.folder()).map_err(|cause| EmbeddedError::file("create", &self.folder(), cause))
    }

    /// Keeps an existing password: it may belong to a cluster that is restored later.
    fn write_password(&self, account: Account) -> Result<(), EmbeddedError> {
        let path = self.password_file(account);
        if fs::read_to_string(&path).is_ok_and(|password| !password.trim().is_empty()) {
            return Ok(());
        }
        // Letters and digits need no escaping in a URL or in SQL: 190 bits.
        let password: String = rand::rng().sample_iter(Alphanumeric).take(32).map(char::from).collect();
        let write = || {
            let mut options = fs::OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(password.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|cause| EmbeddedError::file("write", &path, cause))
    }

    fn password(&self, account: Account) -> Result<String, EmbeddedError> {
        let path = self.password_file(account);
        match fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Ok(_) => Err(EmbeddedError::Password { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(EmbeddedError::Password { path }),
            Err(cause) => Err(EmbeddedError::file("read", &path, cause)),
        }
    }

    /// The URL of the gateway's database when Postgres listens on `port`. Contains the password.
    ///
    /// # Errors
    ///
    /// The password can't be read.
    pub fn url(&self, port: u16, account: Account) -> Result<String, EmbeddedError> {
        let (role, password) = (account.role(), self.password(account)?);
        Ok(format!("postgresql://{role}:{password}@127.0.0.1:{port}/{DATABASE_NAME}"))
    }

    /// The URL of the running Postgres, if one answers.
    pub async fn running_url(&self, account: Account) -> Option<String> {
        let port = postmaster::read(&self.folder())?.port?;
        let connection = connect(&self.options(port, account, DATABASE_NAME).ok()?).await.ok()?;
        let _ = connection.close().await;
        self.url(port, account).ok()
    }

    /// Whether Postgres accepts connections; `false` while it is still starting.
    ///
    /// # Errors
    ///
    /// The password is wrong.
    pub async fn accepts_connections(&self, port: u16) -> Result<bool, EmbeddedError> {
        match connect(&self.options(port, Account::Superuser, MAINTENANCE_DATABASE)?).await {
            Ok(connection) => {
                let _ = connection.close().await;
                Ok(true)
            }
            Err(error) => match error.as_database_error().and_then(DatabaseError::code).as_deref() {
                Some("28P01") => Err(EmbeddedError::Password { path: self.password_file(Account::Superuser) }), // invalid_password
                _ => Ok(false),
            },
        }
    }

    /// Creates the gateway's role and database if missing, and makes the role the owner of the database's objects.
    ///
    /// # Errors
    ///
    /// A statement failed.
    pub async fn create_database(&self, port: u16) -> Result<(), EmbeddedError> {
        self.write_password(Account::Gateway)?;
        let password = self.password(Account::Gateway)?;
        let create = async {
            let mut connection = connect(&self.options(port, Account::Superuser, MAINTENANCE_DATABASE)?).await?;
            let (has_role, has_database): (bool, bool) = sqlx::query_as(
                "select exists (select from pg_roles where rolname = $1),
                        exists (select from pg_database where datname = $2)",
            )
            .bind(GATEWAY_ROLE)
            .bind(DATABASE_NAME)
            .fetch_one(&mut connection)
            .await?;
            let verb = if has_role { "alter" } else { "create" };
            // Safe to interpolate: the generated password consists of letters and digits.
            let role = format!(
                "{verb} role {GATEWAY_ROLE} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls
                 password '{password}'"
            );
            connection.execute(AssertSqlSafe(role)).await?;
            connection
                .execute(if has_database {
                    "alter database airgraph owner to airgraph"
                } else {
                    "create database airgraph owner airgraph"
                })
                .await?;
            connection.close().await?;
            let mut connection = connect(&self.options(port, Account::Superuser, DATABASE_NAME)?).await?;
            connection.execute(TRANSFER_OWNERSHIP).await?;
            Ok(connection.close().await?)
        };
        create.await.map_err(|error: anyhow::Error| EmbeddedError::CreateDatabase(error.to_string()))
    }

    fn options(&self, port: u16, account: Account, database: &str) -> Result<PgConnectOptions, EmbeddedError> {
        Ok(PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(account.role())
            .password(&self.password(account)?)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging())
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let connected = timeout(CONNECT_TIMEOUT, options.connect()).await;
    connected.unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())))
}

/// Removes an unfinished cluster. Its `initdb` may outlive the killed `dev-db` and still create files; it ends when it
/// misses the removed ones.
async fn remove_with_retry(unfinished: &Path) -> io::Result<()> {
    let delays = ConstantBuilder::new().with_delay(REMOVE_RETRY_DELAY).with_max_times(MAX_REMOVE_RETRIES);
    let remove = || async { fs::remove_dir_all(unfinished) };
    match remove.retry(delays).when(|error| error.kind() == io::ErrorKind::DirectoryNotEmpty).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn cluster_is_distinguished_from_empty_and_foreign_folders() -> Result<(), Box<dyn Error>> {
        let data_dir = tempfile::tempdir()?;
        let cluster = Cluster::new(data_dir.path());
        assert_eq!(cluster.major()?, None);
        fs::create_dir(cluster.folder())?;
        assert_eq!(cluster.major()?, None);

        fs::write(cluster.folder().join("letter"), "mine")?;
        assert!(matches!(cluster.major(), Err(EmbeddedError::NotACluster { .. })));
        fs::write(cluster.folder().join("PG_VERSION"), "17\n")?;
        assert_eq!(cluster.major()?, Some(17));
        fs::write(cluster.folder().join("PG_VERSION"), "9.6\n")?;
        assert!(matches!(cluster.major(), Err(EmbeddedError::TooOld { major: 9, .. })));
        Ok(())
    }

    #[test]
    fn password_file_is_private() -> Result<(), Box<dyn Error>> {
        let data_dir = tempfile::tempdir()?;
        let cluster = Cluster::new(data_dir.path());
        assert!(matches!(cluster.password(Account::Superuser), Err(EmbeddedError::Password { .. })));
        cluster.write_password(Account::Superuser)?;
        let password = cluster.password(Account::Superuser)?;
        assert_eq!(password.len(), 32);
        let file = cluster.password_file(Account::Superuser);
        assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600);

        cluster.write_password(Account::Superuser)?;
        assert_eq!(cluster.password(Account::Superuser)?, password);
        cluster.write_password(Account::Gateway)?;
        let other = cluster.password(Account::Gateway)?;
        assert_ne!(other, password);
        assert_eq!(cluster.url(1, Account::Gateway)?, format!("postgresql://airgraph:{other}@127.0.0.1:1/airgraph"));
        Ok(())
    }
}
