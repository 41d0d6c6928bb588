//! Settings that are lists.

use std::str::FromStr;

/// Values separated by commas. Empty text has none: environment files leave unset settings empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommaSeparated<T>(Vec<T>);

impl<T> CommaSeparated<T> {
    /// Parses each value.
    ///
    /// # Errors
    /// The error of the first invalid value.
    pub fn parse_with<E>(text: &str, value: impl Fn(&str) -> Result<T, E>) -> Result<Self, E> {
        let values = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        values.map(value).collect::<Result<_, _>>().map(Self)
    }
}

impl<T: FromStr> FromStr for CommaSeparated<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        Self::parse_with(text, str::parse)
    }
}

/// The values of all lists: a setting may be given more than once.
#[must_use]
pub fn concat<T: Clone>(lists: &[CommaSeparated<T>]) -> Vec<T> {
    lists.iter().flat_map(|CommaSeparated(values)| values).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_separated_by_commas_and_empty_text_has_none() {
        let read = |text: &str| text.parse::<CommaSeparated<u32>>().map(|list| concat(&[list]));
        assert_eq!(read("1, 2,3"), Ok(vec![1, 2, 3]));
        for nothing in ["", " ", ","] {
            assert_eq!(read(nothing), Ok(vec![]), "{nothing:?}");
        }
        assert!(read("1,x").is_err());
        assert_eq!(concat(&[CommaSeparated(vec![1]), CommaSeparated(vec![]), CommaSeparated(vec![2])]), [1, 2]);
    }
}
