//! The kinds of file, and what their columns mean.
//!
//! | kind | its header |
//! |---|---|
//! | `CleanCycle` SD card | `Counter,Latitude,Longitude,PM10,PM2.5,gpsUpdated,…,Date,Time,Millis,…` |
//! | `CleanCycle` backup | the same names and the weather's, a `uuid`, in front columns without a name or `Unnamed: 0` |
//! | plain | `time`, `device`, `latitude`, `longitude`, and the quantities by their names, in any order |
//!
//! Units are those of [`Quantity`], but for the wind of the backup, which is told in knots: so the station of the
//! Cambridge Computer Laboratory publishes it, from where that weather seems to come (unverified).

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use csv::ByteRecord;

use super::{Options, field};
use crate::{
    domain::{
        device::{DeviceKey, DeviceKind},
        quantity::Quantity,
        sample::Sample,
    },
    ingest::{DecodeError, ignored::shortened, parse, parse::Reason},
};

/// Metres a second in a knot.
const KNOT: f64 = 1852.0 / 3600.0;
/// Columns of a file at most.
const MAX_COLUMNS: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Card,
    Backup,
    Plain,
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    Device,
    Moment,
    Date(fn(&str, &str) -> Result<NaiveDate, Reason>),
    TimeOfDay(fn(&str, &str) -> Result<NaiveTime, Reason>),
    Latitude,
    Longitude,
    /// A quantity, in its unit once multiplied.
    Quantity(Quantity, f64),
}

/// What a file's columns mean, and what its lines so far have told.
pub(super) struct Layout {
    header: ByteRecord,
    columns: Vec<Option<(String, Meaning)>>,
    /// The names of the columns that have no meaning here.
    pub ignored: Vec<String>,
    device: Option<DeviceKey>,
    /// The date that the first line is to have.
    date: Option<NaiveDate>,
    /// By how much all times are put right; known once there was a first line.
    shift: Option<TimeDelta>,
    /// The device that the last line named, so that all of its samples share one name.
    last_device: Option<DeviceKey>,
}

impl Layout {
    /// The layout of a file with this header.
    ///
    /// # Errors
    /// When the header is not that of a known kind, or something is missing that an option could tell.
    pub fn recognise(header: &ByteRecord, options: Options) -> Result<Self, DecodeError> {
        let refuse = |code, detail: String| Err(DecodeError::new(code, format!("header: {detail}")));
        if header.len() > MAX_COLUMNS {
            return refuse("UNKNOWN_HEADER", format!("{} columns; at most {MAX_COLUMNS}", header.len()));
        }
        let mut names = Vec::with_capacity(header.len());
        for name in header {
            match str::from_utf8(name) {
                Ok(name) => names.push(name),
                Err(_) => return refuse("INVALID_UTF8", "no text in UTF-8".to_owned()),
            }
        }
        if let Some(missing) = options.columns.files().find(|name| !names.contains(name)) {
            return refuse("MISSING_COLUMN", format!("there is no column {missing:?}, which the columns option names"));
        }
        let names: Vec<_> = names.iter().map(|name| options.columns.name(name)).collect();
        let Some(kind) = kind(&names) else {
            let found = shortened(&names.join(","));
            return refuse(
                "UNKNOWN_HEADER",
                format!(
                    "{found:?} is none that is known; expected is that of a CleanCycle SD card or backup, openSenseMap's, \
                     or columns named time, device, latitude, longitude, pm10, pm2_5, … separated by commas (the columns option \
                     can rename)"
                ),
            );
        };
        let mut columns: Vec<Option<(String, Meaning)>> = Vec::with_capacity(names.len());
        let mut ignored = Vec::new();
        for name in names {
            let meaning = meaning(kind, name);
            if meaning.is_some() && columns.iter().flatten().any(|(other, _)| other == name) {
                return refuse("DUPLICATE_COLUMN", format!("two columns are named {name:?}"));
            }
            if meaning.is_none() && !is_index(name) {
                ignored.push(shortened(name));
            }
            columns.push(meaning.map(|meaning| (name.to_owned(), meaning)));
        }
        let has = |wanted: fn(&Meaning) -> bool| columns.iter().flatten().any(|(_, meaning)| wanted(meaning));
        if !has(|meaning| matches!(meaning, Meaning::Quantity(..))) {
            return refuse("MISSING_COLUMN", "no column holds a quantity that is known".to_owned());
        }
        if !has(|meaning| matches!(meaning, Meaning::Device)) && options.device.is_none() {
            return refuse("MISSING_DEVICE", "no column names the device; tell it with the device option".to_owned());
        }
        if options.date.is_some() && kind == Kind::Plain {
            return Err(super::date_is_not_applicable());
        }
        Ok(Self {
            header: header.clone(),
            columns,
            ignored,
            device: options.device,
            date: options.date,
            shift: None,
            last_device: None,
        })
    }

