//! Writes rows of a list directly as JSON text.
//!
//! With resolvers, a list costs a boxed future, a map entry and a value for every field of every row. Here the
//! selection set is compiled once to a list of columns, and the text is written directly from the rows. Related data (a
//! device's newest measurement) is prefetched for all rows with the same data loaders as the resolvers use. Selections
//! that can't be compiled (an invalid argument, a failed prefetch) use the resolvers. Both ways give the same response.
//!
//! The fields of a type that are values of its row are declared once, in a table of [`row_fields`]. Its other fields
//! are resolvers; those that are also written here are in the type's file, which implements [`JsonType`]. Its lists are
//! returned as [`JsonRows`].

mod cell;
mod device;
mod device_event;
mod device_measurements;
mod device_statistics;
mod edge;
pub(crate) mod json;
pub(in crate::graphql) mod json_value;
mod loaded_device;
mod measurement;
mod measurement_connection;
mod page_info;
mod readings;
pub(in crate::graphql) mod row_fields;
mod selection;
mod statistics;
mod summary;
#[cfg(test)]
pub(super) mod tests;

use std::borrow::Cow;

use async_graphql::{
    Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field,
    registry::Registry, resolver_utils::resolve_list,
};
use futures_util::future::{BoxFuture, try_join_all};
use selection::SelectedField;

use super::execute::response_size::ResponseSize;
use crate::api_error::ApiError;

/// Data of a request whose response is written by [`super::execute::response_writer`], which copies [`Value::Binary`]
/// as JSON text. No other value is binary. Without this data, lists use the resolvers.
#[derive(Clone, Copy, Debug)]
pub struct RawJson;

/// A type whose rows can be written without resolvers.
pub trait JsonType: OutputType {
    /// A compiled field with resolved arguments, and with its own [`CompiledSelection`] if it is an object.
    type Field: Send + Sync;

    /// Compiles a field; `None` when it needs a resolver.
    fn compile_field(field: &SelectedField<'_>) -> Option<Self::Field>;

    /// Loads the related data of a column for all rows, and stores it for [`JsonType::write`]; `None` when the rows are
    /// sufficient.
    fn prefetch<'a>(
        _column: &'a mut Self::Field,
        _rows: &'a [&'a Self],
        _ctx: &'a Context<'_>,
    ) -> Option<PrefetchFuture<'a>> {
        None
    }

    /// Writes the value of a column as JSON.
    fn write(&self, column: &Self::Field, out: &mut Vec<u8>);
}

/// A prefetch. If it fails, the resolvers are used, which report the error at each position. If the database is
/// unavailable or too slow, the query is not repeated and the whole list fails.
pub type PrefetchFuture<'a> = BoxFuture<'a, Result<(), ApiError>>;

/// A compiled selection set on `T`.
pub struct CompiledSelection<T: JsonType>(Vec<(String, CompiledField<T::Field>)>);

enum CompiledField<C> {
    Field(C),
    /// `__typename`, as JSON.
    TypeName(String),
}

