//! Files of `OpenAQ`'s archive with one value in each line:
//! `location_id,sensors_id,location,datetime,lat,lon,parameter,units,value`.
//!
//! The values of one location and time are one sample. A file holds a day of one location, sorted by sensor, so values
//! are gathered until the location or the day changes. The device's key is `openaq-<location_id>`, unless the device
//! option names another. Each line has its unit; unknown parameters and units are listed in `ignored`.

use std::{
    collections::{HashMap, hash_map::Entry},
    io,
};

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    quantity::Quantity,
    readings::Readings,
    sample::Sample,
    unit::Unit,
};
use chrono::{DateTime, Utc};
use csv::ByteRecord;
use tokio::io::AsyncRead;

use super::{
    CHUNK_LINES, CsvChunk, CsvOptions, UnreadableValues, check_device, dialect::Decimals, field, lines::LineReader,
};
use crate::{
    DecodeError, Decoded, Observation, Rejection,
    ignored::IgnoredNames,
    parse::{self, Reason},
    vocabulary::{FieldMeaning, PLAIN},
};

/// Maximum number of lines in a chunk, if neither location nor day changes.
const MAX_CHUNK_LINES: usize = 5 * CHUNK_LINES;
/// Length of the date in a time, in bytes.
const DATE_BYTES: usize = 10;

/// Indices of the columns.
struct OpenAqColumns {
    location: usize,
    time: usize,
    parameter: usize,
    units: usize,
    value: usize,
    latitude: Option<usize>,
    longitude: Option<usize>,
}

/// A file of values of locations.
pub(super) struct OpenAqReader {
    header: ByteRecord,
    columns: OpenAqColumns,
    decimals: Decimals,
    device: Option<DeviceKey>,
    only: Option<DeviceKey>,
    /// A line that was read ahead and belongs to the next chunk.
    pending: Option<(usize, ByteRecord)>,
}

/// One value.
struct OpenAqValue {
    device: DeviceKey,
    time: DateTime<Utc>,
    sample: Sample,
    quantity: Quantity,
    value: f64,
}

impl OpenAqReader {
    /// Whether this is the header of such a file.
    pub fn recognises(header: &ByteRecord) -> bool {
        OpenAqColumns::from_header(header).is_some()
    }

    /// The file with this header.
    ///
    /// # Errors
    /// If it is not a file of `OpenAQ`, or an option does not apply.
    pub fn try_new(header: ByteRecord, delimiter: u8, options: CsvOptions) -> Result<Self, DecodeError> {
        let Some(columns) = OpenAqColumns::from_header(&header) else {
            return Err(DecodeError::new("UNKNOWN_HEADER", "header: not that of OpenAQ's archive"));
        };
        if options.date.is_some() {
            return Err(super::date_is_not_applicable());
        }
        let CsvOptions { device, restrict_to_device: only, .. } = options;
        Ok(Self { header, columns, decimals: Decimals::new(delimiter), device, only, pending: None })
    }

    /// Reads the next chunk, until the location or the day changes.
    ///
    /// # Errors
    /// If reading fails.
    pub async fn next_chunk(&mut self, lines: &mut LineReader<impl AsyncRead + Unpin>) -> io::Result<CsvChunk> {
        let mut decoded = Decoded::empty(DeviceKind::Fixed);
        let mut ignored = IgnoredNames::default();
        let mut places = HashMap::new();
        let (mut count, mut last_day) = (0, Vec::new());
        loop {
            let (index, record) = match self.pending.take() {
                Some(held) => held,
                None => match lines.next().await? {
                    Some((index, Ok(record))) => (index, record.clone()),
                    Some((index, Err((code, detail)))) => {
                        count += 1;
                        decoded.rejected.push(Rejection { index, code, detail });
                        continue;
                    }
                    None => break,
                },
            };
            if record == self.header || record.iter().all(<[u8]>::is_empty) {
                continue;
            }
            let day = self.day_of(&record);
            let max_lines = if day == last_day { MAX_CHUNK_LINES } else { CHUNK_LINES };
            if count >= max_lines {
                self.pending = Some((index, record));
                break;
            }
            last_day = day;
            count += 1;
            let measured = self.measured(&record, &mut ignored);
            let added = measured.and_then(|measured| match measured {
                Some(measured) => add_value(&mut decoded.observations, &mut places, index, measured),
                None => Ok(()),
            });
            if let Err((code, detail)) = added {
                decoded.rejected.push(Rejection { index, code, detail });
            }
        }
        decoded.ignored = ignored.into_names();
        Ok(CsvChunk { lines: count as u64, decoded, unreadable: UnreadableValues::default() })
    }

