//! Variables are declared and have a type allowed in their position (§5.8.3, §5.8.5).

use apollo_compiler::{
    ast::{Type, VariableDefinition},
    executable::ExecutableDocument,
};

use super::values::{DefinitionUses, DocumentUses, VariableUse};
use crate::graphql::execute::operation::{error::ValidationError, types::TypeSystem};

/// Checks the variables of each operation, including its fragments.
pub(super) fn check(
    types: &TypeSystem,
    document: &ExecutableDocument,
    uses: &DocumentUses<'_>,
    faults: &mut Vec<ValidationError>,
) {
    for (operation, own) in document.operations.iter().zip(&uses.operations) {
        let mut opened = vec![false; uses.fragments.len()];
        let mut open = vec![own];
        while let Some(uses_here) = open.pop() {
            for place in &uses_here.variables {
                let definition = operation.variables.iter().find(|definition| definition.name == *place.name);
                match definition {
                    // The unknown type is already an error.
                    Some(definition) if types.definition(definition.ty.inner_named_type()).is_none() => {}
                    Some(definition) if is_usage_allowed(definition, place) => {}
                    Some(definition) => faults.push(usage_error(definition, place)),
                    None => {
                        let message = format!("variable `${}` is not declared by the operation", place.name);
                        faults.push(ValidationError::broken_rule(place.offset, message));
                    }
                }
            }
            open.extend(reachable_uses(document, uses, uses_here, &mut opened));
        }
    }
}

fn reachable_uses<'a, 'b>(
    document: &ExecutableDocument,
    uses: &'b DocumentUses<'a>,
    from: &DefinitionUses<'a>,
    opened: &mut [bool],
) -> Vec<&'b DefinitionUses<'a>> {
    let places = from.fragments.iter().filter_map(|name| document.fragments.get_index_of(*name));
    places.filter(|&at| !std::mem::replace(&mut opened[at], true)).map(|at| &uses.fragments[at]).collect()
}

/// `IsVariableUsageAllowed`.
fn is_usage_allowed(definition: &VariableDefinition, place: &VariableUse<'_>) -> bool {
    if place.is_one_of && !definition.ty.is_non_null() {
        return false;
    }
    if !place.ty.is_non_null() || definition.ty.is_non_null() {
        return definition.ty.is_assignable_to(place.ty);
    }
    let has_value = definition.default_value.as_ref().is_some_and(|default| !default.is_null());
    (has_value || place.has_default) && definition.ty.is_assignable_to(&place.ty.clone().nullable())
}

fn usage_error(definition: &VariableDefinition, place: &VariableUse<'_>) -> ValidationError {
    let needed: Type = if place.is_one_of { place.ty.clone().non_null() } else { place.ty.clone() };
    let message = format!(
        "variable `${}` of type {} can't stand for `{}`, which needs {needed}",
        place.name, definition.ty, place.path
    );
    ValidationError::broken_rule(place.offset, message)
}
