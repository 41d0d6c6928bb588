//! The limits of a parsed document. Each fragment is counted once and remembered, so that spreading one a million times is
//! counted in no time.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Node,
    ast::{Directive, Document, FragmentDefinition, OperationDefinition, Selection},
};

use super::{
    Excess, MAX_ALIASES, MAX_DIRECTIVES, MAX_FIELDS, MAX_NESTING, MAX_REPETITIONS, MAX_RESPONSE_KEY, MAX_ROOT_FIELDS,
};
use crate::graphql::execute::complexity::MAX_DEPTH;

/// Characters of a response key that is too long that an error shows.
const SHOWN_OF_KEY: usize = 30;

/// Checks all operations of a document together, whichever of them is to run: all are validated. Gives the number of fields,
/// those of a fragment counted wherever it is spread.
///
/// # Errors
/// The first limit that is passed, or a fragment that contains itself.
pub fn check(document: &Document) -> Result<usize, Excess> {
    let fragments = document.definitions.iter().filter_map(|definition| definition.as_fragment_definition());
    let fragments: HashMap<_, _> = fragments.map(|fragment| (&fragment.name, &**fragment)).collect();
    let mut counting = Counting { fragments: &fragments, known: HashMap::new() };
    let mut all = Counts::default();
    for operation in document.definitions.iter().filter_map(|definition| definition.as_operation_definition()) {
        let counts = counting.operation(operation)?;
        if counts.roots > MAX_ROOT_FIELDS {
            return Err(Excess::RootFields);
        }
        all.add(counts)?;
    }
    // Those that are spread nowhere are validated too.
    for name in document.definitions.iter().filter_map(|definition| Some(&definition.as_fragment_definition()?.name)) {
        if !counting.known.contains_key(name) {
            all.add(counting.fragment(name, 0)?)?;
        }
    }
    Ok(all.fields)
}

/// What a selection set comes to, with all that lies below it and in fragments.
#[derive(Clone, Copy, Default)]
struct Counts {
    fields: usize,
    /// Fields of the set itself, and of its fragments.
    roots: usize,
    aliases: usize,
    directives: usize,
    /// Fields within fields.
    depth: usize,
    /// Selection sets within selection sets, also by way of fragments.
    levels: usize,
}

impl Counts {
    /// Adds what stands beside this in the same set.
    ///
    /// No count can overflow: each sum is held against its limit, and so are its parts.
    fn add(&mut self, other: Self) -> Result<(), Excess> {
        self.fields += other.fields;
        self.roots += other.roots;
        self.aliases += other.aliases;
        self.directives += other.directives;
        self.depth = self.depth.max(other.depth);
        self.levels = self.levels.max(other.levels);
        self.check()
    }

    fn check(self) -> Result<(), Excess> {
        let limits = [
            (self.levels > MAX_NESTING, Excess::Nesting),
            (self.depth > MAX_DEPTH, Excess::Depth),
            (self.aliases > MAX_ALIASES, Excess::Aliases),
            (self.directives > MAX_DIRECTIVES, Excess::Directives),
            (self.fields > MAX_FIELDS, Excess::Fields),
        ];
        limits.into_iter().find(|(passed, _)| *passed).map_or(Ok(()), |(_, excess)| Err(excess))
    }
}

struct Counting<'a, 'b> {
    fragments: &'b HashMap<&'a Name, &'a FragmentDefinition>,
    /// Fragments that were met; none for those that are being counted.
    known: HashMap<&'a Name, Option<Counts>>,
}

impl<'a> Counting<'a, '_> {
    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Counts, Excess> {
        let mut counts = self.set(&operation.selection_set, 0)?;
        counts.directives += operation.directives.len();
        counts.directives += operation.variables.iter().map(|one| one.directives.len()).sum::<usize>();
        counts.check()?;
        Ok(counts)
    }

    /// A selection set that stands so many sets deep.
    fn set(&mut self, set: &'a [Selection], level: usize) -> Result<Counts, Excess> {
        if level >= MAX_NESTING {
            return Err(Excess::Nesting); // before this calls itself deeper
        }
        let mut counts = Counts::default();
        let mut repeated: HashMap<&Name, usize> = HashMap::new();
        for selection in set {
            let one = match selection {
                Selection::Field(field) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name);
                    if key.len() > MAX_RESPONSE_KEY {
                        return Err(Excess::ResponseKey(key.chars().take(SHOWN_OF_KEY).collect()));
                    }
                    let times = repeated.entry(key).or_default();
                    *times += 1;
                    if *times > MAX_REPETITIONS {
                        return Err(Excess::Repetitions(key.to_string()));
                    }
                    let mut one = self.set(&field.selection_set, level + 1)?;
                    one.fields += 1;
                    one.roots = 1;
                    one.aliases += usize::from(field.alias.is_some());
                    one.depth += 1;
                    one.levels += 1;
                    with(one, &field.directives)
                }
                Selection::InlineFragment(fragment) => {
                    let mut one = self.set(&fragment.selection_set, level + 1)?;
                    one.levels += 1;
                    with(one, &fragment.directives)
                }
                Selection::FragmentSpread(spread) => {
                    let one = self.fragment(&spread.fragment_name, level + 1)?;
                    with(one, &spread.directives)
                }
            };
            counts.add(one)?;
        }
        Ok(counts)
    }

    /// What a fragment comes to that is spread so many sets deep; nothing where there is no such fragment, which validation
    /// finds.
    fn fragment(&mut self, name: &'a Name, level: usize) -> Result<Counts, Excess> {
        let Some(fragment) = self.fragments.get(name).copied() else { return Ok(Counts::default()) };
        match self.known.get(name) {
            Some(Some(counts)) => return Ok(*counts),
            Some(None) => return Err(Excess::Circle(name.to_string())),
            None => {}
        }
        self.known.insert(name, None);
        let mut counts = with(self.set(&fragment.selection_set, level)?, &fragment.directives);
        counts.levels += 1;
        self.known.insert(name, Some(counts));
        Ok(counts)
    }
}

