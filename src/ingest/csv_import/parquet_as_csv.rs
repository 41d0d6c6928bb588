//! Parquet files of an export, read as the CSV of the same rows, so that they are recorded like it.

use std::{
    fs::File,
    io::{self, Read, Write as _},
};

use chrono::{DateTime, SecondsFormat};
use parquet::{
    errors::ParquetError,
    file::reader::{FileReader as _, SerializedFileReader},
    record::{Field, Row, reader::RowIter},
};

/// Text of a Parquet file.
pub struct ParquetAsCsv {
    rows: RowIter<'static>,
    /// Lines that are not read yet, from a position on.
    text: Vec<u8>,
    position: usize,
}

impl ParquetAsCsv {
    /// Begins to read a file.
    ///
    /// # Errors
    /// When it is no Parquet file.
    pub fn new(file: File) -> io::Result<Self> {
        let reader = SerializedFileReader::new(file).map_err(invalid_data)?;
        let schema = reader.metadata().file_metadata().schema().clone();
        let mut text = Vec::new();
        write_line(schema.get_fields().iter().map(|field| field.name().to_owned()), &mut text)?;
        let rows = RowIter::from_file_into(Box::new(reader));
        Ok(Self { rows, text, position: 0 })
    }
}

impl Read for ParquetAsCsv {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.text.len() {
            self.text.clear();
            self.position = 0;
            while self.text.len() < buffer.len() {
                let Some(row) = self.rows.next() else { break };
                write_row(&row.map_err(invalid_data)?, &mut self.text)?;
            }
        }
        let read = (&self.text[self.position..]).read(buffer)?;
        self.position += read;
        Ok(read)
    }
}

fn write_row(row: &Row, out: &mut Vec<u8>) -> io::Result<()> {
    write_line(row.get_column_iter().map(|(_, field)| text_of(field)), out)
}

fn write_line(fields: impl Iterator<Item = String>, out: &mut Vec<u8>) -> io::Result<()> {
    for (at, field) in fields.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if field.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            out.extend_from_slice(field.as_bytes());
        }
    }
    out.push(b'\n');
    Ok(())
}

fn text_of(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bool(value) => value.to_string(),
        Field::Float(value) => zmij::Buffer::new().format(*value).to_owned(),
        Field::Double(value) => zmij::Buffer::new().format(*value).to_owned(),
        Field::TimestampMicros(micros) => {
            let time = DateTime::from_timestamp_micros(*micros).unwrap_or_default();
            time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
        }
        Field::TimestampMillis(millis) => {
            let time = DateTime::from_timestamp_millis(*millis).unwrap_or_default();
            time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
        }
        other => other.to_string(),
    }
}

fn invalid_data(error: ParquetError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
