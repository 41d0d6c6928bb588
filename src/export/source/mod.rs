//! Where the rows of an export are read from, page by page.

mod list;
mod measurements;
mod rate_limits;
mod time_window;

pub use self::measurements::{check_filter, read_pool};
use self::{list::ListSource, measurements::MeasurementSource};
use super::{ExportContext, ExportRequest, ExportSubject, rows::RowPage};
use crate::api_error::ApiError;

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
