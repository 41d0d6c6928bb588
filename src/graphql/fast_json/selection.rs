//! The fields of a [canonical](crate::graphql::execute::operation) selection set: each key occurs once, and type
//! conditions are evaluated, except for interfaces, which do not occur in these lists.

use async_graphql::{
    ContextSelectionSet, InputType, Positioned, SelectionField,
    parser::types::{Field, Selection, SelectionSet},
};

use crate::graphql::execute::operation::canonical::HIDDEN_RESPONSE_KEY;

/// A selected field.
pub struct SelectedField<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    field: &'a Positioned<Field>,
}

impl<'a> SelectedField<'a> {
    /// Its response key.
    pub fn key(&self) -> &'a str {
        &self.field.node.response_key().node
    }

    /// Its name in the schema.
    pub fn name(&self) -> &'a str {
        &self.field.node.name.node
    }

    /// An argument with its default applied, as a resolver receives it; `None` when it is invalid.
    pub fn argument<T: InputType>(&self, name: &str, default: Option<fn() -> T>) -> Option<T> {
        self.ctx.with_field(self.field).param_value(name, default).ok().map(|(_, value)| value)
    }

    /// Calls `look` with the field, to inspect its selection.
    pub fn with_lookahead<T>(&self, look: impl FnOnce(SelectionField<'_>) -> T) -> T {
        look(self.ctx.with_field(self.field).field())
    }

    /// The fields selected on its object; `None` when they need resolvers.
    pub fn fields(&self) -> Option<Vec<SelectedField<'a>>> {
        selection_set_fields(self.ctx, &self.field.node.selection_set.node)
    }
}

/// The fields of a selection set; `None` when they need resolvers.
pub fn fields<'a>(ctx: &'a ContextSelectionSet<'a>) -> Option<Vec<SelectedField<'a>>> {
    selection_set_fields(ctx, &ctx.item.node)
}

fn selection_set_fields<'a>(ctx: &'a ContextSelectionSet<'a>, set: &'a SelectionSet) -> Option<Vec<SelectedField<'a>>> {
    let field = |selection: &'a Positioned<Selection>| match &selection.node {
        Selection::Field(field) if field.node.response_key().node != HIDDEN_RESPONSE_KEY => {
            Some(SelectedField { ctx, field })
        }
        Selection::Field(_) | Selection::FragmentSpread(_) | Selection::InlineFragment(_) => None,
    };
    set.items.iter().map(field).collect()
}
