//! The fields of a selection set, as `CollectFields` of the specification has them: fragments opened where their type
//! fits, and fields of one key merged. `@skip` and `@include` have been applied before execution.
//!
//! Objects of one key are left to the ordinary way, which merges what their resolvers gave.

use std::collections::HashSet;

use async_graphql::{
    ContextSelectionSet, InputType, Positioned, QueryPathNode, QueryPathSegment, SelectionField,
    indexmap::{IndexMap, map::Entry},
    parser::types::{Field, Selection, SelectionSet},
};

/// A field that was asked for.
pub struct Selected<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    field: &'a Positioned<Field>,
}

impl<'a> Selected<'a> {
    /// The key that it is answered under.
    pub fn key(&self) -> &'a str {
        &self.field.node.response_key().node
    }

    /// Its name in the schema.
    pub fn name(&self) -> &'a str {
        &self.field.node.name.node
    }

    /// An argument, variables and default applied, as a resolver would get it; none where it can't be.
    pub fn argument<T: InputType>(&self, name: &str, default: Option<fn() -> T>) -> Option<T> {
        self.ctx.with_field(self.field).param_value(name, default).ok().map(|(_, value)| value)
    }

    /// It, for who looks ahead at what it selects.
    pub fn ahead<T>(&self, look: impl FnOnce(SelectionField<'_>) -> T) -> T {
        look(self.ctx.with_field(self.field).field())
    }

    /// The fields of the object that it is, of this type; none where only the ordinary way can collect them.
    pub fn fields(&self, type_name: &str) -> Option<Vec<Selected<'a>>> {
        collect(self.ctx, &self.field.node.selection_set.node, type_name)
    }
}

/// The fields of a selection set of this type; none where only the ordinary way can collect them.
pub fn fields<'a>(ctx: &'a ContextSelectionSet<'a>, type_name: &str) -> Option<Vec<Selected<'a>>> {
    collect(ctx, &ctx.item.node, type_name)
}

fn collect<'a>(ctx: &'a ContextSelectionSet<'a>, set: &'a SelectionSet, type_name: &str) -> Option<Vec<Selected<'a>>> {
    let interfaces = ctx.schema_env.registry.implements.get(type_name);
    let fits = |on: &str| on == type_name || interfaces.is_some_and(|interfaces| interfaces.contains(on));
    let mut found: IndexMap<&str, Selected<'a>> = IndexMap::new();
    Walk { ctx, opened: HashSet::new() }.each(set, &fits, &mut |field| {
        match found.entry(&field.node.response_key().node) {
            Entry::Vacant(entry) => _ = entry.insert(Selected { ctx, field }),
            Entry::Occupied(entry) => {
                let same = |other: &Field| {
                    other.name.node == field.node.name.node
                        && other.arguments == field.node.arguments
                        && other.selection_set.node.items.is_empty()
                };
                if !same(&entry.get().field.node) || !same(&field.node) {
                    return None;
                }
            }
        }
        field.node.directives.is_empty().then_some(())
    })?;
    Some(found.into_values().collect())
}

/// Whether no other field of the operation is merged with this one, nor with one that it lies in.
pub fn stands_alone(ctx: &ContextSelectionSet<'_>) -> bool {
    let mut keys = Vec::new();
    let nodes = ctx.path_node.iter().flat_map(|node: &QueryPathNode<'_>| std::iter::once(node).chain(node.parents()));
    for node in nodes {
        if let QueryPathSegment::Name(key) = node.segment {
            keys.push(key);
        }
    }
    let mut set = &ctx.query_env.operation.node.selection_set.node;
    while let Some(key) = keys.pop() {
        let mut matching = None;
        // Fields of types that exclude each other count as merged too; that costs only time.
        let alone = Walk { ctx, opened: HashSet::new() }.each(set, &|_| true, &mut |field| {
            if field.node.response_key().node != key {
                return Some(());
            }
            matching.replace(&field.node.selection_set.node).is_none().then_some(())
        });
        match (alone, matching) {
            (Some(()), Some(below)) => set = below,
            _ => return false,
        }
    }
    true
}

/// Visits fields, each fragment once.
struct Walk<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    opened: HashSet<&'a str>,
}

impl<'a> Walk<'a> {
    /// Every field of a set, with those of fragments whose type fits; gives up where `visit` does, and where a
    /// fragment has a directive.
    fn each(
        &mut self,
        set: &'a SelectionSet,
        fits: &impl Fn(&str) -> bool,
        visit: &mut impl FnMut(&'a Positioned<Field>) -> Option<()>,
    ) -> Option<()> {
        for selection in &set.items {
            let (condition, below) = match &selection.node {
                Selection::Field(field) => {
                    visit(field)?;
                    continue;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if !self.opened.insert(name) {
                        continue;
                    }
                    let fragment = &self.ctx.query_env.fragments.get(name)?.node;
                    (Some(&fragment.type_condition), &fragment.selection_set)
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
                }
            };
            if !selection.node.directives().is_empty() {
                return None;
            }
            if condition.is_none_or(|condition| fits(&condition.node.on.node)) {
                self.each(&below.node, fits, visit)?;
            }
        }
        Some(())
    }
}