    /// A device whose positions are told moves.
    pub fn kind(&self) -> DeviceKind {
        let places = self.columns.iter().flatten().any(|(_, meaning)| matches!(meaning, Meaning::Latitude));
        if places { DeviceKind::Mobile } else { DeviceKind::Fixed }
    }

    /// Whether a line is none of the data: the calibration that stands below the header of a card, or the header once
    /// more, where a logger began anew or files were put together.
    pub fn is_no_data(&self, record: &ByteRecord) -> bool {
        record.get(0).is_some_and(|first| first.starts_with(b"Reference")) || record == &self.header
    }

    /// What a line tells.
    ///
    /// # Errors
    /// A code and the reason why it is no sample.
    pub fn sample(&mut self, record: &ByteRecord) -> Result<(DeviceKey, Sample), Reason> {
        let extra = record.iter().skip(self.columns.len()).any(|field| !field.is_empty());
        if record.len() < self.columns.len() || extra {
            let detail = format!("{} fields where the header has {}", record.len(), self.columns.len());
            return Err(("WRONG_FIELD_COUNT", detail));
        }
        let (mut moment, mut date, mut time) = (None, None, None);
        let (mut device, mut latitude, mut longitude) = (None, None, None);
        let mut sample = Sample::new(DateTime::UNIX_EPOCH);
        for (column, bytes) in self.columns.iter().zip(record) {
            let Some((name, meaning)) = column else { continue };
            let Some(text) = field::text(name, bytes)? else { continue };
            match meaning {
                Meaning::Device => device = Some(text),
                Meaning::Moment => moment = Some(field::moment(name, text)?),
                Meaning::Date(parse) => date = Some(parse(name, text)?),
                Meaning::TimeOfDay(parse) => time = Some(parse(name, text)?),
                Meaning::Latitude => latitude = Some(field::number(name, text)?),
                Meaning::Longitude => longitude = Some(field::number(name, text)?),
                Meaning::Quantity(quantity, factor) => sample
                    .readings
                    .set(*quantity, field::number(name, text)? * factor)
                    .map_err(|reason| ("INVALID_VALUE", reason.to_string()))?,
            }
        }
        let clock = date.zip(time).map(|(date, time)| date.and_time(time).and_utc());
        let Some(measured_at) = moment.or(clock) else {
            return Err(("MISSING_TIME", "the line tells no time".to_owned()));
        };
        let measured_at = self.put_right(measured_at)?;
        let sample = Sample {
            position: parse::position(latitude, longitude)?,
            readings: sample.readings,
            ..Sample::new(measured_at)
        };
        if sample.readings.is_empty() {
            return Err(("NO_VALUES", "not one value of a known quantity".to_owned()));
        }
        Ok((self.device(device)?, sample))
    }

    /// The time by a clock whose date is wrong by as much as it was at the first line.
    fn put_right(&mut self, time: DateTime<Utc>) -> Result<DateTime<Utc>, Reason> {
        let Some(date) = self.date else { return Ok(time) };
        let shift = *self.shift.get_or_insert_with(|| date.signed_duration_since(time.date_naive()));
        time.checked_add_signed(shift)
            .ok_or_else(|| ("INVALID_TIME", format!("{time} can't be moved to the date option's time")))
    }

