//! CSV: SD cards, backups, archives.
//!
//! The header shows which kind of file it is ([`kinds`]) and how it is written ([`dialect`]); [`options`] name what the file
//! doesn't. A file is read as a
//! stream, in chunks of samples, however long it is; a line that can't be read costs itself only. Lines are numbered as
//! an editor does it, from 1, the header included.

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

/// Samples in a chunk at most, about: enough for COPY to pay, few enough that others who record don't wait for long.
const CHUNK_LINES: usize = 10_000;

/// A file as it is read.
pub struct CsvReader<R> {
    lines: LineReader<R>,
    layout: CsvShape,
}

/// What a line is.
enum CsvShape {
    /// A sample, its quantities in columns.
    Samples {
        layout: CsvLayout,
        /// The only device whose samples are accepted.
        only: Option<DeviceKey>,
    },
    /// A value of a sensor of openSenseMap.
    Values(ValuesReader),
    /// A value of a location of `OpenAQ`.
    OpenAqReader(OpenAqReader),
}

/// Some lines of a file.
#[derive(Debug)]
pub struct CsvChunk {
    /// How many lines with data were read for it.
    pub lines: u64,
    /// What they tell. An index is the number of a line.
    pub decoded: Decoded,
    /// Values that could not be read in lines that are samples.
    pub unreadable: UnreadableValues,
}

/// Why a file can't be read on.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// It is no file of a known kind.
    #[error("{}", .0.detail)]
    Rejected(DecodeError),
    /// It broke off.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl<R: AsyncRead + Unpin> CsvReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it can't be read, is not one that is known, or asks for an option that is missing.
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

    /// Reads on. Nothing is left when a chunk has no lines.
    ///
    /// # Errors
    /// When the file breaks off. What comes after the last chunk is not looked at: the end of a line may be missing, and
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
    let detail = "the date option puts right the clock of a CleanCycle logger; this file tells whole times";
    DecodeError::new("OPTION_NOT_APPLICABLE", detail)
}
