//! What the schema says of objects: their fields, and which conditions of fragments they meet.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name,
    parser::{
        parse_schema,
        types::{OperationType, Type, TypeDefinition, TypeKind, TypeSystemDefinition},
    },
};

/// The object types of a schema.
#[derive(Debug, Default)]
pub struct Types {
    objects: HashMap<Name, Object>,
    query: Option<Name>,
    mutation: Option<Name>,
    subscription: Option<Name>,
}

/// An object type.
#[derive(Debug, Default)]
pub struct Object {
    fields: HashMap<Name, Type>,
    /// Its own name, and those of its interfaces and unions.
    names: HashSet<Name>,
}

impl Types {
    /// Reads a schema in the schema definition language.
    ///
    /// # Errors
    /// When it isn't one.
    pub fn read(sdl: &str) -> Result<Self, async_graphql::parser::Error> {
        let mut types = Self::default();
        for definition in parse_schema(sdl)?.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    types.query = schema.node.query.map(|name| name.node);
                    types.mutation = schema.node.mutation.map(|name| name.node);
                    types.subscription = schema.node.subscription.map(|name| name.node);
                }
                TypeSystemDefinition::Type(definition) => types.add(definition.node),
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        Ok(types)
    }

    fn add(&mut self, definition: TypeDefinition) {
        let name = definition.name.node;
        match definition.kind {
            TypeKind::Object(told) => {
                let object = self.objects.entry(name.clone()).or_default();
                object.names.insert(name);
                object.names.extend(told.implements.into_iter().map(|interface| interface.node));
                let fields = told.fields.into_iter().map(|field| (field.node.name.node, field.node.ty.node));
                object.fields.extend(fields);
            }
            TypeKind::Union(told) => {
                for member in told.members {
                    self.objects.entry(member.node).or_default().names.insert(name.clone());
                }
            }
            _ => {}
        }
    }

    /// What the fields of an operation are fields of.
    pub(super) fn root(&self, operation: OperationType) -> Option<&Object> {
        self.object(match operation {
            OperationType::Query => self.query.as_ref()?,
            OperationType::Mutation => self.mutation.as_ref()?,
            OperationType::Subscription => self.subscription.as_ref()?,
        })
    }

    /// The object type of this name; none for any other type, and for those of introspection.
    pub(super) fn object(&self, name: &str) -> Option<&Object> {
        self.objects.get(name)
    }
}

impl Object {
    /// The type of a field; none for those that every object has.
    pub(super) fn field(&self, name: &str) -> Option<&Type> {
        self.fields.get(name)
    }

    /// Whether a fragment on this type is about such an object.
    pub(super) fn is(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}
