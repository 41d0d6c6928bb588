//! `airgraph archive`: finished months of measurements as Parquet files in a folder or a bucket.

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
    export::archive::{self, ArchiveStorage, KeptReason, MonthOutcome, MonthState, PruneOutcome},
};

/// Time limit of one statement: a fingerprint reads all rows of a month.
const STATEMENT_TIMEOUT: Duration = Duration::from_hours(1);

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Archive")]
pub(super) struct ArchiveArgs {
    /// Folder of the archive, or `s3://bucket/prefix` with the settings of the variables `AWS_…`. Months that are in it with the same
    /// rows stay as they are
    #[arg(long, value_name = "FOLDER OR URL")]
    to: PathBuf,

    /// Write nothing; compare the files with the manifest and the database
    #[arg(long)]
    verify: bool,

    /// Afterwards remove the measurements of archived months from the database, each after its file was compared with them. Rollups
    /// and the newest measurement of each device in a month stay. `airgraph import` restores a month
    #[arg(long, conflicts_with = "verify")]
    prune: bool,

    /// Number of finished months that `--prune` keeps in the database
    #[arg(long, value_name = "MONTHS", default_value_t = DEFAULT_KEPT_MONTHS, requires = "prune")]
    keep_months: u32,
}

/// Default of `--keep-months`.
const DEFAULT_KEPT_MONTHS: u32 = 12;

pub(super) async fn run(database: &DatabaseArgs, arguments: &ArchiveArgs) -> anyhow::Result<()> {
    let mut storage = ArchiveStorage::open(&arguments.to)?;
    let session = Session::open_with_timeout(database, 2, STATEMENT_TIMEOUT, LockPolicy::Attach).await?;
    let outcome = async {
        if arguments.verify {
            return verify(&session, &mut storage).await;
        }
        write(&session, &mut storage).await?;
        if arguments.prune { prune(&session, &mut storage, arguments.keep_months).await } else { Ok(()) }
    }
    .await;
    session.close().await?;
    outcome
}

async fn write(session: &Session, storage: &mut ArchiveStorage) -> anyhow::Result<()> {
    archive::release_unfinished(&session.database).await?;
    let bar = progress::bar(None, "{spinner} {msg}");
    let (mut text, mut missing) = (String::new(), 0);
    let report = |month: Month, outcome, rows| {
        bar.set_message(month.to_string());
        // Writing to a String can't fail.
        let _ = match outcome {
            MonthOutcome::Written(version) => writeln!(text, "{month}: {rows} rows, written as version {version}"),
            MonthOutcome::Unchanged => writeln!(text, "{month}: {rows} rows, unchanged"),
            MonthOutcome::Pruned => writeln!(text, "{month}: {rows} rows, no longer in the database"),
            MonthOutcome::PrunedElsewhere => {
                missing += 1;
                writeln!(text, "{month}: {rows} rows, no longer in the database, and their file is not in this archive")
            }
        };
    };
    let outcome = archive::write(&session.database.reads, storage, Clock::system().now(), report).await;
    bar.finish_and_clear();
    print(&text)?;
    outcome?;
    anyhow::ensure!(missing == 0, "{missing} months are neither in the database nor in this archive");
    Ok(())
}

async fn prune(session: &Session, storage: &mut ArchiveStorage, keep_months: u32) -> anyhow::Result<()> {
    let bar = progress::bar(None, "{spinner} comparing files with the database");
    let (mut text, mut failed) = (String::new(), 0);
    let report = |month: Month, outcome, rows| {
        let outcome_text = match outcome {
            PruneOutcome::Removed => "removed from the database",
            PruneOutcome::Kept(KeptReason::Recent) => "kept in the database: one of the newest months",
            PruneOutcome::Kept(KeptReason::InFeed) => {
                "kept in the database: recorded recently, and subscribers may still receive them; run the command again later"
            }
            PruneOutcome::Kept(KeptReason::InUse) => "kept in the database: in use; run the command again later",
            PruneOutcome::Kept(KeptReason::NotVerified(state)) => {
                failed += 1;
                describe(state)
            }
        };
        let _ = writeln!(text, "{month}: {rows} rows: {outcome_text}");
    };
    let now = Clock::system().now();
    let first_kept = Month::from_time(now).minus(keep_months);
    let outcome = archive::prune(&session.database, storage, first_kept, now, report).await;
    bar.finish_and_clear();
    print(&text)?;
    outcome?;
    anyhow::ensure!(failed == 0, "{failed} months stay in the database, because their files differ from it");
    Ok(())
}

fn describe(state: MonthState) -> &'static str {
    match state {
        MonthState::Correct => "correct",
        MonthState::Changed => "rows changed in the database since it was written",
        MonthState::Damaged => "the file is not the one that was written",
        MonthState::Missing => "the file is missing",
    }
}

async fn verify(session: &Session, storage: &mut ArchiveStorage) -> anyhow::Result<()> {
    let (mut text, mut months, mut wrong) = (String::new(), 0, 0);
    let report = |month: Month, state, rows| {
        months += 1;
        wrong += usize::from(state != MonthState::Correct);
        let _ = writeln!(text, "{month}: {rows} rows: {}", describe(state));
    };
    archive::verify(&session.database.reads, storage, report).await?;
    print(&text)?;
    anyhow::ensure!(wrong == 0, "{wrong} of {months} months differ; run without --verify to write them again");
    Ok(())
}
