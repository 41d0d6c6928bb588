//! How a list goes on.

use async_graphql::connection::PageInfo;

use super::{
    Flat,
    json::{self, optional},
    selection::Selected,
};

pub enum Column {
    HasPreviousPage,
    HasNextPage,
    StartCursor,
    EndCursor,
}

impl Flat for PageInfo {
    type Column = Column;

    fn column(field: &Selected<'_>) -> Option<Column> {
        match field.name() {
            "hasPreviousPage" => Some(Column::HasPreviousPage),
            "hasNextPage" => Some(Column::HasNextPage),
            "startCursor" => Some(Column::StartCursor),
            "endCursor" => Some(Column::EndCursor),
            _ => None,
        }
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        match column {
            Column::HasPreviousPage => json::boolean(self.has_previous_page, out),
            Column::HasNextPage => json::boolean(self.has_next_page, out),
            Column::StartCursor => optional(self.start_cursor.as_deref(), json::bare, out),
            Column::EndCursor => optional(self.end_cursor.as_deref(), json::bare, out),
        }
    }
}
