//! The lines of a file, read as a stream.
//!
//! A record is one line: a quote that is never closed costs that line and not the rest of the file, and a line that is
//! longer than any of ours costs no more memory than one that isn't.

use std::io::{self, BufRead as _, BufReader, Read};

use csv::ByteRecord;
use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};

use crate::ingest::parse::{Reason, without_byte_order_mark};

/// Bytes of a line at most.
const MAX_LINE: usize = 64 << 10;
/// What is read at a time.
const PIECE: usize = 128 << 10;

pub(super) struct Lines<R> {
    file: BufReader<R>,
    number: usize,
    line: Vec<u8>,
    parser: csv_core::Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
    record: ByteRecord,
}

impl<R: Read> Lines<R> {
    pub fn new(file: R) -> Self {
        Self {
            file: BufReader::with_capacity(PIECE, file),
            number: 0,
            line: Vec::new(),
            // a lone carriage return in the middle ends nothing
            parser: ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build(),
            fields: vec![0; MAX_LINE],
            ends: vec![0; MAX_LINE + 1],
            record: ByteRecord::new(),
        }
    }

    /// The next line that isn't empty, with its number from 1: its fields without the white space around them, or why it
    /// has none.
    pub fn next(&mut self) -> io::Result<Option<(usize, Result<&ByteRecord, Reason>)>> {
        loop {
            let Some(length) = self.read_line()? else { return Ok(None) };
            self.number += 1;
            if length > MAX_LINE {
                let reason = ("LINE_TOO_LONG", format!("{length} bytes; at most {MAX_LINE}"));
                return Ok(Some((self.number, Err(reason))));
            }
            let mut line = self.line.as_slice();
            if self.number == 1 {
                line = without_byte_order_mark(line);
            }
            let line = line.trim_ascii();
            if !line.is_empty() {
                split(&mut self.parser, line, &mut self.fields, &mut self.ends, &mut self.record);
                return Ok(Some((self.number, Ok(&self.record))));
            }
        }
    }

    /// Reads a line up to its end; what is beyond the bound is passed over. Gives the length of all of it.
    fn read_line(&mut self) -> io::Result<Option<usize>> {
        self.line.clear();
        let mut length = 0_usize;
        let mut ended = false;
        while !ended {
            let piece = match self.file.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                piece => piece?,
            };
            if piece.is_empty() {
                return Ok((length > 0).then_some(length));
            }
            let end = memchr::memchr(b'\n', piece);
            ended = end.is_some();
            let piece = &piece[..end.unwrap_or(piece.len())];
            length += piece.len();
            if length <= MAX_LINE {
                self.line.extend_from_slice(piece);
            }
            let read = piece.len() + usize::from(ended);
            self.file.consume(read);
        }
        Ok(Some(length))
    }
}

/// Cuts a line into fields. `fields` and `ends` have room for whatever a line may hold.
fn split(parser: &mut csv_core::Reader, line: &[u8], fields: &mut [u8], ends: &mut [usize], record: &mut ByteRecord) {
    parser.reset();
    record.clear();
    let (mut rest, mut written, mut count) = (line, 0, 0);
    loop {
        let (result, read, wrote, ended) = parser.read_record(rest, &mut fields[written..], &mut ends[count..]);
        (rest, written, count) = (&rest[read..], written + wrote, count + ended);
        // The end of the input is told by an empty piece; a line holds no end of a record but that.
        if matches!(result, ReadRecordResult::Record | ReadRecordResult::End) || (read == 0 && wrote == 0 && ended == 0)
        {
            break;
        }
    }
    let mut start = 0;
    for &end in &ends[..count] {
        record.push_field(fields[start..end].trim_ascii());
        start = end;
    }
}
