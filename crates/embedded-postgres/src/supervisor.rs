//! Supervises one Postgres: prepare, start, restart after a crash, stop.

use std::{path::Path, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tokio::time::{Instant, sleep};

use super::{
    EmbeddedError,
    cluster::{Account, Cluster},
    download::download,
    installation::{Installation, SearchPaths},
    postmaster, print_status,
    server::{PostgresProcess, free_port, is_port_in_use, is_shared_memory_in_use},
};

/// Number of crashes in a row after which Postgres is not restarted.
const MAX_CRASHES: usize = 10;

/// Delay before the first restart; doubled each time, up to [`MAX_RESTART_DELAY`].
const MIN_RESTART_DELAY: Duration = Duration::from_millis(100);
const MAX_RESTART_DELAY: Duration = Duration::from_secs(5);
const RESTART_DELAYS: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(MIN_RESTART_DELAY)
    .with_max_delay(MAX_RESTART_DELAY)
    .with_factor(2.0)
    .with_max_times(MAX_CRASHES);

/// After running this long, the number of crashes is reset.
const CRASH_COUNT_RESET_AFTER: Duration = Duration::from_mins(1);

/// How long to wait for the backends of a dead postmaster to end.
const SHARED_MEMORY_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum number of ports to try when another program takes the port first.
const MAX_PORT_ATTEMPTS: u32 = 5;

/// Supervisor of one Postgres. Must hold the lock of the data folder.
#[derive(Debug)]
pub struct Supervisor {
    installation: Installation,
    cluster: Cluster,
    /// Set even while it is still starting, so that [`Supervisor::stop`] can stop it at any time.
    server: Option<PostgresProcess>,
    port: u16,
}

impl Supervisor {
    /// Finds or downloads Postgres, stops an orphaned one, and creates the cluster if there is none.
    ///
    /// # Errors
    ///
    /// No suitable Postgres is available, or the cluster can't be created.
    pub async fn prepare(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let cluster = Cluster::new(data_dir);
        let major = cluster.major()?;
        let installation = match SearchPaths::from_env(data_dir).find(major)? {
            Some(installation) => installation,
            None => download(data_dir, &cluster.folder(), major).await?,
        };
        if major.is_some() {
            postmaster::stop_orphan(&cluster.folder()).await?;
        } else {
            cluster.init(&installation).await?;
        }
        Ok(Self { installation, cluster, server: None, port: 0 })
    }

    /// Starts Postgres on a free port and returns its URL for this account.
    ///
    /// # Errors
    ///
    /// It doesn't start.
    pub async fn start(&mut self, account: Account) -> Result<String, EmbeddedError> {
        let mut ports = 0;
        let started = Instant::now();
        loop {
            ports += 1;
            self.port = free_port().map_err(|cause| EmbeddedError::file("listen on", Path::new("127.0.0.1"), cause))?;
            match self.launch().await {
                Ok(()) => break,
                Err(error) if is_port_in_use(&error) && ports < MAX_PORT_ATTEMPTS => {}
                Err(error) if is_shared_memory_in_use(&error) && started.elapsed() < SHARED_MEMORY_TIMEOUT => {
                    sleep(MIN_RESTART_DELAY).await;
                }
                Err(error) => return Err(error),
            }
        }
        self.cluster.create_database(self.port).await?;
        self.cluster.url(self.port, account)
    }

    /// Restarts Postgres, on the same port, whenever it ends. Returns only after too many crashes.
    pub async fn supervise(&mut self) -> EmbeddedError {
        let mut delays = RESTART_DELAYS.build();
        loop {
            let watched_since = Instant::now();
            let status = match &mut self.server {
                Some(server) => server.wait().await,
                None => None,
            };
            if watched_since.elapsed() > CRASH_COUNT_RESET_AFTER {
                delays = RESTART_DELAYS.build();
            }
            let status = status.map_or_else(|| "it is gone".to_owned(), |status| status.to_string());
            print_status(format_args!("Postgres ended ({status}); starting it again"));
            loop {
                let Some(delay) = delays.next() else {
                    return EmbeddedError::RepeatedCrashes { times: MAX_CRASHES, log: self.cluster.log() };
                };
                sleep(delay).await;
                match self.launch().await {
                    Ok(()) => break,
                    // Often backends of the dead one that have not all ended yet.
                    Err(error) => print_status(error),
                }
            }
            print_status(format_args!("Postgres runs again on port {}", self.port));
        }
    }

    /// Stops Postgres, if it runs.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    async fn launch(&mut self) -> Result<(), EmbeddedError> {
        let server = self.server.insert(PostgresProcess::spawn(&self.installation, &self.cluster, self.port)?);
        server.wait_until_ready(&self.cluster).await
    }
}
