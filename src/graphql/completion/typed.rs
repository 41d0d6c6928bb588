//! Objects of an interface, of which only they themselves know which type they are.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value, indexmap::IndexMap, parser::types::Field,
    registry::Registry,
};

/// Where an object tells its type: no name is empty, so no field is answered under it.
pub(super) const KEY: &str = "";

/// An object of an interface that tells its type to [`super::complete`], which takes it out again.
pub struct Typed<T>(pub T);

impl<T: OutputType> OutputType for Typed<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::qualified_type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let mut fields = match self.0.resolve(ctx, field).await? {
            Value::Object(fields) => fields,
            _ => IndexMap::new(), // an object without fields is told as null
        };
        fields.insert(Name::new(KEY), Value::String(self.introspection_type_name().into_owned()));
        Ok(Value::Object(fields))
    }
}
