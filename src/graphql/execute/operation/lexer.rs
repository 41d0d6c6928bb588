//! Tokens of a GraphQL document (GraphQL specification, section 2.1).

use std::ops::Range;

use super::SyntaxError;

/// A token: its kind, its text, and its start, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    pub start: usize,
}

/// Kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// One of `! $ & ( ) ... : = @ [ ] { | }`.
    Punctuator,
    Name,
    Number,
    /// A string, or a block string.
    String,
    /// The end of the document.
    EndOfFile,
}

const BLOCK_QUOTE: &str = "\"\"\"";
const ESCAPED_BLOCK_QUOTE: &str = "\\\"\"\"";

/// Reads tokens sequentially.
pub(super) struct Lexer<'a> {
    text: &'a str,
    offset: usize,
    /// Offsets of skipped commas and comments.
    pub ignored: Vec<Range<usize>>,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, offset: 0, ignored: Vec::new() }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    /// The next token.
    pub fn next_token(&mut self) -> Result<Token<'a>, SyntaxError> {
        self.skip_ignored();
        let (start, rest) = (self.offset, self.rest());
        let Some(first) = rest.chars().next() else { return Ok(Token { kind: TokenKind::EndOfFile, text: "", start }) };
        let (kind, length) = match first {
            '!' | '$' | '&' | '(' | ')' | ':' | '=' | '@' | '[' | ']' | '{' | '|' | '}' => (TokenKind::Punctuator, 1),
            '.' if rest.starts_with("...") => (TokenKind::Punctuator, 3),
            '_' | 'a'..='z' | 'A'..='Z' => {
                (TokenKind::Name, rest.len() - rest.trim_start_matches(is_name_continue).len())
            }
            '-' | '0'..='9' => (TokenKind::Number, self.number_len()?),
            '"' if rest.starts_with(BLOCK_QUOTE) => (TokenKind::String, self.block_string_len()?),
            '"' => (TokenKind::String, self.string_len()?),
            other => return Err(SyntaxError::new(start, format!("unexpected character {}", display_char(other)))),
        };
        self.offset += length;
        Ok(Token { kind, text: &rest[..length], start })
    }

    /// White space, line ends, commas, byte order marks and comments.
    fn skip_ignored(&mut self) {
        let from = self.offset;
        self.skip_all_ignored();
        if self.text.as_bytes()[from..self.offset].iter().any(|byte| !byte.is_ascii_whitespace()) {
            self.ignored.push(from..self.offset);
        }
    }

    fn skip_all_ignored(&mut self) {
        loop {
            let rest = self.rest();
            let behind = rest.trim_start_matches([' ', '\t', '\r', '\n', ',', '\u{feff}']);
            let behind = if behind.starts_with('#') { behind.trim_start_matches(|c| !is_line_end(c)) } else { behind };
            if behind.len() == rest.len() {
                return;
            }
            self.offset += rest.len() - behind.len();
        }
    }

    /// The length of the number that starts here.
    fn number_len(&self) -> Result<usize, SyntaxError> {
        let bytes = self.rest().as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let invalid = |at: usize| Err(SyntaxError::new(self.offset + at, "invalid number"));
        let mut at = usize::from(bytes[0] == b'-');
        match digits(at) {
            0 => return invalid(at),
            1 => at += 1,
            _ if bytes[at] == b'0' => return invalid(at),
            many => at += many,
        }
        if bytes.get(at) == Some(&b'.') {
            match digits(at + 1) {
                0 => return invalid(at),
                many => at += 1 + many,
            }
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            match digits(at) {
                0 => return invalid(at),
                many => at += many,
            }
        }
        match bytes.get(at) {
            Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') => invalid(at),
            _ => Ok(at),
        }
    }

    /// The length of the string that starts here.
    fn string_len(&self) -> Result<usize, SyntaxError> {
        let rest = self.rest();
        let mut at = 1;
        while let Some(character) = rest[at..].chars().next() {
            match character {
                '"' => return Ok(at + 1),
                '\\' => at += self.escape_len(at)?,
                character if is_line_end(character) => break,
                character => at += character.len_utf8(),
            }
        }
        Err(SyntaxError::new(self.offset + at, "unterminated string"))
    }

    /// The length of the escape sequence that starts here in a string (§2.9.4).
    fn escape_len(&self, at: usize) -> Result<usize, SyntaxError> {
        let rest = &self.rest()[at..];
        let invalid = || Err(SyntaxError::new(self.offset + at, "invalid escape sequence"));
        match rest.as_bytes().get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') if rest[2..].starts_with('{') => {
                let Some(end) = rest.find('}') else { return invalid() };
                let code = parse_hex(&rest[3..end]).and_then(char::from_u32);
                code.map_or_else(invalid, |_| Ok(end + 1))
            }
            Some(b'u') => {
                let unit = |from: usize| rest.get(from..from + 4).and_then(parse_hex);
                match unit(2) {
                    Some(0xD800..=0xDBFF) => {
                        let low = rest[6..].starts_with("\\u").then(|| unit(8)).flatten();
                        if matches!(low, Some(0xDC00..=0xDFFF)) { Ok(12) } else { invalid() }
                    }
                    Some(0xDC00..=0xDFFF) | None => invalid(),
                    Some(_) => Ok(6),
                }
            }
            _ => invalid(),
        }
    }

    /// The length of the block string that starts here.
    fn block_string_len(&self) -> Result<usize, SyntaxError> {
        let content = &self.rest()[BLOCK_QUOTE.len()..];
        let mut at = 0;
        while let Some(found) = memchr::memchr2(b'"', b'\\', &content.as_bytes()[at..]) {
            at += found;
            if content[at..].starts_with(BLOCK_QUOTE) {
                return Ok(BLOCK_QUOTE.len() + at + BLOCK_QUOTE.len());
            }
            at += if content[at..].starts_with(ESCAPED_BLOCK_QUOTE) { ESCAPED_BLOCK_QUOTE.len() } else { 1 };
        }
        Err(SyntaxError::new(self.offset + self.rest().len(), "unterminated block string"))
    }
}

