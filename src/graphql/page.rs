//! Paging arguments, the same for every connection.

use async_graphql::connection::CursorType;

use crate::api_error::ApiError;

/// Rows in a page when neither `first` nor `last` is given.
pub const DEFAULT_PAGE_SIZE: usize = 50;
/// Rows in a page of devices at most.
pub const MAX_PAGE_SIZE: usize = 1000;
/// Rows in a page of measurements at most.
pub const MAX_MEASUREMENT_PAGE_SIZE: usize = 10_000;

/// The four arguments of a connection.
#[derive(Clone, Debug, Default)]
pub struct PageArguments {
    /// So many rows from the start, or after `after`.
    pub first: Option<i32>,
    /// After this cursor.
    pub after: Option<String>,
    /// So many rows from the end, or before `before`.
    pub last: Option<i32>,
    /// Before this cursor.
    pub before: Option<String>,
}

/// Checked paging arguments for a list whose cursors are `C`.
#[derive(Clone, Debug)]
pub struct PageRequest<C> {
    /// Rows in the page.
    pub rows: usize,
    /// Whether the page is taken from the end of the list.
    pub backward: bool,
    /// Only what comes after this.
    pub after: Option<C>,
    /// Only what comes before this.
    pub before: Option<C>,
}

/// A page as it was read, in the list's order.
pub struct PageSlice<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether the list goes on before them.
    pub has_previous: bool,
    /// Whether the list goes on after them.
    pub has_next: bool,
}

impl<C: CursorType<Error = &'static str>> PageRequest<C> {
    /// Checks the arguments against the list's largest page.
    ///
    /// # Errors
    /// Names the argument that can't be.
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

    /// The cursors as the reading order sees them: read backward, what comes before is what comes after.
    #[must_use]
    pub fn keyset_bounds(&self) -> (Option<C>, Option<C>)
    where
        C: Clone,
    {
        let (after, before) = (self.after.clone(), self.before.clone());
        if self.backward { (before, after) } else { (after, before) }
    }

    /// How many rows to ask the database for: one more than the page, to see whether the list goes on.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::try_from(self.rows + 1).unwrap_or(i64::MAX)
    }

    /// Cuts what the database gave to the page. Rows taken from the end come last one first.
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
    usize::try_from(given).ok().filter(|&rows| rows <= max).ok_or_else(|| {
        ApiError::bad_input(argument, format!("{given} is no page size; it must be between 0 and {max}"))
    })
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