    fn device(&mut self, named: Option<&str>) -> Result<DeviceKey, Reason> {
        let Some(named) = named else {
            return self.device.clone().ok_or_else(|| ("MISSING_DEVICE", "the line names no device".to_owned()));
        };
        if let Some(last) = self.last_device.as_ref().filter(|last| last.as_str() == named) {
            return Ok(last.clone());
        }
        let key = DeviceKey::try_new(named).map_err(|reason| ("INVALID_DEVICE", reason.to_string()))?;
        self.last_device = Some(key.clone());
        Ok(key)
    }
}

fn kind(names: &[&str]) -> Option<Kind> {
    let has = |name: &str| names.contains(&name);
    if has("time") {
        Some(Kind::Plain)
    } else if !(has("Date") && has("Time")) {
        None
    } else if has("uuid") || has("Acc_mag") || has("Temp_CL") {
        Some(Kind::Backup)
    } else {
        Some(Kind::Card)
    }
}

/// Whether a column only numbers the lines.
fn is_index(name: &str) -> bool {
    name.is_empty() || name.starts_with("Unnamed")
}

fn meaning(kind: Kind, name: &str) -> Option<Meaning> {
    match kind {
        Kind::Plain => plain(name),
        Kind::Card => card(name).or_else(|| logger(name)),
        Kind::Backup => backup(name).or_else(|| logger(name)),
    }
}

fn plain(name: &str) -> Option<Meaning> {
    match name {
        "device" => Some(Meaning::Device),
        "time" => Some(Meaning::Moment),
        "latitude" => Some(Meaning::Latitude),
        "longitude" => Some(Meaning::Longitude),
        name => Quantity::named(name).map(in_its_unit),
    }
}

/// What only the card has.
fn card(name: &str) -> Option<Meaning> {
    Some(match name {
        "Date" => Meaning::Date(field::card_date),
        "Time" => Meaning::TimeOfDay(field::card_time),
        "Temperature" => in_its_unit(Quantity::Temperature),
        _ => return None,
    })
}

/// What only the backup has.
fn backup(name: &str) -> Option<Meaning> {
    let quantity = match name {
        "Date" => return Some(Meaning::Date(field::backup_date)),
        "Time" => return Some(Meaning::TimeOfDay(field::backup_time)),
        "WindSp" => return Some(Meaning::Quantity(Quantity::WindSpeed, KNOT)),
        "MxWSpd" => return Some(Meaning::Quantity(Quantity::WindGust, KNOT)),
        "WindDr" => Quantity::WindDirection,
        "Acc_mag" => Quantity::AccelerationMagnitude,
        "Gyro_mag" => Quantity::RotationMagnitude,
        "Temp_CBS" => Quantity::Temperature,
        "Temp_CL" => Quantity::AmbientTemperature,
        "DewPt" => Quantity::DewPoint,
        "Humid" => Quantity::Humidity,
        "Press" => Quantity::Pressure,
        "Rain" => Quantity::Rain,
        "Sun" => Quantity::Sunshine,
        _ => return None,
    };
    Some(in_its_unit(quantity))
}

/// What both have, since the bicycle's logger measured it.
fn logger(name: &str) -> Option<Meaning> {
    let quantity = match name {
        "Latitude" => return Some(Meaning::Latitude),
        "Longitude" => return Some(Meaning::Longitude),
        "PM10" => Quantity::Pm10,
        "PM2.5" => Quantity::Pm2_5,
        "gpsUpdated" => Quantity::GpsUpdated,
        "Speed" => Quantity::Speed,
        "Altitude" => Quantity::Altitude,
        "Satellites" => Quantity::Satellites,
        "Counter" => Quantity::SampleCounter,
        "Millis" => Quantity::Uptime,
        "AccX" => Quantity::AccelerationX,
        "AccY" => Quantity::AccelerationY,
        "AccZ" => Quantity::AccelerationZ,
        "GyroX" => Quantity::RotationX,
        "GyroY" => Quantity::RotationY,
        "GyroZ" => Quantity::RotationZ,
        "nAcc" => Quantity::AccelerometerSamples,
        "BatteryVIN" => Quantity::BatteryVoltage,
        _ => return None,
    };
    Some(in_its_unit(quantity))
}

fn in_its_unit(quantity: Quantity) -> Meaning {
    Meaning::Quantity(quantity, 1.0)
}
