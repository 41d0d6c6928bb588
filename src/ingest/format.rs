//! The table of formats: for each its name and its decoder.

use super::{DecodeError, Decoded, Incoming, airgradient, airrohr, chirpstack, influx, json, things_stack, ttn_v2};

/// A sensor format.
#[derive(Debug)]
pub struct Format {
    /// Its name in the database and in URLs.
    pub name: &'static str,
    /// From a body to samples, without asking anybody.
    pub decode: fn(&Incoming<'_>) -> Result<Decoded, DecodeError>,
}

/// See [`airgradient`].
pub static AIRGRADIENT: Format = Format { name: airgradient::FORMAT, decode: airgradient::decode };
/// See [`airrohr`].
pub static AIRROHR: Format = Format { name: airrohr::FORMAT, decode: airrohr::decode };
/// See [`chirpstack`].
pub static CHIRPSTACK: Format = Format { name: chirpstack::FORMAT, decode: chirpstack::decode };
/// See [`influx`].
pub static INFLUX: Format = Format { name: influx::FORMAT, decode: influx::decode };
/// See [`json`].
pub static JSON: Format = Format { name: json::FORMAT, decode: json::decode };
/// See [`things_stack`].
pub static THINGS_STACK: Format = Format { name: things_stack::FORMAT, decode: things_stack::decode };
/// See [`ttn_v2`].
pub static TTN_V2: Format = Format { name: ttn_v2::FORMAT, decode: ttn_v2::decode };

/// All of them.
pub static ALL: [&Format; 7] = [&AIRGRADIENT, &AIRROHR, &CHIRPSTACK, &INFLUX, &JSON, &THINGS_STACK, &TTN_V2];

impl Format {
    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|format| format.name == name)
    }
}
