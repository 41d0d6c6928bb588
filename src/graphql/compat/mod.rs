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

use super::execute::operation::{TypeSystem, canonical::HIDDEN};

/// What `__schema { description }` is; async-graphql has words of its own there.
const DESCRIPTION: &str = "Air-quality sensors: devices, their measurements, statistics and rides.";

/// Puts an answer in order.
pub fn complete(types: &TypeSystem, kind: OperationType, selected: &SelectionSet, response: &mut Response) {
    // What was not executed has no data. An error of execution has a path.
    if response.errors.iter().any(|error| error.path.is_empty()) {
        return;
    }
    let root = types.root(match kind {
        OperationType::Query => executable::OperationType::Query,
        OperationType::Mutation => executable::OperationType::Mutation,
        OperationType::Subscription => executable::OperationType::Subscription,
    });
    let Some(root) = root else { return };
    let walk = Walk { types, errors: &response.errors, path: RefCell::default() };
    let mut fields = match std::mem::take(&mut response.data) {
        Value::Object(fields) => fields,
        _ => IndexMap::new(),
    };
    if walk.object(&mut fields, root, selected).is_ok() {
        response.data = Value::Object(fields);
    }
}

/// A null where the type allows none: what it lies in is null instead.
struct NullBelow;

struct Walk<'a> {
    types: &'a TypeSystem,
    errors: &'a [ServerError],
    /// Where it is.
    path: RefCell<Vec<Step<'a>>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

impl<'a> Walk<'a> {
    fn value(&self, told: &mut Value, ty: &Type, selected: &'a SelectionSet) -> Result<(), NullBelow> {
        let told_whole = match (&mut *told, ty) {
            (Value::List(items), Type::List(of) | Type::NonNullList(of)) => items
                .iter_mut()
                .enumerate()
                .try_for_each(|(index, item)| self.below(Step::Index(index), || self.value(item, of, selected))),
            (Value::Object(fields), Type::Named(name) | Type::NonNullNamed(name)) if !selected.items.is_empty() => {
                self.object(fields, name, selected)
            }
            (Value::Null, Type::Named(name) | Type::NonNullNamed(name)) if self.failed_below() => {
                let mut fields = IndexMap::new();
                let told_whole = self.object(&mut fields, name, selected);
                *told = Value::Object(fields);
                told_whole
            }
            _ => Ok(()),
        };
        if told_whole.is_err() {
            *told = Value::Null;
        }
        let failed = *told == Value::Null && ty.is_non_null() && !self.errors.is_empty();
        if failed { Err(NullBelow) } else { Ok(()) }
    }

    fn object(&self, told: &mut IndexMap<Name, Value>, ty: &str, selected: &'a SelectionSet) -> Result<(), NullBelow> {
        let hidden = told.swap_remove(HIDDEN);
        let ty = match &hidden {
            _ if self.types.is_object(ty) => ty,
            Some(Value::String(ty)) => ty, // one of those that its interface may be
            _ => return Ok(()),
        };
        let answered = fields(selected, ty);
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
            if let Some(ty) = self.types.field(ty, &field.name.node) {
                self.below(Step::Field(&field.response_key().node), || self.value(value, ty, below))?;
            }
        }
        Ok(())
    }

    fn below<T>(&self, step: Step<'a>, visit: impl FnOnce() -> T) -> T {
        self.path.borrow_mut().push(step);
        let visited = visit();
        self.path.borrow_mut().pop();
        visited
    }

    /// Whether something within the object at this place failed; so there is an object.
    fn failed_below(&self) -> bool {
        let path = self.path.borrow();
        self.errors.iter().any(|error| {
            error.path.len() > path.len()
                && path.iter().zip(&error.path).all(|(step, failed)| match (step, failed) {
                    (Step::Field(key), PathSegment::Field(failed)) => key == failed,
                    (Step::Index(index), PathSegment::Index(failed)) => index == failed,
                    _ => false,
                })
        })
    }
}

/// The fields that an object of this type has in the answer, in their order.
fn fields<'a>(selected: &'a SelectionSet, ty: &str) -> Vec<&'a Field> {
    let mut found = Vec::with_capacity(selected.items.len());
    for item in &selected.items {
        match &item.node {
            Selection::Field(field) if field.node.response_key().node != HIDDEN => found.push(&field.node),
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                if condition.is_none_or(|condition| condition.node.on.node == ty) {
                    found.extend(fields(&fragment.node.selection_set.node, ty));
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
