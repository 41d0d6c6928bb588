//! Suggestions of similar names in the schema for an unknown name.

use apollo_compiler::schema::ExtendedType;

use crate::graphql::execute::operation::types::TypeSystem;

/// The most similar of these names, if at most about one letter in three differs.
pub(super) fn most_similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = candidates.map(|candidate| (edit_distance(name, candidate), candidate));
    near.filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(name.len()) / 3)
        .min()
        .map(|(_, name)| name)
}

/// The suggestion of a similar name in an error message.
pub(super) fn did_you_mean(similar: &str) -> String {
    format!("; did you mean `{similar}`?")
}

/// The suggestion for an unknown field, from an error message of apollo-compiler; `None` for other messages.
pub(super) fn suggest_field(types: &TypeSystem, message: &str) -> Option<String> {
    let rest = message.strip_prefix("type `")?;
    let (of, rest) = rest.split_once("` does not have a field `")?;
    let name = rest.strip_suffix('`')?;
    let fields = match types.definition(of)? {
        ExtendedType::Object(object) => &object.fields,
        ExtendedType::Interface(interface) => &interface.fields,
        _ => return None,
    };
    most_similar(name, fields.keys().map(apollo_compiler::Name::as_str)).map(str::to_owned)
}

/// Levenshtein distance: number of letters to insert, delete or replace.
fn edit_distance(one: &str, other: &str) -> usize {
    const MAX_LENGTH: usize = 64; // longer names do not occur in the schema
    if one.len().max(other.len()) > MAX_LENGTH {
        return usize::MAX;
    }
    let mut costs: Vec<_> = (0..=other.len()).collect();
    for (row, letter) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut costs[0], row + 1);
        for (column, candidate) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(!letter.eq_ignore_ascii_case(&candidate));
            diagonal = costs[column + 1];
            costs[column + 1] = replaced.min(diagonal + 1).min(costs[column] + 1);
        }
    }
    costs[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_similar_names_are_suggested() {
        let of = |name| most_similar(name, ["server", "devices", "device", "node"].into_iter());
        assert_eq!(of("servr"), Some("server"));
        assert_eq!(of("Device"), Some("device"));
        assert_eq!((of("measurements"), of("x")), (None, None));
        assert_eq!((edit_distance("", "abc"), edit_distance("kitten", "sitting")), (3, 3));
    }
}
