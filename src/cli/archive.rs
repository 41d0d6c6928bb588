//! `airgraph archive`: finished months of measurements as Parquet files in a folder.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use clap::Args;

use super::{
    config::DatabaseArgs,
    progress,
    session::{Session, print},
};
use crate::{
    clock::Clock,
    db::embedded::LockPolicy,
    domain::month::Month,
    export::archive::{self, MonthOutcome, MonthState},
};

/// Time limit of one statement: a fingerprint reads all rows of a month.
const STATEMENT_TIMEOUT: Duration = Duration::from_hours(1);

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Archive")]
pub(super) struct ArchiveArgs {
    /// Folder of the archive. Months that are in it with the same rows stay as they are
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,

    /// Write nothing; compare the files with the manifest and the database
    #[arg(long)]
    verify: bool,
}

pub(super) async fn run(database: &DatabaseArgs, arguments: &ArchiveArgs) -> anyhow::Result<()> {
    anyhow::ensure!(
        !arguments.to.to_string_lossy().contains("://"),
        "{}: must be a folder; copy it to object storage with a tool such as rclone",
        arguments.to.display()
    );
    let session = Session::open_with_timeout(database, 2, STATEMENT_TIMEOUT, LockPolicy::Attach).await?;
    let outcome = if arguments.verify { verify(&session, arguments).await } else { write(&session, arguments).await };
    session.close().await?;
    outcome
}

async fn write(session: &Session, arguments: &ArchiveArgs) -> anyhow::Result<()> {
    let bar = progress::bar(None, "{spinner} {msg}");
    let mut text = String::new();
    let report = |month: Month, outcome, rows| {
        bar.set_message(month.to_string());
        // Writing to a String can't fail.
        let _ = match outcome {
            MonthOutcome::Written(version) => writeln!(text, "{month}: {rows} rows, written as version {version}"),
            MonthOutcome::Unchanged => writeln!(text, "{month}: {rows} rows, unchanged"),
        };
    };
    let outcome = archive::write(&session.database.reads, &arguments.to, Clock::system().now(), report).await;
    bar.finish_and_clear();
    print(&text)?;
    Ok(outcome?)
}

async fn verify(session: &Session, arguments: &ArchiveArgs) -> anyhow::Result<()> {
    let (mut text, mut months, mut wrong) = (String::new(), 0, 0);
    let report = |month: Month, state, rows| {
        let state_text = match state {
            MonthState::Correct => "correct",
            MonthState::Changed => "rows changed in the database since it was written",
            MonthState::Damaged => "the file is not the one that was written",
            MonthState::Missing => "the file is missing",
        };
        months += 1;
        wrong += usize::from(state != MonthState::Correct);
        let _ = writeln!(text, "{month}: {rows} rows: {state_text}");
    };
    archive::verify(&session.database.reads, &arguments.to, report).await?;
    print(&text)?;
    anyhow::ensure!(wrong == 0, "{wrong} of {months} months differ; run without --verify to write them again");
    Ok(())
}
