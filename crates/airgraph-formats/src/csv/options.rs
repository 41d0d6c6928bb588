//! Options of a CSV import.

use std::{collections::HashMap, str::FromStr};

use airgraph_domain::{device::DeviceKey, sensor::Sensors};
use chrono::NaiveDate;

/// Data that a file may lack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// The device of lines without one.
    pub device: Option<DeviceKey>,
    /// The date of the first line, if the logger's clock had it wrong. Following lines keep their distance.
    pub date: Option<NaiveDate>,
    /// Meanings of columns with other names.
    pub columns: ColumnNames,
    /// Quantities of the device's sensors, for a file with sensor ids.
    pub sensors: Sensors,
    /// The only device whose samples are accepted: that of the API key, if it is bound to one.
    pub restrict_to_device: Option<DeviceKey>,
}

/// Known names of columns by the file's names, such as `Zeit:time,Feinstaub:pm10`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames(HashMap<String, String>);

/// Why a text is not a list of column names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidColumns {
    /// An entry that isn't two names with a colon between them.
    #[error("{0:?} must be the file's name of a column, a colon, and the name it has here, such as Zeit:time")]
    Entry(String),
    /// The same column twice.
    #[error("column {0:?} is named twice")]
    Duplicate(String),
}

impl ColumnNames {
    /// The known name of a column.
    pub(super) fn name<'a>(&'a self, column: &'a str) -> &'a str {
        self.0.get(column).map_or(column, String::as_str)
    }

    /// The columns that the file must have.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromStr for ColumnNames {
    type Err = InvalidColumns;

    fn from_str(text: &str) -> Result<Self, InvalidColumns> {
        let mut columns = HashMap::new();
        for entry in text.split(',').filter(|entry| !entry.trim().is_empty()) {
            let names = entry.rsplit_once(':').map(|(file, here)| (file.trim(), here.trim()));
            let Some((file, here)) = names.filter(|(file, here)| !file.is_empty() && !here.is_empty()) else {
                return Err(InvalidColumns::Entry(entry.to_owned()));
            };
            if columns.insert(file.to_owned(), here.to_owned()).is_some() {
                return Err(InvalidColumns::Duplicate(file.to_owned()));
            }
        }
        Ok(Self(columns))
    }
}
