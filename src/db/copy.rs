//! `COPY` in Postgres' binary format: the fastest way to insert many rows.
//!
//! Format: the Postgres manual, "COPY", "File Formats". A row is a count of fields and for each its length (-1 for
//! null) and its bytes, big-endian; a time is microseconds since 2000.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr as _};
use uuid::Uuid;

use super::DbError;

const COPY_SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const COPY_TRAILER: i16 = -1;
const NULL_LENGTH: i32 = -1;
/// 2000-01-01 in microseconds since 1970.
pub(super) const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Bytes buffered before they are sent. Postgres processes one chunk while the next is built.
const COPY_CHUNK_BYTES: usize = 128 << 10;

/// Number of rows from which `COPY` is faster than an insert of arrays, whose statement is already prepared.
pub const MIN_COPY_ROWS: usize = 500;

/// A row under construction, field by field in the order of the columns.
pub(super) struct CopyRow<'a>(&'a mut Vec<u8>);

/// A column value.
pub(super) trait Field {
    /// Appends its length and its bytes.
    fn put(self, buffer: &mut Vec<u8>);
}

impl CopyRow<'_> {
    /// Appends a field.
    pub fn put(&mut self, field: impl Field) -> &mut Self {
        field.put(self.0);
        self
    }
}

macro_rules! fields {
    ($($type:ty => |$value:ident| $bytes:expr;)+) => {
        $(impl Field for $type {
            fn put(self, buffer: &mut Vec<u8>) {
                let $value = self;
                let bytes = $bytes;
                let length = i32::try_from(size_of_val(&bytes)).unwrap_or(NULL_LENGTH); // 4, 8 or 16
                buffer.extend_from_slice(&length.to_be_bytes());
                buffer.extend_from_slice(&bytes);
            }
        })+
    };
}

fields! {
    i32 => |value| value.to_be_bytes();
    i64 => |value| value.to_be_bytes();
    f32 => |value| value.to_be_bytes();
    f64 => |value| value.to_be_bytes();
    Uuid => |value| value.into_bytes();
    DateTime<Utc> => |value| (value.timestamp_micros() - POSTGRES_EPOCH_MICROS).to_be_bytes();
}

impl<T: Field> Field for Option<T> {
    fn put(self, buffer: &mut Vec<u8>) {
        match self {
            Some(value) => value.put(buffer),
            None => buffer.extend_from_slice(&NULL_LENGTH.to_be_bytes()),
        }
    }
}

/// Copies rows into a table. Names of tables and columns are constants, never a client's.
///
/// # Errors
/// When the database fails or a row violates a constraint. No row is stored then, and the transaction is aborted up to
/// its last savepoint.
pub(super) async fn copy<T>(
    db: &mut PgConnection,
    table: &str,
    columns: &str,
    rows: &[T],
    put: impl for<'f, 'b> Fn(&T, &'f mut CopyRow<'b>) -> &'f mut CopyRow<'b>,
) -> Result<(), DbError> {
    let statement = format!("copy {table} ({columns}) from stdin (format binary)");
    let mut copy = db.copy_in_raw(AssertSqlSafe(statement).into_sql_str().as_str()).await?;
    let fields = i16::try_from(columns.split(',').count()).unwrap_or(i16::MAX);
    let mut buffer = Vec::with_capacity(COPY_CHUNK_BYTES + (COPY_CHUNK_BYTES >> 3));
    buffer.extend_from_slice(COPY_SIGNATURE);
    for row in rows {
        buffer.extend_from_slice(&fields.to_be_bytes());
        put(row, &mut CopyRow(&mut buffer));
        if buffer.len() >= COPY_CHUNK_BYTES {
            copy.send(buffer.as_slice()).await?;
            buffer.clear();
        }
    }
    buffer.extend_from_slice(&COPY_TRAILER.to_be_bytes());
    copy.send(buffer.as_slice()).await?;
    copy.finish().await?;
    Ok(())
}
