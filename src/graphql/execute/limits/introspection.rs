//! Whether a document contains introspection. With introspection disabled, async-graphql validates such a query and
//! returns null.

use apollo_compiler::ast::{Definition, Document, Selection};

/// Whether `__schema` or `__type` is selected anywhere, including parts that would not run. `__typename` does not count
/// as introspection.
#[must_use]
pub fn introspects(document: &Document) -> bool {
    document.definitions.iter().any(|definition| match definition {
        Definition::OperationDefinition(operation) => set_introspects(&operation.selection_set),
        Definition::FragmentDefinition(fragment) => set_introspects(&fragment.selection_set),
        _ => false,
    })
}

/// Recursion is bounded by the nesting of brackets, which is checked before.
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
