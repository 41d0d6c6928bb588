//! The lines of a file, read as a stream. A line is bounded, so that a quote that is never closed takes no more memory
//! than that.

use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder, Trim};

/// Bytes of a line at most.
const MAX_LINE: usize = 1 << 20;

pub(super) struct Lines<R> {
    reader: csv::Reader<Bounded<R>>,
    record: ByteRecord,
}

impl<R: Read> Lines<R> {
    pub fn new(file: R) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(Bounded { file, since_line: 0 });
        Self { reader, record: ByteRecord::new() }
    }

    /// The next line that isn't empty, with its number from 1.
    pub fn next(&mut self) -> io::Result<Option<(u64, &ByteRecord)>> {
        let there = self.reader.read_byte_record(&mut self.record).map_err(io::Error::from)?;
        self.reader.get_mut().since_line = 0;
        let line = self.record.position().map_or(0, csv::Position::line);
        Ok(there.then_some((line, &self.record)))
    }
}

/// Passes bytes on, but not endlessly many for one line.
struct Bounded<R> {
    file: R,
    since_line: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_line > MAX_LINE {
            let reason = format!("a line is longer than {MAX_LINE} bytes; is there a quote that is never closed?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let read = self.file.read(buffer)?;
        self.since_line += read;
        Ok(read)
    }
}
