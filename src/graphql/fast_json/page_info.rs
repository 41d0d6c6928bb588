//! Page information of a list.

use async_graphql::connection::PageInfo;

use super::{
    JsonType,
    json::{self, nullable},
    selection::SelectedField,
};

pub enum PageInfoField {
    HasPreviousPage,
    HasNextPage,
    StartCursor,
    EndCursor,
}

impl JsonType for PageInfo {
    type Field = PageInfoField;

    fn compile_field(field: &SelectedField<'_>) -> Option<PageInfoField> {
        match field.name() {
            "hasPreviousPage" => Some(PageInfoField::HasPreviousPage),
            "hasNextPage" => Some(PageInfoField::HasNextPage),
            "startCursor" => Some(PageInfoField::StartCursor),
            "endCursor" => Some(PageInfoField::EndCursor),
            _ => None,
        }
    }

    fn write(&self, column: &PageInfoField, out: &mut Vec<u8>) {
        match column {
            PageInfoField::HasPreviousPage => json::boolean(self.has_previous_page, out),
            PageInfoField::HasNextPage => json::boolean(self.has_next_page, out),
            PageInfoField::StartCursor => nullable(self.start_cursor.as_deref(), json::unescaped_string, out),
            PageInfoField::EndCursor => nullable(self.end_cursor.as_deref(), json::unescaped_string, out),
        }
    }
}
