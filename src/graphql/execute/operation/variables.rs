//! The variables of the operation that runs: `CoerceVariableValues` of the specification (§6.1.2).

use std::collections::HashMap;

use apollo_compiler::{
    ast::{Type, VariableDefinition},
    executable::Operation,
    schema::{ExtendedType, InputObjectType},
};
use async_graphql::{Name, Value, Variables, indexmap::IndexMap};

use super::{
    canonical::substitute_variables,
    error::ValidationError,
    leaf_coercion::{ValueSource, coerce_leaf, truncated},
    types::TypeSystem,
};

/// Coerced values of variables. Absent variables have no entry.
pub(super) type VariableValues = HashMap<String, Value>;

/// Coerces the variables of an operation. Undeclared variables are ignored.
///
/// # Errors
/// All errors, in the order of the declarations.
pub(super) fn coerce(
    types: &TypeSystem,
    operation: &Operation,
    given: &Variables,
) -> Result<VariableValues, Vec<ValidationError>> {
    let mut values = VariableValues::with_capacity(operation.variables.len());
    let mut faults = Vec::new();
    for definition in &operation.variables {
        let offset = definition.location().map_or(0, |location| location.offset());
        let mut coercion = Coercion { types, offset, faults: &mut faults };
        if let Some(value) = coercion.variable(definition, given.get(definition.name.as_str())) {
            values.insert(definition.name.to_string(), value);
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

struct Coercion<'a> {
    types: &'a TypeSystem,
    /// Position of the variable's declaration.
    offset: usize,
    faults: &'a mut Vec<ValidationError>,
}

impl Coercion<'_> {
    fn add_error(&mut self, path: &str, reason: impl std::fmt::Display) {
        self.faults.push(ValidationError::invalid_value(self.offset, path, reason));
    }

    fn variable(&mut self, definition: &VariableDefinition, given: Option<&Value>) -> Option<Value> {
        let path = format!("${}", definition.name);
        match (given, &definition.default_value) {
            (Some(value), _) => Some(self.value(&definition.ty, value, &path)),
            // A validated default value contains no variable.
            (None, Some(default)) => substitute_variables(self.types, &definition.ty, default, &VariableValues::new()),
            (None, None) if definition.ty.is_non_null() => {
                self.add_error(&path, format_args!("a value of type {} is required", definition.ty));
                None
            }
            (None, None) => None,
        }
    }

    /// The coerced value; an arbitrary value after an error, which is recorded.
    fn value(&mut self, ty: &Type, value: &Value, path: &str) -> Value {
        match (ty, value) {
            (Type::NonNullNamed(_) | Type::NonNullList(_), Value::Null) => {
                self.add_error(path, format_args!("expected {ty}, found null"));
                Value::Null
            }
            (_, Value::Null) => Value::Null,
            (Type::List(of) | Type::NonNullList(of), Value::List(items)) => {
                let item = |(at, item)| self.value(of, item, &format!("{path}[{at}]"));
                Value::List(items.iter().enumerate().map(item).collect())
            }
            (Type::List(of) | Type::NonNullList(of), single) => Value::List(vec![self.value(of, single, path)]),
            (Type::Named(name) | Type::NonNullNamed(name), value) => match (self.types.definition(name), value) {
                (Some(ExtendedType::InputObject(definition)), Value::Object(fields)) => {
                    self.object(definition, fields, path)
                }
                (Some(definition), value) => match coerce_leaf(definition, value, ValueSource::Variable) {
                    Ok(value) => value,
                    Err(expected) => {
                        self.add_error(path, format_args!("expected {expected}, found {}", truncated(value)));
                        Value::Null
                    }
                },
                (None, _) => Value::Null, // validation ensures that the type exists
            },
        }
    }

    fn object(&mut self, definition: &InputObjectType, given: &IndexMap<Name, Value>, path: &str) -> Value {
        let mut coerced = IndexMap::with_capacity(given.len());
        for (name, value) in given {
            let path = format!("{path}.{}", truncated(name));
            match definition.fields.get(name.as_str()) {
                Some(field) => _ = coerced.insert(name.clone(), self.value(&field.ty, value, &path)),
                None => self.add_error(&path, format_args!("{} has no such field", definition.name)),
            }
        }
        for (name, field) in &definition.fields {
            if field.is_required() && !given.contains_key(name.as_str()) {
                self.add_error(&format!("{path}.{name}"), format_args!("a value of type {} is required", field.ty));
            }
        }
        if definition.directives.has("oneOf") && (given.len() != 1 || given.values().any(|value| *value == Value::Null))
        {
            self.add_error(path, format_args!("{} takes exactly one field, which is not null", definition.name));
        }
        Value::Object(coerced)
    }
}
