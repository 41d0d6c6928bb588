//! Names of the files of months: `year=2026/month=05/measurements-v1.parquet`, in a bucket
//! `year=2026/month=05/measurements-v1-0123456789abcdef.parquet`.

use crate::domain::month::Month;

/// Digits of the hash in the name of a file in a bucket.
const HASH_DIGITS: usize = 16;

/// The name of the file of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthFileName {
    pub month: Month,
    /// Version of the month, from 1.
    pub version: u32,
}

impl MonthFileName {
    /// Its path relative to the manifest.
    pub fn path(self) -> String {
        format!("{}/measurements-v{}.parquet", self.folder(), self.version)
    }

    /// The same for a file with this SHA-256: files that differ have different paths.
    pub fn path_with_hash(self, sha256: &str) -> String {
        let hash = sha256.get(..HASH_DIGITS).unwrap_or(sha256);
        format!("{}/measurements-v{}-{hash}.parquet", self.folder(), self.version)
    }

    /// Reads a path with a hash.
    pub fn parse_with_hash(path: &str) -> Option<Self> {
        let (year, rest) = path.strip_prefix("year=")?.split_once("/month=")?;
        let (month, rest) = rest.split_once("/measurements-v")?;
        let (version, hash) = rest.strip_suffix(".parquet")?.split_once('-')?;
        let name = Self { month: Month::from_suffix(&format!("{year}_{month}"))?, version: version.parse().ok()? };
        (name.path_with_hash(hash) == path && hash.len() == HASH_DIGITS).then_some(name)
    }

    fn folder(self) -> String {
        self.month.start().format("year=%Y/month=%m").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_read_back() {
        let name = MonthFileName { month: Month::from_suffix("2026_05").expect("a month"), version: 12 };
        assert_eq!(name.path(), "year=2026/month=05/measurements-v12.parquet");
        let path = name.path_with_hash("0123456789abcdef0123");
        assert_eq!(path, "year=2026/month=05/measurements-v12-0123456789abcdef.parquet");
        assert_eq!(MonthFileName::parse_with_hash(&path), Some(name));
        for other in [
            "year=2026/month=05/measurements-v12.parquet",
            "year=2026/month=05/measurements-v12-copy.parquet",
            "year=2026/month=05/measurements-v012-0123456789abcdef.parquet",
            "year=2026/month=5/measurements-v12-0123456789abcdef.parquet",
            "manifest.json",
        ] {
            assert_eq!(MonthFileName::parse_with_hash(other), None, "{other}");
        }
    }
}
