//! A simple implementation of the specification's execution algorithm on the schema of the tests.

use std::collections::HashSet;

use async_graphql::{
    indexmap::IndexMap,
    parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet},
};
use serde_json::json;

/// Value of a field in the reference implementation.
pub enum ExpectedValue {
    Leaf(&'static str),
    Object(&'static str),
    List(Vec<ExpectedValue>),
    Null,
    Error,
}

/// Name, type and value of each field.
pub fn fields_of_type(of: &str) -> Vec<(&'static str, &'static str, ExpectedValue)> {
    use ExpectedValue::{Error, Leaf, List, Null, Object};
    match of {
        "Query" => vec![
            ("late", "Int!", Leaf("1")),
            ("animal", "Animal", Object("Fish")),
            ("bird", "Bird!", Object("Bird")),
            ("fish", "Fish", Object("Fish")),
            ("missing", "Bird", Null),
            ("zoo", "[Animal]!", List(vec![Object("Bird"), Null, Object("Fish")])),
            ("broken", "Int", Error),
        ],
        "Bird" => vec![
            ("id", "ID!", Leaf("\"b\"")),
            ("wing", "Int!", Leaf("2")),
            ("late", "Int", Leaf("3")),
            ("mate", "Animal", Object("Bird")),
            ("chicks", "[Bird]!", List(vec![Object("Bird"), Null])),
            ("broken", "Bird", Error),
            ("cracked", "Int!", Error),
        ],
        "Fish" => vec![
            ("id", "ID!", Leaf("\"f\"")),
            ("fin", "Int!", Leaf("4")),
            ("mate", "Animal", Null),
            ("school", "[Fish!]", List(vec![Object("Fish"), Object("Fish")])),
            ("home", "Bird", Object("Bird")),
            ("cracked", "Int!", Error),
        ],
        _ => vec![("id", "ID!", Null)],
    }
}

/// Whether a fragment with this condition applies to an object of this type.
pub fn type_condition_applies(of: &str, condition: &str) -> bool {
    of == condition || condition == "Animal" && of != "Query"
}

pub struct ReferenceNullPropagated;

/// Reference implementation of the specification's execution algorithm.
pub struct ReferenceExecutor<'a> {
    pub document: &'a ExecutableDocument,
    pub variables: &'a serde_json::Value,
}

impl<'a> ReferenceExecutor<'a> {
    pub fn object(&self, of: &str, sets: &[&'a SelectionSet]) -> Result<String, ReferenceNullPropagated> {
        let mut members = Vec::new();
        for (key, fields) in self.collect(of, sets) {
            let name = fields[0].name.node.as_str();
            let value = if name == "__typename" {
                format!("\"{of}\"")
            } else {
                let (_, ty, expected) = fields_of_type(of).into_iter().find(|field| field.0 == name).expect("a field");
                let below: Vec<_> = fields.iter().map(|field| &field.selection_set.node).collect();
                self.value(ty, &expected, &below)?
            };
            members.push(format!("\"{key}\":{value}"));
        }
        Ok(format!("{{{}}}", members.join(",")))
    }

    fn value(
        &self,
        ty: &str,
        expected: &ExpectedValue,
        sets: &[&'a SelectionSet],
    ) -> Result<String, ReferenceNullPropagated> {
        if let Some(nullable) = ty.strip_suffix('!') {
            let value = self.value(nullable, expected, sets)?;
            return if value == "null" { Err(ReferenceNullPropagated) } else { Ok(value) };
        }
        let ExpectedValue::List(items) = expected else { return Ok(self.complete_non_null(expected, sets)) };
        let of = ty.strip_prefix('[').and_then(|ty| ty.strip_suffix(']')).expect("a list");
        let items: Result<Vec<_>, _> = items.iter().map(|item| self.value(of, item, sets)).collect();
        Ok(items.map_or("null".to_owned(), |items| format!("[{}]", items.join(","))))
    }

    fn complete_non_null(&self, expected: &ExpectedValue, sets: &[&'a SelectionSet]) -> String {
        match expected {
            ExpectedValue::Leaf(text) => (*text).to_owned(),
            ExpectedValue::Object(of) => self.object(of, sets).unwrap_or("null".to_owned()),
            _ => "null".to_owned(),
        }
    }

    fn collect(&self, of: &str, sets: &[&'a SelectionSet]) -> IndexMap<&'a str, Vec<&'a Field>> {
        let mut fields = IndexMap::new();
        for set in sets {
            self.add(of, set, &mut HashSet::new(), &mut fields);
        }
        fields
    }

    fn add(
        &self,
        of: &str,
        set: &'a SelectionSet,
        opened: &mut HashSet<&'a str>,
        fields: &mut IndexMap<&'a str, Vec<&'a Field>>,
    ) {
        for selection in &set.items {
            if selection.node.directives().iter().any(|directive| self.is_skipped(&directive.node)) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    fields.entry(field.node.response_key().node.as_str()).or_default().push(&field.node);
                }
                Selection::FragmentSpread(spread) if opened.insert(spread.node.fragment_name.node.as_str()) => {
                    let fragment = &self.document.fragments[&spread.node.fragment_name.node].node;
                    if type_condition_applies(of, &fragment.type_condition.node.on.node) {
                        self.add(of, &fragment.selection_set.node, opened, fields);
                    }
                }
                Selection::FragmentSpread(_) => {}
                Selection::InlineFragment(fragment) => {
                    let condition = &fragment.node.type_condition;
                    if condition.as_ref().is_none_or(|condition| type_condition_applies(of, &condition.node.on.node)) {
                        self.add(of, &fragment.node.selection_set.node, opened, fields);
                    }
                }
            }
        }
    }

    fn is_skipped(&self, directive: &Directive) -> bool {
        let condition = directive.get_argument("if").expect("its argument").node.to_string();
        let holds = match condition.strip_prefix('$') {
            Some(name) => self.variables[name] == json!(true),
            None => condition == "true",
        };
        holds == (directive.name.node == "skip")
    }
}
