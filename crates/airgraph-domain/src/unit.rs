//! Units of source values, and their conversion into the unit of [`Quantity`].
//!
//! A conversion exists only between units of one dimension, and between a gas's mole fraction (ppb) and its mass
//! concentration (µg/m³). The latter holds at 20 °C and 101.325 kPa, the conditions that Directive 2008/50/EC (annex
//! VI) reports gases at.

use super::quantity::Quantity;

/// A unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// µg/m³.
    MicrogramPerCubicMetre,
    /// mg/m³.
    MilligramPerCubicMetre,
    /// ng/m³.
    NanogramPerCubicMetre,
    /// Parts per billion.
    PartPerBillion,
    /// Parts per million.
    PartPerMillion,
    /// °C.
    Celsius,
    /// °F.
    Fahrenheit,
    /// K.
    Kelvin,
    /// Pa.
    Pascal,
    /// hPa; the same as mbar.
    Hectopascal,
    /// kPa.
    Kilopascal,
    /// Millimetres of mercury.
    MillimetreOfMercury,
    /// Inches of mercury.
    InchOfMercury,
    /// %.
    Percent,
    /// m/s.
    MetrePerSecond,
    /// km/h.
    KilometrePerHour,
    /// Knots.
    Knot,
    /// Miles an hour.
    MilePerHour,
    /// Metres.
    Metre,
    /// Millimetres.
    Millimetre,
    /// Feet.
    Foot,
    /// Inches.
    Inch,
    /// Degrees of an angle.
    Degree,
    /// Milliseconds.
    Millisecond,
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Volts.
    Volt,
    /// Millivolts.
    Millivolt,
    /// Decibels of sound pressure.
    Decibel,
    /// Decibels relative to a milliwatt.
    DecibelMilliwatt,
    /// Lux.
    Lux,
    /// Particles in a decilitre.
    PerDecilitre,
    /// Particles in a litre.
    PerLitre,
    /// Particles in a cubic centimetre.
    PerCubicCentimetre,
    /// A pure number.
    One,
}

/// Every unit.
pub const ALL: &[Unit] = &[
    Unit::MicrogramPerCubicMetre,
    Unit::MilligramPerCubicMetre,
    Unit::NanogramPerCubicMetre,
    Unit::PartPerBillion,
    Unit::PartPerMillion,
    Unit::Celsius,
    Unit::Fahrenheit,
    Unit::Kelvin,
    Unit::Pascal,
    Unit::Hectopascal,
    Unit::Kilopascal,
    Unit::MillimetreOfMercury,
    Unit::InchOfMercury,
    Unit::Percent,
    Unit::MetrePerSecond,
    Unit::KilometrePerHour,
    Unit::Knot,
    Unit::MilePerHour,
    Unit::Metre,
    Unit::Millimetre,
    Unit::Foot,
    Unit::Inch,
    Unit::Degree,
    Unit::Millisecond,
    Unit::Second,
    Unit::Minute,
    Unit::Hour,
    Unit::Volt,
    Unit::Millivolt,
    Unit::Decibel,
    Unit::DecibelMilliwatt,
    Unit::Lux,
    Unit::PerDecilitre,
    Unit::PerLitre,
    Unit::PerCubicCentimetre,
    Unit::One,
];

/// What a unit measures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dimension {
    Mass,
    MoleFraction,
    Temperature,
    Pressure,
    Ratio,
    Speed,
    Length,
    Angle,
    Time,
    Voltage,
    Sound,
    Power,
    Illuminance,
    Count,
    Number,
}

/// Molar volume of a gas at 20 °C and 101.325 kPa, in litres.
const MOLAR_VOLUME_L_PER_MOL: f64 = 24.055;

