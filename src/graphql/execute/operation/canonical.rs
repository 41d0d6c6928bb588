//! The canonical form of an operation, which is executed.
//!
//! async-graphql merges the results of fields with the same key after execution, and treats an absent variable as null.
//! The canonical form avoids both: fields with the same key are merged (`CollectFields`, §6.3.2), `@skip` and
//! `@include` are evaluated, fragments are inlined, arguments are constants, and absent arguments are left out. When an
//! object can have several types, fields that apply only to some of them are in one fragment per type.

use apollo_compiler::{
    Name as ApolloName, Node,
    ast::{self, DirectiveList, Type},
    executable::{ExecutableDocument, Field, Operation, Selection, SelectionSet},
    schema::ExtendedType,
};
use async_graphql::{Name, Positioned, Value, indexmap::IndexMap, parser::types as plain};

use super::{leaf_coercion::literal_value, line_index::LineIndex, types::TypeSystem, variables::VariableValues};

/// Response key of hidden fields, which [`compat`](crate::graphql::compat) removes from the response. GraphQL names are
/// not empty, so no field of a client has this key.
pub const HIDDEN_RESPONSE_KEY: &str = "";

/// Returns the canonical form of an operation of a valid document.
pub(super) fn canonical(
    types: &TypeSystem,
    document: &ExecutableDocument,
    operation: &Operation,
    values: &VariableValues,
    lines: &LineIndex,
) -> plain::ExecutableDocument {
    let builder = CanonicalBuilder { types, document, values, lines };
    let selection_set = builder.merged_set(&operation.selection_set.ty, &[&operation.selection_set]);
    single_operation_document(super::operation_type(operation.operation_type), selection_set)
}

/// A document with one operation.
pub(super) fn single_operation_document(
    kind: plain::OperationType,
    selection_set: plain::SelectionSet,
) -> plain::ExecutableDocument {
    let definition = plain::OperationDefinition {
        ty: kind,
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(selection_set, async_graphql::Pos::default()),
    };
    plain::ExecutableDocument {
        operations: plain::DocumentOperations::Single(Positioned::new(definition, async_graphql::Pos::default())),
        fragments: std::collections::HashMap::default(),
    }
}

/// A value of a document with variables substituted; `None` for an absent variable.
pub(super) fn substitute_variables(
    types: &TypeSystem,
    ty: &Type,
    value: &ast::Value,
    values: &VariableValues,
) -> Option<Value> {
    match (value, ty) {
        (ast::Value::Variable(name), _) => values.get(name.as_str()).cloned(),
        (ast::Value::List(items), Type::List(of) | Type::NonNullList(of)) => {
            let item = |item: &Node<ast::Value>| substitute_variables(types, of, item, values).unwrap_or(Value::Null);
            Some(Value::List(items.iter().map(item).collect()))
        }
        (value, Type::List(of) | Type::NonNullList(of)) if !value.is_null() => {
            substitute_variables(types, of, value, values)
        }
        (ast::Value::Object(fields), Type::Named(name) | Type::NonNullNamed(name)) => {
            let mut object = IndexMap::with_capacity(fields.len());
            if let Some(ExtendedType::InputObject(definition)) = types.definition(name) {
                for (name, value) in fields {
                    let definition = definition.fields.get(name);
                    if let Some(value) =
                        definition.and_then(|field| substitute_variables(types, &field.ty, value, values))
                    {
                        object.insert(Name::new(name), value);
                    }
                }
            }
            Some(Value::Object(object))
        }
        // An ID can be an integer of any size.
        (ast::Value::Int(number), ty) if ty.inner_named_type() == "ID" => {
            Some(Value::String(number.as_str().to_owned()))
        }
        (value, _) => literal_value(value),
    }
}

struct CanonicalBuilder<'a> {
    types: &'a TypeSystem,
    document: &'a ExecutableDocument,
    values: &'a VariableValues,
    lines: &'a LineIndex,
}

/// Fields with the same key, for some of the possible types.
struct FieldGroup<'a> {
    /// One bit per type.
    types: u64,
    /// Order of the groups.
    position: usize,
    fields: Vec<&'a Node<Field>>,
}