fn parse_hex(digits: &str) -> Option<u32> {
    // `from_str_radix` would accept a sign.
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

fn is_name_continue(character: char) -> bool {
    character == '_' || character.is_ascii_alphanumeric()
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\r' | '\n')
}

fn display_char(character: char) -> String {
    if character.is_control() { format!("U+{:04X}", u32::from(character)) } else { format!("`{character}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of the tokens, or the offset of the first error.
    fn tokens(text: &str) -> Result<Vec<&str>, usize> {
        let mut lexer = Lexer::new(text);
        let mut found = Vec::new();
        loop {
            let token = lexer.next_token().map_err(|error| error.offset)?;
            if token.kind == TokenKind::EndOfFile {
                return Ok(found);
            }
            found.push(token.text);
        }
    }

    #[test]
    fn tokens_are_separated() {
        for (text, expected) in [
            ("", vec![]),
            (" ,\t\r\n# {{{\r#\n\u{feff}", vec![]),
            (
                "query Q($n: [Int!]! = -12)",
                vec!["query", "Q", "(", "$", "n", ":", "[", "Int", "!", "]", "!", "=", "-12", ")"],
            ),
            ("{a1:b_2 ...F@c}", vec!["{", "a1", ":", "b_2", "...", "F", "@", "c", "}"]),
            ("0 -0 1.5e-3 2E9", vec!["0", "-0", "1.5e-3", "2E9"]),
            (r#""a\"{" "\u{1F680}\uD83D\uDE80" "" x"#, vec![r#""a\"{""#, r#""\u{1F680}\uD83D\uDE80""#, r#""""#, "x"]),
            ("\"\"\"a\\\"\"\"b\n\"\"\"x", vec!["\"\"\"a\\\"\"\"b\n\"\"\"", "x"]),
        ] {
            assert_eq!(tokens(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn invalid_token_is_located() {
        for (text, offset) in [
            ("a ?", 2),
            ("..", 0),
            ("01", 0),
            ("1a", 1),
            ("1.", 1),
            ("1e", 2),
            ("-", 1),
            ("1.2.3", 3),
            ("\"a", 2),
            ("\"a\n\"", 2),
            ("\"\\x\"", 1),
            ("\"\\u12\"", 1),
            ("\"\\uD83D\"", 1),
            ("\"\\uDE80\"", 1),
            ("\"\\u{110000}\"", 1),
            ("\"\\u{}\"", 1),
            ("\"\"\"a", 4),
            ("\u{0}", 0),
        ] {
            assert_eq!(tokens(text), Err(offset), "{text}");
        }
    }
}
