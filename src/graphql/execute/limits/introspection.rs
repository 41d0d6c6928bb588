//! Whether a document asks for the schema. async-graphql, told to hide it, validates such a question and answers null.

use apollo_compiler::ast::{Definition, Document, Selection};

/// Whether `__schema` or `__type` is asked for anywhere, also in what would not run. `__typename` is not of the schema.
#[must_use]
pub fn introspects(document: &Document) -> bool {
    document.definitions.iter().any(|definition| match definition {
        Definition::OperationDefinition(operation) => set_introspects(&operation.selection_set),
        Definition::FragmentDefinition(fragment) => set_introspects(&fragment.selection_set),
        _ => false,
    })
}

/// It calls itself no deeper than brackets are nested, which was checked before.
fn set_introspects(set: &[Selection]) -> bool {
    set.iter().any(|selection| match selection {
        Selection::Field(field) => {
            ["__schema", "__type"].contains(&field.name.as_str()) || set_introspects(&field.selection_set)
        }
        Selection::InlineFragment(fragment) => set_introspects(&fragment.selection_set),
        Selection::FragmentSpread(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn introspection_is_detected_at_any_depth() {
        for (text, expected) in [
            ("{ a __typename }", false),
            ("{ a(b: \"__schema\") { __schemas } }", false),
            ("{ __schema { types { name } } }", true),
            ("{ a s: __type(name: \"A\") { name } }", true),
            ("query A { a } query B { ... { ... on Q { __schema { a } } } }", true),
            ("{ ...F } fragment F on Q { __type(name: \"A\") { name } }", true),
        ] {
            assert_eq!(introspects(&Document::parse(text, "request").expect(text)), expected, "{text}");
        }
    }
}