fn with(mut counts: Counts, directives: &[Node<Directive>]) -> Counts {
    counts.directives += directives.len();
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<(), Excess> {
        check(&Document::parse(text, "request").expect(text)).map(drop)
    }

    /// A selection set of one field in another, so deep.
    fn nested(depth: usize) -> String {
        format!("{}a{}", "a { ".repeat(depth - 1), " }".repeat(depth - 1))
    }

    fn many(count: usize, each: impl Fn(usize) -> String) -> String {
        (0..count).map(each).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_query_of_graphiql_is_within_all_limits() {
        let introspection = include_str!("../../../../tests/it/queries/introspection.graphql");
        assert_eq!((super::super::text(introspection), of(introspection)), (Ok(()), Ok(())));
    }

    /// A document with so many of something.
    type Text<'a> = &'a dyn Fn(usize) -> String;

    #[test]
    fn each_limit_holds_to_the_one() {
        let fields = |count| format!("{{ a {{ {} }} }}", many(count - 1, |n| format!("b{n}")));
        let roots = |count| format!("{{ {} }}", many(count, |n| format!("b{n}")));
        let repeated = |count| format!("{{ a {{ {} }} }}", "b ".repeat(count));
        let aliases = |count| format!("{{ a {{ {} }} }}", many(count, |n| format!("b{n}: b")));
        let directives = |count| format!("{{ a {} }}", "@d ".repeat(count));
        let depth = |count| format!("{{ {} }}", nested(count));
        let fragments = |count| {
            format!(
                "{{ ...F0 }} {} fragment F{} on Q {{ a }}",
                many(count - 1, |n| format!("fragment F{n} on Q {{ ...F{} }}", n + 1)),
                count - 1
            )
        };
        let cases: [(Text, usize, Excess); 7] = [
            (&fields, MAX_FIELDS, Excess::Fields),
            (&roots, MAX_ROOT_FIELDS, Excess::RootFields),
            (&repeated, MAX_REPETITIONS, Excess::Repetitions("b".to_owned())),
            (&aliases, MAX_ALIASES, Excess::Aliases),
            (&directives, MAX_DIRECTIVES, Excess::Directives),
            (&depth, MAX_DEPTH, Excess::Depth),
            (&fragments, MAX_NESTING - 2, Excess::Nesting),
        ];
        for (text, most, excess) in cases {
            assert_eq!(of(&text(most)), Ok(()), "{excess}");
            assert_eq!(of(&text(most + 1)), Err(excess));
        }
    }

    #[test]
    fn what_fragments_hold_counts_wherever_they_are_spread() {
        let spread = |times: usize, fields: &str| {
            let spreads = many(times, |n| format!("b{n} {{ ...F }}"));
            format!("{{ a {{ {spreads} }} }} fragment F on Q {{ {fields} }}")
        };
        assert_eq!(of(&spread(50, "x: y z: y")), Ok(()));
        assert_eq!(of(&spread(51, "x: y z: y")), Err(Excess::Aliases));
        assert_eq!(of(&spread(49, "x @d")), Ok(()));
        assert_eq!(of(&spread(50, "x @d")), Err(Excess::Directives));
        let roots = format!("{{ ...F ...F {} }} fragment F on Q {{ {} }}", "a", many(24, |n| format!("b{n}")));
        assert_eq!(of(&roots), Ok(()));
        assert_eq!(of(&roots.replacen('a', "a c", 1)), Err(Excess::RootFields));
        let deep = format!("{{ {} }}", nested(10).replace("{ a }", "{ a ...F }"));
        assert_eq!(of(&format!("{deep} fragment F on Q {{ {} }}", nested(6))), Ok(()));
        assert_eq!(of(&format!("{deep} fragment F on Q {{ {} }}", nested(7))), Err(Excess::Depth));
    }

    #[test]
    fn a_bomb_of_fragments_is_refused_without_going_off() {
        // 2 to the power of 60 fields.
        let bomb = many(60, |n| format!("fragment F{n} on Q {{ ...F{} ...F{} }}", n + 1, n + 1));
        let bomb = format!("{bomb} fragment F60 on Q {{ a }}");
        assert_eq!(of(&format!("{{ ...F0 }} {bomb}")), Err(Excess::Fields));
        assert_eq!(of(&format!("{{ a }} {bomb}")), Err(Excess::Fields), "also where nothing spreads it");
    }

    #[test]
    fn circles_are_refused() {
        for text in [
            "{ ...A } fragment A on Q { ...A }",
            "{ ...A } fragment A on Q { a { ...B } } fragment B on Q { ... { ...A } }",
            "{ a } fragment A on Q { ...B } fragment B on Q { ...A }",
        ] {
            assert!(matches!(of(text), Err(Excess::Circle(_))), "{text}: {:?}", of(text));
        }
        assert_eq!(of("{ ...A ...A ...Unknown } fragment A on Q { ...B ...B } fragment B on Q { b }"), Ok(()));
    }
}
