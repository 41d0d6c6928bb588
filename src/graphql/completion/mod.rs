//! The answer as the specification has it (§6.4): fields in the order in which they were selected, and each failure told as
//! a null at the nearest place that may be one.
//!
//! async-graphql tells the fields of an object in the order in which they were ready, leaves out those that failed, and
//! tells an object without any field as null. So an answer is gone through once more, beside the document that asked
//! for it. Lists that are finished text already ([`super::flat`]) are in order, and are passed by.

mod selection;
#[cfg(test)]
mod tests;
mod typed;
mod types;

use std::{cell::RefCell, sync::Arc};

use async_graphql::{
    Name, PathSegment, Request, Response, ServerError, Value, Variables,
    indexmap::IndexMap,
    parser::types::{BaseType, ExecutableDocument, Type},
};

pub use typed::Typed;
pub use types::Types;

use super::documents;
use selection::{Answered, Conditions, Selected};
use types::Object;

/// What was asked for, to put the answer in order by.
pub struct Completion {
    document: Arc<ExecutableDocument>,
    operation_name: Option<String>,
    /// Those that may stand in a directive.
    variables: Variables,
}

impl Completion {
    /// Of a request and its document, before it is executed. Gives the variables that it leaves out their defaults; none
    /// where it isn't clear which operation runs.
    pub fn of(request: &mut Request, document: Arc<ExecutableDocument>) -> Option<Self> {
        let operation_name = request.operation_name.clone();
        let operation = documents::operation(&document, operation_name.as_deref())?;
        documents::fill_in_defaults(&mut request.variables, &operation.node);
        let mut variables = Variables::default();
        let booleans = request.variables.iter().filter(|(_, value)| matches!(value, Value::Boolean(_)));
        variables.extend(booleans.map(|(name, value)| (name.clone(), value.clone())));
        Some(Self { document, operation_name, variables })
    }

    /// Puts the answer in order.
    pub fn complete(&self, types: &Types, response: &mut Response) {
        // What was not executed has no data. An error of execution has a path.
        if response.errors.iter().any(|error| error.path.is_empty()) {
            return;
        }
        let Some(operation) = documents::operation(&self.document, self.operation_name.as_deref()) else { return };
        let Some(root) = types.root(operation.node.ty) else { return };
        let conditions = Conditions { fragments: &self.document.fragments, variables: &self.variables };
        let walk = Walk { types, conditions, errors: &response.errors, path: RefCell::default() };
        let mut fields = match std::mem::take(&mut response.data) {
            Value::Object(fields) => fields,
            _ => IndexMap::new(),
        };
        if walk.object(&mut fields, root, &Selected::new(&operation.node.selection_set.node)).is_ok() {
            response.data = Value::Object(fields);
        }
    }
}

/// A null where the type allows none: what it lies in is null instead.
struct NullBelow;

struct Walk<'a> {
    types: &'a Types,
    conditions: Conditions<'a>,
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
    fn value(&self, told: &mut Value, ty: &Type, selected: &Selected<'a>) -> Result<(), NullBelow> {
        let told_whole = match (&mut *told, &ty.base) {
            (Value::List(items), BaseType::List(of)) => items
                .iter_mut()
                .enumerate()
                .try_for_each(|(index, item)| self.below(Step::Index(index), || self.value(item, of, selected))),
            (Value::Object(fields), BaseType::Named(name)) => match self.type_of(fields, name) {
                Some(object) => self.object(fields, object, selected),
                None => Ok(()), // of introspection, whose fields never wait, or a scalar that looks like an object
            },
            (Value::Null, BaseType::Named(name)) => {
                if let Some(object) = self.types.object(name)
                    && (self.failed_below() || !ty.nullable && selected.fields(&self.conditions, object).is_empty())
                {
                    let mut fields = IndexMap::new();
                    let told_whole = self.object(&mut fields, object, selected);
                    *told = Value::Object(fields);
                    told_whole
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        };
        if told_whole.is_err() {
            *told = Value::Null;
        }
        // Where nothing failed, async-graphql lost it while it merged fields of one key: no reason to lose more.
        let failed = *told == Value::Null && !ty.nullable && !self.errors.is_empty();
        if failed { Err(NullBelow) } else { Ok(()) }
    }

    fn object(
        &self,
        told: &mut IndexMap<Name, Value>,
        object: &'a Object,
        selected: &Selected<'a>,
    ) -> Result<(), NullBelow> {
        let answered = selected.fields(&self.conditions, object);
        if !answered.iter().map(|field| field.key).eq(told.keys()) {
            let value_of = |field: &Answered<'a>| {
                let value = told.swap_remove(field.key).unwrap_or_default(); // none: it failed
                (field.key.clone(), value)
            };
            *told = answered.iter().map(value_of).collect();
        }
        for (field, value) in answered.iter().zip(told.values_mut()) {
            match field.ty {
                // A leaf is told as it is, unless it failed.
                Some(ty) if !field.selected.is_leaf() || *value == Value::Null => {
                    self.below(Step::Field(field.key), || self.value(value, ty, &field.selected))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The type of an object, which it tells itself where its field may have several.
    fn type_of(&self, told: &mut IndexMap<Name, Value>, name: &str) -> Option<&'a Object> {
        match told.swap_remove(typed::KEY) {
            Some(Value::String(name)) => self.types.object(&name),
            _ => self.types.object(name),
        }
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
