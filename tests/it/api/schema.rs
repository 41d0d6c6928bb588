//! The schema as clients see it.

use airgraph::{domain::quantity::Quantity, graphql};
use async_graphql::parser::{
    parse_schema,
    types::{TypeKind, TypeSystemDefinition},
};

#[test]
fn schema_graphql_is_the_schema() {
    let committed = include_str!("../../../schema.graphql");
    assert_eq!(committed, graphql::sdl(), "run `cargo run -- schema > schema.graphql`");
}

/// Every description in the schema: (where, text).
fn descriptions() -> Vec<(String, Option<String>)> {
    let document = parse_schema(graphql::sdl()).expect("the schema is valid");
    let mut found = Vec::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let definition = definition.node;
        let (name, text) =
            (definition.name.node, |text: Option<async_graphql::Positioned<String>>| text.map(|text| text.node));
        found.push((name.to_string(), text(definition.description)));
        let fields = match definition.kind {
            TypeKind::Object(object) => object.fields,
            TypeKind::Interface(interface) => interface.fields,
            TypeKind::InputObject(input) => {
                found.extend(
                    input
                        .fields
                        .into_iter()
                        .map(|field| (format!("{name}.{}", field.node.name.node), text(field.node.description))),
                );
                continue;
            }
            TypeKind::Enum(values) => {
                found.extend(
                    values
                        .values
                        .into_iter()
                        .map(|value| (format!("{name}.{}", value.node.value.node), text(value.node.description))),
                );
                continue;
            }
            TypeKind::Scalar | TypeKind::Union(_) => continue,
        };
        for field in fields {
            let place = format!("{name}.{}", field.node.name.node);
            found.extend(
                field
                    .node
                    .arguments
                    .into_iter()
                    .map(|argument| (format!("{place}({})", argument.node.name.node), text(argument.node.description))),
            );
            found.push((place, text(field.node.description)));
        }
    }
    found
}

#[test]
fn every_schema_element_has_a_description() {
    let bare: Vec<_> = descriptions()
        .into_iter()
        .filter(|(place, _)| !place.ends_with("Connection")) // async-graphql's own type, named after what it holds
        .filter(|(_, description)| description.as_ref().is_none_or(|text| text.trim().is_empty()))
        .map(|(place, _)| place)
        .collect();
    assert!(bare.is_empty(), "without a description: {bare:?}");
}

#[test]
fn every_quantity_field_names_its_unit() {
    let descriptions = descriptions();
    for quantity in Quantity::ALL {
        let definition = quantity.definition();
        let mut parts = definition.name.split('_');
        let mut field = parts.next().expect("a name").to_owned();
        for part in parts {
            field.push_str(&part[..1].to_uppercase());
            field.push_str(&part[1..]);
        }
        let field = if definition.name == "pm2_5" { "pm25".to_owned() } else { field };
        for types in [
            &["Measurement", "Weather", "Ambient", "Motion", "DeviceStatus"],
            &["MeasurementInput", "WeatherInput", "AmbientInput", "MotionInput", "DeviceStatusInput"],
        ] {
            let places: Vec<_> = types.iter().map(|name| format!("{name}.{field}")).collect();
            let (place, description) = descriptions
                .iter()
                .find(|(place, _)| places.contains(place))
                .unwrap_or_else(|| panic!("no field {places:?}"));
            let description = description.as_deref().unwrap_or_default();
            assert!(
                description.contains(&format!("`{}`", definition.unit)),
                "{place} doesn't name its unit {}: {description}",
                definition.unit
            );
        }
    }
}

#[test]
fn every_quantity_enum_value_names_its_unit() {
    let descriptions = descriptions();
    let of_enum = |place: &str| place.strip_prefix("Quantity.").map(str::to_owned);
    let mut values: Vec<_> = descriptions.iter().filter_map(|(place, _)| of_enum(place)).collect();
    let mut expected = Vec::new();
    for quantity in Quantity::ALL {
        let (name, unit) = (quantity.definition().name.to_uppercase(), quantity.definition().unit);
        let found = descriptions.iter().find(|(place, _)| of_enum(place).as_ref() == Some(&name));
        let (_, description) = found.unwrap_or_else(|| panic!("no value {name} in enum Quantity"));
        assert!(description.as_deref().unwrap_or_default().contains(&format!("`{unit}`")), "{name}: {description:?}");
        expected.push(name);
    }
    values.sort();
    expected.sort();
    assert_eq!(values, expected);
}