    /// Location and date of a line.
    fn day_of(&self, record: &ByteRecord) -> Vec<u8> {
        let field = |at| record.get(at).unwrap_or_default();
        let time = field(self.columns.time);
        [field(self.columns.location), &time[..time.len().min(DATE_BYTES)]].join(&b' ')
    }

    /// The value of a line; `None` if its parameter or unit is unknown.
    fn measured(&mut self, record: &ByteRecord, ignored: &mut IgnoredNames) -> Result<Option<OpenAqValue>, Reason> {
        if record.len() != self.header.len() {
            let detail = format!("{} fields where the header has {}", record.len(), self.header.len());
            return Err(("WRONG_FIELD_COUNT", detail));
        }
        let text = |name: &str, at: usize| field::text(name, record.get(at).unwrap_or_default());
        let required = |name: &str, at, code| {
            text(name, at)?.ok_or_else(|| -> Reason { (code, format!("{name}: the line has none")) })
        };
        let location = required("location_id", self.columns.location, "MISSING_DEVICE")?;
        let time = required("datetime", self.columns.time, "MISSING_TIME")?;
        let time = field::moment("datetime", time, None)?;
        let device = self.device(location)?;
        let mut coordinate = |name, at: Option<usize>| match at.map(|at| text(name, at)).transpose()?.flatten() {
            Some(text) => field::coordinate(name, text, &mut self.decimals).map(Some),
            None => Ok(None),
        };
        let (latitude, longitude) =
            (coordinate("lat", self.columns.latitude)?, coordinate("lon", self.columns.longitude)?);
        let position = parse::position(latitude, longitude)?;
        let parameter = required("parameter", self.columns.parameter, "MISSING_VALUE")?;
        let units = text("units", self.columns.units)?.unwrap_or_default();
        let Some((quantity, unit)) = quantity(parameter).zip(Unit::parse(units)) else {
            ignored.insert(&format!("{parameter} ({units})"));
            return Ok(None);
        };
        let value = required("value", self.columns.value, "MISSING_VALUE")?;
        let value = field::number("value", value, &mut self.decimals)?;
        let Some(value) = unit.convert(quantity, value) else {
            ignored.insert(&format!("{parameter} ({units})"));
            return Ok(None);
        };
        let sample = Sample { position, ..Sample::new(time) };
        Ok(Some(OpenAqValue { device, time, sample, quantity, value }))
    }

    fn device(&self, location: &str) -> Result<DeviceKey, Reason> {
        let key = match &self.device {
            Some(device) => device.clone(),
            None => DeviceKey::try_new(format!("openaq-{location}"))
                .map_err(|reason| ("INVALID_DEVICE", reason.to_string()))?,
        };
        check_device(&key, self.only.as_ref())?;
        Ok(key)
    }
}

impl OpenAqColumns {
    fn from_header(header: &ByteRecord) -> Option<Self> {
        let at = |name: &str| header.iter().position(|field| field.eq_ignore_ascii_case(name.as_bytes()));
        Some(Self {
            location: at("location_id")?,
            time: at("datetime")?,
            parameter: at("parameter")?,
            units: at("units").or_else(|| at("unit"))?,
            value: at("value")?,
            latitude: at("lat"),
            longitude: at("lon"),
        })
    }
}

/// The quantity of an `OpenAQ` parameter.
fn quantity(parameter: &str) -> Option<Quantity> {
    if parameter == "um003" {
        return Some(Quantity::Particles0_3);
    }
    match PLAIN.meaning(parameter)? {
        FieldMeaning::Quantity { quantity, .. } => Some(quantity),
        FieldMeaning::Latitude | FieldMeaning::Longitude => None,
    }
}

/// Adds a value to the sample of its device and time.
fn add_value(
    observations: &mut Vec<Observation>,
    places: &mut HashMap<(DeviceKey, DateTime<Utc>), usize>,
    index: usize,
    measured: OpenAqValue,
) -> Result<(), Reason> {
    let OpenAqValue { device, time, sample, quantity, value } = measured;
    let mut alone = Readings::default();
    alone.set(quantity, value).map_err(|reason| ("INVALID_VALUE", reason.to_string()))?;
    let place = match places.entry((device.clone(), time)) {
        Entry::Occupied(place) => *place.get(),
        Entry::Vacant(place) => {
            observations.push(Observation { index, device, sample });
            *place.insert(observations.len() - 1)
        }
    };
    let readings = &mut observations[place].sample.readings;
    if readings.get(quantity).is_some() {
        let name = quantity.definition().name;
        return Err(("VALUE_TOLD_TWICE", format!("another line has {name} of this location and time already")));
    }
    readings.set(quantity, value).map_err(|reason| ("INVALID_VALUE", reason.to_string()))
}
