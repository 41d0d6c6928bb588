//! Real bodies with damages of bad radio, bad firmware and malicious clients: changed bytes, truncation, repeated
//! parts, numbers out of range, duplicate keys, values of other types.

use std::{collections::BTreeSet, ops::Range};

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use super::generate;

/// One damage. An `Index` selects a position in the current body.
#[derive(Clone, Debug)]
enum Mutation {
    /// Replaces a byte.
    Byte(Index, u8),
    /// Truncates the body.
    Cut(Index),
    /// Repeats a range of bytes elsewhere.
    Copy { from: Index, length: usize, to: Index },
    /// Removes a range of bytes.
    Remove { from: Index, length: usize },
    /// Replaces a word, either a name or a value.
    Word(Index, String),
    /// Replaces the value of a name by another value, whatever its size.
    Value(Index, String),
    /// Replaces the value of a name by another number or text.
    SameType { at: Index, number: String, text: String },
    /// Repeats a name with another value.
    Duplicate(Index, String),
}

/// Bodies of the corpus with a few damages: only those that keep the syntax valid, or any.
pub(crate) fn mutated(corpus: &[Vec<u8>], words: &[String]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let value = || generate::value(words);
    let byte = prop_oneof![any::<u8>(), select(&b"{}[]\",:;-+.eE=#0123456789 ntf\\\n\r\0"[..])];
    let whole = prop_oneof![
        6 => (any::<Index>(), generate::number(), generate::text(words))
            .prop_map(|(at, number, text)| Mutation::SameType { at, number, text }),
        1 => (any::<Index>(), value()).prop_map(|(at, value)| Mutation::Value(at, value)),
        1 => (any::<Index>(), value()).prop_map(|(at, value)| Mutation::Duplicate(at, value)),
    ];
    let any_word = prop_oneof![select(words.to_vec()), value()];
    let broken = prop_oneof![
        3 => (any::<Index>(), byte).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        1 => (any::<Index>(), 0..40_usize, any::<Index>()).prop_map(|(from, length, to)| Mutation::Copy { from, length, to }),
        1 => (any::<Index>(), 0..40_usize).prop_map(|(from, length)| Mutation::Remove { from, length }),
        2 => (any::<Index>(), any_word).prop_map(|(at, word)| Mutation::Word(at, word)),
        2 => whole.clone(),
    ];
    let damages = prop_oneof![vec(whole, 0..4), vec(broken, 1..6)];
    (select(corpus.to_vec()), damages).prop_map(|(mut body, damages)| {
        for damage in &damages {
            damage.apply(&mut body);
        }
        body
    })
}

impl Mutation {
    fn apply(&self, body: &mut Vec<u8>) {
        let run = |from: Index, length: usize| {
            let from = from.index(body.len() + 1);
            from..(from + length).min(body.len())
        };
        match self {
            Self::Byte(at, byte) if !body.is_empty() => {
                let at = at.index(body.len());
                body[at] = *byte;
            }
            Self::Byte(..) => {}
            Self::Cut(at) => body.truncate(at.index(body.len() + 1)),
            Self::Copy { from, length, to } => {
                let copied = body[run(*from, *length)].to_vec();
                let to = to.index(body.len() + 1);
                body.splice(to..to, copied);
            }
            Self::Remove { from, length } => drop(body.drain(run(*from, *length))),
            Self::Word(at, word) => {
                if let Some(place) = take_at(*at, words(body)) {
                    body.splice(place, word.bytes());
                }
            }
            Self::Value(at, value) => {
                if let Some((_, place)) = take_at(*at, named(body)) {
                    body.splice(place, value.bytes());
                }
            }
            Self::SameType { at, number, text } => {
                let like = |place: &Range<usize>| match body.get(place.start) {
                    Some(b'"') => Some(text),
                    Some(byte) if byte.is_ascii_digit() || *byte == b'-' => Some(number),
                    _ => None,
                };
                let places = named(body).into_iter().filter_map(|(_, place)| like(&place).map(|value| (place, value)));
                if let Some((place, value)) = take_at(*at, places.collect()) {
                    body.splice(place, value.bytes());
                }
            }
            Self::Duplicate(at, value) => {
                if let Some((name, place)) = take_at(*at, named(body)) {
                    // The name and its separator, then the other value, before the existing pair.
                    let mut pair = body[name.start..place.start].to_vec();
                    pair.extend(value.bytes().chain([b',']));
                    body.splice(name.start..name.start, pair);
                }
            }
        }
    }
}

/// The words of these bodies, without their quotes.
pub(crate) fn vocabulary(corpus: &[Vec<u8>]) -> Vec<String> {
    let all = corpus.iter().flat_map(|body| words(body).into_iter().map(|place| &body[place]));
    let words: BTreeSet<_> = all.map(|word| String::from_utf8_lossy(word).trim_matches('"').to_owned()).collect();
    words.into_iter().collect()
}

fn take_at<T>(at: Index, mut from: Vec<T>) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(at.index(from.len())))
}

/// The quoted texts, and runs of characters of names and numbers.
fn words(body: &[u8]) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = 0;
    while at < body.len() {
        let end = word_end(body, at);
        if end > at {
            words.push(at..end);
        }
        at = end.max(at + 1);
    }
    words
}

/// The names, each with the position of its value: `"name": value` or `name=value`.
fn named(body: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
    let pairs = words(body).into_iter().filter_map(|name| {
        let value = match body.get(name.end)? {
            b':' | b'=' => name.end + 1,
            _ => return None,
        };
        Some((name, value..value_end(body, value)))
    });
    pairs.collect()
}

fn word_end(body: &[u8], from: usize) -> usize {
    if body[from] != b'"' {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(byte);
        return from + body[from..].iter().take_while(|byte| is_part(byte)).count();
    }
    let mut at = from + 1;
    while at < body.len() && body[at] != b'"' {
        at += if body[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(body.len())
}

/// The end of the value that begins here: a word, or everything up to its closing bracket.
fn value_end(body: &[u8], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    while at < body.len() {
        match body[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' if depth > 0 => at = word_end(body, at) - 1,
            _ if depth == 0 => return word_end(body, at),
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    body.len()
}

#[test]
fn mutations_change_their_target() {
    let body = br#"{"a":[1,{"b":"]"}],"c":"x","d":-1.5e3}"#;
    let values: Vec<_> = named(body).into_iter().map(|(_, value)| String::from_utf8_lossy(&body[value])).collect();
    assert_eq!(values, [r#"[1,{"b":"]"}]"#, r#""]""#, r#""x""#, "-1.5e3"]);
    assert_eq!(vocabulary(&[b"m,node=n pm10=1.5 17".to_vec()]), ["1.5", "17", "m", "n", "node", "pm10"]);
}