/// Rows can be of `T` with another lifetime.
impl<T: JsonType> CompiledSelection<T> {
    /// Compiles the fields of an object; `None` when one of them needs a resolver, or there are none.
    fn compile(fields: &[SelectedField<'_>]) -> Option<Self> {
        let mut columns = Vec::with_capacity(fields.len());
        for field in fields {
            // Names are letters, digits and underscores: no escaping needed.
            let before = format!("{}\"{}\":", if columns.is_empty() { '{' } else { ',' }, field.key());
            let cell = match field.name() {
                "__typename" => CompiledField::TypeName(format!("\"{}\"", T::type_name())),
                _ => CompiledField::Field(T::compile_field(field)?),
            };
            columns.push((before, cell));
        }
        (!columns.is_empty()).then_some(Self(columns))
    }

    /// Compiles the selection of a field of object type.
    #[must_use]
    pub fn for_object(field: &SelectedField<'_>) -> Option<Self> {
        Self::compile(&field.fields()?)
    }

    /// Loads the related data of all columns.
    ///
    /// # Errors
    /// When a column can't be loaded; the resolvers must be used.
    pub async fn prefetch<'a, R>(&'a mut self, rows: &'a [&'a R], ctx: &'a Context<'_>) -> Result<(), ApiError>
    where
        R: JsonType<Field = T::Field>,
    {
        let columns = self.0.iter_mut().filter_map(|(_, cell)| match cell {
            CompiledField::Field(column) => R::prefetch(column, rows, ctx),
            CompiledField::TypeName(_) => None,
        });
        try_join_all(columns).await.map(drop)
    }

    /// Writes a row as a JSON object.
    pub fn write<R: JsonType<Field = T::Field>>(&self, row: &R, out: &mut Vec<u8>) {
        for (before, cell) in &self.0 {
            out.extend_from_slice(before.as_bytes());
            match cell {
                CompiledField::Field(column) => row.write(column, out),
                CompiledField::TypeName(name) => out.extend_from_slice(name.as_bytes()),
            }
        }
        out.push(b'}');
    }

    /// Writes rows as a JSON array.
    pub fn write_list<R: JsonType<Field = T::Field>>(&self, rows: &[R], out: &mut Vec<u8>) {
        self.write_list_up_to(usize::MAX, rows, out);
    }

    /// Writes rows as a JSON array. Stops after the row with which the text exceeds `max_bytes`.
    fn write_list_up_to<R: JsonType<Field = T::Field>>(&self, max_bytes: usize, rows: &[R], out: &mut Vec<u8>) {
        let start = out.len();
        out.push(b'[');
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.write(row, out);
            if at == 0 {
                let expected = (out.len() - start + 8) * (rows.len() - 1); // rows have similar lengths
                out.reserve(expected.min(max_bytes));
            }
            if out.len() - start > max_bytes {
                return;
            }
        }
        out.push(b']');
    }
}

/// A list of objects.
pub struct JsonRows<T>(pub Vec<T>);

impl<T: JsonType> OutputType for JsonRows<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        JsonList(&self.0).resolve(ctx, field).await
    }
}

/// A list of borrowed objects.
pub struct JsonList<'a, T>(pub &'a [T]);

impl<T: JsonType> OutputType for JsonList<'_, T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match compile_and_prefetch(ctx, field, self.0).await? {
            Some(columns) => {
                let (mut out, size) = (Vec::new(), ctx.data_opt::<ResponseSize>());
                columns.write_list_up_to(size.map_or(usize::MAX, ResponseSize::remaining), self.0, &mut out);
                if let Some(Err(error)) = size.map(|size| size.add(out.len())) {
                    return Err(ctx.set_error_path(async_graphql::Error::from(error).into_server_error(field.pos)));
                }
                Ok(Value::Binary(out.into()))
            }
            None => resolve_list(ctx, field, self.0, Some(self.0.len())).await,
        }
    }
}

/// A list of nullable objects, each written as a separate text if possible, for callers that split the list.
pub struct JsonItems<'a, T>(pub &'a [T]);

impl<T: JsonType> OutputType for JsonItems<'_, T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<Option<T>>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<Option<T>>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<Option<T>>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match compile_and_prefetch(ctx, field, self.0).await? {
            Some(columns) => {
                let (mut texts, size) = (Vec::with_capacity(self.0.len()), ctx.data_opt::<ResponseSize>());
                for row in self.0 {
                    let mut out = Vec::new();
                    columns.write(row, &mut out);
                    if let Some(Err(error)) = size.map(|size| size.add(out.len())) {
                        return Err(ctx.set_error_path(async_graphql::Error::from(error).into_server_error(field.pos)));
                    }
                    texts.push(Value::Binary(out.into()));
                }
                Ok(Value::List(texts))
            }
            None => resolve_list(ctx, field, self.0.iter().map(Some), Some(self.0.len())).await,
        }
    }
}

/// The prefetched columns of a list; `None` when the resolvers must be used.
async fn compile_and_prefetch<T: JsonType>(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    rows: &[T],
) -> ServerResult<Option<CompiledSelection<T>>> {
    if ctx.data_opt::<RawJson>().is_none() {
        return Ok(None);
    }
    let compiled = selection::fields(ctx).and_then(|fields| CompiledSelection::compile(&fields));
    let Some(mut columns) = compiled else { return Ok(None) };
    let rows: Vec<_> = rows.iter().collect();
    match columns.prefetch(&rows, &ctx.with_field(field)).await {
        Ok(()) => Ok(Some(columns)),
        Err(error @ (ApiError::Unavailable(_) | ApiError::Timeout)) => {
            Err(ctx.set_error_path(async_graphql::Error::from(error).into_server_error(field.pos)))
        }
        Err(_) => Ok(None),
    }
}
