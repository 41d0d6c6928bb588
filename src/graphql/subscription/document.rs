//! A client's document, reduced to the one field that it subscribes to. The document has been validated before.

use std::{
    collections::{BTreeSet, HashMap},
    convert::Infallible,
};

use async_graphql::{
    Name, Positioned, ServerError, Value, Variables,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition,
        OperationType, Selection, SelectionSet,
    },
};

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// A document with one operation, a subscription, whose selection set is one field.
#[derive(Clone, Debug)]
pub(super) struct Reduced {
    operation: Positioned<OperationDefinition>,
    field: Positioned<Field>,
    fragments: Fragments,
}

impl Reduced {
    /// Of this operation of a document.
    ///
    /// # Errors
    /// When it has more or other than one root field.
    pub(super) fn try_new(
        document: &ExecutableDocument,
        operation: &Positioned<OperationDefinition>,
    ) -> Result<Self, ServerError> {
        let mut root = Root { fragments: &document.fragments, field: None, opened: BTreeSet::new() };
        root.add(&operation.node.selection_set.node)?;
        let field = root.field.ok_or_else(|| ServerError::new(ONE_FIELD, Some(operation.pos)))?;
        let used = used(&field.node, &document.fragments);
        let fragments = document.fragments.iter().filter(|(name, _)| used.fragments.contains(*name));
        let fragments = fragments.map(|(name, fragment)| (name.clone(), fragment.clone())).collect();
        Ok(Self { operation: operation.clone(), field, fragments })
    }

    /// The key under which the field is answered.
    pub(super) fn key(&self) -> Name {
        self.field.node.response_key().node.clone()
    }

    /// The reduced document.
    pub(super) fn document(&self) -> ExecutableDocument {
        self.with(self.field.clone(), OperationType::Subscription)
    }

    /// The same as a query, the field without its arguments, with those of the variables that are left in it.
    pub(super) fn as_query(&self, variables: &Variables) -> (ExecutableDocument, Variables) {
        let mut field = self.field.clone();
        field.node.arguments.clear();
        let used = used(&field.node, &self.fragments).variables;
        let variables = variables.iter().filter(|(name, _)| used.contains(*name));
        let mut left = Variables::default();
        for (name, value) in variables {
            left.insert(name.clone(), value.clone());
        }
        (self.with(field, OperationType::Query), left)
    }

    fn with(&self, field: Positioned<Field>, ty: OperationType) -> ExecutableDocument {
        let mut operation = self.operation.clone();
        operation.node.ty = ty;
        let pos = field.pos;
        operation.node.selection_set.node.items = vec![Positioned::new(Selection::Field(field), pos)];
        ExecutableDocument { operations: DocumentOperations::Single(operation), fragments: self.fragments.clone() }
    }
}

const ONE_FIELD: &str = "a subscription has exactly one root field; send one subscription for each";

/// The root field, as it is gathered from fragments.
struct Root<'a> {
    fragments: &'a Fragments,
    field: Option<Positioned<Field>>,
    opened: BTreeSet<&'a Name>,
}

