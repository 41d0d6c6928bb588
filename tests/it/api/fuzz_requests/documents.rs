//! Documents: valid, nearly valid, damaged and hostile ones.

use std::{collections::HashMap, fmt::Write as _, sync::LazyLock};

use airgraph::graphql;
use async_graphql::parser::{
    parse_schema,
    types::{BaseType, Type, TypeKind, TypeSystemDefinition},
};
use proptest::{collection::vec, prelude::*, sample::select};

/// A field: its name, its arguments with the names of their types, its result type.
struct Field {
    name: String,
    arguments: Vec<(String, Type)>,
    gives: String,
}

/// The fields of the schema's objects and inputs, and the values of its enums.
struct Schema {
    objects: HashMap<String, Vec<Field>>,
    inputs: HashMap<String, Vec<(String, Type)>>,
    enums: HashMap<String, Vec<String>>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let (mut objects, mut inputs, mut enums) = (HashMap::new(), HashMap::new(), HashMap::new());
    for definition in parse_schema(graphql::sdl()).expect("the schema").definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node.to_string();
        match definition.node.kind {
            TypeKind::Object(object) => {
                let fields = object.fields.into_iter().map(|field| {
                    let arguments = field.node.arguments.into_iter();
                    Field {
                        name: field.node.name.node.to_string(),
                        arguments: arguments.map(|one| (one.node.name.node.to_string(), one.node.ty.node)).collect(),
                        gives: innermost(&field.node.ty.node.base),
                    }
                });
                objects.insert(name, fields.collect());
            }
            TypeKind::InputObject(input) => {
                let fields = input.fields.into_iter().map(|one| (one.node.name.node.to_string(), one.node.ty.node));
                inputs.insert(name, fields.collect());
            }
            TypeKind::Enum(values) => {
                enums.insert(name, values.values.into_iter().map(|one| one.node.value.node.to_string()).collect());
            }
            _ => {}
        }
    }
    Schema { objects, inputs, enums }
});

fn innermost(base: &BaseType) -> String {
    match base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(of) => innermost(&of.base),
    }
}

/// Random choices, one byte each; zeros at the end, which mean the simplest choice.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> usize {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first.into()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.next() % many == many - 1
    }

    fn word(&mut self, from: &[&'static str]) -> &'static str {
        let word: &&'static str = self.pick(from);
        word
    }

    fn pick<'b, T>(&mut self, from: &'b [T]) -> &'b T {
        &from[self.next() % from.len()]
    }
}

/// A valid document, sometimes with a mistake.
fn allowed(bytes: &[u8]) -> String {
    let chance = &mut Choices(bytes);
    let (kind, root) = *chance.pick(&[
        ("query Q", "Query"),
        ("query Q", "Query"),
        ("query Q", "Query"),
        ("mutation M", "Mutation"),
        ("subscription S", "Subscription"),
    ]);
    let mut set = String::new();
    select_from(root, 0, chance, &mut set);
    if set.contains("...D") {
        set.push_str(" fragment D on Device { key latest { ...M } }");
    }
    if set.contains("...M") {
        set.push_str(" fragment M on Measurement { pm10 device { key } }");
    }
    // A variable must be used, and a list of none is an error.
    let variables = ["$n: Int = 3", "$filter: MeasurementFilter", "$yes: Boolean! = true"];
    let used = variables.into_iter().filter(|one| set.contains(one.split(':').next().unwrap_or(one)));
    let used: Vec<_> = used.map(|one| declared(one, chance)).collect();
    let variables = if used.is_empty() { String::new() } else { format!("({})", used.join(", ")) };
    format!("{kind}{variables} {set}")
}

/// The declaration of a variable, sometimes with an invalid type or default, or a description.
fn declared(variable: &str, chance: &mut Choices) -> String {
    if !chance.one_in(6) {
        return variable.to_owned();
    }
    let name = variable.split(':').next().unwrap_or(variable);
    let ty = chance.word(&[
        "Int!",
        "[Int]",
        "[ Int ! ] !",
        "[[Nope]]",
        "Nope = [1]",
        "[Nope] = [1]",
        "Query",
        "Node = {}",
        "DateTime = \"now\"",
        "MeasurementFilter = {not: {devices: null}}",
        "Area! = {cells: []}",
        "ID = 123456789012345678901234567890",
        "String = null @deprecated",
        "Boolean! = $yes",
    ]);
    let description = chance.word(&["", "\"which\" ", "\"\"\"a\\\"\"\"b\"\"\" "]);
    format!("{description}{name}: {ty}")
}

