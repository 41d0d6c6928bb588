//! The answer as the specification has it (§6.4): fields in the order in which they were selected, and each failure told as
//! a null at the nearest place that may be one.
//!
//! async-graphql tells the fields of an object in the order in which they were ready, leaves out those that failed, and tells an
//! object without any field as null. So an answer is gone through once more, beside the [canonical](super::execute::operation) selection
//! set that was executed. Hidden fields are taken out. Lists that are finished text already ([`super::fast_json`]) are in order, and
//! are passed by.

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

/// What `__schema { description }` is; async-graphql has words of its own there.
const DESCRIPTION: &str = "Air-quality sensors: devices, their measurements, statistics and trips.";

/// Puts an answer in order.
pub fn normalize_response(types: &TypeSystem, kind: OperationType, selected: &SelectionSet, response: &mut Response) {
    // What was not executed has no data. An error of execution has a path.
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

/// A null where the type allows none: what it lies in is null instead.
struct NullPropagated;

struct ResponseWalk<'a> {
    types: &'a TypeSystem,
    errors: &'a [ServerError],
    /// Where it is.
    current_path: RefCell<Vec<PathStep<'a>>>,
}

#[derive(Clone, Copy)]
enum PathStep<'a> {
    Field(&'a str),
    Index(usize),
}

impl<'a> ResponseWalk<'a> {
    fn complete_value(&self, told: &mut Value, ty: &Type, selected: &'a SelectionSet) -> Result<(), NullPropagated> {
        let told_whole = match (&mut *told, ty) {
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
                let told_whole = self.complete_object(&mut fields, name, selected);
                *told = Value::Object(fields);
                told_whole
            }
            _ => Ok(()),
        };
        if told_whole.is_err() {
            *told = Value::Null;
        }
        let failed = *told == Value::Null && ty.is_non_null() && !self.errors.is_empty();
        if failed { Err(NullPropagated) } else { Ok(()) }
    }

    fn complete_object(
        &self,
        told: &mut IndexMap<Name, Value>,
        ty: &str,
        selected: &'a SelectionSet,
    ) -> Result<(), NullPropagated> {
        let hidden = told.swap_remove(HIDDEN_RESPONSE_KEY);
        let ty = match &hidden {
            _ if self.types.is_object(ty) => ty,
            Some(Value::String(ty)) => ty, // one of those that its interface may be
            _ => return Ok(()),
        };
        let answered = selected_fields(selected, ty);
        if !answered.iter().map(|field| &field.response_key().node).eq(told.keys()) {
            let value_of = |field: &&Field| {
                let key = &field.response_key().node;
                (key.clone(), told.swap_remove(key).unwrap_or_default()) // none: it failed
            };
            *told = answered.iter().map(value_of).collect();
        }
        correct_introspection(ty, hidden.as_ref(), &answered, told);
        for (field, value) in answered.iter().zip(told.values_mut()) {
            let below = &field.selection_set.node;
            // A leaf is told as it is, unless it failed.
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

    /// Whether something within the object at this place failed; so there is an object.
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

/// The fields that an object of this type has in the answer, in their order.
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

/// Puts right what async-graphql tells otherwise of the schema: interfaces have interfaces too, if none (§4.5.2), and the
/// description is the schema's own. `hidden` is the kind of a type.
fn correct_introspection(ty: &str, hidden: Option<&Value>, fields: &[&Field], told: &mut IndexMap<Name, Value>) {
    let (name, value) = match (ty, hidden) {
        ("__Schema", _) => ("description", Value::String(DESCRIPTION.to_owned())),
        ("__Type", Some(Value::Enum(kind))) if kind == "INTERFACE" => ("interfaces", Value::List(Vec::new())),
        _ => return,
    };
    for (field, told) in fields.iter().zip(told.values_mut()) {
        if field.name.node == name && (*told == Value::Null || ty == "__Schema") {
            *told = value.clone();
        }
    }
}
