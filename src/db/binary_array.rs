//! Arrays in Postgres' binary format, decoded without a type look-up for each element.
//!
//! Format (`array_send` in `arrayfuncs.c` of Postgres): the number of dimensions, whether there are nulls, the type of the
//! elements; for each dimension its length and its lower bound; for each element its length (-1 for null) and its
//! bytes. All of these numbers have 32 bits and are big-endian.

use sqlx::{Error, Row as _, postgres::PgRow};

/// Bytes of the flag for nulls and of the type.
const FLAG_AND_TYPE_BYTES: usize = 8;
const NULL_LENGTH: i32 = -1;

/// The elements of the array in a column, which have N bytes each, with this value for nulls. Null, which `array_agg`
/// returns for no rows, has no elements. `element` returns `None` for bytes that are no value of its type.
pub(super) fn decode<const N: usize, T: Copy>(
    row: &PgRow,
    column: usize,
    null: T,
    element: impl Fn([u8; N]) -> Option<T>,
) -> Result<Vec<T>, Error> {
    let raw = row.try_get_raw(column)?;
    let Ok(bytes) = raw.as_bytes() else { return Ok(Vec::new()) }; // null
    elements(bytes, null, element).ok_or_else(|| Error::ColumnDecode {
        index: column.to_string(),
        source: "not a one-dimensional array of the expected type".into(),
    })
}

fn elements<const N: usize, T: Copy>(bytes: &[u8], null: T, element: impl Fn([u8; N]) -> Option<T>) -> Option<Vec<T>> {
    let (dimensions, rest) = integer(bytes)?;
    if dimensions == 0 {
        return Some(Vec::new());
    }
    let (_, rest) = rest.split_at_checked(FLAG_AND_TYPE_BYTES)?;
    let (length, rest) = integer(rest)?;
    let (_lower_bound, mut rest) = integer(rest)?;
    let length = usize::try_from(length).ok().filter(|&length| dimensions == 1 && length <= rest.len())?;
    let mut values = Vec::with_capacity(length);
    for _ in 0..length {
        let (size, after) = integer(rest)?;
        if size == NULL_LENGTH {
            values.push(null);
            rest = after;
            continue;
        }
        let (value, after) = after.split_first_chunk().filter(|_| usize::try_from(size) == Ok(N))?;
        values.push(element(*value)?);
        rest = after;
    }
    rest.is_empty().then_some(values)
}

fn integer(bytes: &[u8]) -> Option<(i32, &[u8])> {
    bytes.split_first_chunk().map(|(value, rest)| (i32::from_be_bytes(*value), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sqlx::{Encode as _, postgres::PgArgumentBuffer};

    use super::*;

    fn decode_doubles(bytes: &[u8]) -> Option<Vec<Option<f64>>> {
        elements(bytes, None, |bytes| Some(Some(f64::from_be_bytes(bytes))))
    }

    proptest! {
        #[test]
        fn array_encoded_by_the_driver_is_read_back(values: Vec<Option<f64>>, cut: prop::sample::Index) {
            let mut bytes = PgArgumentBuffer::default();
            let _ = values.encode_by_ref(&mut bytes).expect("encoded");
            let bits = |values: &[Option<f64>]| values.iter().map(|value| value.map(f64::to_bits)).collect::<Vec<_>>();
            let found = decode_doubles(&bytes).expect("an array");
            prop_assert_eq!(bits(&found), bits(&values));
            // A part of it, or elements of another size, are no such array.
            if !values.is_empty() {
                prop_assert_eq!(decode_doubles(&bytes[..cut.index(bytes.len())]), None);
            }
            if values.iter().any(Option::is_some) {
                prop_assert_eq!(elements(&bytes, 0, |bytes| Some(i32::from_be_bytes(bytes))), None);
            }
        }
    }
}