fn select_from(object: &str, depth: usize, chance: &mut Choices, text: &mut String) {
    let Some(fields) = SCHEMA.objects.get(object) else { return text.push_str("{ __typename }") };
    text.push_str("{ ");
    let count = if object == "Subscription" { 1 } else { 1 + chance.next() % 4 };
    for number in 0..count {
        match chance.next() % 60 {
            0 => text.push_str("__typename "),
            1 if object == "Measurement" => text.push_str("...M "),
            1 if object == "Device" => text.push_str("...D "),
            1 if object == "Node" => text.push_str("... on Device { ...D } id ... on Measurement { ...M } "),
            2 if depth < 8 => {
                text.push_str("... ");
                select_from(object, depth + 1, chance, text);
            }
            3 => text.push_str("nonsense "),
            _ => {
                let field = chance.pick(fields);
                if chance.one_in(4) {
                    let _ = write!(text, "a{number}: ");
                }
                text.push_str(&field.name);
                arguments(field, chance, text);
                if chance.one_in(10) {
                    text.push_str(chance.word(&[
                        " @include(if: true)",
                        " @skip(if: true)",
                        " @include(if: $yes)",
                        " @nonsense",
                    ]));
                }
                text.push(' ');
                if SCHEMA.objects.contains_key(&field.gives) || field.gives == "Node" {
                    if depth < 9 {
                        select_from(&field.gives, depth + 1, chance, text);
                    } else {
                        text.push_str("{ __typename } ");
                    }
                }
            }
        }
    }
    text.push_str("} ");
}

fn arguments(field: &Field, chance: &mut Choices, text: &mut String) {
    let mut open = false;
    for (name, ty) in &field.arguments {
        if ty.nullable && !chance.one_in(4) {
            continue;
        }
        text.push_str(if open { ", " } else { "(" });
        open = true;
        let _ = write!(text, "{name}: ");
        value(ty, 0, chance, text);
    }
    if open {
        text.push(')');
    }
}

fn value(ty: &Type, depth: usize, chance: &mut Choices, text: &mut String) {
    let name = match &ty.base {
        BaseType::List(of) => {
            text.push('[');
            for _ in 0..chance.next() % 3 {
                value(of, depth + 1, chance, text);
                text.push(' ');
            }
            return text.push(']');
        }
        BaseType::Named(name) => name.as_str(),
    };
    if chance.one_in(50) {
        return text.push_str(chance.word(&["null", "$n", "$filter", "{}", "[]", "-1", "\"\"", "NONSENSE", "1e999"]));
    }
    if let Some(values) = SCHEMA.enums.get(name) {
        return text.push_str(chance.pick::<String>(values));
    }
    if let Some(fields) = SCHEMA.inputs.get(name) {
        text.push('{');
        for (name, ty) in fields {
            if !ty.nullable || (depth < 6 && chance.one_in(5)) {
                let _ = write!(text, "{name}: ");
                value(ty, depth + 1, chance, text);
                text.push(' ');
            }
        }
        return text.push('}');
    }
    text.push_str(match name {
        "Int" => chance.word(&["1", "0", "5", "20", "-3", "2147483647", "10000", "99999999999"]),
        "Float" => chance.word(&["1", "0.5", "52.2", "-180", "1e308", "-0.0", "90"]),
        "Boolean" => chance.word(&["true", "false"]),
        "DateTime" => chance.word(&[
            "\"2026-05-01T10:00:00Z\"",
            "\"2026-05-01T11:00:00+02:00\"",
            "\"0001-01-01T00:00:00Z\"",
            "\"9999-12-31T23:59:59Z\"",
            "\"+262142-01-01T00:00:00Z\"",
            "\"yesterday\"",
        ]),
        _ => chance.word(&[
            "\"d1\"",
            "\"d2\"",
            "\"\"",
            "\"8928308280fffff\"",
            "\"Europe/London\"",
            "\"PT1H\"",
            "\"\\u0000\"",
            "\"\\uD83D\\uDE80\"",
            "\"\\uD83D\"",
            "\"\\u{1F680}\"",
            "\"\\u{110000}\"",
            "\"\"\"a\\\"\"\"b\"\"\"",
            "\"💨\"",
            "7",
        ]),
    });
}

