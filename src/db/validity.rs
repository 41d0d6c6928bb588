//! The rules of [`crate::domain::validity`] as SQL, for measurement `m`.

use std::fmt::Write as _;

use super::readings;
use crate::domain::{
    quality::QualityFlag,
    quantity::{Group, Quantity},
    validity::AIR_GROUPS,
};

/// Whether a column, or an expression of its type, is a valid value of a quantity; null for null.
pub(super) fn is_valid(column: &str, quantity: Quantity) -> String {
    let definition = quantity.definition();
    // Particulates are compared as 32-bit floats, as stored: 999.9 then equals 999.9.
    let kind = if definition.group == Group::Air { "real" } else { "float8" };
    format!("{column} between '{}'::{kind} and '{}'::{kind}", definition.min, definition.max)
}

/// Whether the measurement is invalid; false or null otherwise.
pub(super) fn is_invalid() -> String {
    let mut invalid = format!("m.flags & {} <> 0", QualityFlag::OutOfRange as i32);
    for group in AIR_GROUPS {
        let any = |table: &str| {
            let each = Quantity::in_group(group)
                .map(|quantity| is_valid(&format!("{table}.{}", quantity.definition().name), quantity));
            each.collect::<Vec<_>>().join(" or ")
        };
        let valid = match group {
            Group::Air => any("m"),
            // A scalar subquery, evaluated only for flagged rows: `exists` could become a join that reads the whole
            // table.
            Group::Weather | Group::Ambient | Group::Motion | Group::Status => format!(
                "select {} from {} beside where beside.device_id = m.device_id and beside.measured_at = m.measured_at
                 and beside.seq = m.seq",
                any("beside"),
                readings::table(group),
            ),
        };
        // Writing to a String can't fail.
        let _ = write!(invalid, " and ({valid}) is not true");
    }
    invalid
}

/// Whether the measurement counts at its position.
pub(super) fn has_valid_position() -> String {
    format!("m.flags & {} = 0", QualityFlag::NullIsland as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particulate_is_compared_at_stored_precision() {
        assert_eq!(is_valid("m.pm10", Quantity::Pm10), "m.pm10 between '0'::real and '999.9'::real");
        assert_eq!(
            is_valid("weather.temperature", Quantity::Temperature),
            "weather.temperature between '-40'::float8 and '125'::float8"
        );
    }
}
