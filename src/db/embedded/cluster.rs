//! The cluster: the folder in which Postgres keeps everything, its password, and how to reach it.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rand::{RngExt, distr::Alphanumeric};
use sqlx::{
    ConnectOptions, Connection, PgConnection,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::time::timeout;

use super::{
    EmbeddedError, command, entries_with_prefix,
    installation::{Installation, MINIMUM_MAJOR, leading_number},
    postmaster, say,
};

/// The role everything belongs to, and the database every cluster has.
const POSTGRES: &str = "postgres";

/// The gateway's database.
const DATABASE: &str = "airgraph";

/// A Postgres on the same machine that is slower than this is stuck.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Clusters in the making have this prefix and a name of their own: an `initdb` that outlived its `dev-db` clears away
/// the folder it was given when it fails, which must not be one that is in use again.
const UNFINISHED: &str = "postgres.new-";

/// How often and after which pause the removal of an unfinished cluster is tried again.
const REMOVALS: u32 = 50;
const REMOVAL_PAUSE: Duration = Duration::from_millis(100);

/// One data folder's cluster, made or not.
#[derive(Debug, Clone)]
pub struct Cluster {
    data_dir: PathBuf,
}

impl Cluster {
    /// That of a data folder.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned() }
    }

    /// The data folder it is in.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What Postgres calls its data directory.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.data_dir.join("postgres")
    }

    /// Where Postgres logs.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.data_dir.join("postgres.log")
    }

    fn password_file(&self) -> PathBuf {
        self.data_dir.join("password")
    }

    /// The major version of Postgres that made it; `None` if it isn't made yet.
    ///
    /// # Errors
    ///
    /// Its folder holds something else, or a cluster that is too old.
    pub fn major(&self) -> Result<Option<u32>, EmbeddedError> {
        let folder = self.folder();
        match fs::read_to_string(folder.join("PG_VERSION")) {
            Ok(text) => match leading_number(text.trim()) {
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

    /// Makes it. If that is interrupted nothing remains but an unfinished folder, which the next attempt removes.
    ///
    /// # Errors
    ///
    /// `initdb` failed.
    pub async fn init(&self, installation: &Installation) -> Result<(), EmbeddedError> {
        for unfinished in entries_with_prefix(&self.data_dir, UNFINISHED) {
            remove(&unfinished).await.map_err(|cause| EmbeddedError::file("remove", &unfinished, cause))?;
        }
        self.write_password().map_err(|cause| EmbeddedError::file("write", &self.password_file(), cause))?;
        say(format_args!(
            "creating a database cluster of PostgreSQL {} in {}",
            installation.major,
            self.folder().display()
        ));

        let unfinished = self.data_dir.join(format!("{UNFINISHED}{}", std::process::id()));
        let initdb = installation.program("initdb");
        let output = command(&initdb, &self.data_dir)
            .arg("--pgdata")
            .arg(&unfinished)
            .arg("--pwfile")
            .arg(self.password_file())
            .args(["--username", POSTGRES, "--auth", "scram-sha-256", "--no-instructions"])
            // Locale C orders text by code point. The locales of the system differ in what they are called and how they
            // sort from machine to machine, and between versions of the C library, which breaks indices.
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

    /// Keeps a password that is there already: it may be that of a cluster which is put back later.
    fn write_password(&self) -> io::Result<()> {
        if fs::read_to_string(self.password_file()).is_ok_and(|password| !password.trim().is_empty()) {
            return Ok(());
        }
        // Letters and digits, so that it needs no escaping in a URL: 190 bits.
        let password: String = rand::rng().sample_iter(&Alphanumeric).take(32).map(char::from).collect();
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.password_file())?;
        file.write_all(password.as_bytes())?;
        file.sync_all()
    }

    fn password(&self) -> Result<String, EmbeddedError> {
        let path = self.password_file();
        match fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Ok(_) => Err(EmbeddedError::Password { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(EmbeddedError::Password { path }),
            Err(cause) => Err(EmbeddedError::file("read", &path, cause)),
        }
    }

    /// The URL of the gateway's database when Postgres listens on `port`. It holds the password.
    ///
    /// # Errors
    ///
    /// No password.
    pub fn url(&self, port: u16) -> Result<String, EmbeddedError> {
        Ok(format!("postgresql://{POSTGRES}:{}@127.0.0.1:{port}/{DATABASE}", self.password()?))
    }

    /// The URL of the running Postgres, if there is one that answers.
    pub async fn running_url(&self) -> Option<String> {
        let port = postmaster::read(&self.folder())?.port?;
        let connection = connect(&self.options(port, DATABASE).ok()?).await.ok()?;
        let _ = connection.close().await;
        self.url(port).ok()
    }

    /// Does Postgres answer? `false` while it is still starting.
    ///
    /// # Errors
    ///
    /// It answers that the password is wrong.
    pub async fn answers(&self, port: u16) -> Result<bool, EmbeddedError> {
        match connect(&self.options(port, POSTGRES)?).await {
            Ok(connection) => {
                let _ = connection.close().await;
                Ok(true)
            }
            Err(error) => match error.as_database_error().and_then(DatabaseError::code).as_deref() {
                Some("28P01") => Err(EmbeddedError::Password { path: self.password_file() }), // invalid_password
                _ => Ok(false),
            },
        }
    }

    /// Creates the gateway's database if it is missing.
    ///
    /// # Errors
    ///
    /// Postgres refuses.
    pub async fn create_database(&self, port: u16) -> Result<(), EmbeddedError> {
        let options = self.options(port, POSTGRES)?;
        let create = async {
            let mut connection = connect(&options).await?;
            let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
                .bind(DATABASE)
                .fetch_one(&mut connection)
                .await?;
            if !exists {
                sqlx::query("create database airgraph").execute(&mut connection).await?;
            }
            connection.close().await
        };
        create.await.map_err(|error: sqlx::Error| EmbeddedError::CreateDatabase(error.to_string()))
    }

    fn options(&self, port: u16, database: &str) -> Result<PgConnectOptions, EmbeddedError> {
        Ok(PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(POSTGRES)
            .password(&self.password()?)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging())
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let connected = timeout(CONNECT_PATIENCE, options.connect()).await;
    connected.unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())))
}

/// Removes an unfinished cluster. Its `initdb` may outlive the one that was killed, and still put files into it; it ends
/// when it misses those that are gone.
async fn remove(unfinished: &Path) -> io::Result<()> {
    for _ in 0..REMOVALS {
        match fs::remove_dir_all(unfinished) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => tokio::time::sleep(REMOVAL_PAUSE).await,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            done => return done,
        }
    }
    fs::remove_dir_all(unfinished)
}

#[cfg(test)]
mod tests {
    use std::{error::Error, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn tells_a_cluster_from_nothing_and_from_something_else() -> Result<(), Box<dyn Error>> {
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
    fn keeps_its_password_to_itself() -> Result<(), Box<dyn Error>> {
        let data_dir = tempfile::tempdir()?;
        let cluster = Cluster::new(data_dir.path());
        assert!(matches!(cluster.password(), Err(EmbeddedError::Password { .. })));
        cluster.write_password()?;
        let password = cluster.password()?;
        assert_eq!(password.len(), 32);
        assert_eq!(cluster.password_file().metadata()?.permissions().mode() & 0o777, 0o600);

        cluster.write_password()?;
        assert_eq!(cluster.password()?, password);
        assert_eq!(cluster.url(1)?, format!("postgresql://postgres:{password}@127.0.0.1:1/airgraph"));
        Ok(())
    }
}
