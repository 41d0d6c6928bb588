//! Paging arguments, the same for every connection.

use async_graphql::connection::CursorType;

use crate::api_error::ApiError;

/// Rows in a page when neither `first` nor `last` is given.
pub const DEFAULT_PAGE_SIZE: usize = 50;
/// Maximum rows in a page of devices, uplinks or trips.
pub const MAX_PAGE_SIZE: usize = 1000;
/// Maximum rows in a page of measurements.
pub const MAX_MEASUREMENT_PAGE_SIZE: usize = 10_000;

/// The four arguments of a connection.
#[derive(Clone, Debug, Default)]
pub struct PageArguments {
    /// Number of rows from the start, or after `after`.
    pub first: Option<i32>,
    /// Only rows after this cursor.
    pub after: Option<String>,
    /// Number of rows from the end, or before `before`.
    pub last: Option<i32>,
    /// Only rows before this cursor.
    pub before: Option<String>,
}

/// Checked paging arguments of a list with cursors of type `C`.
#[derive(Clone, Debug)]
pub struct PageRequest<C> {
    /// Rows in the page.
    pub rows: usize,
    /// Whether the page is taken from the end of the list.
    pub backward: bool,
    /// Only rows after this cursor.
    pub after: Option<C>,
    /// Only rows before this cursor.
    pub before: Option<C>,
}

/// One page of rows, in the list's order.
pub struct PageSlice<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are rows before the page.
    pub has_previous: bool,
    /// Whether there are rows after the page.
    pub has_next: bool,
}

impl<C: CursorType<Error = &'static str>> PageRequest<C> {
    /// Checks the arguments. `max` is the maximum page size of the list.
    ///
    /// # Errors
    /// Names the invalid argument.
    pub fn try_new(arguments: PageArguments, max: usize) -> Result<Self, ApiError> {
        let PageArguments { first, after, last, before } = arguments;
        let (rows, backward) = match (first, last) {
            (Some(_), Some(_)) => return Err(ApiError::bad_input("last", "first and last exclude each other")),
            (Some(first), None) => (check_page_size("first", first, max)?, false),
            (None, Some(last)) => (check_page_size("last", last, max)?, true),
            (None, None) => (DEFAULT_PAGE_SIZE.min(max), false),
        };
        Ok(Self { rows, backward, after: parse_cursor("after", after)?, before: parse_cursor("before", before)? })
    }

    /// The cursors in reading order: `after` and `before`, swapped when the page is read backward.
    #[must_use]
    pub fn keyset_bounds(&self) -> (Option<C>, Option<C>)
    where
        C: Clone,
    {
        let (after, before) = (self.after.clone(), self.before.clone());
        if self.backward { (before, after) } else { (after, before) }
    }

    /// The `LIMIT` of the query: one row more than the page, to detect further rows.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::try_from(self.rows + 1).unwrap_or(i64::MAX)
    }

    /// Cuts rows of the database to the page. Rows read backward arrive last one first.
    #[must_use]
    pub fn slice<T>(&self, mut rows: Vec<T>) -> PageSlice<T> {
        let more = rows.len() > self.rows;
        rows.truncate(self.rows);
        if self.backward {
            rows.reverse();
            PageSlice { rows, has_previous: more, has_next: self.before.is_some() }
        } else {
            PageSlice { rows, has_previous: self.after.is_some(), has_next: more }
        }
    }
}

fn check_page_size(argument: &str, given: i32, max: usize) -> Result<usize, ApiError> {
    usize::try_from(given)
        .ok()
        .filter(|&rows| rows <= max)
        .ok_or_else(|| ApiError::bad_input(argument, format!("page size must be between 0 and {max}, not {given}")))
}

fn parse_cursor<C: CursorType<Error = &'static str>>(
    argument: &str,
    given: Option<String>,
) -> Result<Option<C>, ApiError> {
    given.map(|cursor| C::decode_cursor(&cursor).map_err(|reason| ApiError::bad_input(argument, reason))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::cursor::MeasurementCursor;

    fn request(first: Option<i32>, last: Option<i32>) -> Result<PageRequest<MeasurementCursor>, ApiError> {
        PageRequest::try_new(PageArguments { first, last, ..PageArguments::default() }, 100)
    }

    #[test]
    fn page_size_has_a_default_and_a_maximum() {
        assert_eq!(request(None, None).expect("a page").rows, 50);
        assert_eq!(request(Some(0), None).expect("a page").rows, 0);
        assert!(request(None, Some(100)).expect("a page").backward);
        for (first, last, argument) in [
            (Some(101), None, "first"),
            (Some(-1), None, "first"),
            (None, Some(101), "last"),
            (Some(1), Some(1), "last"),
        ] {
            let error = request(first, last).expect_err("no page");
            assert!(matches!(error, ApiError::BadUserInput { argument: named, .. } if named == argument));
        }
    }

    #[test]
    fn extra_row_sets_has_next_page() {
        let forward = request(Some(2), None).expect("a page").slice(vec![1, 2, 3]);
        assert_eq!((forward.rows, forward.has_previous, forward.has_next), (vec![1, 2], false, true));
        let backward = request(None, Some(2)).expect("a page").slice(vec![9, 8, 7]);
        assert_eq!((backward.rows, backward.has_previous, backward.has_next), (vec![8, 9], true, false));
        let all = request(Some(2), None).expect("a page").slice(vec![1, 2]);
        assert!(!all.has_next);
    }
}
