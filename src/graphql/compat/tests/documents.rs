//! Random documents on the schema of the tests.

use std::fmt::Write as _;

use super::reference::{fields_of_type, type_condition_applies};
use crate::graphql::test_util::RandomChoices;

/// Fragments that can be spread, with name, type and selection.
const FRAGMENTS: [(&str, &str, &str); 4] = [
    ("A", "Animal", "{ ... on Bird { late wing } ... on Fish { fin home { late wing id } } id ...F ...B }"),
    ("F", "Fish", "{ fin @skip(if: $unsaid) x: id mate { ...B id } school { id fin } }"),
    ("B", "Bird", "{ y: late chicks { late ... on Animal { id } wing } wing @include(if: $said) }"),
    ("Q", "Query", "{ late broken bird { wing ...B } ... @skip(if: $given) { zoo { ...A } } late }"),
];

const DIRECTIVES: [&str; 16] = [
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "@include(if: true)",
    "@skip(if: false)",
    "@skip(if: true)",
    "@include(if: $said)",
    "@include(if: $unsaid)",
    "@skip(if: $given)",
    "@skip(if: $said) @include(if: $given)",
    "@skip(if: $unsaid)",
];

/// Writes a random selection set on a type.
fn random_selection_set(choices: &mut RandomChoices<'_>, of: &str, depth: usize, out: &mut String) {
    out.push_str("{ ");
    for _ in 0..=choices.index_below(4) {
        let kind = choices.index_below(10);
        let possible: Vec<_> = ["Animal", "Bird", "Fish", "Query"]
            .into_iter()
            .filter(|condition| type_condition_applies(of, condition) || type_condition_applies(condition, of))
            .collect();
        match kind {
            0 => {
                let spreads: Vec<_> = FRAGMENTS.iter().filter(|fragment| possible.contains(&fragment.1)).collect();
                let name = spreads[choices.index_below(spreads.len())].0;
                let _ = write!(out, "...{name} {} ", DIRECTIVES[choices.index_below(16)]);
            }
            1 | 2 if depth > 0 => {
                let condition = possible[choices.index_below(possible.len())];
                let plain = choices.index_below(3) == 0;
                let condition = if plain { String::new() } else { format!("on {condition} ") };
                let _ = write!(out, "... {condition}{} ", DIRECTIVES[choices.index_below(16)]);
                let of = condition.strip_prefix("on ").map_or(of, str::trim);
                random_selection_set(choices, of, depth - 1, out);
            }
            3 => out.push_str("__typename "),
            _ => {
                let fields = fields_of_type(of);
                let (name, ty, _) = &fields[choices.index_below(fields.len())];
                let of = ty.trim_matches(|char| "[]!".contains(char));
                if ["Int", "ID"].contains(&of) {
                    // keys that are not allowed for another field
                    let alias = ["", "a_", "b_"][choices.index_below(3)];
                    let alias = if alias.is_empty() {
                        String::new()
                    } else {
                        format!("{alias}{}: ", random_response_key(name, ty))
                    };
                    let _ = write!(out, "{alias}{name} {} ", DIRECTIVES[choices.index_below(16)]);
                } else if depth > 0 {
                    let _ = write!(out, "{name} {} ", DIRECTIVES[choices.index_below(16)]);
                    random_selection_set(choices, of, depth - 1, out);
                } else {
                    let _ = write!(out, "{name} {{ __typename }} ");
                }
            }
        }
    }
    out.push_str("} ");
}

fn random_response_key(name: &str, ty: &str) -> String {
    format!("{name}{}", ty.len())
}

pub fn random_document(bytes: &[u8]) -> String {
    let mut choices = RandomChoices(bytes);
    let mut selection = String::new();
    random_selection_set(&mut choices, "Query", 4, &mut selection);
    // Each fragment and each variable must be used.
    let mut text = String::from("query ($said: Boolean! = true, $unsaid: Boolean = false, $given: Boolean!) { ");
    text.push_str("o: __typename @include(if: $said) @skip(if: $given) p: __typename @skip(if: $unsaid) ... ");
    text.push_str(&selection);
    text.push_str("... on Query { ...Q missing { ...A } } }");
    for (name, of, set) in FRAGMENTS {
        let _ = write!(text, " fragment {name} on {of} {set}");
    }
    text
}
