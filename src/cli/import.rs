//! `airgraph import`: records files of samples.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
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
    export::archive::{self, ArchiveError, ArchiveStorage, ArchivedMonth},
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
    /// Parquet files of an export; an archive in a folder or at `s3://bucket/prefix`; `-` is standard input
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
    let mut inputs = Vec::new();
    for path in &import.files {
        inputs.extend(open(path).await?);
    }
    let session = Session::open_with_timeout(database, 2, STATEMENT_TIMEOUT, LockPolicy::Attach).await?;
    let clock = Clock::system();
    let pruned = db::pruned_month::list_months(&session.database.reads).await?;
    let (recorder, writers) = Recorder::start(&session.database.writes, &clock);
    let sensors = decode_context::sensors(&session.database.reads, import.device.as_ref()).await?;
    let mut outcome = Ok(());
    for Input { path, content } in inputs {
        let path = &*path;
        let (file, length): (Box<dyn Read + Send>, _) = match content {
            Content::Stream(file, length) => (file, length),
            Content::Month(source) if pruned.contains(source.month) => {
                if let Err(error) = restore(&session, path, *source, import.dry_run).await {
                    outcome = Err(error);
                    break;
                }
                continue;
            }
            Content::Month(mut source) => match source.open().await.and_then(|file| Ok(ParquetAsCsv::new(file)?)) {
                Ok(rows) => (Box::new(rows), None),
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            },
        };
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
struct Input {
    path: PathBuf,
    content: Content,
}

enum Content {
    /// A file, and its length in bytes, where it has one.
    Stream(Box<dyn Read + Send>, Option<u64>),
    /// The current file of a month of an archive.
    Month(Box<MonthSource>),
}

struct MonthSource {
    storage: Arc<ArchiveStorage>,
    month: Month,
    archived: ArchivedMonth,
    /// `None` for one that is copied to this machine when its turn comes.
    file: Option<File>,
}

impl MonthSource {
    /// The file, which must be the one that was written.
    async fn open(&mut self) -> anyhow::Result<File> {
        if let Some(file) = self.file.take() {
            return Ok(file);
        }
        let file = self.storage.open_file(&self.archived.current).await?;
        file.map_err(|_| {
            let location = self.storage.file_location(&self.archived.current.path);
            anyhow::anyhow!("{}: missing, or not as the manifest says", location.display())
        })
    }
}

/// The files of a path: those of an archive, or the file itself.
async fn open(path: &Path) -> anyhow::Result<Vec<Input>> {
    if path == Path::new("-") {
        return Ok(vec![Input { path: path.to_owned(), content: Content::Stream(Box::new(io::stdin()), None) }]);
    }
    let is_url = path.to_str().is_some_and(|path| path.contains("://"));
    if is_url || path.is_dir() {
        let mut storage = ArchiveStorage::open(path)?;
        let manifest = storage.read_manifest().await?;
        anyhow::ensure!(is_url || manifest.is_some(), "{} is a folder; name the files in it", path.display());
        let manifest = manifest.ok_or_else(|| ArchiveError::no_archive(&storage))?;
        let storage = Arc::new(storage);
        let mut inputs = Vec::new();
        for month in manifest.months() {
            let Some(archived) = manifest.month(month).cloned() else { continue };
            let path = storage.file_location(&archived.current.path);
            let mut source = MonthSource { storage: storage.clone(), month, archived, file: None };
            if storage.is_local() {
                source.file = Some(source.open().await?);
            }
            inputs.push(Input { path, content: Content::Month(Box::new(source)) });
        }
        return Ok(inputs);
    }
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let metadata = file.metadata().with_context(|| path.display().to_string())?;
    let content = if path.extension().is_some_and(|extension| extension == "parquet") {
        let rows = ParquetAsCsv::new(file).with_context(|| path.display().to_string())?;
        Content::Stream(Box::new(rows), None)
    } else {
        Content::Stream(Box::new(file), metadata.is_file().then_some(metadata.len()))
    };
    Ok(vec![Input { path: path.to_owned(), content }])
}

/// Restores a month that was removed from the database.
async fn restore(session: &Session, path: &Path, mut source: MonthSource, dry_run: bool) -> anyhow::Result<()> {
    let (month, archived) = (source.month, source.archived.clone());
    let rows = archived.current.rows;
    if dry_run {
        return print(&format!("{}: {month} would be restored with {rows} measurements\n", path.display()));
    }
    let file = archive::open_rows(source.open().await?)?;
    let inserted = archive::restore(&session.database.reads, file, month, &archived).await?;
    print(&format!("{}: {month} restored: {rows} measurements, {inserted} of them inserted\n", path.display()))
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