impl Unit {
    /// Parses a unit: UCUM, or a common spelling of devices. Case matters only where units differ by it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace('³', "3").replace(['µ', 'μ'], "u").replace("\u{c2}u", "u").replace(' ', "");
        // µg⋅m⁻³, as Decentlab writes it, and the one character for °C.
        let text = text.replace(['⋅', '·'], ".").replace('⁻', "-").replace('¹', "1").replace('℃', "°C");
        Some(match text.to_ascii_lowercase().as_str() {
            "ug/m3" | "ugm3" | "ug/m^3" | "ug/m**3" | "ug.m-3" | "ugm-3" => Self::MicrogramPerCubicMetre,
            "mg/m3" | "mgm3" | "mg/m^3" | "mg.m-3" => Self::MilligramPerCubicMetre,
            "ng/m3" | "ngm3" | "ng/m^3" => Self::NanogramPerCubicMetre,
            "ppb" | "[ppb]" | "ppbv" => Self::PartPerBillion,
            "ppm" | "[ppm]" | "ppmv" => Self::PartPerMillion,
            "°c" | "cel" | "c" | "degc" | "celsius" | "deg_c" | "degreescelsius" => Self::Celsius,
            "°f" | "[degf]" | "f" | "degf" | "fahrenheit" => Self::Fahrenheit,
            "k" | "kelvin" => Self::Kelvin,
            "pa" | "pascal" => Self::Pascal,
            "hpa" | "mbar" | "mb" | "hectopascal" => Self::Hectopascal,
            "kpa" => Self::Kilopascal,
            "mmhg" | "mm[hg]" | "torr" => Self::MillimetreOfMercury,
            "inhg" | "[in_i'hg]" => Self::InchOfMercury,
            "%" | "percent" | "%rh" | "pct" => Self::Percent,
            "m/s" | "mps" | "ms-1" | "m.s-1" => Self::MetrePerSecond,
            "km/h" | "kmh" | "kph" => Self::KilometrePerHour,
            "kn" | "kt" | "kts" | "knots" | "[kn_i]" => Self::Knot,
            "mph" | "mi/h" | "[mi_i]/h" => Self::MilePerHour,
            "m" | "metre" | "meter" => Self::Metre,
            "mm" => Self::Millimetre,
            "ft" | "[ft_i]" => Self::Foot,
            "in" | "[in_i]" | "inch" => Self::Inch,
            "deg" | "°" | "degrees" => Self::Degree,
            "ms" => Self::Millisecond,
            "s" | "sec" | "seconds" => Self::Second,
            "min" | "minutes" => Self::Minute,
            "h" | "hours" => Self::Hour,
            "v" | "volt" => Self::Volt,
            "mv" => Self::Millivolt,
            "db" | "dba" | "db(a)" | "db[spl]" => Self::Decibel,
            "dbm" | "db[mw]" => Self::DecibelMilliwatt,
            "lx" | "lux" => Self::Lux,
            "/dl" | "#/dl" | "/0.1l" => Self::PerDecilitre,
            "/l" | "#/l" => Self::PerLitre,
            "/cm3" | "#/cm3" | "particles/cm3" | "#/cm^3" => Self::PerCubicCentimetre,
            "1" | "index" | "count" => Self::One,
            _ => return None,
        })
    }

    /// A value converted into the unit of the quantity; `None` if the unit does not measure the quantity.
    #[must_use]
    pub fn convert(self, quantity: Quantity, value: f64) -> Option<f64> {
        let own = Self::for_quantity(quantity);
        if self == own {
            return Some(value);
        }
        let ((dimension, multiply, divide), (own_dimension, own_multiply, own_divide)) = (self.scale(), own.scale());
        let (multiply, divide) = (multiply * own_divide, divide * own_multiply);
        match (dimension, own_dimension) {
            (Dimension::Temperature, Dimension::Temperature) => self.to_celsius(value),
            (from, to) if from == to => Some(scaled(value, multiply, divide)),
            (Dimension::MoleFraction, Dimension::Mass) => {
                Some(scaled(value, multiply * molar_mass(quantity)?, divide * MOLAR_VOLUME_L_PER_MOL))
            }
            (Dimension::Mass, Dimension::MoleFraction) => {
                Some(scaled(value, multiply * MOLAR_VOLUME_L_PER_MOL, divide * molar_mass(quantity)?))
            }
            _ => None,
        }
    }

    /// The unit of the stored values of a quantity.
    #[must_use]
    pub fn for_quantity(quantity: Quantity) -> Self {
        let unit = quantity.definition().unit;
        Self::parse(unit).unwrap_or_else(|| unreachable!("a test reads the unit of every quantity: {unit}"))
    }

    fn to_celsius(self, value: f64) -> Option<f64> {
        match self {
            Self::Fahrenheit => Some((value - 32.0) * 5.0 / 9.0),
            Self::Kelvin => Some(value - 273.15),
            _ => None,
        }
    }

    /// The dimension, and the quotient that converts to the dimension's first unit.
    fn scale(self) -> (Dimension, f64, f64) {
        match self {
            Self::MicrogramPerCubicMetre => (Dimension::Mass, 1.0, 1.0),
            Self::MilligramPerCubicMetre => (Dimension::Mass, 1000.0, 1.0),
            Self::NanogramPerCubicMetre => (Dimension::Mass, 1.0, 1000.0),
            Self::PartPerBillion => (Dimension::MoleFraction, 1.0, 1.0),
            Self::PartPerMillion => (Dimension::MoleFraction, 1000.0, 1.0),
            Self::Celsius | Self::Fahrenheit | Self::Kelvin => (Dimension::Temperature, 1.0, 1.0),
            Self::Pascal => (Dimension::Pressure, 1.0, 1.0),
            Self::Hectopascal => (Dimension::Pressure, 100.0, 1.0),
            Self::Kilopascal => (Dimension::Pressure, 1000.0, 1.0),
            Self::MillimetreOfMercury => (Dimension::Pressure, 101_325.0, 760.0),
            Self::InchOfMercury => (Dimension::Pressure, 3386.389, 1.0),
            Self::Percent => (Dimension::Ratio, 1.0, 1.0),
            Self::MetrePerSecond => (Dimension::Speed, 1.0, 1.0),
            Self::KilometrePerHour => (Dimension::Speed, 1000.0, 3600.0),
            Self::Knot => (Dimension::Speed, 1852.0, 3600.0),
            Self::MilePerHour => (Dimension::Speed, 1609.344, 3600.0),
            Self::Metre => (Dimension::Length, 1000.0, 1.0),
            Self::Millimetre => (Dimension::Length, 1.0, 1.0),
            Self::Foot => (Dimension::Length, 304.8, 1.0),
            Self::Inch => (Dimension::Length, 25.4, 1.0),
            Self::Degree => (Dimension::Angle, 1.0, 1.0),
            Self::Millisecond => (Dimension::Time, 1.0, 1.0),
            Self::Second => (Dimension::Time, 1000.0, 1.0),
            Self::Minute => (Dimension::Time, 60_000.0, 1.0),
            Self::Hour => (Dimension::Time, 3_600_000.0, 1.0),
            Self::Volt => (Dimension::Voltage, 1000.0, 1.0),
            Self::Millivolt => (Dimension::Voltage, 1.0, 1.0),
            Self::Decibel => (Dimension::Sound, 1.0, 1.0),
            Self::DecibelMilliwatt => (Dimension::Power, 1.0, 1.0),
            Self::Lux => (Dimension::Illuminance, 1.0, 1.0),
            Self::PerDecilitre => (Dimension::Count, 10.0, 1.0),
            Self::PerLitre => (Dimension::Count, 1.0, 1.0),
            Self::PerCubicCentimetre => (Dimension::Count, 1000.0, 1.0),
            Self::One => (Dimension::Number, 1.0, 1.0),
        }
    }
}