/// A hostile document of this kind and size.
fn hostile(kind: usize, size: usize) -> String {
    let each = |one: &dyn Fn(usize) -> String| (0..size).map(one).collect::<Vec<_>>().concat();
    let fragments = |body: &dyn Fn(usize) -> String| each(&|n| format!("fragment F{n} on Query {{ {} }} ", body(n)));
    match kind {
        0 => format!("{{ {} }}", "__typename ".repeat(size)),
        1 => "{ devices { nodes ".repeat(size),
        2 => format!("{{ node(id: {}{}) {{ id }} }}", "[".repeat(size), "]".repeat(size)),
        3 => format!(
            "{{ ...F0 }} {} fragment F{size} on Query {{ __typename }}",
            fragments(&|n| format!("...F{0} ...F{0}", n + 1))
        ),
        4 => format!("{{ ...F0 }} {}", fragments(&|n| format!("...F{}", (n + 1) % size.max(1)))),
        5 => format!("{{ server {{ version {} }} }}", "@include(if: true) ".repeat(size)),
        6 => format!("{{ {} }}", each(&|n| format!("a{n}: measurements(first: 1000) {{ nodes {{ id }} }} "))),
        7 => {
            format!("query ({}) {{ __typename }}", each(&|n| format!("$v{n}: Int = {n} ")))
        }
        8 => format!("{{ device(key: \"{}\") {{ id }} }}", "\\u00e9".repeat(size)),
        9 => format!("{{ device(key: \"\"\"{}", "\"\" \\\"\"\" ".repeat(size)),
        10 => each(&|n| format!("query Q{n} {{ __typename }} ")),
        11 => format!("{{ measurements(filter: {}{}) {{ totalCount }} }}", "{not: ".repeat(size), "}".repeat(size)),
        _ => format!("query ($x: {}Int{}) {{ __typename }}", "[".repeat(size), "]".repeat(size)),
    }
}

const REAL: [&str; 3] = [
    include_str!("../introspection.graphql"),
    include_str!("../cases/queries/devices.graphql"),
    include_str!("../cases/queries/measurements_by_value.graphql"),
];

/// A run of bytes of a document is repeated `times` times, and some bytes behind it are replaced.
fn damaged(document: &str, from: usize, length: usize, times: usize, other: &str) -> String {
    let characters: Vec<_> = document.chars().collect();
    let from = from % (characters.len() + 1);
    let to = (from + length).min(characters.len());
    let run: String = characters[from..to].iter().collect();
    let (before, behind): (String, String) = (characters[..from].iter().collect(), characters[to..].iter().collect());
    format!("{before}{}{other}{behind}", run.repeat(times))
}

/// A document of any kind.
pub fn of_any_kind() -> impl Strategy<Value = String> {
    let words: Vec<_> = "{ } ( ) [ ] : ! $ = @ | & ... on query mutation subscription fragment true null 1 -0.5e9 \"x\" \"\"\"y\"\"\" # , \n a devices \
                         nodes id measurements first filter server __schema __typename $n F @include if \u{feff} \u{0} 💨"
        .split(' ')
        .collect();
    let allowed = || vec(any::<u8>(), 0..160).prop_map(|bytes| allowed(&bytes));
    let real = prop_oneof![select(REAL.to_vec()).prop_map(str::to_owned), allowed()];
    let other = prop_oneof![Just(String::new()), "[{}()\\[\\]\"@$!:.#a ]{1,3}", "\\PC{0,3}"];
    let times = prop_oneof![8 => 0..4_usize, 1 => Just(60), 1 => Just(5000)];
    prop_oneof![
        8 => allowed(),
        4 => (real, any::<u16>(), 0..40_usize, times, other)
            .prop_map(|(document, from, length, times, other)| damaged(&document, from.into(), length, times, &other)),
        2 => (0..13_usize, prop_oneof![0..120_usize, Just(3000), Just(30_000)]).prop_map(|(kind, size)| hostile(kind, size)),
        2 => vec(select(words), 0..60).prop_map(|words| words.join(" ")),
        1 => "\\PC{0,80}",
    ]
}
