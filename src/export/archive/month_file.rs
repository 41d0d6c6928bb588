//! The Parquet file of a month: its measurements with all columns, sorted by device and time, so that readers skip row
//! groups of other devices and times.

use std::{io::Write as _, sync::Arc};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use tokio::task::spawn_blocking;

use super::{
    ArchiveError, ArchivedDevice, ArchivedFile,
    storage::{ArchiveStorage, MonthFileName, StagedFile},
};
use crate::{
    db,
    db::{
        measurement_columns::MeasurementColumns, measurement_page::MeasurementPage,
        measurement_projection::MeasurementProjection, measurement_readings::MeasurementRows as _,
    },
    domain::{
        device::{Device, DeviceId},
        filter::Filter,
        month::Month,
    },
    export::{
        ExportSubject, TimeFormat,
        columns::{self, ExportColumn, measurement::projection},
        format::parquet::ParquetEncoder,
        metadata::describe_columns,
        rows::{DeviceKeys, PageRows},
    },
};

/// Rows of a page.
const PAGE_ROWS: usize = 10_000;
/// The order of the rows.
const ORDER: [(&str, bool); 2] = [("device", false), ("measured_at", false)];

/// The columns of an archive.
pub(super) fn archive_columns() -> Arc<[ExportColumn]> {
    let all = columns::all(ExportSubject::Measurements).into_iter();
    let archived = all.filter(|column| column.name != columns::measurement::CURSOR);
    archived.chain([columns::measurement::seq_column()]).collect()
}

/// Description of the columns.
pub fn describe_table() -> serde_json::Value {
    describe_columns(&archive_columns(), TimeFormat::Rfc3339)
}

/// Writes a month.
pub async fn write(
    db: &PgPool,
    storage: &ArchiveStorage,
    name: MonthFileName,
    now: DateTime<Utc>,
) -> Result<ArchivedFile, ArchiveError> {
    let MonthFileName { month, version } = name;
    let mut file = MonthFile::new(storage.stage(name)?)?;
    let devices = list_devices(db, month).await?;
    let projection = projection(&file.columns);
    for device in &devices {
        let mut pages = DevicePages::new(month, device, projection);
        while let Some(rows) = pages.next(db).await? {
            file = blocking(move || file.write(&rows)).await?;
        }
    }
    let described = devices.into_iter().map(|device| ArchivedDevice {
        device: device.key.as_str().to_owned(),
        licence: device.licence,
        attribution: device.attribution,
    });
    let devices = described.collect();
    let FinishedFile { staged, rows, bytes, sha256 } = blocking(move || file.finish()).await?;
    let path = storage.publish(staged, name, &sha256).await?;
    Ok(ArchivedFile { path, version, rows, bytes, sha256, written_at: now, devices })
}

/// The devices with measurements in a month, in the order of their rows.
pub(super) async fn list_devices(db: &PgPool, month: Month) -> Result<Vec<Device>, ArchiveError> {
    let ids = db::archive::list_devices(db, month.start(), month.next().start()).await?;
    let mut devices: Vec<_> = db::device::load_by_ids(db, &ids).await?.into_values().collect();
    devices.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(devices)
}

/// The measurements of a device in a month, page by page.
pub(super) struct DevicePages {
    device: DeviceId,
    keys: Arc<DeviceKeys>,
    projection: MeasurementProjection,
    /// `None` after the last page.
    page: Option<MeasurementPage>,
}

impl DevicePages {
    pub fn new(month: Month, device: &Device, projection: MeasurementProjection) -> Self {
        let page = MeasurementPage {
            filter: Filter { from: Some(month.start()), to: Some(month.next().start()), ..Filter::default() },
            descending: false,
            after: None,
            before: None,
            limit: i64::try_from(PAGE_ROWS).unwrap_or(i64::MAX),
        };
        let keys = Arc::new(DeviceKeys::from([(device.id, device.key.clone())]));
        Self { device: device.id, keys, projection, page: Some(page) }
    }

    /// The next page; `None` at the end.
    pub async fn next(&mut self, db: &PgPool) -> Result<Option<PageRows>, ArchiveError> {
        let Some(mut page) = self.page.take() else { return Ok(None) };
        let rows: MeasurementColumns =
            db::measurement_page::list_by_devices(db, &[self.device], &page, self.projection).await?;
        if rows.row_count() >= PAGE_ROWS {
            page.after = rows.keys().next_back();
            self.page = Some(page);
        }
        Ok(Some(PageRows::Measurements(rows, self.keys.clone())))
    }
}

/// Runs work that takes long on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    spawn_blocking(work).await.map_err(|error| ArchiveError::Internal(error.to_string()))?
}

/// A file under construction.
struct MonthFile {
    output: HashedFile,
    columns: Arc<[ExportColumn]>,
    encoder: ParquetEncoder,
    rows: u64,
}

/// The bytes of a file, with their number and hash.
struct HashedFile {
    staged: StagedFile,
    bytes: u64,
    sha256: Sha256,
}

/// A complete file, and what the manifest has of it.
struct FinishedFile {
    staged: StagedFile,
    rows: u64,
    bytes: u64,
    sha256: String,
}

impl MonthFile {
    fn new(staged: StagedFile) -> Result<Self, ArchiveError> {
        let columns = archive_columns();
        let table = describe_columns(&columns, TimeFormat::Rfc3339);
        let encoder = ParquetEncoder::new(&columns, &ORDER, Some(&table))?;
        Ok(Self { output: HashedFile { staged, bytes: 0, sha256: Sha256::new() }, columns, encoder, rows: 0 })
    }

    fn write(mut self, rows: &PageRows) -> Result<Self, ArchiveError> {
        let mut out = Vec::new();
        rows.try_for_each(|row| {
            self.rows += 1;
            self.encoder.row(row, &self.columns, &mut out)
        })?;
        self.output.append(&out)?;
        Ok(self)
    }

    fn finish(self) -> Result<FinishedFile, ArchiveError> {
        let Self { mut output, encoder, rows, .. } = self;
        output.append(&encoder.finish(None)?)?;
        let HashedFile { staged, bytes, sha256 } = output;
        Ok(FinishedFile { staged, rows, bytes, sha256: hex::encode(sha256.finalize()) })
    }
}

impl HashedFile {
    fn append(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
        let StagedFile { file, path } = &mut self.staged;
        file.write_all(bytes).map_err(|error| ArchiveError::io(path, error))
    }
}
