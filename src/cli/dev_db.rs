//! `airgraph dev-db`: the embedded Postgres alone.
//!
//! Prints its URL as the only line on standard output and runs until its standard input ends. For manual use:
//!
//! ```sh
//! airgraph dev-db    # until Ctrl-D or Ctrl-C
//! ```

use std::{
    io::{Read, Write},
    path::{Path, absolute},
    process::ExitCode,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::db::embedded::{
    EmbeddedError, LockPolicy,
    cluster::{Account, Cluster},
    drop_privileges, lock,
    lock::{DataDirLock, LockOutcome, OwnerPhase},
    open_data_dir, print_status,
    supervisor::Supervisor,
};

/// Run the embedded Postgres alone: print its URL, then run until standard input ends
#[derive(Debug, Clone, clap::Args)]
pub struct DevDb {
    /// Use the Postgres of an airgraph that is already running on the data folder, and leave it running
    #[arg(long)]
    pub attach: bool,
    /// Delete the data folder at the end, for a test run
    #[arg(long, conflicts_with = "attach")]
    pub temporary: bool,
    /// Print the URL of the superuser instead of the gateway's role, for administration
    #[arg(long)]
    pub superuser: bool,
    /// Process id of the gateway that started this process, which is shown to others
    #[arg(long, hide = true, value_name = "PID")]
    pub gateway: Option<u32>,
}

/// Runs the command. Reports its errors itself: on standard output to a gateway, which forwards them, else on standard
/// error.
pub async fn run(data_dir: &Path, arguments: &DevDb) -> ExitCode {
    match run_until_stopped(data_dir, arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if arguments.gateway.is_none() || print_line(&error.to_string()).is_err() {
                print_status(error);
            }
            ExitCode::FAILURE
        }
    }
}

async fn run_until_stopped(data_dir: &Path, arguments: &DevDb) -> Result<(), EmbeddedError> {
    let mut end = StopRequest::listen()?;
    let data_dir = absolute(data_dir).map_err(|cause| EmbeddedError::file("find the data folder", data_dir, cause))?;
    drop_privileges::drop_privileges(&data_dir)?;
    let data_dir = open_data_dir(&data_dir)?;

    let share = if arguments.attach { LockPolicy::Attach } else { LockPolicy::Refuse };
    let pid = arguments.gateway.unwrap_or_else(std::process::id);
    let cluster = Cluster::new(&data_dir);
    let account = if arguments.superuser { Account::Superuser } else { Account::Gateway };
    let claim = tokio::select! {
        claim = lock::acquire(&data_dir, share, pid, async || cluster.running_url(account).await) => claim?,
        () = end.requested() => return Ok(()),
    };
    match claim {
        LockOutcome::Owned(ownership) => {
            let result = run_owned(&data_dir, &ownership, account, &mut end).await;
            if arguments.temporary {
                std::fs::remove_dir_all(&data_dir).map_err(|cause| EmbeddedError::file("delete", &data_dir, cause))?;
            }
            result
        }
        LockOutcome::Attached(url) => {
            if print_line(&url).is_ok() {
                end.requested().await;
            }
            Ok(())
        }
    }
}

/// Runs Postgres until a stop is requested. Postgres is always stopped before the lock is released.
async fn run_owned(
    data_dir: &Path,
    ownership: &DataDirLock,
    account: Account,
    end: &mut StopRequest,
) -> Result<(), EmbeddedError> {
    let mut postgres = tokio::select! {
        prepared = Supervisor::prepare(data_dir) => prepared?,
        () = end.requested() => return Ok(()),
    };
    let result = tokio::select! {
        error = serve(&mut postgres, ownership, account) => Err(error),
        () = end.requested() => Ok(()),
    };
    ownership.set_phase(OwnerPhase::Stopping);
    postgres.stop().await;
    result
}

async fn serve(postgres: &mut Supervisor, ownership: &DataDirLock, account: Account) -> EmbeddedError {
    let url = match postgres.start(account).await {
        Ok(url) => url,
        Err(error) => return error,
    };
    ownership.set_phase(OwnerPhase::Running);
    // If the reader of this line is gone, standard input ends as well, which is handled.
    let _ = print_line(&url);
    postgres.supervise().await
}

fn print_line(line: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// The request to stop: standard input has ended, or a signal was received.
struct StopRequest(watch::Receiver<bool>);

impl StopRequest {
    fn listen() -> Result<Self, EmbeddedError> {
        let (sender, receiver) = watch::channel(false);
        for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
            let mut signals =
                signal(kind).map_err(|cause| EmbeddedError::file("catch signals for", Path::new("airgraph"), cause))?;
            let sender = sender.clone();
            tokio::spawn(async move {
                signals.recv().await;
                sender.send_replace(true);
            });
        }
        // A thread of its own: a pending read of tokio's standard input would keep the process from ending.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock().by_ref(), &mut std::io::sink());
            sender.send_replace(true);
        });
        Ok(Self(receiver))
    }

    async fn requested(&mut self) {
        // An error means that the sender is gone, so no request can arrive any more.
        let _ = self.0.wait_for(|requested| *requested).await;
    }
}