/// Groups by key, during collection.
#[derive(Default)]
struct FieldGroups<'a> {
    by_key: IndexMap<&'a str, Vec<FieldGroup<'a>>>,
    count: usize,
    /// Fragments already inlined, with their types.
    visited_fragments: Vec<(&'a str, u64)>,
}

impl<'a> FieldGroups<'a> {
    fn add(&mut self, field: &'a Node<Field>, mut types: u64) {
        let groups = self.by_key.entry(field.response_key().as_str()).or_default();
        for at in 0..groups.len() {
            let group = &mut groups[at];
            let common = group.types & types;
            if common == 0 {
                continue;
            }
            types &= !common;
            if group.types == common {
                group.fields.push(field);
            } else {
                group.types &= !common;
                let fields = group.fields.iter().copied().chain([field]).collect();
                let at = group.position;
                groups.push(FieldGroup { types: common, position: at, fields });
            }
        }
        if types != 0 {
            groups.push(FieldGroup { types, position: self.count, fields: vec![field] });
            self.count += 1;
        }
    }

    fn into_ordered(self) -> Vec<FieldGroup<'a>> {
        let mut groups: Vec<_> = self.by_key.into_values().flatten().collect();
        groups.sort_by_key(|group| group.position);
        groups
    }
}

impl<'a> CanonicalBuilder<'a> {
    /// The canonical form of merged selection sets on an object, an interface or a union.
    fn merged_set(&self, of: &ApolloName, sets: &[&'a SelectionSet]) -> plain::SelectionSet {
        let itself = std::slice::from_ref(of);
        let possible = self.types.possible_types(of);
        let objects = possible.unwrap_or(itself);
        let all = (0..objects.len()).map(|at| 1 << at).sum(); // no more than bits: `TypeSystem::read`
        let mut groups = FieldGroups::default();
        for set in sets {
            self.collect(set, all, objects, &mut groups);
        }
        let groups = groups.into_ordered();
        let mut items = Vec::with_capacity(groups.len() + 1);
        if possible.is_some() || groups.is_empty() {
            items.push(hidden_field("__typename"));
        } else if of == "__Type" && groups.iter().any(|group| group.fields[0].name == "interfaces") {
            items.push(hidden_field("kind")); // `kind` decides whether a null list of interfaces becomes an empty one
        }
        for group in &groups {
            if group.types == all {
                items.push(self.merged_field(&group.fields));
                continue;
            }
            for (_, object) in objects.iter().enumerate().filter(|(at, _)| group.types & (1 << at) != 0) {
                items.push(inline_fragment_on(object, self.merged_field(&group.fields)));
            }
        }
        plain::SelectionSet { items }
    }

    fn collect(&self, set: &'a SelectionSet, types: u64, objects: &[ApolloName], groups: &mut FieldGroups<'a>) {
        for selection in &set.selections {
            if self.is_skipped(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => groups.add(field, types),
                Selection::InlineFragment(fragment) => {
                    let types = match &fragment.type_condition {
                        Some(condition) => types & self.applicable_types(condition, objects),
                        None => types,
                    };
                    if types != 0 {
                        self.collect(&fragment.selection_set, types, objects, groups);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else { continue };
                    let types = types & self.applicable_types(fragment.type_condition(), objects);
                    let opened =
                        groups.visited_fragments.iter_mut().find(|(name, _)| *name == spread.fragment_name.as_str());
                    let new = if let Some((_, before)) = opened {
                        let new = types & !*before;
                        *before |= types;
                        new
                    } else {
                        groups.visited_fragments.push((spread.fragment_name.as_str(), types));
                        types
                    };
                    if new != 0 {
                        self.collect(&fragment.selection_set, new, objects, groups);
                    }
                }
            }
        }
    }

    /// The types to which a fragment on this type applies.
    fn applicable_types(&self, condition: &str, objects: &[ApolloName]) -> u64 {
        let applies =
            |(at, object): (usize, &ApolloName)| u64::from(self.types.fragment_applies(condition, object)) << at;
        objects.iter().enumerate().map(applies).sum()
    }

    fn is_skipped(&self, directives: &DirectiveList) -> bool {
        directives.iter().any(|directive| {
            let skips = match directive.name.as_str() {
                "skip" => true,
                "include" => false,
                _ => return false,
            };
            directive.specified_argument_by_name("if").is_some_and(|condition| {
                let holds = match &**condition {
                    ast::Value::Boolean(boolean) => Some(*boolean),
                    ast::Value::Variable(name) => match self.values.get(name.as_str()) {
                        Some(Value::Boolean(boolean)) => Some(*boolean),
                        _ => None,
                    },
                    _ => None,
                };
                holds == Some(skips)
            })
        })
    }

    /// Merges fields with the same key; validation ensures that this is possible.
    fn merged_field(&self, fields: &[&'a Node<Field>]) -> Positioned<plain::Selection> {
        let first = fields[0];
        let position = self.lines.position(first.location().map_or(0, |location| location.offset()));
        let positioned = |name: &str| Positioned::new(Name::new(name), position);
        let arguments = first.arguments.iter().filter_map(|argument| {
            let definition = first.definition.argument_by_name(&argument.name)?;
            let value = substitute_variables(self.types, &definition.ty, &argument.value, self.values)?;
            Some((positioned(&argument.name), Positioned::new(value.into(), position)))
        });
        let mut sets: Vec<&SelectionSet> = Vec::new();
        for field in fields {
            let set = &field.selection_set;
            if !set.selections.is_empty() && !sets.iter().any(|other| std::ptr::eq(*other, set)) {
                sets.push(set);
            }
        }
        let selection_set = match sets.first() {
            Some(set) => self.merged_set(&set.ty, &sets),
            None => plain::SelectionSet { items: Vec::new() },
        };
        let field = plain::Field {
            alias: first.alias.as_ref().map(|alias| positioned(alias)),
            name: positioned(&first.name),
            arguments: arguments.collect(),
            directives: Vec::new(),
            selection_set: Positioned::new(selection_set, position),
        };
        Positioned::new(plain::Selection::Field(Positioned::new(field, position)), position)
    }
}

/// A field that is not part of the client's selection.
fn hidden_field(name: &str) -> Positioned<plain::Selection> {
    let position = async_graphql::Pos::default();
    let field = plain::Field {
        alias: Some(Positioned::new(Name::new(HIDDEN_RESPONSE_KEY), position)),
        name: Positioned::new(Name::new(name), position),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    Positioned::new(plain::Selection::Field(Positioned::new(field, position)), position)
}

/// A field for objects of one type.
fn inline_fragment_on(object: &str, field: Positioned<plain::Selection>) -> Positioned<plain::Selection> {
    let position = field.pos;
    let condition = plain::TypeCondition { on: Positioned::new(Name::new(object), position) };
    let fragment = plain::InlineFragment {
        type_condition: Some(Positioned::new(condition, position)),
        directives: Vec::new(),
        selection_set: Positioned::new(plain::SelectionSet { items: vec![field] }, position),
    };
    Positioned::new(plain::Selection::InlineFragment(Positioned::new(fragment, position)), position)
}

/// A canonical selection set as text. Equal texts execute identically.
#[must_use]
pub fn selection_set_text(set: &plain::SelectionSet) -> String {
    let mut out = String::new();
    write_selection_set(set, &mut out);
    out
}

fn write_selection_set(set: &plain::SelectionSet, out: &mut String) {
    out.push('{');
    for (at, item) in set.items.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        match &item.node {
            plain::Selection::Field(field) => {
                let field = &field.node;
                if let Some(alias) = &field.alias {
                    out.push_str(&alias.node);
                    out.push(':');
                }
                out.push_str(&field.name.node);
                for (at, (name, value)) in field.arguments.iter().enumerate() {
                    out.push_str(if at == 0 { "(" } else { "," });
                    out.push_str(&name.node);
                    out.push(':');
                    out.push_str(&value.node.to_string());
                }
                if !field.arguments.is_empty() {
                    out.push(')');
                }
                if !field.selection_set.node.items.is_empty() {
                    write_selection_set(&field.selection_set.node, out);
                }
            }
            plain::Selection::InlineFragment(fragment) => {
                out.push_str("...");
                if let Some(condition) = &fragment.node.type_condition {
                    out.push_str("on ");
                    out.push_str(&condition.node.on.node);
                }
                write_selection_set(&fragment.node.selection_set.node, out);
            }
            plain::Selection::FragmentSpread(_) => {} // a canonical operation has none
        }
    }
    out.push('}');
}
