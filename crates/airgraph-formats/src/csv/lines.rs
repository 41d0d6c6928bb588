//! The lines of a file, parsed as a stream.
//!
//! A record is one line: a quote that is never closed affects that line only, and an overlong line
//! needs no more memory than others. Lines end with LF or CRLF, or, if the first one does,
//! with CR alone. In a file of the last kind, a CR between quotes does not end a line.

use std::io;

use csv::ByteRecord;
use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

use super::dialect;
use crate::parse::{Reason, without_byte_order_mark};

/// Maximum length of a line, in bytes.
const MAX_LINE_BYTES: usize = 64 << 10;
/// Size of the read buffer, in bytes.
const READ_BUFFER_BYTES: usize = 128 << 10;

/// The line end of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    /// LF or CR; the first line is not read yet.
    Unknown,
    /// LF, optionally after a CR.
    Lf,
    /// CR or LF.
    Cr,
}

pub(super) struct LineReader<R> {
    file: BufReader<R>,
    number: usize,
    line: Vec<u8>,
    line_end: LineEnd,
    /// Whether a CR ended the last line, so a following LF belongs to it.
    after_cr: bool,
    delimiter: Option<u8>,
    parser: csv_core::Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
    record: ByteRecord,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub fn new(file: R) -> Self {
        Self {
            file: BufReader::with_capacity(READ_BUFFER_BYTES, file),
            number: 0,
            line: Vec::new(),
            line_end: LineEnd::Unknown,
            after_cr: false,
            delimiter: None,
            parser: csv_core::Reader::new(),
            fields: vec![0; MAX_LINE_BYTES],
            ends: vec![0; MAX_LINE_BYTES + 1],
            record: ByteRecord::new(),
        }
    }

    /// The delimiter, detected in the first line.
    pub fn delimiter(&self) -> u8 {
        self.delimiter.unwrap_or(b',')
    }

    /// The next non-empty line with its number from 1: its fields without surrounding white space, or the reason why it
    /// has none.
    pub async fn next(&mut self) -> io::Result<Option<(usize, Result<&ByteRecord, Reason>)>> {
        loop {
            let Some(length) = self.read_line().await? else { return Ok(None) };
            self.number += 1;
            if length > MAX_LINE_BYTES {
                let reason = ("LINE_TOO_LONG", format!("{length} bytes; at most {MAX_LINE_BYTES}"));
                return Ok(Some((self.number, Err(reason))));
            }
            let mut line = self.line.as_slice();
            if self.number == 1 {
                if is_utf_16(line) {
                    let detail = "the file is in UTF-16 or binary; save it as CSV in UTF-8".to_owned();
                    return Ok(Some((1, Err(("INVALID_UTF8", detail)))));
                }
                line = without_byte_order_mark(line);
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            if self.delimiter.is_none() {
                let delimiter = dialect::delimiter(line.trim_ascii_end());
                self.delimiter = Some(delimiter);
                // A line contains no record end.
                self.parser = ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build();
                if dialect::excel_separator(line.trim_ascii()).is_some() {
                    continue;
                }
            }
            // If the delimiter is a tab, tabs at the ends of a line are empty fields.
            let line = if self.delimiter == Some(b'\t') { trim_spaces(line) } else { line.trim_ascii() };
            split(&mut self.parser, line, &mut self.fields, &mut self.ends, &mut self.record);
            return Ok(Some((self.number, Ok(&self.record))));
        }
    }

    /// Reads a line to its end; bytes beyond the maximum are skipped. Returns its whole length.
    async fn read_line(&mut self) -> io::Result<Option<usize>> {
        self.line.clear();
        let mut length = 0_usize;
        let mut is_quoted = false;
        let mut ended = false;
        while !ended {
            let piece = self.file.fill_buf().await?;
            if piece.is_empty() {
                return Ok((length > 0).then_some(length));
            }
            if std::mem::take(&mut self.after_cr) {
                let is_crlf = piece[0] == b'\n';
                if self.line_end == LineEnd::Unknown {
                    self.line_end = if is_crlf { LineEnd::Lf } else { LineEnd::Cr };
                }
                if is_crlf {
                    self.file.consume(1);
                    continue;
                }
            }
            let end = match self.line_end {
                LineEnd::Lf => memchr::memchr(b'\n', piece),
                LineEnd::Unknown | LineEnd::Cr => end_of_line(piece, &mut is_quoted),
            };
            if let Some(end) = end {
                ended = true;
                self.after_cr = piece[end] == b'\r';
                if self.line_end == LineEnd::Unknown && !self.after_cr {
                    self.line_end = LineEnd::Lf;
                }
            }
            let piece = &piece[..end.unwrap_or(piece.len())];
            length += piece.len();
            if length <= MAX_LINE_BYTES {
                self.line.extend_from_slice(piece);
            }
            let read = piece.len() + usize::from(ended);
            self.file.consume(read);
        }
        Ok(Some(length))
    }
}

/// Position of the first LF, or of the first CR outside of quotes.
fn end_of_line(piece: &[u8], is_quoted: &mut bool) -> Option<usize> {
    piece.iter().position(|&byte| {
        *is_quoted ^= byte == b'"';
        byte == b'\n' || (byte == b'\r' && !*is_quoted)
    })
}

/// Whether a file begins as UTF-16: with its byte order mark, or with NUL for every other byte of the header.
fn is_utf_16(line: &[u8]) -> bool {
    line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") || line.contains(&0)
}

/// Splits a line into fields. `fields` and `ends` have room for every line.
fn split(parser: &mut csv_core::Reader, line: &[u8], fields: &mut [u8], ends: &mut [usize], record: &mut ByteRecord) {
    parser.reset();
    record.clear();
    let (mut rest, mut written, mut count) = (line, 0, 0);
    loop {
        let (result, read, wrote, ended) = parser.read_record(rest, &mut fields[written..], &mut ends[count..]);
        (rest, written, count) = (&rest[read..], written + wrote, count + ended);
        // An empty slice signals the end of the input; a line contains no other record end.
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

/// A line without its final CR and the surrounding spaces.
fn trim_spaces(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let start = line.iter().position(|&byte| byte != b' ').unwrap_or(line.len());
    let end = line.iter().rposition(|&byte| byte != b' ').map_or(start, |at| at + 1);
    &line[start..end]
}
