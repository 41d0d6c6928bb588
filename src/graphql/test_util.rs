//! Random decisions for tests with generated queries.

/// Decisions from random bytes; always the first choice when these are used up.
pub struct RandomChoices<'a>(pub &'a [u8]);

impl RandomChoices<'_> {
    pub fn index_below(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % count
    }

    pub fn pick<'a>(&mut self, options: &[&'a str]) -> &'a str {
        options[self.index_below(options.len())]
    }
}
