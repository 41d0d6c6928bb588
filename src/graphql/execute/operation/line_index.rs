//! Converts byte offsets of a text to lines and columns.

use async_graphql::Pos;

/// Offsets of the starts of lines.
#[derive(Debug)]
pub(super) struct LineIndex {
    text: Box<str>,
    starts: Vec<usize>,
}

impl LineIndex {
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let is_end = |at: usize| bytes[at] == b'\n' || bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
        let starts = std::iter::once(0).chain((0..bytes.len()).filter(|&at| is_end(at)).map(|at| at + 1)).collect();
        Self { text: text.into(), starts }
    }

    /// Line and column from 1, the column in characters.
    pub fn position(&self, offset: usize) -> Pos {
        let line = self.starts.partition_point(|&start| start <= offset);
        let start = self.starts[line - 1];
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        Pos { line, column: column + 1 }
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_ending_counts_once() {
        let lines = LineIndex::new("a\nb\r\nc\rd\u{e9}e\n");
        for (offset, line, column) in [(0, 1, 1), (2, 2, 1), (5, 3, 1), (7, 4, 1), (10, 4, 3), (12, 5, 1)] {
            assert_eq!(lines.position(offset), Pos { line, column }, "{offset}");
        }
    }
}
