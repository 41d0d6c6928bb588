//! The table of formats with their names and decoders.

use super::{
    DecodeError, Decoded, Incoming, airbeam, airgradient, airrohr, chirpstack, enviro, influx, json, opensensemap,
    things_stack, ttn_v2,
};

/// A sensor format.
#[derive(Debug)]
pub struct Format {
    /// Its name in the database and in URLs.
    pub name: &'static str,
    /// Decodes a body to samples, without a database.
    pub decode: fn(&Incoming<'_>) -> Result<Decoded, DecodeError>,
    /// Whether the decoder needs the sensors registered for the device.
    pub needs_sensors: bool,
}

/// See [`airbeam`].
pub static AIRBEAM: Format = Format::new(airbeam::FORMAT, airbeam::decode);
/// See [`airgradient`].
pub static AIRGRADIENT: Format = Format::new(airgradient::FORMAT, airgradient::decode);
/// See [`airrohr`].
pub static AIRROHR: Format = Format::new(airrohr::FORMAT, airrohr::decode);
/// See [`chirpstack`].
pub static CHIRPSTACK: Format = Format::new(chirpstack::FORMAT, chirpstack::decode);
/// See [`enviro`].
pub static ENVIRO: Format = Format::new(enviro::FORMAT, enviro::decode);
/// See [`influx`].
pub static INFLUX: Format = Format::new(influx::FORMAT, influx::decode);
/// See [`json`].
pub static JSON: Format = Format::new(json::FORMAT, json::decode);
/// See [`opensensemap`].
pub static OPENSENSEMAP: Format =
    Format { needs_sensors: true, ..Format::new(opensensemap::FORMAT, opensensemap::decode) };
/// See [`things_stack`].
pub static THINGS_STACK: Format = Format::new(things_stack::FORMAT, things_stack::decode);
/// See [`ttn_v2`].
pub static TTN_V2: Format = Format::new(ttn_v2::FORMAT, ttn_v2::decode);

/// All formats.
pub static ALL_FORMATS: [&Format; 10] =
    [&AIRBEAM, &AIRGRADIENT, &AIRROHR, &CHIRPSTACK, &ENVIRO, &INFLUX, &JSON, &OPENSENSEMAP, &THINGS_STACK, &TTN_V2];

impl Format {
    const fn new(name: &'static str, decode: fn(&Incoming<'_>) -> Result<Decoded, DecodeError>) -> Self {
        Self { name, decode, needs_sensors: false }
    }

    /// The format with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<&'static Self> {
        ALL_FORMATS.iter().copied().find(|format| format.name == name)
    }
}
