//! The characters that external texts may contain: visible ones, so that texts that look the same
//! are the same, and no character reorders or hides its neighbours. The classes are those of PRECIS (RFC 8264).

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Whether a character may be in a name, a licence or another display text: spaces of any width, and the joiners and
/// variation selectors that scripts and emoji need, are allowed.
#[must_use]
pub fn is_printable(char: char) -> bool {
    const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];
    match char.general_category() {
        GeneralCategory::SpaceSeparator => true,
        GeneralCategory::Format => JOINERS.contains(&char),
        _ => has_own_shape(char) || is_variation_selector(char),
    }
}

/// Whether a character may be in an identifier, such as a device key. The only space is U+0020.
#[must_use]
pub fn is_identifying(char: char) -> bool {
    match char.general_category() {
        GeneralCategory::SpaceSeparator => char == ' ',
        _ => has_own_shape(char),
    }
}

/// Whether a character combines with the one before it.
#[must_use]
pub fn is_mark(char: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark, SpacingMark};
    matches!(char.general_category(), EnclosingMark | NonspacingMark | SpacingMark)
}

fn has_own_shape(char: char) -> bool {
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, SpaceSeparator, Surrogate, Unassigned,
    };
    let is_other = matches!(
        char.general_category(),
        Control | Format | LineSeparator | ParagraphSeparator | PrivateUse | SpaceSeparator | Surrogate | Unassigned
    );
    !is_other && !is_ignorable(char)
}

/// Invisible letters and marks (`Default_Ignorable_Code_Point` outside `Format`), and a blank symbol.
fn is_ignorable(char: char) -> bool {
    is_variation_selector(char)
        || matches!(
            char,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
        )
}

fn is_variation_selector(char: char) -> bool {
    matches!(char, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Controls, bidirectional formatting, other formats, fillers, private use, unassigned, separators.
    const HIDDEN: &str = "\0\u{7f}\u{85}\u{202e}\u{2066}\u{200b}\u{200e}\u{feff}\u{ad}\u{e0041}\u{3164}\u{34f}\u{e000}\
                          \u{378}\u{ffff}\u{2028}\u{2029}";

    #[test]
    fn letters_marks_digits_punctuation_and_symbols_are_allowed() {
        for char in "bike-07 äß школа 학교 学校 مدرسة प्रदूषण µ³ :/_.#(&)'\u{301}€😀".chars()
        {
            assert!(is_identifying(char) && is_printable(char), "{char:?}");
        }
    }

    #[test]
    fn invisible_characters_are_rejected() {
        for char in HIDDEN.chars() {
            assert!(!is_identifying(char) && !is_printable(char), "{char:?}");
        }
    }

    #[test]
    fn printable_text_may_have_joiners_and_other_spaces() {
        for char in ['\u{a0}', '\u{202f}', '\u{200d}', '\u{200c}', '\u{fe0f}'] {
            assert!(!is_identifying(char) && is_printable(char), "{char:?}");
        }
    }
}
