//! CSV files: SD cards, backups, archives.
//!
//! The header determines the kind of the file ([`kinds`]) and its dialect ([`dialect`]); [`options`] supply what the file
//! lacks. A file is read as a stream, in chunks of samples, whatever its length; an unreadable line is rejected by
//! itself. Lines are numbered as in an editor, from 1, including the header.

pub(super) mod dialect;
mod field;
mod kinds;
mod layout;
mod lines;
mod openaq;
mod options;
#[cfg(test)]
mod tests;
mod unreadable;
mod values;

use std::io;

use airgraph_domain::device::DeviceKey;
pub use options::{ColumnNames, CsvOptions, InvalidColumns};
use tokio::io::AsyncRead;
pub use unreadable::{UnreadableValue, UnreadableValues};

use self::{
    layout::{CsvLayout, LineSample},
    lines::LineReader,
    openaq::OpenAqReader,
    values::ValuesReader,
};
use super::{DecodeError, Decoded, Observation, Rejection, ignored::truncate_name, parse::Reason};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "csv";

/// Approximate maximum of samples in a chunk: enough to make COPY efficient, few enough not to delay other writers.
const CHUNK_LINES: usize = 10_000;

/// A file while it is read.
pub struct CsvReader<R> {
    lines: LineReader<R>,
    layout: CsvShape,
}

/// The kind of a file's lines.
enum CsvShape {
    /// A sample, with its quantities in columns.
    Samples {
        layout: CsvLayout,
        /// The only device whose samples are accepted.
        only: Option<DeviceKey>,
    },
    /// A value of an openSenseMap sensor.
    Values(ValuesReader),
    /// A value of an `OpenAQ` location.
    OpenAqReader(OpenAqReader),
}

/// A chunk of a file.
#[derive(Debug)]
pub struct CsvChunk {
    /// Number of lines with data read for it.
    pub lines: u64,
    /// Their samples. An index is a line number.
    pub decoded: Decoded,
    /// Unreadable values in lines that are samples.
    pub unreadable: UnreadableValues,
}

/// Why reading a file stopped.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// It is not of a known kind.
    #[error("{}", .0.detail)]
    Rejected(DecodeError),
    /// Reading it failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl<R: AsyncRead + Unpin> CsvReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it can't be read, is unknown, or requires an option that is missing.
    pub async fn open(file: R, options: CsvOptions) -> Result<Self, CsvError> {
        let mut lines = LineReader::new(file);
        let first = match lines.next().await? {
            Some((line, Ok(record))) => (line, record.clone()),
            Some((_, Err((code, detail)))) => {
                return Err(CsvError::Rejected(DecodeError::new(code, format!("header: {detail}"))));
            }
            None => return Err(CsvError::Rejected(DecodeError::new("EMPTY_FILE", "the file holds nothing"))),
        };
        let delimiter = lines.delimiter();
        let shape = if ValuesReader::recognises(&first.1) {
            ValuesReader::try_new(first, delimiter, options).map(CsvShape::Values)
        } else if OpenAqReader::recognises(&first.1) {
            OpenAqReader::try_new(first.1, delimiter, options).map(CsvShape::OpenAqReader)
        } else {
            let only = options.restrict_to_device.clone();
            CsvLayout::from_header(&first.1, delimiter, options).map(|layout| CsvShape::Samples { layout, only })
        };
        Ok(Self { lines, layout: shape.map_err(CsvError::Rejected)? })
    }

    /// Reads the next chunk. A chunk without lines is the end.
    ///
    /// # Errors
    /// If reading fails. Bytes after the last chunk are then discarded: the end of a line may be missing, and
    /// half a number is another number.
    pub async fn next_chunk(&mut self) -> Result<CsvChunk, CsvError> {
        Ok(match &mut self.layout {
            CsvShape::Samples { layout, only } => read_samples(&mut self.lines, layout, only.as_ref()).await?,
            CsvShape::Values(values) => values.next_chunk(&mut self.lines).await?,
            CsvShape::OpenAqReader(openaq) => openaq.next_chunk(&mut self.lines).await?,
        })
    }
}

async fn read_samples(
    lines: &mut LineReader<impl AsyncRead + Unpin>,
    layout: &mut CsvLayout,
    only: Option<&DeviceKey>,
) -> io::Result<CsvChunk> {
    let mut decoded = Decoded { ignored: layout.ignored.clone(), ..Decoded::empty(layout.kind()) };
    let mut unreadable = UnreadableValues::default();
    let mut count = 0;
    while decoded.observations.len() < CHUNK_LINES && decoded.rejected.len() < CHUNK_LINES {
        let Some((line, record)) = lines.next().await? else { break };
        if record.as_ref().is_ok_and(|record| layout.is_no_data(record)) {
            continue;
        }
        count += 1;
        let sample = record.and_then(|record| layout.sample(record)).and_then(|sample| {
            check_device(&sample.device, only)?;
            Ok(sample)
        });
        match sample {
            Ok(LineSample { device, sample, unreadable: columns }) => {
                for (column, (code, detail)) in columns {
                    unreadable.push(UnreadableValue { line, column: truncate_name(&column), code, detail });
                }
                decoded.observations.push(Observation { index: line, device, sample });
            }
            Err((code, detail)) => decoded.rejected.push(Rejection { index: line, code, detail }),
        }
    }
    Ok(CsvChunk { lines: count, decoded, unreadable })
}

/// Whether samples of a device are accepted.
fn check_device(device: &DeviceKey, only: Option<&DeviceKey>) -> Result<(), Reason> {
    match only {
        Some(only) if device != only => {
            Err(("FORBIDDEN", format!("the key records for device {only} only, not for {device}")))
        }
        _ => Ok(()),
    }
}

fn date_is_not_applicable() -> DecodeError {
    let detail = "the date option corrects the clock of a CleanCycle logger; this file has complete times";
    DecodeError::new("OPTION_NOT_APPLICABLE", detail)
}
