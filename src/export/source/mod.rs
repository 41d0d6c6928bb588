//! Where the rows of an export are read from, page by page.

mod list;
mod measurements;
mod rate_limits;
mod time_window;

use std::collections::BTreeSet;

pub use self::measurements::{archived_months, check_filter, read_pool};
use self::{list::ListSource, measurements::MeasurementSource};
use super::{ExportContext, ExportRequest, ExportSubject, rows::RowPage};
use crate::api_error::ApiError;

/// Message of an export that would lack measurements which it did not announce to lack.
const ARCHIVED_MEANWHILE: &str = "measurements were moved to the archive during the export; start it again";

/// The rows of an export.
pub enum ExportSource {
    /// Measurements, read from the database.
    Measurements(Box<MeasurementSource>),
    /// A list that GraphQL returns.
    List(Box<ListSource>),
}

impl ExportSource {
    /// Checks the export.
    ///
    /// # Errors
    /// Names the invalid parameter; or a rate limit is exceeded.
    pub async fn open(context: ExportContext, request: &ExportRequest) -> Result<Self, ApiError> {
        Ok(match request.subject {
            ExportSubject::Measurements => {
                Self::Measurements(Box::new(MeasurementSource::open(context, request).await?))
            }
            ExportSubject::Statistics | ExportSubject::Devices | ExportSubject::Trips | ExportSubject::Cells => {
                Self::List(Box::new(ListSource::new(context, request)))
            }
        })
    }

    /// The months that the rows lack because they are in an archive. Known after the first page; a page that lacks another one
    /// is an error.
    pub fn archived_months(&self) -> &BTreeSet<String> {
        match self {
            Self::Measurements(source) => source.archived_months(),
            Self::List(source) => source.archived_months(),
        }
    }

    /// The next page; `None` after the last one.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn next(&mut self) -> Result<Option<RowPage>, ApiError> {
        match self {
            Self::Measurements(source) => source.next().await,
            Self::List(source) => source.next().await,
        }
    }
}
