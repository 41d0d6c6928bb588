//! The limits of an unparsed text: number of tokens, nesting of brackets, length.
//!
//! Reads tokens like the parser (GraphQL specification, section 2.1), except for details that hardly change their
//! number. The ends of strings must agree exactly, as brackets in strings don't count.

use super::{LimitExceeded, MAX_DOCUMENT_BYTES, MAX_NESTING, MAX_TOKENS};

const BLOCK_QUOTE: &[u8] = b"\"\"\"";
const ESCAPED_BLOCK_QUOTE: &[u8] = b"\\\"\"\"";

/// Checks a text in one pass, which stops at the first limit exceeded.
///
/// # Errors
/// When the text has too many tokens, too deeply nested brackets, or is too long.
pub fn check(text: &str) -> Result<(), LimitExceeded> {
    let mut rest = TextScanner { bytes: text.as_bytes(), may_contain_block_end: true };
    let (mut tokens, mut open) = (0, 0_usize);
    while let Some(first) = rest.next_token() {
        tokens += 1;
        if tokens > MAX_TOKENS {
            return Err(LimitExceeded::Tokens);
        }
        match first {
            b'{' | b'[' | b'(' => open += 1,
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_NESTING {
            return Err(LimitExceeded::Nesting);
        }
    }
    if text.len() > MAX_DOCUMENT_BYTES { Err(LimitExceeded::DocumentBytes) } else { Ok(()) }
}

/// The unread rest of the text.
struct TextScanner<'a> {
    bytes: &'a [u8],
    /// Whether the rest may contain the end of a block string. False after one failed search.
    may_contain_block_end: bool,
}

impl TextScanner<'_> {
    /// Reads a token and returns its first byte; `None` at the end.
    fn next_token(&mut self) -> Option<u8> {
        self.skip_ignored();
        let first = *self.bytes.first()?;
        let length = match first {
            b'"' => self.string_len(),
            b'.' if self.bytes.starts_with(b"...") => 3,
            b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => 1 + prefix_len(&self.bytes[1..], is_word_byte),
            _ => 1,
        };
        self.bytes = &self.bytes[length..];
        Some(first)
    }

    /// White space, commas, byte order marks, comments.
    fn skip_ignored(&mut self) {
        loop {
            let mut ignored = prefix_len(self.bytes, |byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b','));
            if self.bytes[ignored..].starts_with(b"#") {
                ignored += prefix_len(&self.bytes[ignored..], |byte| !is_line_end(byte));
            } else if self.bytes[ignored..].starts_with("\u{feff}".as_bytes()) {
                ignored += 3;
            }
            if ignored == 0 {
                return;
            }
            self.bytes = &self.bytes[ignored..];
        }
    }

    /// The length of the string that starts here. An unterminated block string is read as an empty string and one
    /// quote.
    fn string_len(&mut self) -> usize {
        if self.may_contain_block_end && self.bytes.starts_with(BLOCK_QUOTE) {
            match block_string_end(&self.bytes[BLOCK_QUOTE.len()..]) {
                Some(end) => return BLOCK_QUOTE.len() + end,
                None => self.may_contain_block_end = false,
            }
        }
        let mut at = 1;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'"' => return at + 1,
                b'\\' => at += 2,
                byte if is_line_end(byte) => return at,
                _ => at += 1,
            }
        }
        self.bytes.len()
    }
}

/// The end of a block string.
fn block_string_end(content: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < content.len() {
        at += memchr::memchr2(b'"', b'\\', &content[at..])?;
        if content[at..].starts_with(BLOCK_QUOTE) {
            return Some(at + BLOCK_QUOTE.len());
        }
        at += if content[at..].starts_with(ESCAPED_BLOCK_QUOTE) { ESCAPED_BLOCK_QUOTE.len() } else { 1 };
    }
    None
}

fn prefix_len(bytes: &[u8], of: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !of(byte)).unwrap_or(bytes.len())
}

