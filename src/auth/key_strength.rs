//! An estimate of how hard a chosen key is to guess.
//!
//! A key is read from left to right. Patterns that an attacker tries first cost few bits: a repetition of an earlier
//! part, a sequence such as `0123`, letters that may be a word. Any other character costs as many bits as its alphabet
//! has. The estimate is rough on purpose: it accepts every key of 128 random bits and refuses keys made by hand. A
//! dictionary would accept a few more handmade keys, and cost a dependency of a megabyte.

/// Minimum bits of an accepted key. A random key of 32 hexadecimal digits has 128, less some for chance repetitions.
pub const MIN_BITS: f64 = 90.0;

/// Cost of a repetition or a sequence: its start or step, and its length.
const PATTERN_BITS: f64 = 7.0;
/// Minimum length of a repetition or a sequence.
const MIN_PATTERN_CHARS: usize = 3;
/// Cost of a letter of a word: 13 bits for one of 8000 words, of 6 letters on average.
const WORD_LETTER_BITS: f64 = 2.2;
/// Minimum length of a word that is not marked by a capital letter or by separators.
const MIN_WORD_CHARS: usize = 4;
/// Cost of a separator that occurred before: whether there is one.
const SEPARATOR_BITS: f64 = 1.0;

/// Whether a character belongs to a class.
type CharClass = fn(&char) -> bool;

/// Estimated entropy of a key, in bits.
#[must_use]
pub fn bits(key: &str) -> f64 {
    let chars: Vec<char> = key.chars().collect();
    let char_bits = bits_per_char(&chars);
    let (mut bits, mut at) = (0.0, 0);
    while at < chars.len() {
        let (pattern, word) = (pattern_length(&chars, at), word_length(&chars[at..]));
        if pattern >= MIN_PATTERN_CHARS && pattern >= word {
            bits += PATTERN_BITS;
            at += pattern;
        } else if is_word(&chars, at, word) {
            bits += char_bits.min(WORD_LETTER_BITS) * to_f64(word);
            at += word;
        } else if !chars[at].is_ascii_alphanumeric() && chars[..at].contains(&chars[at]) {
            bits += SEPARATOR_BITS;
            at += 1;
        } else {
            bits += char_bits;
            at += 1;
        }
    }
    bits
}

/// Bits of one random character: of the key's alphabet, or of its number of distinct characters.
fn bits_per_char(chars: &[char]) -> f64 {
    let classes: [(CharClass, u32); 4] = [
        (char::is_ascii_lowercase, 26),
        (char::is_ascii_uppercase, 26),
        (char::is_ascii_digit, 10),
        (|char| !char.is_ascii_alphanumeric(), 33),
    ];
    let alphabet: u32 = classes.iter().filter(|(is_in, _)| chars.iter().any(is_in)).map(|(_, size)| size).sum();
    let mut distinct = chars.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    f64::from(alphabet.max(1)).min(to_f64(distinct.len().max(1))).log2()
}

/// Length of the pattern at `at`: a repetition of an earlier part, forwards or backwards, or a sequence of equal steps.
fn pattern_length(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let same = |one: &char, other: &char| one.eq_ignore_ascii_case(other);
    let matching = |earlier: &mut dyn Iterator<Item = &char>| {
        earlier.zip(rest).take_while(|(one, other)| same(one, other)).count()
    };
    let repeated = (0..at).map(|from| matching(&mut chars[from..].iter())).max().unwrap_or(0);
    let reversed = (0..at).map(|from| matching(&mut chars[..=from].iter().rev())).max().unwrap_or(0);
    let step = |two: &[char]| i64::from(u32::from(two[1])) - i64::from(u32::from(two[0]));
    let steps: Vec<_> = rest.windows(2).map(step).collect();
    let sequence = match steps.first() {
        Some(first) if first.abs() <= 1 => 1 + steps.iter().take_while(|step| *step == first).count(),
        _ => 0,
    };
    repeated.max(reversed).max(sequence)
}

/// Whether a run of letters of this length counts as a word. Random keys contain short runs of letters.
fn is_word(chars: &[char], at: usize, length: usize) -> bool {
    let is_separated = |char: Option<&char>| char.is_none_or(|char| !char.is_ascii_alphanumeric());
    let before = at.checked_sub(1).and_then(|before| chars.get(before));
    let is_capitalised = length == 3 && chars[at].is_ascii_uppercase() && chars[at + 1].is_ascii_lowercase();
    let stands_alone = length >= 2 && is_separated(before) && is_separated(chars.get(at + length));
    length >= MIN_WORD_CHARS || is_capitalised || stands_alone
}

/// Length of the letters that may form a word: of one case, or with a capital first letter.
fn word_length(rest: &[char]) -> usize {
    let Some(first) = rest.first().filter(|first| first.is_ascii_alphabetic()) else { return 0 };
    let is_shouted = first.is_ascii_uppercase() && rest.get(1).is_some_and(char::is_ascii_uppercase);
    let goes_on = |char: &&char| if is_shouted { char.is_ascii_uppercase() } else { char.is_ascii_lowercase() };
    1 + rest[1..].iter().take_while(goes_on).count()
}

fn to_f64(length: usize) -> f64 {
    f64::from(u32::try_from(length).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn handmade_keys_are_rejected() {
        for key in [
            "x".repeat(64),
            "0123456789".repeat(5),
            "9876543210".repeat(5),
            "abcdefghijklmnopqrstuvwxyz0123456789".to_owned(),
            "qwertyuiopasdfghjklzxcvbnm1234567890".to_owned(),
            "correct-horse-battery-staple-correct".to_owned(),
            "a-key-of-the-operators-own-choice-0123456789".to_owned(),
            "the-admins-own-choice-0123456789-0123456789".to_owned(),
            "change-me-before-the-first-start-please".to_owned(),
            "3a7f3a7f3a7f3a7f3a7f3a7f3a7f3a7f".to_owned(),
            "secretsecretsecretsecretsecretsecret".to_owned(),
            "00000000-0000-0000-0000-000000000001".to_owned(),
            "airgraph-admin-key-2026-airgraph-admin".to_owned(),
            "deadbeefdeadbeefcafebabecafebabe".to_owned(),
        ] {
            assert!(bits(&key) < MIN_BITS, "{key}: {:.0}", bits(&key));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5000, ..ProptestConfig::default() })]

        /// `openssl rand -hex 32`, `-base64 32`, and a random UUID, which has 122 bits.
        #[test]
        fn random_keys_are_accepted(bytes in any::<[u8; 32]>(), uuid in any::<[u8; 16]>()) {
            let hex: String = bytes.map(|byte| format!("{byte:02x}")).concat();
            let uuid = uuid::Builder::from_random_bytes(uuid).into_uuid().to_string();
            for key in [&hex, &STANDARD.encode(bytes), &uuid] {
                prop_assert!(bits(key) >= MIN_BITS, "{}: {:.0}", key, bits(key));
            }
        }
    }
}
