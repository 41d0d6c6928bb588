//! The quantity and the device in the name of a single value.
//!
//! Home automation writes one value in a line with a descriptive name: `balcony_pm2_5`, `balcony_temperature`. The
//! quantity is the longest suffix of the name, after an underscore, that is a known name; the part before it is the
//! device. If the unit is known from elsewhere (Home Assistant's measurement is the unit), it must be one of the
//! quantity's, and then names without a unit of their own count too, such as `ozone`.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::super::vocabulary::{FieldMeaning, PLAIN, airrohr::AIRROHR_OR_CONVENTIONAL};

/// Maximum length of a name suffix, in bytes.
const MAX_SUFFIX_BYTES: usize = 64;

/// Prefixes of quantities that are not of the air: a computer's own temperature, a setpoint, water.
const NON_AIR_NAMES: &[&str] = &[
    "battery",
    "board",
    "boiler",
    "chip",
    "core",
    "cpu",
    "device",
    "disk",
    "drive",
    "esp",
    "esp32",
    "esp8266",
    "flow",
    "freezer",
    "fridge",
    "gpu",
    "hdd",
    "internal",
    "mcu",
    "module",
    "nvme",
    "oven",
    "pool",
    "processor",
    "return",
    "set",
    "setpoint",
    "soc",
    "soil",
    "ssd",
    "target",
    "water",
];

/// The meaning of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ValueKind<'a> {
    /// The vocabulary's meaning of this name.
    Name(&'a str),
    /// A quantity with a unit known from elsewhere.
    InUnit(Quantity, Unit),
}

/// The meaning of a name with a value in `unit`, if that is known.
pub(super) fn kind(name: &str, unit: Option<Unit>) -> Option<ValueKind<'_>> {
    let Some(unit) = unit else { return AIRROHR_OR_CONVENTIONAL.meaning(name).map(|_| ValueKind::Name(name)) };
    match PLAIN.meaning(name)? {
        FieldMeaning::Quantity { quantity, .. } => {
            unit.convert(quantity, 1.0).map(|_| ValueKind::InUnit(quantity, unit))
        }
        FieldMeaning::Latitude | FieldMeaning::Longitude => None,
    }
}

/// The meaning of the suffix of a name, and the part before it.
pub(super) fn kind_of_suffix(name: &str, unit: Option<Unit>) -> Option<(&str, ValueKind<'_>)> {
    let starts = std::iter::once(0).chain(name.match_indices('_').map(|(at, _)| at + 1));
    let mut ends = starts.filter(|&at| name.len() - at <= MAX_SUFFIX_BYTES);
    let (before, kind) = ends.find_map(|at| kind(&name[at..], unit).map(|kind| (&name[..at], kind)))?;
    Some((before.trim_end_matches('_'), kind))
}

/// Whether values of a thing with this name may describe the air around it.
pub(super) fn is_air_quantity(thing: &str) -> bool {
    let last = thing.rsplit(['_', '-', '.', ' ']).next().unwrap_or_default();
    !NON_AIR_NAMES.iter().any(|word| word.eq_ignore_ascii_case(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_suffix_that_is_a_quantity_counts() {
        for (name, before, end) in [
            ("balcony_pm2_5", "balcony", "pm2_5"),
            ("balcony_pm_2_5", "balcony", "pm_2_5"),
            ("school_north_relative_humidity", "school_north", "relative_humidity"),
            ("balcony_dew_point", "balcony", "dew_point"),
            ("temperature", "", "temperature"),
        ] {
            assert_eq!(kind_of_suffix(name, None), Some((before, ValueKind::Name(end))), "{name}");
        }
    }

    #[test]
    fn known_unit_decides_ambiguous_names() {
        let ozone = ValueKind::InUnit(Quantity::O3, Unit::PartPerBillion);
        assert_eq!(kind_of_suffix("balcony_ozone", Some(Unit::PartPerBillion)), Some(("balcony", ozone)));
        assert_eq!(kind_of_suffix("balcony_ozone", None), None, "ppb, ppm or µg/m³");
        assert_eq!(kind_of_suffix("phone_battery_level", Some(Unit::Percent)), None);
        assert_eq!(kind_of_suffix("balcony_temperature", Some(Unit::Percent)), None);
    }

    #[test]
    fn computer_temperatures_and_setpoints_are_ignored() {
        for thing in ["nas_cpu", "boiler_water", "living_room_target", "SSD", "esp32"] {
            assert!(!is_air_quantity(thing), "{thing}");
        }
        for thing in ["", "balcony", "water_street", "ds18b20"] {
            assert!(is_air_quantity(thing), "{thing}");
        }
    }

    #[test]
    fn only_the_suffix_of_a_long_name_is_looked_up() {
        let long = format!("{}_pm10", "a_".repeat(500_000));
        assert!(kind_of_suffix(&long, None).is_some());
        assert_eq!(kind_of_suffix(&"_".repeat(500_000), None), None);
    }
}
