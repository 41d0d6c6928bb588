//! The limits of a parsed document. Each fragment is counted once and cached, so that a million spreads of a fragment
//! are counted quickly.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Node,
    ast::{Directive, Document, FragmentDefinition, OperationDefinition, Selection},
};

use super::{
    LimitExceeded, MAX_ALIASES, MAX_DIRECTIVES, MAX_FIELDS, MAX_NESTING, MAX_REPETITIONS, MAX_RESPONSE_KEY,
    MAX_ROOT_FIELDS,
};
use crate::graphql::execute::complexity::MAX_DEPTH;

/// Maximum characters of an oversized response key in an error message.
const MAX_SHOWN_KEY_CHARS: usize = 30;

/// Checks all operations of a document together, as all are validated. Returns the number of fields; fields of a
/// fragment count at each spread.
///
/// # Errors
/// The first limit exceeded, or a fragment that contains itself.
pub fn check(document: &Document) -> Result<usize, LimitExceeded> {
    let fragments = document.definitions.iter().filter_map(|definition| definition.as_fragment_definition());
    let fragments: HashMap<_, _> = fragments.map(|fragment| (&fragment.name, &**fragment)).collect();
    let mut counting = SelectionCounter { fragments: &fragments, counted_fragments: HashMap::new() };
    let mut all = SelectionCounts::default();
    for operation in document.definitions.iter().filter_map(|definition| definition.as_operation_definition()) {
        let counts = counting.count_operation(operation)?;
        if counts.roots > MAX_ROOT_FIELDS {
            return Err(LimitExceeded::RootFields);
        }
        all.add(counts)?;
    }
    // Unused fragments are validated too.
    for name in document.definitions.iter().filter_map(|definition| Some(&definition.as_fragment_definition()?.name)) {
        if !counting.counted_fragments.contains_key(name) {
            all.add(counting.count_fragment(name, 0)?)?;
        }
    }
    Ok(all.fields)
}

/// Counts of a selection set, including nested sets and fragments.
#[derive(Clone, Copy, Default)]
struct SelectionCounts {
    fields: usize,
    /// Fields of the set itself and of its fragments.
    roots: usize,
    aliases: usize,
    directives: usize,
    /// Nesting of fields.
    depth: usize,
    /// Nesting of selection sets, including fragments.
    levels: usize,
}

impl SelectionCounts {
    /// Adds the counts of a sibling in the same set.
    ///
    /// No count can overflow: each sum and each of its parts is checked against its limit.
    fn add(&mut self, other: Self) -> Result<(), LimitExceeded> {
        self.fields += other.fields;
        self.roots += other.roots;
        self.aliases += other.aliases;
        self.directives += other.directives;
        self.depth = self.depth.max(other.depth);
        self.levels = self.levels.max(other.levels);
        self.check()
    }

    fn check(self) -> Result<(), LimitExceeded> {
        let limits = [
            (self.levels > MAX_NESTING, LimitExceeded::Nesting),
            (self.depth > MAX_DEPTH, LimitExceeded::Depth),
            (self.aliases > MAX_ALIASES, LimitExceeded::Aliases),
            (self.directives > MAX_DIRECTIVES, LimitExceeded::Directives),
            (self.fields > MAX_FIELDS, LimitExceeded::Fields),
        ];
        limits.into_iter().find(|(passed, _)| *passed).map_or(Ok(()), |(_, excess)| Err(excess))
    }
}

struct SelectionCounter<'a, 'b> {
    fragments: &'b HashMap<&'a Name, &'a FragmentDefinition>,
    /// Fragments visited; `None` for those being counted.
    counted_fragments: HashMap<&'a Name, Option<SelectionCounts>>,
}

