//! Apache Parquet: columns in row groups, compressed with zstd. All columns are optional; times are microseconds in
//! UTC, numbers are doubles with the digits that were sent, and names in a list are separated by spaces. The footer
//! describes the table ([`crate::export::metadata`]); a file that was broken off has none and can't be read.

use std::{collections::HashMap, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::{KeyValue, SortingColumn},
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};

use crate::{
    api_error::ApiError,
    domain::readings::to_decimal,
    export::{
        columns::{ColumnType, ExportColumn},
        rows::{ExportValue, Row},
    },
};

/// Rows of a row group: readers skip whole groups by the statistics of their columns.
const ROW_GROUP_ROWS: usize = 65_536;
/// Level of zstd: higher ones take much longer for little.
const ZSTD_LEVEL: i32 = 1;
/// Texts of a column that are shared between rows, such as keys of devices.
const MAX_SHARED_TEXTS: usize = 1000;
/// Keys of the metadata in the footer.
const TABLE_KEY: &str = "airgraph.table";
const END_CURSOR_KEY: &str = "airgraph.endCursor";

/// Writes rows to row groups.
pub struct ParquetEncoder {
    writer: SerializedFileWriter<Vec<u8>>,
    columns: Vec<ColumnBuffer>,
    rows: usize,
}

/// The values of a column in the current row group.
struct ColumnBuffer {
    values: ColumnValues,
    /// 1 for a value, 0 for null.
    levels: Vec<i16>,
    shared_texts: HashMap<String, ByteArray>,
}

enum ColumnValues {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>),
    Float(Vec<f64>),
    Boolean(Vec<bool>),
}

impl ParquetEncoder {
    /// For a table with these columns, sorted by some of them (name, and whether descending), with its description.
    ///
    /// # Errors
    /// When the schema is invalid: a defect.
    pub fn new(
        columns: &[ExportColumn],
        order: &[(&str, bool)],
        table: Option<&serde_json::Value>,
    ) -> Result<Self, ApiError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).map_err(internal)?))
            .set_created_by(format!("airgraph version {}", env!("CARGO_PKG_VERSION")))
            .set_key_value_metadata(table.map(|table| vec![KeyValue::new(TABLE_KEY.to_owned(), table.to_string())]))
            .set_sorting_columns(sorting(columns, order))
            .build();
        let writer = SerializedFileWriter::new(Vec::new(), schema(columns).map_err(internal)?, Arc::new(properties));
        Ok(Self {
            writer: writer.map_err(internal)?,
            columns: columns.iter().map(ColumnBuffer::new).collect(),
            rows: 0,
        })
    }

    /// Adds a row. A full row group is written to `out`.
    ///
    /// # Errors
    /// When the row group can't be encoded: a defect.
    pub fn row(&mut self, row: Row<'_>, columns: &[ExportColumn], out: &mut Vec<u8>) -> Result<(), ApiError> {
        for (buffer, column) in self.columns.iter_mut().zip(columns) {
            buffer.push(row.value(column));
        }
        self.rows += 1;
        if self.rows >= ROW_GROUP_ROWS {
            self.write_row_group(out).map_err(internal)?;
        }
        Ok(())
    }

    /// Writes the last row group and the footer.
    ///
    /// # Errors
    /// When they can't be encoded: a defect.
    pub fn finish(mut self, end_cursor: Option<&str>) -> Result<Vec<u8>, ApiError> {
        let mut out = Vec::new();
        if self.rows > 0 {
            self.write_row_group(&mut out).map_err(internal)?;
        }
        if let Some(cursor) = end_cursor {
            self.writer.append_key_value_metadata(KeyValue::new(END_CURSOR_KEY.to_owned(), cursor.to_owned()));
        }
        out.extend_from_slice(&self.writer.into_inner().map_err(internal)?);
        Ok(out)
    }

    fn write_row_group(&mut self, out: &mut Vec<u8>) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            column.write(&mut group)?;
        }
        group.close()?;
        self.rows = 0;
        self.writer.flush()?;
        out.append(self.writer.inner_mut());
        Ok(())
    }
}

