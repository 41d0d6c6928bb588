//! CSV: SD cards, backups, archives.
//!
//! The header tells which kind of file it is ([`layout`]); [`options`] name what the file doesn't. A file is read as a
//! stream, in chunks of samples, however long it is; a line that can't be read costs itself only. Lines are numbered as
//! an editor does it, from 1, the header included.

mod field;
mod layout;
mod lines;
mod options;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use super::{DecodeError, Observation, Rejection};
use crate::domain::{device::DeviceKey, device::DeviceKind, sample::Sample};
use layout::Layout;
use lines::Lines;
pub use options::{Columns, InvalidColumns, Options};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "csv";

/// Samples in a chunk at most: enough for COPY to pay, few enough that others who record don't wait for long.
const CHUNK: usize = 10_000;

/// Why one line is no sample: a code and the reason.
type Reason = (&'static str, String);

/// A file as it is read.
pub struct Reader<R> {
    lines: Lines<R>,
    layout: Layout,
    /// The only device whose samples are accepted.
    only: Option<DeviceKey>,
}

/// Some lines of a file.
#[derive(Debug)]
pub struct Chunk {
    /// How many lines with data were read for it.
    pub lines: u64,
    /// The samples, each with the number of its line.
    pub observations: Vec<Observation>,
    /// The lines that are no samples, each with its number.
    pub rejected: Vec<Rejection>,
}

/// Why a file can't be read on.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// It is no file of a known kind, or not one any more.
    #[error("{}", .0.detail)]
    Refused(DecodeError),
    /// It broke off.
    #[error(transparent)]
    Broken(#[from] io::Error),
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it can't be read, is not one that is known, or asks for an option that is missing.
    pub fn open(file: R, options: Options) -> Result<Self, CsvError> {
        let mut lines = Lines::new(file);
        let header = match lines.next()? {
            Some((_, Ok(record))) => record.clone(),
            Some((_, Err((code, detail)))) => {
                return Err(CsvError::Refused(DecodeError::new(code, format!("header: {detail}"))));
            }
            None => return Err(CsvError::Refused(DecodeError::new("EMPTY_FILE", "the file holds nothing"))),
        };
        let only = options.only.clone();
        let layout = Layout::recognise(&header, options).map_err(CsvError::Refused)?;
        Ok(Self { lines, layout, only })
    }

    /// What a device is taken for when it is heard of for the first time.
    pub fn kind(&self) -> DeviceKind {
        self.layout.kind()
    }

    /// The columns that have no meaning here.
    pub fn ignored_columns(&self) -> &[String] {
        &self.layout.ignored
    }

    /// Reads on. Nothing is left when a chunk has no lines.
    ///
    /// # Errors
    /// When the file breaks off. What comes after the last chunk is not looked at: the end of a line
    /// may be missing, and half a number is another number.
    pub fn chunk(&mut self) -> Result<Chunk, CsvError> {
        let mut chunk = Chunk { lines: 0, observations: Vec::new(), rejected: Vec::new() };
        while chunk.observations.len() < CHUNK && chunk.rejected.len() < CHUNK {
            let Some((line, record)) = self.lines.next()? else { break };
            if record.as_ref().is_ok_and(|record| self.layout.is_no_data(record)) {
                continue;
            }
            chunk.lines += 1;
            let index = usize::try_from(line).unwrap_or(usize::MAX);
            match record
                .and_then(|record| self.layout.sample(record))
                .and_then(|told| allowed(told, self.only.as_ref()))
            {
                Ok((device, sample)) => chunk.observations.push(Observation { index, device, sample }),
                Err((code, detail)) => chunk.rejected.push(Rejection { index, code, detail }),
            }
        }
        Ok(chunk)
    }
}

fn allowed(told: (DeviceKey, Sample), only: Option<&DeviceKey>) -> Result<(DeviceKey, Sample), Reason> {
    match only {
        Some(only) if told.0 != *only => {
            Err(("FORBIDDEN", format!("the key records for device {only} only, not for {}", told.0)))
        }
        _ => Ok(told),
    }
}