impl<'a> SelectionCounter<'a, '_> {
    fn count_operation(&mut self, operation: &'a OperationDefinition) -> Result<SelectionCounts, LimitExceeded> {
        let mut counts = self.count_set(&operation.selection_set, 0)?;
        counts.directives += operation.directives.len();
        counts.directives += operation.variables.iter().map(|one| one.directives.len()).sum::<usize>();
        counts.check()?;
        Ok(counts)
    }

    /// Counts a selection set at nesting level `depth`.
    fn count_set(&mut self, set: &'a [Selection], level: usize) -> Result<SelectionCounts, LimitExceeded> {
        if level >= MAX_NESTING {
            return Err(LimitExceeded::Nesting); // before recursing deeper
        }
        let mut counts = SelectionCounts::default();
        let mut repeated: HashMap<&Name, usize> = HashMap::new();
        for selection in set {
            let one = match selection {
                Selection::Field(field) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name);
                    if key.len() > MAX_RESPONSE_KEY {
                        return Err(LimitExceeded::ResponseKey(key.chars().take(MAX_SHOWN_KEY_CHARS).collect()));
                    }
                    let times = repeated.entry(key).or_default();
                    *times += 1;
                    if *times > MAX_REPETITIONS {
                        return Err(LimitExceeded::Repetitions(key.to_string()));
                    }
                    let mut one = self.count_set(&field.selection_set, level + 1)?;
                    one.fields += 1;
                    one.roots = 1;
                    one.aliases += usize::from(field.alias.is_some());
                    one.depth += 1;
                    one.levels += 1;
                    with_directives(one, &field.directives)
                }
                Selection::InlineFragment(fragment) => {
                    let mut one = self.count_set(&fragment.selection_set, level + 1)?;
                    one.levels += 1;
                    with_directives(one, &fragment.directives)
                }
                Selection::FragmentSpread(spread) => {
                    let one = self.count_fragment(&spread.fragment_name, level + 1)?;
                    with_directives(one, &spread.directives)
                }
            };
            counts.add(one)?;
        }
        Ok(counts)
    }

    /// Counts a fragment spread at a nesting level. Zero for an unknown fragment, which validation reports.
    fn count_fragment(&mut self, name: &'a Name, level: usize) -> Result<SelectionCounts, LimitExceeded> {
        let Some(fragment) = self.fragments.get(name).copied() else { return Ok(SelectionCounts::default()) };
        match self.counted_fragments.get(name) {
            Some(Some(counts)) => return Ok(*counts),
            Some(None) => return Err(LimitExceeded::FragmentCycle(name.to_string())),
            None => {}
        }
        self.counted_fragments.insert(name, None);
        let mut counts = with_directives(self.count_set(&fragment.selection_set, level)?, &fragment.directives);
        counts.levels += 1;
        self.counted_fragments.insert(name, Some(counts));
        Ok(counts)
    }
}

