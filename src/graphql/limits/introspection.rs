//! Whether a document asks for the schema. async-graphql, told to hide it, validates such a question and answers null.

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// Whether `__schema` or `__type` is asked for anywhere, also in what would not run. `__typename` is not of the schema.
#[must_use]
pub fn introspects(document: &ExecutableDocument) -> bool {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
    operations.chain(fragments).any(|set| of_set(&set.node))
}

/// It calls itself no deeper than brackets are nested, which was checked before.
fn of_set(set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => {
            ["__schema", "__type"].contains(&field.node.name.node.as_str()) || of_set(&field.node.selection_set.node)
        }
        Selection::InlineFragment(fragment) => of_set(&fragment.node.selection_set.node),
        Selection::FragmentSpread(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn the_schema_is_found_wherever_it_is_asked_for() {
        for (text, expected) in [
            ("{ a __typename }", false),
            ("{ a(b: \"__schema\") { __schemas } }", false),
            ("{ __schema { types { name } } }", true),
            ("{ a s: __type(name: \"A\") { name } }", true),
            ("query A { a } query B { ... { ... on Q { __schema { a } } } }", true),
            ("{ ...F } fragment F on Q { __type(name: \"A\") { name } }", true),
        ] {
            assert_eq!(introspects(&parse_query(text).expect(text)), expected, "{text}");
        }
    }
}
