//! Fields with the same response key can be merged (§5.3.2), and a subscription has one root field (§5.2.4.1).
//!
//! The [limits](crate::graphql::execute::limits) bound the number of fields with fragments inlined. Fields are compared
//! with one representative per parent type, not pairwise.

use apollo_compiler::{
    Name, Node,
    ast::{Argument, Type, Value},
    executable::{ExecutableDocument, Field, Selection, SelectionSet},
};
use async_graphql::indexmap::IndexMap;

use crate::graphql::execute::operation::{error::ValidationError, types::TypeSystem};

/// Checks each operation with its fragments.
pub(super) fn check(types: &TypeSystem, document: &ExecutableDocument, faults: &mut Vec<ValidationError>) {
    let mut checking = MergeChecker { types, document, faults };
    for operation in document.operations.iter() {
        if operation.is_subscription() && checking.collect(&[&operation.selection_set]).len() > 1 {
            let offset = operation.location().map_or(0, |location| location.offset());
            let message = "a subscription has exactly one root field; send one subscription for each";
            checking.faults.push(ValidationError::broken_rule(offset, message));
        }
        checking.check_sets(&[&operation.selection_set], false);
    }
}

struct MergeChecker<'a, 'b> {
    types: &'a TypeSystem,
    document: &'a ExecutableDocument,
    faults: &'b mut Vec<ValidationError>,
}

/// A field and the parent type of its selection set.
type ParentAndField<'a> = (&'a Name, &'a Node<Field>);

impl<'a> MergeChecker<'a, '_> {
    /// The fields of these selection sets by response key, ignoring `@skip` and `@include`.
    fn collect(&self, sets: &[&'a SelectionSet]) -> IndexMap<&'a Name, Vec<ParentAndField<'a>>> {
        let (mut fields, mut opened) = (IndexMap::new(), Vec::new());
        for set in sets {
            self.add(set, &mut opened, &mut fields);
        }
        fields
    }

    fn add(
        &self,
        set: &'a SelectionSet,
        opened: &mut Vec<&'a Name>,
        fields: &mut IndexMap<&'a Name, Vec<ParentAndField<'a>>>,
    ) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => fields.entry(field.response_key()).or_default().push((&set.ty, field)),
                Selection::InlineFragment(fragment) => self.add(&fragment.selection_set, opened, fields),
                Selection::FragmentSpread(spread) if !opened.contains(&&spread.fragment_name) => {
                    opened.push(&spread.fragment_name);
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        self.add(&fragment.selection_set, opened, fields);
                    }
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// Checks the fields of these sets. They apply to one object, or to different objects for which only the response
    /// shapes must match.
    fn check_sets(&mut self, sets: &[&'a SelectionSet], only_shapes: bool) {
        for (key, fields) in self.collect(sets) {
            if fields.len() == 1 {
                if !fields[0].1.selection_set.selections.is_empty() {
                    self.check_sets(&[&fields[0].1.selection_set], only_shapes);
                }
                continue;
            }
            if !fields[1..].iter().all(|other| self.check_same_shape(key, fields[0].1, other.1)) {
                continue;
            }
            let parents = self.group_by_parent(&fields);
            if !only_shapes && !parents.iter().all(|parent| self.check_same_field(key, parent)) {
                continue;
            }
            if only_shapes || parents.len() > 1 {
                self.check_sets(&sub_selections(&fields), true);
            }
            if !only_shapes {
                for parent in parents {
                    self.check_sets(&sub_selections(&parent), false);
                }
            }
        }
    }

    /// Groups of fields that can apply to the same object: those on its own type, and those on interfaces.
    fn group_by_parent(&self, fields: &[ParentAndField<'a>]) -> Vec<Vec<ParentAndField<'a>>> {
        let mut objects: Vec<&Name> = Vec::new();
        for (parent, _) in fields {
            if self.types.is_object(parent) && !objects.contains(parent) {
                objects.push(parent);
            }
        }
        if objects.len() < 2 {
            return vec![fields.to_vec()];
        }
        let together = |object: &Name| {
            fields.iter().filter(|(parent, _)| *parent == object || !self.types.is_object(parent)).copied().collect()
        };
        objects.into_iter().map(together).collect()
    }

    fn check_same_shape(&mut self, key: &Name, one: &Node<Field>, other: &Node<Field>) -> bool {
        let is_same = is_same_shape(self.types, &one.definition.ty, &other.definition.ty);
        if !is_same {
            let reason = format!("one is of type {}, the other of type {}", one.definition.ty, other.definition.ty);
            self.add_conflict(key, other, &reason);
        }
        is_same
    }

    fn check_same_field(&mut self, key: &Name, fields: &[ParentAndField<'a>]) -> bool {
        let first = fields[0].1;
        for (_, other) in &fields[1..] {
            if other.name != first.name {
                let reason = format!("`{}` and `{}` are different fields", first.name, other.name);
                self.add_conflict(key, other, &reason);
                return false;
            }
            if !are_same_arguments(&first.arguments, &other.arguments) {
                self.add_conflict(key, other, "their arguments differ");
                return false;
            }
        }
        true
    }

    fn add_conflict(&mut self, key: &Name, field: &Node<Field>, reason: &str) {
        let offset = field.location().map_or(0, |location| location.offset());
        let message = format!("two fields are answered as `{key}`, but {reason}; give one of them an alias");
        self.faults.push(ValidationError::broken_rule(offset, message));
    }
}

fn sub_selections<'a>(fields: &[ParentAndField<'a>]) -> Vec<&'a SelectionSet> {
    let sets = fields.iter().map(|(_, field)| &field.selection_set);
    sets.filter(|set| !set.selections.is_empty()).collect()
}

/// `SameResponseShape`, without nested selections.
fn is_same_shape(types: &TypeSystem, one: &Type, other: &Type) -> bool {
    match (one, other) {
        (Type::List(one), Type::List(other)) | (Type::NonNullList(one), Type::NonNullList(other)) => {
            is_same_shape(types, one, other)
        }
        (Type::Named(one), Type::Named(other)) | (Type::NonNullNamed(one), Type::NonNullNamed(other)) => {
            let is_leaf = |name| types.definition(name).is_some_and(apollo_compiler::schema::ExtendedType::is_leaf);
            one == other || !is_leaf(one) && !is_leaf(other)
        }
        _ => false,
    }
}

fn are_same_arguments(one: &[Node<Argument>], other: &[Node<Argument>]) -> bool {
    one.len() == other.len()
        && one.iter().all(|argument| {
            other.iter().any(|same| same.name == argument.name && is_same_value(&same.value, &argument.value))
        })
}

fn is_same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same_value(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_in_other = |name: &Name, value: &Value| {
                other.iter().any(|(same, other)| same == name && is_same_value(value, other))
            };
            one.len() == other.len() && one.iter().all(|(name, value)| is_in_other(name, value))
        }
        (one, other) => one == other,
    }
}