impl ColumnBuffer {
    fn new(column: &ExportColumn) -> Self {
        let values = match column.value_type {
            ColumnType::Text | ColumnType::Names => ColumnValues::Text(Vec::new()),
            ColumnType::Timestamp | ColumnType::Integer => ColumnValues::Integer(Vec::new()),
            ColumnType::Float => ColumnValues::Float(Vec::new()),
            ColumnType::Boolean => ColumnValues::Boolean(Vec::new()),
        };
        Self { values, levels: Vec::new(), shared_texts: HashMap::new() }
    }

    /// Adds a value; null for one of another type than the column's.
    fn push(&mut self, value: ExportValue<'_>) {
        let is_value = match (&mut self.values, value) {
            (ColumnValues::Text(values), ExportValue::Text(text)) => {
                values.push(shared_text(&mut self.shared_texts, &text));
                true
            }
            (ColumnValues::Text(values), ExportValue::Names(names)) => {
                values.push(shared_text(&mut self.shared_texts, &names.join(" ")));
                true
            }
            (ColumnValues::Integer(values), ExportValue::Timestamp(time)) => {
                values.push(time.timestamp_micros());
                true
            }
            (ColumnValues::Integer(values), ExportValue::Integer(value)) => {
                values.push(value);
                true
            }
            (ColumnValues::Float(values), ExportValue::Float(value)) => {
                values.push(value);
                true
            }
            (ColumnValues::Float(values), ExportValue::Float32(value)) => {
                values.push(to_decimal(value));
                true
            }
            (ColumnValues::Boolean(values), ExportValue::Boolean(value)) => {
                values.push(value);
                true
            }
            _ => false,
        };
        self.levels.push(i16::from(is_value));
    }

    fn write(&mut self, group: &mut SerializedRowGroupWriter<'_, Vec<u8>>) -> Result<(), ParquetError> {
        let Some(mut column) = group.next_column()? else { return Ok(()) };
        let levels = Some(&*self.levels);
        match &mut self.values {
            ColumnValues::Text(values) => {
                column.typed::<ByteArrayType>().write_batch(values, levels, None)?;
                values.clear();
            }
            ColumnValues::Integer(values) => {
                column.typed::<Int64Type>().write_batch(values, levels, None)?;
                values.clear();
            }
            ColumnValues::Float(values) => {
                column.typed::<DoubleType>().write_batch(values, levels, None)?;
                values.clear();
            }
            ColumnValues::Boolean(values) => {
                column.typed::<BoolType>().write_batch(values, levels, None)?;
                values.clear();
            }
        }
        self.levels.clear();
        column.close()
    }
}

/// The text, allocated once for rows that share it.
fn shared_text(known: &mut HashMap<String, ByteArray>, text: &str) -> ByteArray {
    if let Some(shared) = known.get(text) {
        return shared.clone();
    }
    if known.len() >= MAX_SHARED_TEXTS {
        known.clear();
    }
    let shared = ByteArray::from(text);
    known.insert(text.to_owned(), shared.clone());
    shared
}

fn schema(columns: &[ExportColumn]) -> Result<TypePtr, ParquetError> {
    let field = |column: &ExportColumn| {
        let (physical, logical) = match column.value_type {
            ColumnType::Text | ColumnType::Names => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            ColumnType::Timestamp => (PhysicalType::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            ColumnType::Integer => (PhysicalType::INT64, None),
            ColumnType::Float => (PhysicalType::DOUBLE, None),
            ColumnType::Boolean => (PhysicalType::BOOLEAN, None),
        };
        let field = Type::primitive_type_builder(&column.name, physical).with_repetition(Repetition::OPTIONAL);
        field.with_logical_type(logical).build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    Type::group_type_builder("airgraph").with_fields(fields).build().map(Arc::new)
}

/// The order of the rows, for readers that use it: as far as it has columns.
fn sorting(columns: &[ExportColumn], order: &[(&str, bool)]) -> Option<Vec<SortingColumn>> {
    let sorted = order.iter().map_while(|&(name, descending)| {
        let at = columns.iter().position(|column| column.name == name)?;
        Some(SortingColumn { column_idx: i32::try_from(at).ok()?, descending, nulls_first: false })
    });
    Some(sorted.collect()).filter(|sorted: &Vec<_>| !sorted.is_empty())
}

fn internal(error: ParquetError) -> ApiError {
    ApiError::Internal(anyhow::Error::new(error).context("Parquet"))
}
