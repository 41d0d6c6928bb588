//! The dialect of a file: its delimiter and its decimal sign.

use crate::parse;

/// Delimiters, by precedence: the first of those with the highest count in a header is used.
const DELIMITERS: [u8; 4] = [b';', b'\t', b'|', b','];
/// First line of files from Excel.
const EXCEL_PREFIX: &[u8] = b"sep=";

/// The delimiter of a file with this first line: the most frequent one outside of quotes.
pub(crate) fn delimiter(first: &[u8]) -> u8 {
    if let Some(delimiter) = excel_separator(first) {
        return delimiter;
    }
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut is_quoted = false;
    for byte in first {
        is_quoted ^= *byte == b'"';
        if let (false, Some(at)) = (is_quoted, DELIMITERS.iter().position(|delimiter| delimiter == byte)) {
            counts[at] += 1;
        }
    }
    let max = counts.iter().max().copied().filter(|&max| max > 0);
    max.and_then(|max| counts.iter().position(|&count| count == max)).map_or(b',', |at| DELIMITERS[at])
}

/// The delimiter that a line `sep=;` announces.
pub(super) fn excel_separator(line: &[u8]) -> Option<u8> {
    match line.strip_prefix(EXCEL_PREFIX)? {
        [delimiter] => Some(*delimiter).filter(|delimiter| DELIMITERS.contains(delimiter)),
        [] => Some(b'\t'), // a tab, trimmed as white space
        _ => None,
    }
}

/// The decimal sign of a file's numbers. The first number with a decimal sign decides: if both signs occur,
/// one of them separates thousands, and a number that contains it is rejected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimals {
    /// Whether the comma may be the decimal sign, since it is not the delimiter.
    allows_comma: bool,
    sign: Option<u8>,
}

impl Decimals {
    pub fn new(delimiter: u8) -> Self {
        Self { allows_comma: delimiter != b',', sign: None }
    }

    /// The text as a finite number, if it is one.
    pub fn number(&mut self, text: &str) -> Option<f64> {
        if !self.allows_comma {
            return parse::number(text);
        }
        let Some(at) = text.find([',', '.']) else { return parse::number(text) };
        let sign = text.as_bytes()[at];
        if self.sign.is_some_and(|known| known != sign) || text[at + 1..].contains([',', '.']) {
            return None;
        }
        let number = if sign == b',' { parse::number(&text.replacen(',', ".", 1)) } else { parse::number(text) };
        if number.is_some() {
            self.sign = Some(sign);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiter_is_the_most_frequent_one_in_the_header() {
        for (header, expected) in [
            ("time,pm10,pm2_5", b','),
            ("time;pm10;pm2_5", b';'),
            ("time\tpm10", b'\t'),
            ("time|pm10", b'|'),
            ("time;\"pm10, raw, mean\"", b';'),
            ("time;PM10 (µg/m³, 24 h)", b';'),
            ("time", b','),
            ("", b','),
            ("sep=;", b';'),
            ("sep=,", b','),
            ("sep=", b'\t'),
            ("sep=x,y", b','),
        ] {
            assert_eq!(delimiter(header.as_bytes()) as char, expected as char, "{header}");
        }
    }

    #[test]
    fn comma_is_a_decimal_sign_only_if_it_is_not_the_delimiter() {
        assert_eq!(Decimals::new(b';').number("12,5"), Some(12.5));
        assert_eq!(Decimals::new(b'\t').number("-0,25"), Some(-0.25));
        assert_eq!(Decimals::new(b'|').number("12.5"), Some(12.5));
        assert_eq!(Decimals::new(b';').number("12"), Some(12.0));
        assert_eq!(Decimals::new(b',').number("12,5"), None);
        assert_eq!(Decimals::new(b',').number("12.5"), Some(12.5));
    }

    #[test]
    fn thousands_separators_are_not_guessed() {
        for text in ["1.013,25", "1,013.25", "1,013,250", "1.013.250", "1 013", "1'013"] {
            assert_eq!(Decimals::new(b';').number(text), None, "{text}");
        }
        let mut decimals = Decimals::new(b';');
        assert_eq!((decimals.number("12,5"), decimals.number("1.013")), (Some(12.5), None), "commas are decimal here");
        let mut decimals = Decimals::new(b';');
        assert_eq!((decimals.number("12.5"), decimals.number("1,013")), (Some(12.5), None), "points are decimal here");
    }
}