/// A value times a quotient, with one rounding where the quotient or its inverse is whole.
fn scaled(value: f64, multiply: f64, divide: f64) -> f64 {
    if multiply % divide == 0.0 {
        value * (multiply / divide)
    } else if divide % multiply == 0.0 {
        value / (divide / multiply)
    } else {
        value * multiply / divide
    }
}

/// Molar mass of a gas, in grams.
fn molar_mass(quantity: Quantity) -> Option<f64> {
    match quantity {
        Quantity::No2 => Some(46.0055),
        Quantity::O3 => Some(47.9982),
        Quantity::Co => Some(28.0101),
        Quantity::Co2 => Some(44.0095),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_every_quantity_can_be_read() {
        for &quantity in Quantity::ALL {
            let unit = quantity.definition().unit;
            assert!(Unit::parse(unit).is_some(), "{unit}");
            assert_eq!(Unit::for_quantity(quantity).convert(quantity, 1.5), Some(1.5), "{unit}");
        }
    }

    #[test]
    fn common_spellings_of_units_are_parsed() {
        for (texts, unit) in [
            (&["µg/m³", "μg/m3", "ug/m3", "UG/M3", " µg/m³ ", "µg⋅m⁻³"][..], Unit::MicrogramPerCubicMetre),
            (&["°C", "Cel", "C", "℃"], Unit::Celsius),
            (&["hPa", "mbar"], Unit::Hectopascal),
            (&["dBm"], Unit::DecibelMilliwatt),
        ] {
            for text in texts {
                assert_eq!(Unit::parse(text), Some(unit), "{text}");
            }
        }
        for unknown in ["", "parsec", "µg", "g/m3"] {
            assert_eq!(Unit::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn values_convert_into_the_unit_of_their_quantity() {
        for (unit, quantity, value, expected) in [
            (Unit::Pascal, Quantity::Pressure, 100_520.25, 1005.2025),
            (Unit::Kilopascal, Quantity::Pressure, 101.325, 1013.25),
            (Unit::Second, Quantity::Uptime, 1_249_632.0, 1_249_632_000.0),
            (Unit::Fahrenheit, Quantity::Temperature, 212.0, 100.0),
            (Unit::Kelvin, Quantity::Temperature, 273.15, 0.0),
            (Unit::Millivolt, Quantity::BatteryVoltage, 3600.0, 3.6),
            (Unit::MetrePerSecond, Quantity::Speed, 10.0, 36.0),
            (Unit::KilometrePerHour, Quantity::WindSpeed, 36.0, 10.0),
            (Unit::Foot, Quantity::Altitude, 1000.0, 304.8),
            (Unit::MilligramPerCubicMetre, Quantity::Pm10, 0.012, 12.0),
            (Unit::PartPerBillion, Quantity::Co2, 450_000.0, 450.0),
            (Unit::PerLitre, Quantity::Particles0_3, 4420.0, 442.0),
        ] {
            assert_eq!(unit.convert(quantity, value), Some(expected), "{unit:?}");
        }
    }

    #[test]
    fn a_mole_fraction_of_a_gas_is_a_mass_at_20_degrees() {
        let near = |unit: Unit, quantity, value, expected: f64| {
            let converted = unit.convert(quantity, value).expect("a value");
            assert!((converted - expected).abs() < expected * 1e-3, "{converted}, not {expected}");
        };
        // European Commission's factors at 293 K: ozone 2.00 (1.9957), nitrogen dioxide 1.9125, carbon monoxide 1.1642.
        near(Unit::PartPerMillion, Quantity::O3, 0.03, 59.87);
        near(Unit::PartPerBillion, Quantity::No2, 1.0, 1.9125);
        near(Unit::PartPerMillion, Quantity::Co, 1.0, 1.1642);
        near(Unit::MilligramPerCubicMetre, Quantity::Co2, 1000.0, 546.6);
    }

    #[test]
    fn units_of_another_dimension_are_not_converted() {
        for (unit, quantity) in [
            (Unit::PartPerBillion, Quantity::Pm2_5),
            (Unit::Celsius, Quantity::Humidity),
            (Unit::One, Quantity::Co2),
            (Unit::Pascal, Quantity::Temperature),
        ] {
            assert_eq!(unit.convert(quantity, 1.0), None, "{unit:?}");
        }
    }
}
