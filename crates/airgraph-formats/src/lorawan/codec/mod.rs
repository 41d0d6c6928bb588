//! Meanings of the fields of decoders on network servers: one table for each brand.
//!
//! Names have their conventional meaning ([`CONVENTIONAL`]), unless the device's brand is known: then its table
//! defines the units of names with an ambiguous one. The Things Stack sends the brand in `version_ids`; on `ChirpStack`
//! it is derived from the name of the device profile.

pub(super) mod cayenne;
mod decentlab;
mod dragino;
mod elsys;
mod milesight;

use crate::vocabulary::{CONVENTIONAL, FieldMeaning, FieldUnit, Vocabulary};

/// The fields of a brand's decoders.
#[derive(Debug)]
pub(crate) struct Codec {
    /// Identifier in the device repository (`version_ids.brand_id`); empty for [`UNKNOWN_BRAND`].
    brand_id: &'static str,
    /// Prefixes of words that identify the brand or a model of it in a device profile.
    profile_words: &'static [&'static str],
    pub(super) vocabulary: Vocabulary,
    /// General names with another meaning for this brand.
    excluded: &'static [&'static str],
}

/// Signal strengths in a payload belong to other radios: those that the device scanned or received.
const RADIO_SIGNAL_NAMES: &[&str] = &["rssi", "signal"];

/// A device of an unknown brand.
static UNKNOWN_BRAND: Codec = Codec {
    brand_id: "",
    profile_words: &[],
    vocabulary: Vocabulary { own: cayenne::meaning, ..CONVENTIONAL },
    excluded: &[],
};

static BRANDS: &[&Codec] = &[&milesight::MILESIGHT, &dragino::DRAGINO, &decentlab::DECENTLAB, &elsys::ELSYS];

impl Codec {
    /// The codec of a brand of The Things Stack's device repository.
    pub(crate) fn of_brand(brand_id: Option<&str>) -> &'static Self {
        BRANDS.iter().find(|codec| Some(codec.brand_id) == brand_id).copied().unwrap_or(&UNKNOWN_BRAND)
    }

    /// The codec of a device profile, from the words of its name.
    pub(crate) fn of_profile(name: Option<&str>) -> &'static Self {
        let name = name.unwrap_or_default().to_ascii_lowercase();
        let mut words = name.split(|char: char| !char.is_ascii_alphanumeric());
        let brand = words.find_map(|word| {
            BRANDS.iter().find(|codec| codec.profile_words.iter().any(|beginning| word.starts_with(beginning)))
        });
        brand.copied().unwrap_or(&UNKNOWN_BRAND)
    }

    /// The meaning of a name, if any.
    pub(super) fn meaning(&self, name: &str) -> Option<FieldMeaning> {
        self.vocabulary.meaning(name).filter(|_| !self.excludes(name))
    }

    /// Whether a general name has another meaning here.
    pub(super) fn excludes(&self, name: &str) -> bool {
        RADIO_SIGNAL_NAMES.iter().chain(self.excluded).any(|excluded| excluded.eq_ignore_ascii_case(name))
    }
}

/// The meaning of a name in a brand's table, or as a channel of Cayenne LPP. All rank the same: the first of a payload
/// counts.
fn find_field(table: &[FieldUnit], name: &str) -> Option<FieldMeaning> {
    let row = table.iter().find(|(known, ..)| *known == name);
    row.map(|&(_, quantity, unit)| FieldMeaning::own_unit(quantity, unit)).or_else(|| cayenne::meaning(name))
}

/// Value of a 16-bit register without data: 0x7fff or 0xffff, in tenths or hundredths.
const NO_TEMPERATURE_RANGE: std::ops::RangeInclusive<f64> = 327.0..=f64::MAX;

#[cfg(test)]
mod tests {
    use airgraph_domain::quantity::Quantity;

    use super::*;
    use crate::vocabulary::SentUnit;

    fn converted(codec: &Codec, name: &str, value: f64) -> Option<(Quantity, f64)> {
        match codec.meaning(name)? {
            FieldMeaning::Quantity { quantity, unit: SentUnit::Is(unit), .. } => {
                Some((quantity, unit.convert(quantity, value)?))
            }
            _ => None,
        }
    }

    #[test]
    fn brand_decides_ambiguous_units() {
        for (codec, name, value, expected) in [
            (Codec::of_brand(Some("dragino")), "BatV", 3.103, Some((Quantity::BatteryVoltage, 3.103))),
            (Codec::of_brand(Some("dragino")), "TempC_DS", 13.18, None),
            (Codec::of_brand(Some("elsys")), "vdd", 3636.0, Some((Quantity::BatteryVoltage, 3.636))),
            (Codec::of_brand(Some("elsys")), "lat", 4_567_890.0, None),
            (Codec::of_brand(Some("decentlab")), "pm2_5_mass_concentration", 3.9, Some((Quantity::Pm2_5, 3.9))),
            (Codec::of_brand(Some("decentlab")), "pm2_5_number_concentration", 30.1, None),
            (Codec::of_brand(Some("milesight-iot")), "tvoc", 37.0, None),
            (Codec::of_brand(None), "o3", 0.03, None),
            (Codec::of_brand(None), "RSSI", -80.0, None),
            (Codec::of_brand(Some("somebody")), "BatV", 3.1, None),
        ] {
            assert_eq!(converted(codec, name, value), expected, "{name}");
        }
        assert_eq!(Codec::of_brand(Some("dragino")).meaning("Longitud"), Some(FieldMeaning::Longitude));
        let ozone = converted(Codec::of_brand(Some("milesight-iot")), "o3", 0.03).expect("ozone");
        assert!(ozone.0 == Quantity::O3 && (ozone.1 - 59.87).abs() < 0.01, "{ozone:?}");
    }

    #[test]
    fn a_device_profile_names_its_brand_or_a_model() {
        for (name, brand_id) in [
            ("Milesight AM100", "milesight-iot"),
            ("AM319-868M", "milesight-iot"),
            ("profile-am307l", "milesight-iot"),
            ("Dragino LHT65N", "dragino"),
            ("Dargino LHT65N", "dragino"),
            ("Elsys_Codec", "elsys"),
            ("DL-PM (Decentlab)", "decentlab"),
            ("(EU868) Migration OTAA Without label", ""),
            ("amsterdam", ""),
            ("", ""),
        ] {
            assert_eq!(Codec::of_profile(Some(name)).brand_id, brand_id, "{name}");
        }
        assert_eq!(Codec::of_profile(None).brand_id, "");
    }
}