impl<'a> Root<'a> {
    fn add(&mut self, set: &'a SelectionSet) -> Result<(), ServerError> {
        for selection in &set.items {
            let conditional =
                |directive: &&Positioned<Directive>| ["skip", "include"].contains(&directive.node.name.node.as_str());
            if let Some(directive) = selection.node.directives().iter().find(conditional) {
                let reason = "the root field of a subscription can't be skipped or included";
                return Err(ServerError::new(reason, Some(directive.pos)));
            }
            match &selection.node {
                Selection::Field(field) => self.add_field(field)?,
                Selection::InlineFragment(fragment) => self.add(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.fragments.get(name)
                        && self.opened.insert(name)
                    {
                        self.add(&fragment.node.selection_set.node)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add_field(&mut self, field: &Positioned<Field>) -> Result<(), ServerError> {
        let one_field = || Err(ServerError::new(ONE_FIELD, Some(field.pos)));
        match &mut self.field {
            _ if field.node.name.node.starts_with("__") => one_field(),
            None => {
                self.field = Some(field.clone());
                Ok(())
            }
            // Fields of one key are one, with all that they select: validation has seen that they can be merged.
            Some(before) if before.node.response_key().node == field.node.response_key().node => {
                before.node.selection_set.node.items.extend(field.node.selection_set.node.items.iter().cloned());
                Ok(())
            }
            Some(_) => one_field(),
        }
    }
}

/// What a field uses, and all that it selects.
#[derive(Default)]
struct Used {
    variables: BTreeSet<Name>,
    fragments: BTreeSet<Name>,
}

fn used(field: &Field, fragments: &Fragments) -> Used {
    let mut used = Used::default();
    used.add_field(field, fragments);
    used
}

impl Used {
    fn add(&mut self, set: &SelectionSet, fragments: &Fragments) {
        for selection in &set.items {
            self.add_directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => self.add_field(&field.node, fragments),
                Selection::InlineFragment(fragment) => self.add(&fragment.node.selection_set.node, fragments),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = fragments.get(name)
                        && self.fragments.insert(name.clone())
                    {
                        self.add_directives(&fragment.node.directives);
                        self.add(&fragment.node.selection_set.node, fragments);
                    }
                }
            }
        }
    }

    fn add_field(&mut self, field: &Field, fragments: &Fragments) {
        for (_, value) in &field.arguments {
            let _ = value.node.clone().into_const_with(|name| Ok::<_, Infallible>(self.add_variable(name)));
        }
        self.add_directives(&field.directives);
        self.add(&field.selection_set.node, fragments);
    }

    fn add_directives(&mut self, directives: &[Positioned<Directive>]) {
        for directive in directives {
            for (_, value) in &directive.node.arguments {
                let _ = value.node.clone().into_const_with(|name| Ok::<_, Infallible>(self.add_variable(name)));
            }
        }
    }

    /// Notes a variable, and gives some value in its place.
    fn add_variable(&mut self, name: Name) -> Value {
        self.variables.insert(name);
        Value::Null
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Request, parser::parse_query, value};

    use super::*;
    use crate::graphql::documents::operation;

    fn reduced(text: &str, name: Option<&str>) -> Result<Reduced, String> {
        let document = parse_query(text).expect("a document");
        let operation = operation(&document, name).expect("an operation");
        Reduced::try_new(&document, operation).map_err(|error| error.message)
    }

    /// What is selected below the root field, in the order of the document.
    fn selected(reduced: &Reduced) -> Vec<String> {
        let items = reduced.field.node.selection_set.node.items.iter();
        let text = items.map(|item| match &item.node {
            Selection::Field(field) => field.node.name.node.to_string(),
            Selection::FragmentSpread(spread) => format!("...{}", spread.node.fragment_name.node),
            Selection::InlineFragment(_) => "...".to_owned(),
        });
        text.collect()
    }

    #[test]
    fn the_root_field_is_found_wherever_it_stands() {
        for text in [
            "subscription { a: f { x ...M } } fragment M on T { y }",
            "subscription { ...R } fragment R on S { a: f { x ...M } } fragment M on T { y }",
            "subscription { ... { ... on S { a: f { x } } } ...R } fragment R on S { a: f { ...M } } fragment M on T { y }",
            "query Q { f { z ...N } } subscription S { a: f { x ...M } } fragment M on T { y } fragment N on T { y }",
        ] {
            let name = text.starts_with("query").then_some("S");
            let reduced = reduced(text, name).expect(text);
            assert_eq!(
                (reduced.key().as_str(), selected(&reduced)),
                ("a", vec!["x".to_owned(), "...M".to_owned()]),
                "{text}"
            );
            assert_eq!(reduced.fragments.keys().map(Name::as_str).collect::<Vec<_>>(), ["M"], "{text}");
        }
    }

    #[test]
    fn anything_but_one_root_field_is_refused() {
        for (text, reason) in [
            ("subscription { f g }", ONE_FIELD),
            ("subscription { a: f { x } b: f { x } }", ONE_FIELD),
            ("subscription { __typename }", ONE_FIELD),
            ("subscription { f __typename }", ONE_FIELD),
            ("subscription { f ...R } fragment R on S { g }", ONE_FIELD),
            (
                "subscription { f @include(if: true) { x } }",
                "the root field of a subscription can't be skipped or included",
            ),
        ] {
            assert_eq!(reduced(text, None).err().as_deref(), Some(reason), "{text}");
        }
    }

    #[test]
    fn only_variables_that_decide_what_is_told_are_left() {
        let text = "subscription ($a: Int, $b: Int, $c: Int, $d: Boolean!, $e: Int) {
            f(a: {list: [$a]}, b: $b) { x(b: $b) ...M @skip(if: $d) } } fragment M on T { y(l: [{c: $c}]) }";
        let reduced = reduced(text, None).expect("a subscription");
        let variables = Variables::from_value(value!({ "a": 1, "b": 2, "c": 3, "d": true, "e": 5 }));
        let (document, left) = reduced.as_query(&variables);
        assert_eq!(left, Variables::from_value(value!({ "b": 2, "c": 3, "d": true })));
        let mut request = Request::new("");
        request.set_parsed_query(document);
        let document = request.parsed_query().expect("it is there");
        let operation = document.operations.iter().next().expect("one operation").1;
        assert_eq!(operation.node.ty, OperationType::Query);
    }
}