/// Names and numbers; that `1.5e-3` is one token makes no difference to what follows it.
fn is_word_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// The first byte of each token.
#[cfg(test)]
pub(super) fn first_bytes(text: &str) -> Vec<u8> {
    let mut rest = TextScanner { bytes: text.as_bytes(), may_contain_block_end: true };
    std::iter::from_fn(|| rest.next_token()).collect()
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn tokens_are_separated_as_by_the_parser() {
        for (text, expected) in [
            ("", ""),
            (" ,\t\r\n# {{{\r#\n\u{feff}", ""),
            ("query Q($n: [Int!]! = 12) { a1: b_2(x: -7) ...F @c }", "qQ($n:[I!]!=1){a:b(x:-).F@c}"),
            (r#"a "{" b "\"{" c "\\" { """#, r#"a"b"c"{""#),
            ("\"\"\"{ \"\" \\\"\"\" [ \"\"\" {", "\"{"),
            // Unterminated block string: an empty string, then the text after the third quote.
            ("\"\"\"x\" [ {", "\"\"[{"),
            ("\"\"\"x\" [ \"\\\"\"\" [", "\"\"[\"\""),
            // A line end terminates an unterminated string.
            ("\"{ \n [", "\"["),
            ("\"\\", "\""),
            ("💨", "💨"),
        ] {
            assert_eq!(String::from_utf8_lossy(&first_bytes(text)), expected, "{text}");
        }
    }

    #[test]
    fn too_many_tokens_are_rejected() {
        let of = |count: usize| format!("{{ {} }}", "a ".repeat(count - 2));
        assert_eq!(check(&of(MAX_TOKENS)), Ok(()));
        assert_eq!(check(&of(MAX_TOKENS + 1)), Err(LimitExceeded::Tokens));
        assert_eq!(check(&format!("{{ a(b: \"{}\") }}", "x ".repeat(MAX_TOKENS))), Ok(()));
    }

    #[test]
    fn too_long_text_is_rejected() {
        let of = |length: usize| format!("{{ a(b: \"{}\") }}", "x".repeat(length - 12));
        assert_eq!(check(&of(MAX_DOCUMENT_BYTES)), Ok(()));
        assert_eq!(check(&of(MAX_DOCUMENT_BYTES + 1)), Err(LimitExceeded::DocumentBytes));
        assert_eq!(check(&" ".repeat(MAX_DOCUMENT_BYTES + 1)), Err(LimitExceeded::DocumentBytes));
    }

    #[test]
    fn too_deep_nesting_is_rejected() {
        for (open, close) in [("{a", "}"), ("[", "]"), ("(a:[", "])")] {
            let each = open.bytes().filter(|byte| b"{[(".contains(byte)).count();
            let of = |count: usize| format!("{}{}", open.repeat(count / each), close.repeat(count / each));
            assert_eq!(check(&of(MAX_NESTING)), Ok(()), "{open}");
            assert_eq!(check(&of(MAX_NESTING + each)), Err(LimitExceeded::Nesting), "{open}");
            assert_eq!(check(&of(MAX_NESTING).repeat(20)), Ok(()), "one beside the other is not nested");
        }
        assert_eq!(check(&format!("{{ a(b: \"\"\"{}\"\"\") }}", "[".repeat(1000))), Ok(()));
        // Brackets after an unterminated block string.
        let text = format!("{{ a(b: [\"\"\"x\" {}", "[".repeat(MAX_NESTING));
        assert_eq!(check(&text), Err(LimitExceeded::Nesting));
    }

    #[test]
    fn maximum_nesting_can_be_parsed() {
        let selections = format!("{}a{}", "{a ".repeat(MAX_NESTING - 1), "}".repeat(MAX_NESTING - 1));
        let values = format!("{{a(b:{}{})}}", "[".repeat(MAX_NESTING - 2), "]".repeat(MAX_NESTING - 2));
        let objects = format!("{{a(b:{}1{})}}", "{c:".repeat(MAX_NESTING - 2), "}".repeat(MAX_NESTING - 2));
        for text in [&selections, &values, &objects] {
            assert_eq!(check(text), Ok(()));
            let _ = parse_query(text); // the library has its own limit of selections; it only has to return
        }
    }
}
