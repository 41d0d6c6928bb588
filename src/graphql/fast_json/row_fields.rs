//! Fields that are values of a row. Each is declared once, in a table of [`row_fields!`]; its resolver, its JSON text
//! and the columns it reads follow from the declaration.

/// Declares the fields of an object that are values of its row. Generates a type for
/// `#[graphql(flatten)]` in the object, with
///
/// - a resolver for each field;
/// - `writer`, which returns the function that writes a field as JSON;
/// - with `reads`: `columns`, which returns the columns that a field reads.
///
/// The type of a field is an [output type](async_graphql::OutputType) that is a
/// [`JsonValue`](super::json_value::JsonValue). Fields with arguments and fields of object type are ordinary resolvers of
/// the object, with a variant in its [`JsonType`](super::JsonType) when they are written without resolvers.
macro_rules! row_fields {
    // The columns that a field reads.
    (
        $(#[$doc:meta])*
        $name:ident($row:ident: &$Row:ty) reads $Columns:ident {
            $($(#[$field_doc:meta])* $field:ident: $Type:ty = $value:expr, reads $columns:ident;)+
        }
    ) => {
        row_fields! {
            $(#[$doc])*
            $name($row: &$Row) { $($(#[$field_doc])* $field: $Type = $value;)+ }
        }

        impl $name<'_> {
            /// The columns that a field reads; `None` when it is not a value of the row.
            pub(in crate::graphql) fn columns(field: &str) -> Option<$Columns> {
                $(if $crate::graphql::fast_json::row_fields::is_field_name(stringify!($field), field) {
                    return Some($Columns::$columns);
                })+
                None
            }
        }
    };
    // A row that the object has.
    (
        $(#[$doc:meta])*
        $name:ident($row:ident: &$Row:ty) {
            $($(#[$field_doc:meta])* $field:ident: $Type:ty = $value:expr;)+
        }
    ) => {
        $(#[$doc])*
        pub struct $name<'a>(pub &'a $Row);

        #[async_graphql::Object]
        impl $name<'_> {
            $($(#[$field_doc])* async fn $field(&self) -> $Type {
                let $row = self.0;
                $value
            })+
        }

        row_fields!(@writer $name($row: &$Row, Some($row)) { $($field: $Type = $value;)+ });
    };
    // A row that is loaded when the first of these fields is selected.
    (
        $(#[$doc:meta])*
        $name:ident($row:ident of &$Object:ty) {
            $($(#[$field_doc:meta])* $field:ident: $Type:ty = $value:expr;)+
        }
    ) => {
        $(#[$doc])*
        pub struct $name<'a>(pub &'a $Object);

        #[async_graphql::Object]
        impl $name<'_> {
            $($(#[$field_doc])* async fn $field(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> Result<$Type, $crate::api_error::ApiError> {
                let $row = self.0.row(ctx).await?;
                Ok($value)
            })+
        }

        row_fields!(@writer $name($row: &$Object, $row.loaded_row()) { $($field: $Type = $value;)+ });
    };
    (@writer $name:ident($row:ident: &$Object:ty, $loaded:expr) { $($field:ident: $Type:ty = $value:expr;)+ }) => {
        impl $name<'_> {
            /// The function that writes a field as JSON; `None` when it is not a value of the row.
            pub(in crate::graphql) fn writer(
                field: &str,
            ) -> Option<$crate::graphql::fast_json::row_fields::WriteField<$Object>> {
                $(if $crate::graphql::fast_json::row_fields::is_field_name(stringify!($field), field) {
                    return Some(|$row, out| {
                        let value: Option<$Type> = $loaded.map(|$row| $value);
                        $crate::graphql::fast_json::json_value::JsonValue::write_json(&value, out);
                    });
                })+
                None
            }
        }
    };
}

pub(in crate::graphql) use row_fields;

/// Writes a field of an object as JSON.
pub type WriteField<T> = fn(&T, &mut Vec<u8>);

/// Whether `field` is the name in the schema of the Rust name `rust_name`: `measuredAt` of `measured_at`. Names that
/// differ only in case and underscores are taken as equal; a type has no two of these.
pub(in crate::graphql) fn is_field_name(rust_name: &str, field: &str) -> bool {
    let rust_name = rust_name.bytes().filter(|&byte| byte != b'_');
    rust_name.eq(field.bytes().map(|byte| byte.to_ascii_lowercase()))
}
