//! What a document selects: `CollectFields` of the specification (§6.3.2).

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    convert::Infallible,
    ptr,
    rc::Rc,
};

use async_graphql::{
    Name, Positioned, Value, Variables,
    indexmap::IndexMap,
    parser::types::{Directive, Field, FragmentDefinition, Selection, SelectionSet, Type},
};

use super::types::Object;

/// What decides which fields of a document are answered.
pub(super) struct Conditions<'a> {
    pub fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    pub variables: &'a Variables,
}

/// What is selected of one object, or of each object of a list: the selection sets of all fields of one key.
#[derive(Default)]
pub(super) struct Selected<'a> {
    sets: Vec<&'a SelectionSet>,
    /// The fields of it for each type of object that was met.
    fields: RefCell<Vec<(&'a Object, Fields<'a>)>>,
}

/// The fields of an object in their order.
pub(super) type Fields<'a> = Rc<[Answered<'a>]>;

/// A field in an answer.
pub(super) struct Answered<'a> {
    pub key: &'a Name,
    /// None where the schema doesn't say: `__typename`, introspection.
    pub ty: Option<&'a Type>,
    pub selected: Selected<'a>,
}

impl<'a> Selected<'a> {
    pub fn new(set: &'a SelectionSet) -> Self {
        Self { sets: vec![set], fields: RefCell::default() }
    }

    /// Whether nothing is selected of it: it is no object.
    pub fn is_leaf(&self) -> bool {
        self.sets.is_empty()
    }

    /// The fields that an object of this type has in the answer, in their order.
    pub fn fields(&self, conditions: &Conditions<'a>, object: &'a Object) -> Fields<'a> {
        let known = self.fields.borrow().iter().find(|(of, _)| ptr::eq(*of, object)).map(|(_, fields)| fields.clone());
        known.unwrap_or_else(|| {
            let mut collecting = Collecting { conditions, object, opened: HashSet::new(), fields: IndexMap::new() };
            self.sets.iter().for_each(|set| collecting.add(set));
            let fields: Fields<'a> = collecting.fields.into_values().collect();
            self.fields.borrow_mut().push((object, fields.clone()));
            fields
        })
    }
}

struct Collecting<'a, 'b> {
    conditions: &'b Conditions<'a>,
    object: &'a Object,
    opened: HashSet<&'a Name>,
    fields: IndexMap<&'a Name, Answered<'a>>,
}

impl<'a> Collecting<'a, '_> {
    fn add(&mut self, set: &'a SelectionSet) {
        for selection in &set.items {
            if self.conditions.skip(selection.node.directives()) {
                continue;
            }
            let (condition, below) = match &selection.node {
                Selection::Field(field) => {
                    self.add_field(&field.node);
                    continue;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.conditions.fragments.get(name) else { continue };
                    if !self.opened.insert(name) {
                        continue;
                    }
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set)
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
                }
            };
            if condition.is_none_or(|condition| self.object.is(&condition.node.on.node)) {
                self.add(&below.node);
            }
        }
    }

    fn add_field(&mut self, field: &'a Field) {
        let key = &field.response_key().node;
        let ty = self.object.field(&field.name.node);
        let answered = self.fields.entry(key).or_insert_with(|| Answered { key, ty, selected: Selected::default() });
        let set = &field.selection_set.node;
        if !set.items.is_empty() && !answered.selected.sets.iter().any(|other| ptr::eq(*other, set)) {
            answered.selected.sets.push(set);
        }
    }
}

impl Conditions<'_> {
    /// Whether one of these directives leaves its selection out.
    fn skip(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().any(|directive| {
            let wanted = match directive.node.name.node.as_str() {
                "skip" => false,
                "include" => true,
                _ => return false,
            };
            directive.node.get_argument("if").is_some_and(|condition| {
                let variable = |name: Name| Ok::<_, Infallible>(self.variables.get(&name).cloned().unwrap_or_default());
                let holds =
                    condition.node.clone().into_const_with(variable).is_ok_and(|value| value == Value::Boolean(true));
                holds != wanted
            })
        })
    }
}
