//! The type system for the validation of documents.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Node, Schema,
    ast::{FieldDefinition, Type},
    executable::OperationType,
    schema::{Component, ExtendedType},
    validation::Valid,
};

/// Maximum possible types of an interface or a union: one bit each in [`super::canonical`].
const MAX_POSSIBLE_TYPES: usize = 64;

/// A schema, with the possible types of its interfaces and unions.
#[derive(Debug)]
pub struct TypeSystem {
    schema: Valid<Schema>,
    possible_types: HashMap<Name, Vec<Name>>,
}

impl TypeSystem {
    /// Reads a schema in the schema definition language.
    ///
    /// # Errors
    /// When the text is not a valid schema.
    pub fn parse(sdl: &str) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql").map_err(|error| error.errors.to_string())?;
        let mut schema = schema.into_inner();
        add_is_one_of(&mut schema);
        let schema = Valid::assume_valid(schema);
        let mut possible = HashMap::new();
        for (name, definition) in &schema.types {
            if matches!(definition, ExtendedType::Interface(_) | ExtendedType::Union(_)) {
                let objects = schema.types.iter().filter(|(_, ty)| ty.is_object()).map(|(object, _)| object);
                let objects: Vec<_> = objects.filter(|of| schema.is_subtype(name, of)).cloned().collect();
                if objects.len() > MAX_POSSIBLE_TYPES {
                    return Err(format!("{name} may be of more than {MAX_POSSIBLE_TYPES} types"));
                }
                possible.insert(name.clone(), objects);
            }
        }
        Ok(Self { schema, possible_types: possible })
    }

    pub(super) fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    pub(super) fn definition(&self, name: &str) -> Option<&ExtendedType> {
        self.schema.types.get(name)
    }

    /// The root type of a kind of operation.
    #[must_use]
    pub fn root_type(&self, operation: OperationType) -> Option<&str> {
        self.schema.root_operation(operation).map(Name::as_str)
    }

    /// The type of a field of an object or an interface.
    #[must_use]
    pub fn field_type(&self, of: &str, name: &str) -> Option<&Type> {
        self.schema.type_field(of, name).ok().map(|field| &field.ty)
    }

    /// The description of a field of an object, or of a value of an enum, on one line.
    #[must_use]
    pub fn description(&self, of: &str, member: &str) -> Option<String> {
        let description = match self.schema.types.get(of)? {
            ExtendedType::Object(object) => object.fields.get(member)?.description.as_ref()?,
            ExtendedType::Enum(values) => values.values.get(member)?.description.as_ref()?,
            _ => return None,
        };
        Some(description.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Whether this is the name of an object type.
    #[must_use]
    pub fn is_object(&self, name: &str) -> bool {
        matches!(self.schema.types.get(name), Some(ExtendedType::Object(_)))
    }

    /// Whether a fragment on this type applies to an object of that type.
    pub(super) fn fragment_applies(&self, condition: &str, object: &str) -> bool {
        condition == object || self.schema.is_subtype(condition, object)
    }

    /// The possible types of an interface or a union; empty for other types.
    pub(super) fn possible_types(&self, name: &str) -> Option<&[Name]> {
        self.possible_types.get(name).map(Vec::as_slice)
    }
}

/// Adds `__Type.isOneOf` of the edition of September 2025, which apollo-compiler does not support yet.
fn add_is_one_of(schema: &mut Schema) {
    let Some(ExtendedType::Object(object)) = schema.types.get_mut("__Type") else { return };
    let name = Name::new_static("isOneOf").unwrap_or_else(|error| unreachable!("a name: {error}"));
    let boolean = Name::new_static("Boolean").unwrap_or_else(|error| unreachable!("a name: {error}"));
    let field = FieldDefinition {
        description: None,
        name: name.clone(),
        arguments: Vec::new(),
        ty: Type::Named(boolean),
        directives: apollo_compiler::ast::DirectiveList::default(),
    };
    object.make_mut().fields.insert(
        name,
        Component { origin: apollo_compiler::schema::ComponentOrigin::Definition, node: Node::new(field) },
    );
}
