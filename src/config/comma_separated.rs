//! Settings that are lists.

use std::str::FromStr;

/// Values separated by commas. None where there is no text, as files of settings leave what isn't set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(Vec<T>);

impl<T> List<T> {
    /// Reads each value.
    ///
    /// # Errors
    /// That of the first value that can't be read.
    pub fn read<E>(text: &str, value: impl Fn(&str) -> Result<T, E>) -> Result<Self, E> {
        let values = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        values.map(value).collect::<Result<_, _>>().map(Self)
    }
}

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        Self::read(text, str::parse)
    }
}

/// The values of all of them: a setting may be given more than once.
#[must_use]
pub fn all<T: Clone>(lists: &[List<T>]) -> Vec<T> {
    lists.iter().flat_map(|List(values)| values).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_separated_by_commas_and_no_text_is_no_value() {
        let read = |text: &str| text.parse::<List<u32>>().map(|list| all(&[list]));
        assert_eq!(read("1, 2,3"), Ok(vec![1, 2, 3]));
        for nothing in ["", " ", ","] {
            assert_eq!(read(nothing), Ok(vec![]), "{nothing:?}");
        }
        assert!(read("1,x").is_err());
        assert_eq!(all(&[List(vec![1]), List(vec![]), List(vec![2])]), [1, 2]);
    }
}
