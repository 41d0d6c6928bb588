//! Arguments are known, unique, present where required, and have values of the right type (§5.4, §5.6).

use std::fmt::Display;

use apollo_compiler::{
    Name, Node,
    ast::{Argument, DirectiveList, InputValueDefinition, Type, Value},
    executable::{ExecutableDocument, Selection, SelectionSet},
    schema::{ExtendedType, InputObjectType},
};

use super::suggestion::{did_you_mean, most_similar};
use crate::graphql::execute::operation::{
    error::ValidationError,
    leaf_coercion::{ValueSource, coerce_leaf, literal_value, truncated},
    types::TypeSystem,
};

/// Variable usages and fragment spreads of a definition.
#[derive(Default)]
pub(super) struct DefinitionUses<'a> {
    pub variables: Vec<VariableUse<'a>>,
    pub fragments: Vec<&'a Name>,
}

/// Usage of a variable.
pub(super) struct VariableUse<'a> {
    pub name: &'a Name,
    pub offset: usize,
    /// Type of the position.
    pub ty: &'a Type,
    /// Whether the position has a default value.
    pub has_default: bool,
    /// Whether the position is a field of a `@oneOf` input object.
    pub is_one_of: bool,
    /// Name of the position in error messages.
    pub path: String,
}

/// The usages of each operation and each fragment, in document order.
pub(super) struct DocumentUses<'a> {
    pub operations: Vec<DefinitionUses<'a>>,
    pub fragments: Vec<DefinitionUses<'a>>,
}

/// Checks every argument of a document, each fragment once.
pub(super) fn check<'a>(
    types: &'a TypeSystem,
    document: &'a ExecutableDocument,
    suggests: bool,
    faults: &mut Vec<ValidationError>,
) -> DocumentUses<'a> {
    let mut checking = ValueChecker { types, suggests, faults, uses: DefinitionUses::default() };
    let operations = document.operations.iter().map(|operation| {
        for variable in &operation.variables {
            checking.directives(&variable.directives);
            if let Some(default) = &variable.default_value
                && types.definition(variable.ty.inner_named_type()).is_some_and(ExtendedType::is_input_type)
            {
                checking.value(&variable.ty, default, &format!("${}", variable.name));
            }
        }
        checking.directives(&operation.directives);
        checking.selection_set(&operation.selection_set);
        std::mem::take(&mut checking.uses)
    });
    let operations = operations.collect();
    let fragments = document.fragments.values().map(|fragment| {
        checking.directives(&fragment.directives);
        checking.selection_set(&fragment.selection_set);
        std::mem::take(&mut checking.uses)
    });
    DocumentUses { operations, fragments: fragments.collect() }
}

struct ValueChecker<'a, 'b> {
    types: &'a TypeSystem,
    suggests: bool,
    faults: &'b mut Vec<ValidationError>,
    uses: DefinitionUses<'a>,
}

