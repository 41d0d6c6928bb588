//! Normalizes a response to the specification (§6.4): fields in the order of the selection, and each error propagated
//! as null to the nearest nullable position.
//!
//! async-graphql returns the fields of an object in the order of completion, omits failed fields, and returns null for
//! an object without fields. So each response is walked along the executed [canonical](super::execute::operation)
//! selection set. Hidden fields are removed. Lists that are already JSON text ([`super::fast_json`]) are in order and
//! are skipped.

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use apollo_compiler::{ast::Type, executable};
use async_graphql::{
    Name, PathSegment, Response, ServerError, Value,
    indexmap::IndexMap,
    parser::types::{Field, OperationType, Selection, SelectionSet},
};

use super::execute::operation::{TypeSystem, canonical::HIDDEN_RESPONSE_KEY};

/// Value of `__schema { description }`; async-graphql returns a text of its own.
const SCHEMA_DESCRIPTION: &str = "Air-quality sensors: devices, their measurements, statistics and trips.";

/// Normalizes a response.
pub fn normalize_response(types: &TypeSystem, kind: OperationType, selected: &SelectionSet, response: &mut Response) {
    // Errors without path are from before execution: the response has no data.
    if response.errors.iter().any(|error| error.path.is_empty()) {
        return;
    }
    let root = types.root_type(match kind {
        OperationType::Query => executable::OperationType::Query,
        OperationType::Mutation => executable::OperationType::Mutation,
        OperationType::Subscription => executable::OperationType::Subscription,
    });
    let Some(root) = root else { return };
    let walk = ResponseWalk { types, errors: &response.errors, current_path: RefCell::default() };
    let mut fields = match std::mem::take(&mut response.data) {
        Value::Object(fields) => fields,
        _ => IndexMap::new(),
    };
    if walk.complete_object(&mut fields, root, selected).is_ok() {
        response.data = Value::Object(fields);
    }
}

/// A null in a non-null position, propagated to the parent.
struct NullPropagated;

struct ResponseWalk<'a> {
    types: &'a TypeSystem,
    errors: &'a [ServerError],
    /// Path of the current position.
    current_path: RefCell<Vec<PathStep<'a>>>,
}

#[derive(Clone, Copy)]
enum PathStep<'a> {
    Field(&'a str),
    Index(usize),
}

impl<'a> ResponseWalk<'a> {
    fn complete_value(&self, value: &mut Value, ty: &Type, selected: &'a SelectionSet) -> Result<(), NullPropagated> {
        let completed = match (&mut *value, ty) {
            (Value::List(items), Type::List(of) | Type::NonNullList(of)) => {
                items.iter_mut().enumerate().try_for_each(|(index, item)| {
                    self.with_step(PathStep::Index(index), || self.complete_value(item, of, selected))
                })
            }
            (Value::Object(fields), Type::Named(name) | Type::NonNullNamed(name)) if !selected.items.is_empty() => {
                self.complete_object(fields, name, selected)
            }
            (Value::Null, Type::Named(name) | Type::NonNullNamed(name)) if self.has_error_below() => {
                let mut fields = IndexMap::new();
                let completed = self.complete_object(&mut fields, name, selected);
                *value = Value::Object(fields);
                completed
            }
            _ => Ok(()),
        };
        if completed.is_err() {
            *value = Value::Null;
        }
        let failed = *value == Value::Null && ty.is_non_null() && !self.errors.is_empty();
        if failed { Err(NullPropagated) } else { Ok(()) }
    }

    fn complete_object(
        &self,
        object: &mut IndexMap<Name, Value>,
        ty: &str,
        selected: &'a SelectionSet,
    ) -> Result<(), NullPropagated> {
        let hidden = object.swap_remove(HIDDEN_RESPONSE_KEY);
        let ty = match &hidden {
            _ if self.types.is_object(ty) => ty,
            Some(Value::String(ty)) => ty, // a possible type of the interface
            _ => return Ok(()),
        };
        let answered = selected_fields(selected, ty);
        if !answered.iter().map(|field| &field.response_key().node).eq(object.keys()) {
            let value_of = |field: &&Field| {
                let key = &field.response_key().node;
                (key.clone(), object.swap_remove(key).unwrap_or_default()) // absent: the field failed
            };
            *object = answered.iter().map(value_of).collect();
        }
        correct_introspection(ty, hidden.as_ref(), &answered, object);
        for (field, value) in answered.iter().zip(object.values_mut()) {
            let below = &field.selection_set.node;
            // A leaf is returned unchanged, unless it failed.
            if below.items.is_empty() && *value != Value::Null {
                continue;
            }
            if let Some(ty) = self.types.field_type(ty, &field.name.node) {
                self.with_step(PathStep::Field(&field.response_key().node), || self.complete_value(value, ty, below))?;
            }
        }
        Ok(())
    }

    fn with_step<T>(&self, step: PathStep<'a>, visit: impl FnOnce() -> T) -> T {
        self.current_path.borrow_mut().push(step);
        let visited = visit();
        self.current_path.borrow_mut().pop();
        visited
    }

    /// Whether a field within the object at the current path failed, so that the object exists.
    fn has_error_below(&self) -> bool {
        let path = self.current_path.borrow();
        self.errors.iter().any(|error| {
            error.path.len() > path.len()
                && path.iter().zip(&error.path).all(|(step, failed)| match (step, failed) {
                    (PathStep::Field(key), PathSegment::Field(failed)) => key == failed,
                    (PathStep::Index(index), PathSegment::Index(failed)) => index == failed,
                    _ => false,
                })
        })
    }
}

/// The fields of an object of this type in the response, in their order.
fn selected_fields<'a>(selected: &'a SelectionSet, ty: &str) -> Vec<&'a Field> {
    let mut found = Vec::with_capacity(selected.items.len());
    for item in &selected.items {
        match &item.node {
            Selection::Field(field) if field.node.response_key().node != HIDDEN_RESPONSE_KEY => found.push(&field.node),
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                if condition.is_none_or(|condition| condition.node.on.node == ty) {
                    found.extend(selected_fields(&fragment.node.selection_set.node, ty));
                }
            }
            Selection::Field(_) | Selection::FragmentSpread(_) => {}
        }
    }
    found
}

/// Corrects introspection results of async-graphql: the `interfaces` of an interface are an empty list instead of null
/// (§4.5.2), and the description is the schema's own. `hidden` is the kind of a type.
fn correct_introspection(ty: &str, hidden: Option<&Value>, fields: &[&Field], object: &mut IndexMap<Name, Value>) {
    let (name, value) = match (ty, hidden) {
        ("__Schema", _) => ("description", Value::String(SCHEMA_DESCRIPTION.to_owned())),
        ("__Type", Some(Value::Enum(kind))) if kind == "INTERFACE" => ("interfaces", Value::List(Vec::new())),
        _ => return,
    };
    for (field, result) in fields.iter().zip(object.values_mut()) {
        if field.name.node == name && (*result == Value::Null || ty == "__Schema") {
            *result = value.clone();
        }
    }
}
