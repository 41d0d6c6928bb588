//! Rows as finished JSON text.
//!
//! An ordinary list costs a boxed future, an entry in a map and a value for every field of every row. Here the selection
//! set is compiled once to a list of columns, and the text is written straight from the rows. Whatever is asked for that
//! no column can tell (look-ups, directives, an argument that can't be) takes the ordinary resolvers; the answer is the
//! same by either way.
//!
//! A type takes part by [`Flat`], in a file of its own: which of its fields are columns, and how each is written. Its
//! list is then told as [`Rows`].

mod cell;
mod json;
mod measurement;
mod measurement_edge;
mod measurement_event;
mod selection;
mod statistics;
mod summary;
#[cfg(test)]
pub(super) mod tests;

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field, registry::Registry,
    resolver_utils::resolve_list,
};

use selection::Selected;

/// Put into a request's data by whoever tells its answer with [`super::writer`], which takes
/// [`Value::Binary`] for finished JSON text. Nothing else of ours is ever binary. Without it no row is written here.
#[derive(Clone, Copy, Debug)]
pub struct Spliced;

/// A type whose rows can be written without resolvers.
pub trait Flat: OutputType {
    /// A field, its arguments resolved; where it is an object, with its own [`Columns`].
    type Column: Send + Sync;

    /// The column that tells this field; none where only a resolver can.
    fn column(field: &Selected<'_>) -> Option<Self::Column>;

    /// Writes the value of a column as JSON.
    fn write(&self, column: &Self::Column, out: &mut Vec<u8>);
}

impl<T: Flat> Flat for &T {
    type Column = T::Column;

    fn column(field: &Selected<'_>) -> Option<Self::Column> {
        T::column(field)
    }

    fn write(&self, column: &Self::Column, out: &mut Vec<u8>) {
        (**self).write(column, out);
    }
}

/// A selection set of `T`, compiled.
pub struct Columns<T: Flat>(Vec<(String, Cell<T::Column>)>);

enum Cell<C> {
    Column(C),
    /// `__typename`, as JSON.
    TypeName(String),
}

impl<T: Flat> Columns<T> {
    /// Of the fields of an object; none where one of them needs a resolver, or nothing is left of them.
    fn compile(fields: &[Selected<'_>]) -> Option<Self> {
        let mut columns = Vec::with_capacity(fields.len());
        for field in fields {
            // Names are letters, digits and underscores: nothing to be escaped.
            let before = format!("{}\"{}\":", if columns.is_empty() { '{' } else { ',' }, field.key());
            let cell = match field.name() {
                "__typename" => Cell::TypeName(format!("\"{}\"", T::type_name())),
                _ => Cell::Column(T::column(field)?),
            };
            columns.push((before, cell));
        }
        (!columns.is_empty()).then_some(Self(columns))
    }

    /// Of a field that is an object.
    #[must_use]
    pub fn of(field: &Selected<'_>) -> Option<Self> {
        Self::compile(&field.fields(&T::type_name())?)
    }

    /// Writes a row as a JSON object.
    pub fn write(&self, row: &T, out: &mut Vec<u8>) {
        for (before, cell) in &self.0 {
            out.extend_from_slice(before.as_bytes());
            match cell {
                Cell::Column(column) => row.write(column, out),
                Cell::TypeName(name) => out.extend_from_slice(name.as_bytes()),
            }
        }
        out.push(b'}');
    }

    /// Writes rows as a JSON array.
    pub fn write_list(&self, rows: &[T], out: &mut Vec<u8>) {
        let start = out.len();
        out.push(b'[');
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.write(row, out);
            if at == 0 {
                out.reserve((out.len() - start + 8) * (rows.len() - 1)); // rows are of about one length
            }
        }
        out.push(b']');
    }
}

/// A list of objects.
pub struct Rows<T>(pub Vec<T>);

impl<T: Flat> OutputType for Rows<T> {
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
        match columns::<T>(ctx) {
            Some(columns) => {
                let mut out = Vec::new();
                columns.write_list(&self.0, &mut out);
                Ok(Value::Binary(out.into()))
            }
            None => resolve_list(ctx, field, &self.0, Some(self.0.len())).await,
        }
    }
}

/// A list of objects, each written by itself where it can be: for who takes it apart again. Its items are nullable.
pub struct Each<'a, T>(pub &'a [T]);

impl<T: Flat> OutputType for Each<'_, T> {
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
        match columns::<T>(ctx) {
            Some(columns) => {
                let text = |row| {
                    let mut out = Vec::new();
                    columns.write(row, &mut out);
                    Value::Binary(out.into())
                };
                Ok(Value::List(self.0.iter().map(text).collect()))
            }
            None => resolve_list(ctx, field, self.0.iter().map(Some), Some(self.0.len())).await,
        }
    }
}

/// The columns of a list, where its rows can be written here.
fn columns<T: Flat>(ctx: &ContextSelectionSet<'_>) -> Option<Columns<T>> {
    ctx.data_opt::<Spliced>()?;
    // The answers of fields with one key are merged, which finished text can't be.
    if !selection::stands_alone(ctx) {
        return None;
    }
    Columns::compile(&selection::fields(ctx, &T::type_name())?)
}
