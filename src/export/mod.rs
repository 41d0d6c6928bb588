//! Exports: rows of one subject in a file format, as a stream in constant memory.
//!
//! ```text
//! parameters ──▶ GraphQL operation (checks, cost) ──▶ source: pages of rows ──▶ encoder ──▶ chunks
//! ```
//!
//! An export is the operation of [`operation`], read page by page: measurements directly from the database, everything
//! else by executing the operation. So its rows, checks and errors are those of GraphQL. A page is one short statement:
//! a client that reads slowly holds neither a connection nor a snapshot of Postgres.

pub mod archive;
mod columns;
mod filter_parameters;
mod format;
mod metadata;
mod operation;
mod parameters;
mod price;
mod rows;
mod source;
mod stream;
mod subject;

use std::time::Duration;

use self::{format::Encoder, source::ExportSource};
pub use self::{
    format::{ExportFormat, TimeFormat},
    metadata::describe,
    parameters::ExportRequest,
    stream::{ExportBrokenOff, ExportStream},
    subject::ExportSubject,
};
use crate::{
    api_error::ApiError,
    auth::Caller,
    graphql::{Schema, context::State},
    limits::rate_limit::CallerId,
};

/// What an export is read with.
#[derive(Clone)]
pub struct ExportContext {
    /// The GraphQL schema.
    pub schema: Schema,
    /// State shared with resolvers.
    pub state: State,
    /// Time limit of one page.
    pub page_timeout: Duration,
    /// The caller.
    pub caller: Caller,
    /// The caller that is charged.
    pub payer: CallerId,
}

/// Checks an export, reads its first page and starts to read the others.
///
/// # Errors
/// Names the invalid parameter; or the caller may not read, exceeds a rate limit, or the first page can't be read.
pub async fn start(context: ExportContext, request: &ExportRequest) -> Result<ExportStream, ApiError> {
    let max_duration = context.state.info.limits.exports.max_duration;
    context.caller.may_read(context.state.info.public_read)?;
    let table = match request.format {
        ExportFormat::Parquet => Some(describe(&context, request, &request.file_name()).await?),
        ExportFormat::Csv | ExportFormat::Ndjson | ExportFormat::GeoJson => None,
    };
    let encoder = Encoder::new(request, table.as_ref())?;
    let mut source = ExportSource::open(context, request).await?;
    let first = source.next().await?;
    let archived_months = source.archived_months().iter().cloned().collect();
    Ok(ExportStream::start(source, encoder, first, max_duration).with_archived_months(archived_months))
}

/// The subject and the format of a file name such as `measurements.csv`.
#[must_use]
pub fn parse_file_name(name: &str) -> Option<(ExportSubject, ExportFormat)> {
    let (subject, format) = name.split_once('.')?;
    Some((subject.parse().ok()?, format.parse().ok()?))
}