impl<'a> ValueChecker<'a, '_> {
    /// Recursion is bounded by the nesting of brackets.
    fn selection_set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    let offset = field.location().map_or(0, |location| location.offset());
                    let of = format_args!("`{}.{}`", set.ty, field.name);
                    self.arguments(of, &field.definition.arguments, &field.arguments, offset);
                    self.selection_set(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.selection_set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => self.uses.fragments.push(&spread.fragment_name),
            }
        }
    }

    fn directives(&mut self, directives: &'a DirectiveList) {
        for directive in directives {
            if let Some(definition) = self.types.schema().directive_definitions.get(&directive.name) {
                let offset = directive.location().map_or(0, |location| location.offset());
                let of = format_args!("`@{}`", directive.name);
                self.arguments(of, &definition.arguments, &directive.arguments, offset);
            }
        }
    }

    fn arguments(
        &mut self,
        of: impl Display,
        definitions: &'a [Node<InputValueDefinition>],
        arguments: &'a [Node<Argument>],
        offset: usize,
    ) {
        for argument in arguments {
            if let Some(definition) = definitions.iter().find(|definition| definition.name == argument.name) {
                self.check_input_value(definition, &argument.value, &argument.name, false);
                continue;
            }
            let mut message = format!("{of} has no argument `{}`", argument.name);
            let known = definitions.iter().map(|definition| definition.name.as_str());
            self.suggest(&argument.name, known, &mut message);
            let offset = argument.location().map_or(offset, |location| location.offset());
            self.faults.push(ValidationError::broken_rule(offset, message));
        }
        for definition in definitions {
            if definition.is_required() && !arguments.iter().any(|argument| argument.name == definition.name) {
                let message = format!("{of} needs the argument `{}: {}`", definition.name, definition.ty);
                self.faults.push(ValidationError::broken_rule(offset, message));
            }
        }
    }

    fn suggest<'c>(&self, name: &str, known: impl Iterator<Item = &'c str>, message: &mut String) {
        if let Some(similar) = most_similar(name, known).filter(|_| self.suggests) {
            message.push_str(&did_you_mean(similar));
        }
    }

    /// Checks a value in a position that allows a variable: an argument or a field of an input object.
    fn check_input_value(
        &mut self,
        definition: &'a InputValueDefinition,
        value: &'a Node<Value>,
        path: &str,
        is_one_of: bool,
    ) {
        if let Value::Variable(name) = &**value {
            let has_default = definition.default_value.is_some();
            self.check_variable(name, value, &definition.ty, has_default, is_one_of, path);
        } else {
            self.value(&definition.ty, value, path);
        }
    }

    fn check_variable(
        &mut self,
        name: &'a Name,
        value: &Node<Value>,
        ty: &'a Type,
        has_default: bool,
        is_one_of: bool,
        path: &str,
    ) {
        let path = path.to_owned();
        self.uses.variables.push(VariableUse { name, offset: offset(value), ty, has_default, is_one_of, path });
    }

    fn value(&mut self, ty: &'a Type, value: &'a Node<Value>, path: &str) {
        match (ty, &**value) {
            (ty, Value::Variable(name)) => self.check_variable(name, value, ty, false, false, path),
            (Type::NonNullNamed(_) | Type::NonNullList(_), Value::Null) => {
                self.faults.push(ValidationError::invalid_value(
                    offset(value),
                    path,
                    format_args!("expected {ty}, found null"),
                ));
            }
            (_, Value::Null) => {}
            (Type::List(of) | Type::NonNullList(of), Value::List(items)) => {
                for (at, item) in items.iter().enumerate() {
                    self.value(of, item, &format!("{path}[{at}]"));
                }
            }
            (Type::List(of) | Type::NonNullList(of), _) => self.value(of, value, path),
            (Type::Named(name) | Type::NonNullNamed(name), _) => self.check_named_type(name, value, path),
        }
    }

    fn check_named_type(&mut self, name: &Name, value: &'a Node<Value>, path: &str) {
        let Some(definition) = self.types.definition(name) else { return };
        let expected = match (definition, &**value) {
            (ExtendedType::InputObject(definition), Value::Object(fields)) => {
                return self.object(definition, fields, value, path);
            }
            (ExtendedType::Enum(definition), Value::Enum(unknown)) if !definition.values.contains_key(unknown) => {
                let mut expected = format!("expected a value of the enum {name}, found {}", truncated(unknown));
                self.suggest(unknown, definition.values.keys().map(Name::as_str), &mut expected);
                return self.faults.push(ValidationError::invalid_value(offset(value), path, expected));
            }
            (ExtendedType::Scalar(scalar), Value::Int(_)) if scalar.name == "ID" => return, // of any length
            (definition, simple) => {
                match literal_value(simple).map(|simple| coerce_leaf(definition, &simple, ValueSource::Document)) {
                    Some(Ok(_)) => return,
                    Some(Err(expected)) => expected,
                    None => match coerce_leaf(definition, &async_graphql::Value::Null, ValueSource::Document) {
                        Ok(_) => return, // a scalar that accepts any value
                        Err(expected) => expected,
                    },
                }
            }
        };
        let reason = format!("expected {expected}, found {}", truncated(value));
        self.faults.push(ValidationError::invalid_value(offset(value), path, reason));
    }

    fn object(
        &mut self,
        definition: &'a InputObjectType,
        fields: &'a [(Name, Node<Value>)],
        value: &Node<Value>,
        path: &str,
    ) {
        let is_one_of = definition.directives.has("oneOf");
        for (at, (name, field)) in fields.iter().enumerate() {
            let path = format!("{path}.{name}");
            let offset = name.location().map_or_else(|| offset(field), |location| location.offset());
            if fields[..at].iter().any(|(before, _)| before == name) {
                self.faults.push(ValidationError::invalid_value(offset, path, "the field is given more than once"));
                continue;
            }
            if let Some(definition) = definition.fields.get(name) {
                self.check_input_value(definition, field, &path, is_one_of);
            } else {
                let mut reason = format!("{} has no such field", definition.name);
                self.suggest(name, definition.fields.keys().map(Name::as_str), &mut reason);
                self.faults.push(ValidationError::invalid_value(offset, path, reason));
            }
        }
        for (name, field) in &definition.fields {
            if field.is_required() && !fields.iter().any(|(given, _)| given == name) {
                let reason = format!("a value of type {} is required", field.ty);
                self.faults.push(ValidationError::invalid_value(offset(value), format!("{path}.{name}"), reason));
            }
        }
        if is_one_of && (fields.len() != 1 || fields.iter().any(|(_, field)| field.is_null())) {
            let reason = format!("{} takes exactly one field, which is not null", definition.name);
            self.faults.push(ValidationError::invalid_value(offset(value), path, reason));
        }
    }
}

fn offset(value: &Node<Value>) -> usize {
    value.location().map_or(0, |location| location.offset())
}
