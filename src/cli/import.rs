//! `airgraph import`: records files of samples.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::Args;
use indicatif::ProgressBar;

use super::{
    config::DatabaseArgs,
    progress,
    session::{Session, print},
};
use crate::{
    clock::Clock,
    db,
    db::embedded::LockPolicy,
    domain::{device::DeviceKey, month::Month},
    export::archive::{self, ArchiveError, ArchivedMonth, ArchivedRows, Manifest, MonthState},
    ingest::{
        csv::{ColumnNames, CsvOptions},
        csv_import,
        csv_import::{ImportReport, ImportTask, ParquetAsCsv},
        decode_context,
    },
    recorder::Recorder,
};

/// Time limit of one statement: the fingerprint of a restored month reads all of its rows.
const STATEMENT_TIMEOUT: Duration = Duration::from_hours(1);

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Import")]
pub(super) struct Import {
    /// CSV files: `CleanCycle` SD cards and backups, openSenseMap's, or columns named time, device, latitude, pm10, …;
    /// Parquet files of an export; folders of an archive; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// The device of lines that name none
    #[arg(long, value_parser = |text: &str| DeviceKey::try_new(text))]
    device: Option<DeviceKey>,

    /// Correct date of a file's first line, if the logger's clock was wrong; the other lines are shifted by the same
    /// time
    #[arg(long)]
    date: Option<NaiveDate>,

    /// Names of non-standard columns, such as Zeit:time,Feinstaub:pm10
    #[arg(long, default_value = "")]
    columns: ColumnNames,

    /// Report the outcome for each file, and store nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(database: &DatabaseArgs, import: &Import) -> anyhow::Result<()> {
    // Before the database: a file that only root can open is not readable after the privileges of root are dropped.
    let inputs = import.files.iter().map(|path| expand_archive(path)).collect::<anyhow::Result<Vec<_>>>()?.concat();
    let files = inputs
        .iter()
        .map(|input| {
            let archived = input
                .archived
                .as_ref()
                .map(|(month, archived)| Ok::<_, ArchiveError>((*month, archived, archive::open_rows(&input.path)?)));
            Ok((&*input.path, archived.transpose()?, open(&input.path)?))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let session = Session::open_with_timeout(database, 2, STATEMENT_TIMEOUT, LockPolicy::Attach).await?;
    let clock = Clock::system();
    let pruned = db::pruned_month::list_months(&session.database.reads).await?;
    let (recorder, writers) = Recorder::start(&session.database.writes, &clock);
    let sensors = decode_context::sensors(&session.database.reads, import.device.as_ref()).await?;
    let mut outcome = Ok(());
    for (path, archived, (file, length)) in files {
        if let Some(archived) = archived.filter(|(month, ..)| pruned.contains(*month)) {
            if let Err(error) = restore(&session, path, archived, import.dry_run).await {
                outcome = Err(error);
                break;
            }
            continue;
        }
        let bar = bar(path, length);
        let options = CsvOptions {
            device: import.device.clone(),
            date: import.date,
            columns: import.columns.clone(),
            sensors: sensors.clone(),
            restrict_to_device: None,
        };
        let task = ImportTask { options, api_key: None, by_admin: false, dry_run: import.dry_run };
        let (report, ended) = csv_import::run(&recorder, &clock, csv_import::pieces(bar.wrap_read(file)), task).await;
        bar.finish_and_clear();
        print(&summary(path, &report))?;
        if ended.is_ok() && report.is_failure() {
            let detail = "not one sample was stored; every line was rejected, see above";
            outcome = Err(anyhow::anyhow!("{}: {detail}", path.display()));
        }
        if let Err(error) = ended {
            let advice =
                if report.lines > 0 { "recorded samples stay; import the whole file again to continue: " } else { "" };
            outcome = Err(anyhow::anyhow!("{}: {advice}{error}", path.display()));
            break;
        }
    }
    writers.drain().await;
    session.close().await?;
    outcome
}

/// A file to import.
#[derive(Clone)]
struct Input {
    path: PathBuf,
    /// The month, for a file of an archive.
    archived: Option<(Month, ArchivedMonth)>,
}

/// The current files of an archive, which must be those that were written; or the path itself.
fn expand_archive(path: &Path) -> anyhow::Result<Vec<Input>> {
    let manifest = if path.is_dir() { Manifest::read(path)? } else { None };
    let Some(manifest) = manifest else { return Ok(vec![Input { path: path.to_owned(), archived: None }]) };
    let months = manifest.months().filter_map(|month| Some((month, manifest.month(month)?)));
    months
        .map(|(month, archived)| {
            let (file, state) = (path.join(&archived.current.path), archive::check_file(path, &archived.current));
            anyhow::ensure!(state == MonthState::Correct, "{}: missing, or not as the manifest says", file.display());
            Ok(Input { path: file, archived: Some((month, archived.clone())) })
        })
        .collect()
}

/// Restores a month that was removed from the database.
async fn restore(
    session: &Session,
    path: &Path,
    (month, archived, file): (Month, &ArchivedMonth, ArchivedRows),
    dry_run: bool,
) -> anyhow::Result<()> {
    let rows = archived.current.rows;
    if dry_run {
        return print(&format!("{}: {month} would be restored with {rows} measurements\n", path.display()));
    }
    let inserted = archive::restore(&session.database.reads, file, month, archived).await?;
    print(&format!("{}: {month} restored: {rows} measurements, {inserted} of them inserted\n", path.display()))
}

/// A file and its length in bytes, where it has one.
fn open(path: &Path) -> anyhow::Result<(Box<dyn Read + Send>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let metadata = file.metadata().with_context(|| path.display().to_string())?;
    anyhow::ensure!(!metadata.is_dir(), "{} is a folder; name the files in it", path.display());
    if path.extension().is_some_and(|extension| extension == "parquet") {
        let rows = ParquetAsCsv::new(file).with_context(|| path.display().to_string())?;
        return Ok((Box::new(rows), None));
    }
    let length = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), length))
}

fn bar(path: &Path, length: Option<u64>) -> ProgressBar {
    let template = match length {
        Some(_) => "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left",
        None => "{msg} {spinner} {bytes} {bytes_per_sec}",
    };
    progress::bar(length, template).with_message(path.display().to_string())
}

fn summary(path: &Path, report: &ImportReport) -> String {
    let ImportReport { dry_run, lines, recorded, duplicates, rejected, ignored, unreadable } = report;
    let would = if *dry_run { " would be" } else { "" };
    let mut text = format!(
        "{}: {lines} lines: {recorded}{would} recorded, {duplicates} duplicates, {} rejected\n",
        path.display(),
        rejected.count
    );
    // Writing to a String can't fail.
    if !ignored.is_empty() {
        let names: Vec<_> = ignored.iter().map(String::as_str).collect();
        let _ = writeln!(text, "  without a meaning here: {}", names.join(", "));
    }
    if !unreadable.is_empty() {
        let _ = writeln!(text, "  {} values could not be read", unreadable.count);
    }
    for value in &unreadable.values {
        let _ = writeln!(text, "  line {}, column {}: {}: {}", value.line, value.column, value.code, value.detail);
    }
    for line in &rejected.lines {
        let _ = writeln!(text, "  line {}: {}: {}", line.line, line.code, line.detail);
    }
    let more = rejected.count.saturating_sub(rejected.lines.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
    text
}
