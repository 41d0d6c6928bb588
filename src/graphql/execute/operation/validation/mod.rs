//! Validation of documents (GraphQL specification, chapter 5).
//!
//! apollo-compiler checks the rules about names, types and fragments. Its rules about values, variables within values,
//! field merging and `@oneOf` have gaps (docs/decisions); they are implemented here: [`values`], [`variables`],
//! [`merging`].

mod merging;
mod suggestion;
mod values;
mod variables;

use apollo_compiler::{ast, diagnostic::ToCliReport as _, executable::ExecutableDocument, validation::DiagnosticList};

use super::{error::ValidationError, types::TypeSystem};

/// Rules of apollo-compiler that are replaced by the ones here.
const REPLACED_RULES: [&str; 15] = [
    "ConflictingFieldArgument",
    "ConflictingFieldName",
    "ConflictingFieldType",
    "DisallowedVariableUsage",
    "FloatCoercionError",
    "IntCoercionError",
    "RequiredArgument",
    "RequiredField",
    "SubscriptionUsesMultipleFields",
    "UndefinedArgument",
    "UndefinedEnumValue",
    "UndefinedInputValue",
    "UndefinedVariable",
    "UniqueInputValue",
    "UnsupportedValueType",
];
/// Rules violated as a consequence of omitting an invalid part of the document.
const SECONDARY_RULES: [&str; 2] = ["UnusedFragment", "UnusedVariable"];
/// Errors for which apollo-compiler omits a part of the document.
const NODE_DROPPING_RULES: [&str; 7] = [
    "SubselectionOnEnumType",
    "SubselectionOnScalarType",
    "UndefinedField",
    "UndefinedTypeInInlineFragmentTypeCondition",
    "UndefinedTypeInNamedFragmentTypeCondition",
    "OperationNameCollision",
    "FragmentNameCollision",
];

/// Validates a document that is within the [limits](crate::graphql::execute::limits). With `suggests`, errors suggest
/// similar names of the schema.
///
/// # Errors
/// All errors, in document order.
pub(super) fn validate(
    types: &TypeSystem,
    document: &ast::Document,
    suggests: bool,
) -> Result<ExecutableDocument, Vec<ValidationError>> {
    let mut faults = Vec::new();
    let document = match document.to_executable_validate(types.schema()) {
        Ok(document) => document.into_inner(),
        Err(broken) => {
            add_library_errors(&broken.errors, types, suggests, &mut faults);
            broken.partial
        }
    };
    let uses = values::check(types, &document, suggests, &mut faults);
    variables::check(types, &document, &uses, &mut faults);
    merging::check(types, &document, &mut faults);
    if faults.is_empty() {
        return Ok(document);
    }
    faults.sort_by(|one, other| (one.offset, &one.message).cmp(&(other.offset, &other.message)));
    faults.dedup();
    Err(faults)
}

fn add_library_errors(errors: &DiagnosticList, types: &TypeSystem, suggests: bool, faults: &mut Vec<ValidationError>) {
    let rule = |error: &apollo_compiler::validation::DiagnosticData| error.unstable_error_name().unwrap_or_default();
    let leaves_out = errors.iter().any(|error| NODE_DROPPING_RULES.contains(&rule(error.error)));
    for error in errors.iter() {
        let rule = rule(error.error);
        if REPLACED_RULES.contains(&rule) || leaves_out && SECONDARY_RULES.contains(&rule) {
            continue;
        }
        let location = error.error.location();
        let text = location.and_then(|location| {
            error.sources.get(&location.file_id())?.source_text().get(location.offset()..location.end_offset())
        });
        if rule == "MissingSubselection" && text.is_some_and(|text| text.ends_with('}')) {
            continue; // the whole selection was omitted because of other errors
        }
        let offset = location.map_or(0, |location| location.offset());
        let mut message = error.error.to_string();
        match rule {
            "UndefinedField" if suggests => {
                if let Some(similar) = suggestion::suggest_field(types, &message) {
                    message.push_str(&suggestion::did_you_mean(&similar));
                }
            }
            "UndefinedDefinition" | "UndefinedDirective" => {
                message = message.replace(" in this document", " in the schema");
            }
            "MissingSubselection" => message.insert_str(0, "a selection of fields is missing: "),
            _ => {}
        }
        // A directive repeated ten times at one field is one error.
        let known = faults.iter_mut().find(|fault| rule == "UndefinedDirective" && fault.message == message);
        match known {
            Some(fault) => fault.offset = fault.offset.min(offset),
            None => faults.push(ValidationError::broken_rule(offset, message)),
        }
    }
}
