//! Properties of the limits, on random documents.

use std::fmt::Write as _;

use apollo_compiler::ast::Document;
use proptest::prelude::*;

use super::document;

/// Number of fragments of a document, named from `F1`.
const FRAGMENT_COUNT: usize = 6;

/// A selection set of fields, aliases, directives, inline fragments and spreads of fragments with a number above
/// `from`.
fn selections(from: usize) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("b: a".to_owned()),
        Just("a @d".to_owned()),
        (from + 1..from + 4).prop_map(|to| if to > FRAGMENT_COUNT { "c".to_owned() } else { format!("...F{to}") }),
    ];
    let set = |inner: BoxedStrategy<String>| proptest::collection::vec(inner, 1..5).prop_map(|all| all.join(" "));
    let nested = leaf.prop_recursive(4, 40, 4, move |inner| {
        prop_oneof![
            set(inner.clone().boxed()).prop_map(|set| format!("a {{ {set} }}")),
            set(inner.boxed()).prop_map(|set| format!("... {{ {set} }}")),
        ]
    });
    set(nested.boxed()).boxed()
}

/// A document in which fragments only spread later fragments.
fn documents() -> impl Strategy<Value = String> {
    let fragments: Vec<_> = (1..=FRAGMENT_COUNT).map(selections).collect();
    (selections(0), fragments).prop_map(|(root, fragments)| {
        let mut text = format!("{{ {root} }}");
        for (number, set) in fragments.iter().enumerate() {
            let _ = write!(text, " fragment F{} on Q {{ {set} }}", number + 1);
        }
        text
    })
}

/// The document with each fragment spread replaced by the fragment's content; `None` when it becomes too long.
fn inline_fragments(text: &str) -> Option<String> {
    let mut parts = text.split(" fragment ");
    let mut root = parts.next()?.to_owned();
    for fragment in parts {
        let (name, set) = fragment.split_once(" on Q ")?;
        root = root.replace(&format!("...{name}"), &format!("... {set}"));
        if root.len() > 100_000 {
            return None;
        }
    }
    Some(root)
}

/// A token, as its text.
fn tokens() -> impl Strategy<Value = String> {
    let escaped = |text: String| serde_json::to_string(&text).expect("a string");
    prop_oneof![
        "[_a-zA-Z][_a-zA-Z0-9]{0,5}",
        "-?(0|[1-9][0-9]{0,4})",
        "[!$&():=@\\[\\]{|}]|\\.\\.\\.",
        "[a \"\\\\{}\\[\\]#,\n\tä💨]{0,12}".prop_map(escaped),
        "[a {}\\[\\]#,\n\"]{0,12}".prop_map(|text| format!("\"\"\"{}\n\"\"\"", text.replace("\"\"\"", "\\\"\"\""))),
    ]
}

proptest! {
    #[test]
    fn any_text_is_scanned_to_its_end(text in "[\\PC\n\"\\\\{}\\[\\]()#.]{0,200}") {
        let _ = super::text(&text);
    }

    #[test]
    fn token_count_is_exact(
        all in proptest::collection::vec((tokens(), "( |,|\n|\t|\r\n|\u{feff}| #[^\r\n]{0,9}\n)+"), 0..40),
    ) {
        let written: String = all.iter().flat_map(|(token, ignored)| [token.as_str(), ignored]).collect();
        let firsts: Vec<u8> = all.iter().map(|(token, _)| token.as_bytes()[0]).collect();
        prop_assert_eq!(super::text::first_bytes(&written), firsts, "{}", written);
    }

    #[test]
    fn fragments_count_as_if_inlined(text in documents()) {
        let counted = document(&Document::parse(text.as_str(), "request").expect("a document"));
        let out = inline_fragments(&text);
        prop_assume!(out.as_ref().is_some_and(|out| !out.contains("...F")));
        let out = Document::parse(out.unwrap_or_default(), "request").expect("a document");
        // Unused fragments count separately: the original document may also be rejected because of these.
        prop_assert!(counted.is_err() || document(&out).is_ok(), "{text}: {counted:?}, {:?}", document(&out));
    }
}
