//! What can be exported.

use std::str::FromStr;

/// The rows of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportSubject {
    /// Measurements.
    Measurements,
    /// Statistics in groups of time, device, cell, hour and day.
    Statistics,
    /// Devices.
    Devices,
    /// Trips of mobile devices.
    Trips,
    /// Cells of a map with statistics.
    Cells,
}

impl ExportSubject {
    /// Every subject.
    pub const ALL: [Self; 5] = [Self::Measurements, Self::Statistics, Self::Devices, Self::Trips, Self::Cells];

    /// Its name in URLs, which is that of the GraphQL field.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Measurements => "measurements",
            Self::Statistics => "statistics",
            Self::Devices => "devices",
            Self::Trips => "trips",
            Self::Cells => "cells",
        }
    }

    /// Whether it is read in pages, so that it can be continued after a cursor.
    #[must_use]
    pub fn has_cursors(self) -> bool {
        matches!(self, Self::Measurements | Self::Devices)
    }
}

impl FromStr for ExportSubject {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|subject| subject.name() == name).ok_or(())
    }
}