fn with_directives(mut counts: SelectionCounts, directives: &[Node<Directive>]) -> SelectionCounts {
    counts.directives += directives.len();
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(text: &str) -> Result<(), LimitExceeded> {
        check(&Document::parse(text, "request").expect(text)).map(drop)
    }

    /// Nested selection sets of one field each.
    fn nested(depth: usize) -> String {
        format!("{}a{}", "a { ".repeat(depth - 1), " }".repeat(depth - 1))
    }

    fn repeat(count: usize, each: impl Fn(usize) -> String) -> String {
        (0..count).map(each).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn graphiql_introspection_query_is_within_all_limits() {
        let introspection = include_str!("../../../../tests/it/api/introspection.graphql");
        assert_eq!((super::super::text(introspection), check_text(introspection)), (Ok(()), Ok(())));
    }

    /// A document with `n` of something.
    type Text<'a> = &'a dyn Fn(usize) -> String;

    #[test]
    fn each_limit_is_exact() {
        let fields = |count| format!("{{ a {{ {} }} }}", repeat(count - 1, |n| format!("b{n}")));
        let roots = |count| format!("{{ {} }}", repeat(count, |n| format!("b{n}")));
        let repeated = |count| format!("{{ a {{ {} }} }}", "b ".repeat(count));
        let aliases = |count| format!("{{ a {{ {} }} }}", repeat(count, |n| format!("b{n}: b")));
        let directives = |count| format!("{{ a {} }}", "@d ".repeat(count));
        let depth = |count| format!("{{ {} }}", nested(count));
        let fragments = |count| {
            format!(
                "{{ ...F0 }} {} fragment F{} on Q {{ a }}",
                repeat(count - 1, |n| format!("fragment F{n} on Q {{ ...F{} }}", n + 1)),
                count - 1
            )
        };
        let cases: [(Text, usize, LimitExceeded); 7] = [
            (&fields, MAX_FIELDS, LimitExceeded::Fields),
            (&roots, MAX_ROOT_FIELDS, LimitExceeded::RootFields),
            (&repeated, MAX_REPETITIONS, LimitExceeded::Repetitions("b".to_owned())),
            (&aliases, MAX_ALIASES, LimitExceeded::Aliases),
            (&directives, MAX_DIRECTIVES, LimitExceeded::Directives),
            (&depth, MAX_DEPTH, LimitExceeded::Depth),
            (&fragments, MAX_NESTING - 2, LimitExceeded::Nesting),
        ];
        for (text, most, excess) in cases {
            assert_eq!(check_text(&text(most)), Ok(()), "{excess}");
            assert_eq!(check_text(&text(most + 1)), Err(excess));
        }
    }

    #[test]
    fn fragment_fields_count_at_each_spread() {
        let spread = |times: usize, fields: &str| {
            let spreads = repeat(times, |n| format!("b{n} {{ ...F }}"));
            format!("{{ a {{ {spreads} }} }} fragment F on Q {{ {fields} }}")
        };
        assert_eq!(check_text(&spread(50, "x: y z: y")), Ok(()));
        assert_eq!(check_text(&spread(51, "x: y z: y")), Err(LimitExceeded::Aliases));
        assert_eq!(check_text(&spread(49, "x @d")), Ok(()));
        assert_eq!(check_text(&spread(50, "x @d")), Err(LimitExceeded::Directives));
        let roots = format!("{{ ...F ...F {} }} fragment F on Q {{ {} }}", "a", repeat(24, |n| format!("b{n}")));
        assert_eq!(check_text(&roots), Ok(()));
        assert_eq!(check_text(&roots.replacen('a', "a c", 1)), Err(LimitExceeded::RootFields));
        let deep = format!("{{ {} }}", nested(10).replace("{ a }", "{ a ...F }"));
        assert_eq!(check_text(&format!("{deep} fragment F on Q {{ {} }}", nested(6))), Ok(()));
        assert_eq!(check_text(&format!("{deep} fragment F on Q {{ {} }}", nested(7))), Err(LimitExceeded::Depth));
    }

    #[test]
    fn exponential_fragments_are_rejected_without_expansion() {
        // 2 to the power of 60 fields.
        let bomb = repeat(60, |n| format!("fragment F{n} on Q {{ ...F{} ...F{} }}", n + 1, n + 1));
        let bomb = format!("{bomb} fragment F60 on Q {{ a }}");
        assert_eq!(check_text(&format!("{{ ...F0 }} {bomb}")), Err(LimitExceeded::Fields));
        assert_eq!(check_text(&format!("{{ a }} {bomb}")), Err(LimitExceeded::Fields), "also where nothing spreads it");
    }

    #[test]
    fn fragment_cycles_are_rejected() {
        for text in [
            "{ ...A } fragment A on Q { ...A }",
            "{ ...A } fragment A on Q { a { ...B } } fragment B on Q { ... { ...A } }",
            "{ a } fragment A on Q { ...B } fragment B on Q { ...A }",
        ] {
            assert!(matches!(check_text(text), Err(LimitExceeded::FragmentCycle(_))), "{text}: {:?}", check_text(text));
        }
        assert_eq!(check_text("{ ...A ...A ...Unknown } fragment A on Q { ...B ...B } fragment B on Q { b }"), Ok(()));
    }
}
