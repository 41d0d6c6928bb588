//! File formats of exports.

mod csv;
mod geojson;
mod ndjson;
pub mod parquet;
mod timestamp;

use std::{mem, str::FromStr, sync::Arc};

pub use self::timestamp::TimeFormat;
use self::{csv::CsvEncoder, geojson::GeoJsonEncoder, ndjson::NdjsonEncoder, parquet::ParquetEncoder};
use super::{ExportRequest, ExportSubject, columns::ExportColumn, rows::PageRows};
use crate::api_error::ApiError;

/// Size of a chunk, and what is allocated for it with the row that completes it. Chunks are freed by other threads than
/// those that write them; the allocator reuses blocks of up to 128 KiB then, while larger ones pile up.
pub const CHUNK_BYTES: usize = 64 << 10;
const CHUNK_CAPACITY: usize = CHUNK_BYTES + (1 << 10);

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// CSV (RFC 4180).
    Csv,
    /// A JSON object on each line.
    Ndjson,
    /// `GeoJSON` (RFC 7946).
    GeoJson,
    /// Apache Parquet.
    Parquet,
}

impl ExportFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Ndjson, Self::GeoJson, Self::Parquet];

    /// Its file extension, which is its name in URLs.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::GeoJson => "geojson",
            Self::Parquet => "parquet",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::GeoJson => "application/geo+json",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Whether the file is compressed by itself, so that the transfer is not.
    #[must_use]
    pub fn is_compressed(self) -> bool {
        self == Self::Parquet
    }

    /// Checks that the rows have what the format needs.
    pub(super) fn check_subject(self, request: &ExportRequest) -> Result<(), ApiError> {
        if self == Self::GeoJson && request.subject == ExportSubject::Statistics && !request.is_grouped_by_cell() {
            return Err(ApiError::bad_input("groupBy", "GeoJSON needs a place: add CELL, or choose another format"));
        }
        Ok(())
    }
}

impl FromStr for ExportFormat {
    type Err = ();

    fn from_str(extension: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|format| format.extension() == extension).ok_or(())
    }
}

/// Writes the rows of one export in its format.
pub struct Encoder {
    columns: Arc<[ExportColumn]>,
    format: FormatEncoder,
}

enum FormatEncoder {
    Csv(CsvEncoder),
    Ndjson(NdjsonEncoder),
    GeoJson(GeoJsonEncoder),
    Parquet(Box<ParquetEncoder>),
}

impl Encoder {
    /// For an export. Formats with a place for it hold the description of the table.
    ///
    /// # Errors
    /// When the format has no type for a column: a defect.
    pub fn new(request: &ExportRequest, table: Option<&serde_json::Value>) -> Result<Self, ApiError> {
        let columns = request.columns.clone();
        let format = match request.format {
            ExportFormat::Csv => FormatEncoder::Csv(CsvEncoder::new(request.times)),
            ExportFormat::Ndjson => FormatEncoder::Ndjson(NdjsonEncoder::new(&columns, request.times)),
            ExportFormat::GeoJson => FormatEncoder::GeoJson(GeoJsonEncoder::new(request)),
            ExportFormat::Parquet => {
                let order = request.is_descending_in_time().map(|descending| ("measured_at", descending));
                FormatEncoder::Parquet(Box::new(ParquetEncoder::new(&columns, order.as_slice(), table)?))
            }
        };
        Ok(Self { columns, format })
    }

    /// What comes before the rows.
    pub fn start(&self) -> Vec<u8> {
        match &self.format {
            FormatEncoder::Csv(_) => CsvEncoder::header(&self.columns),
            FormatEncoder::Ndjson(_) | FormatEncoder::Parquet(_) => Vec::new(),
            FormatEncoder::GeoJson(_) => GeoJsonEncoder::start(),
        }
    }

    /// The rows of a page, in chunks. Takes some milliseconds.
    ///
    /// # Errors
    /// When a row can't be read.
    pub fn rows(&mut self, rows: &PageRows) -> Result<Vec<Vec<u8>>, ApiError> {
        let columns = &self.columns;
        let (mut chunks, mut chunk) = (Vec::new(), Vec::with_capacity(CHUNK_CAPACITY));
        rows.try_for_each(|row| {
            match &mut self.format {
                FormatEncoder::Csv(csv) => csv.row(row, columns, &mut chunk),
                FormatEncoder::Ndjson(ndjson) => ndjson.row(row, columns, &mut chunk),
                FormatEncoder::GeoJson(geojson) => geojson.row(row, &mut chunk),
                FormatEncoder::Parquet(parquet) => parquet.row(row, columns, &mut chunk)?,
            }
            if chunk.len() >= CHUNK_BYTES {
                chunks.push(mem::replace(&mut chunk, Vec::with_capacity(CHUNK_CAPACITY)));
            }
            Ok(())
        })?;
        chunks.push(chunk);
        Ok(chunks)
    }

    /// What comes after the rows.
    ///
    /// # Errors
    /// When the last rows can't be encoded: a defect.
    pub fn finish(self, end_cursor: Option<&str>) -> Result<Vec<u8>, ApiError> {
        match self.format {
            FormatEncoder::Csv(_) | FormatEncoder::Ndjson(_) => Ok(Vec::new()),
            FormatEncoder::GeoJson(_) => Ok(GeoJsonEncoder::finish(end_cursor)),
            FormatEncoder::Parquet(parquet) => parquet.finish(end_cursor),
        }
    }
}
