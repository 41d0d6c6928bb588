//! A command's database connection, external or embedded, from opening to closing.

use std::{io::Write as _, time::Duration};

use anyhow::Context as _;
use sqlx::postgres::PgConnectOptions;

use super::config::{DatabaseArgs, DatabaseChoice};
use crate::db::{
    connect,
    connect::{Database, REQUEST_TIMEOUT},
    embedded,
    embedded::{EmbeddedDatabase, LockPolicy, drop_privileges},
};

/// Connections for mutations.
const WRITE_POOL_SIZE: u32 = 3;

/// An open database with the current schema.
pub(super) struct Session {
    pub database: Database,
    /// Connection options.
    pub options: PgConnectOptions,
    /// The embedded Postgres, if it is used.
    pub embedded: Option<EmbeddedDatabase>,
}

impl Session {
    /// Starts the embedded Postgres if configured, waits for the database and brings its schema up to date. Starting it
    /// as root drops the privileges of root, so open files and ports that need them first.
    pub async fn open(arguments: &DatabaseArgs, readers: u32, share: LockPolicy) -> anyhow::Result<Self> {
        Self::open_with_timeout(arguments, readers, REQUEST_TIMEOUT, share).await
    }

    /// The same with a timeout for requests.
    pub async fn open_with_timeout(
        arguments: &DatabaseArgs,
        readers: u32,
        request_timeout: Duration,
        share: LockPolicy,
    ) -> anyhow::Result<Self> {
        let (options, embedded) = match arguments.database_choice()? {
            DatabaseChoice::External(options) => (*options, None),
            DatabaseChoice::Embedded(data_dir) => {
                let data_dir = std::path::absolute(&data_dir).context("the data folder")?;
                let embedded = embedded::start(&data_dir, share).await?;
                if let Some(account) = drop_privileges::drop_privileges(&data_dir)? {
                    tracing::info!(account, "started as root; from here on running as");
                }
                (embedded.url().parse().context("the embedded Postgres returned an invalid URL")?, Some(embedded))
            }
        };
        let direct = arguments.direct_options()?;
        let mut database = connect::open_with_timeout(&options, readers, WRITE_POOL_SIZE, request_timeout).await?;
        if let Some(direct) = direct {
            database = database.with_direct_connection(direct);
        }
        connect::migrate(&database).await?;
        Ok(Self { database, options, embedded })
    }

    /// Closes the connections, and stops the embedded Postgres.
    pub async fn close(self) -> anyhow::Result<()> {
        self.database.close().await;
        self.stop_embedded().await
    }

    /// Stops the embedded Postgres, if there is one.
    pub async fn stop_embedded(self) -> anyhow::Result<()> {
        if let Some(embedded) = self.embedded {
            embedded.stop().await?;
        }
        Ok(())
    }
}

/// `airgraph migrate`.
pub(super) async fn migrate(arguments: &DatabaseArgs) -> anyhow::Result<()> {
    Session::open(arguments, 1, LockPolicy::Attach).await?.close().await?;
    print("the schema is up to date\n")
}

/// Prints the output of a command. A closed pipe (`| head`) is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
