//! Parquet files of an export, read as the CSV of the same rows, so that they are recorded like it.

use std::{
    fs::File,
    io::{self, Read},
    mem,
};

use chrono::{DateTime, SecondsFormat};
use parquet::{
    errors::ParquetError,
    file::reader::{FileReader as _, SerializedFileReader},
    record::{Field, reader::RowIter},
};

/// Rows that are written as text at once.
const ROWS_AT_ONCE: usize = 100;

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
        let mut lines = csv::Writer::from_writer(Vec::new());
        lines.write_record(schema.get_fields().iter().map(|field| field.name()))?;
        let text = lines.into_inner().map_err(csv::IntoInnerError::into_error)?;
        let rows = RowIter::from_file_into(Box::new(reader));
        Ok(Self { rows, text, position: 0 })
    }

    fn read_lines(&mut self) -> io::Result<()> {
        self.text.clear();
        self.position = 0;
        let mut lines = csv::Writer::from_writer(mem::take(&mut self.text));
        for row in self.rows.by_ref().take(ROWS_AT_ONCE) {
            let row = row.map_err(invalid_data)?;
            lines.write_record(row.get_column_iter().map(|(_, field)| text_of(field).into_bytes()))?;
        }
        self.text = lines.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(())
    }
}

impl Read for ParquetAsCsv {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.text.len() {
            self.read_lines()?;
        }
        let read = (&self.text[self.position..]).read(buffer)?;
        self.position += read;
        Ok(read)
    }
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
