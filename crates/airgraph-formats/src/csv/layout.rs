//! The meanings of the columns of a file of samples, and parsing of its lines. The kinds of file are in [`kinds`].

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    quantity::Group,
    readings::Readings,
    sample::Sample,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use csv::ByteRecord;

use super::{
    CsvOptions,
    dialect::Decimals,
    field,
    kinds::{self, ColumnMeaning, FileKind, KINDS},
};
use crate::{
    DecodeError,
    ignored::truncate_name,
    parse::{self, Reason},
};

/// Maximum number of columns of a file.
const MAX_COLUMNS: usize = 1000;
/// Coordinate of a receiver without a fix (`TinyGPS`).
const NO_FIX_COORDINATE: f64 = -200.0;

/// The meanings of a file's columns, and state from the lines read so far.
pub(super) struct CsvLayout {
    header: ByteRecord,
    kind: &'static FileKind,
    columns: Vec<Option<(String, ColumnMeaning)>>,
    /// The names of the columns without a meaning.
    pub ignored: Vec<String>,
    decimals: Decimals,
    /// The column of the sensor type.
    sensor_type: Option<usize>,
    device: Option<DeviceKey>,
    /// The date of the first line, if corrected.
    date: Option<NaiveDate>,
    /// Correction of all times; known after the first line.
    time_shift: Option<TimeDelta>,
    /// The id of the last line and its device, so that all of its samples share one key.
    last_device: Option<(String, DeviceKey)>,
}

/// A sample of a line.
pub(super) struct LineSample {
    pub device: DeviceKey,
    pub sample: Sample,
    /// Columns with unreadable values, each with the reason.
    pub unreadable: Vec<ColumnError>,
}

/// The column of an unreadable value, and the reason.
pub(super) type ColumnError = (String, Reason);

impl CsvLayout {
    /// The layout of a file with this header.
    ///
    /// # Errors
    /// If the header matches no known kind, or a required option is missing.
    pub fn from_header(header: &ByteRecord, delimiter: u8, options: CsvOptions) -> Result<Self, DecodeError> {
        let refuse = |code, detail: String| Err(DecodeError::new(code, format!("header: {detail}")));
        if header.len() > MAX_COLUMNS {
            return refuse("UNKNOWN_HEADER", format!("{} columns; at most {MAX_COLUMNS}", header.len()));
        }
        let mut names = Vec::with_capacity(header.len());
        for name in header {
            match str::from_utf8(name) {
                Ok(name) => names.push(name),
                Err(_) => return refuse("INVALID_UTF8", "not in UTF-8; save the file as CSV in UTF-8".to_owned()),
            }
        }
        if let Some(missing) = options.columns.files().find(|name| !names.contains(name)) {
            return refuse("MISSING_COLUMN", format!("there is no column {missing:?}, which the columns option names"));
        }
        let names: Vec<_> = names.iter().map(|name| options.columns.name(name)).collect();
        let Some(kind) = KINDS.iter().find(|kind| (kind.recognises)(&names)) else {
            return refuse("UNKNOWN_HEADER", unknown_header(&names));
        };
        let (columns, ignored) = columns(kind, &names);
        let has = |wanted: fn(&ColumnMeaning) -> bool| columns.iter().flatten().any(|(_, meaning)| wanted(meaning));
        if !has(|meaning| matches!(meaning, ColumnMeaning::Quantity(..))) {
            return refuse("MISSING_COLUMN", "no column holds a known quantity in a known unit".to_owned());
        }
        if !has(|meaning| matches!(meaning, ColumnMeaning::Device)) && options.device.is_none() {
            return refuse("MISSING_DEVICE", "no column names the device; name it with the device option".to_owned());
        }
        if options.date.is_some() && !kind.has_logger_clock {
            return Err(super::date_is_not_applicable());
        }
        let sensor_type = columns.iter().position(|column| matches!(column, Some((_, ColumnMeaning::SensorType))));
        Ok(Self {
            header: header.clone(),
            kind,
            columns,
            ignored,
            decimals: Decimals::new(delimiter),
            sensor_type,
            device: options.device,
            date: options.date,
            time_shift: None,
            last_device: None,
        })
    }

    /// Devices with positions in their lines are mobile, except stations of an archive.
    pub fn kind(&self) -> DeviceKind {
        let places = self.columns.iter().flatten().any(|(_, meaning)| matches!(meaning, ColumnMeaning::Latitude));
        if places && !self.kind.is_archive { DeviceKind::Mobile } else { DeviceKind::Fixed }
    }

    /// Whether a line contains no data: the calibration below the header of a card, a repeated header
    /// (of a restarted logger or concatenated files), or only delimiters, which spreadsheets append.
    pub fn is_no_data(&self, record: &ByteRecord) -> bool {
        record.get(0).is_some_and(|first| first.starts_with(b"Reference"))
            || record == &self.header
            || record.iter().all(<[u8]>::is_empty)
    }

    /// The sample of a line. An unreadable value is reported by itself.
    ///
    /// # Errors
    /// A code and the reason why it is not a sample.
    pub fn sample(&mut self, record: &ByteRecord) -> Result<LineSample, Reason> {
        let extra = record.iter().skip(self.columns.len()).any(|field| !field.is_empty());
        if record.len() < self.columns.len() || extra {
            let detail = format!("{} fields where the header has {}", record.len(), self.columns.len());
            return Err(("WRONG_FIELD_COUNT", detail));
        }
        let sensor_type = self.sensor_type.and_then(|at| record.get(at));
        let counts_particles = sensor_type.is_some_and(|name| name.eq_ignore_ascii_case(kinds::PARTICLE_COUNTER));
        let (mut moment, mut calendar_date, mut date, mut time) = (None, None, None, None);
        let (mut device, mut latitude, mut longitude) = (None, None, None);
        let mut readings = Readings::default();
        let mut unreadable: Vec<ColumnError> = Vec::new();
        for (column, bytes) in self.columns.iter().zip(record) {
            let Some((name, meaning)) = column else { continue };
            if let ColumnMeaning::Quantity(quantity, conversion) = *meaning {
                if counts_particles && quantity.definition().group == Group::Air {
                    continue;
                }
                let value = field::text(name, bytes).and_then(|text| {
                    text.map(|text| field::value(quantity, name, text, &mut self.decimals)).transpose()
                });
                let set = value.and_then(|value| {
                    let Some(value) = value else { return Ok(()) };
                    let value = conversion
                        .apply(quantity, value)
                        .ok_or_else(|| ("UNKNOWN_UNIT", format!("{name}: {value} is in no known unit")))?;
                    if self.kind.vocabulary.is_no_value(quantity, value) {
                        return Ok(());
                    }
                    readings.set(quantity, value).map_err(|reason| ("INVALID_VALUE", reason.to_string()))
                });
                if let Err(reason) = set {
                    unreadable.push((name.clone(), reason));
                }
                continue;
            }
            let Some(text) = field::text(name, bytes)? else { continue };
            match meaning {
                ColumnMeaning::Device => device = Some(text),
                ColumnMeaning::Time => moment = Some((name, text)),
                ColumnMeaning::CalendarDate => calendar_date = Some(text),
                ColumnMeaning::Date(parse) => date = Some(parse(name, text)?),
                ColumnMeaning::TimeOfDay(parse) => time = Some(parse(name, text)?),
                ColumnMeaning::Latitude => latitude = Some(field::coordinate(name, text, &mut self.decimals)?),
                ColumnMeaning::Longitude => longitude = Some(field::coordinate(name, text, &mut self.decimals)?),
                ColumnMeaning::SensorType | ColumnMeaning::Quantity(..) => {}
            }
        }
        let moment = moment.map(|(name, text)| field::moment(name, text, calendar_date)).transpose()?;
        let clock = date.zip(time).map(|(date, time)| date.and_time(time).and_utc());
        let Some(measured_at) = moment.or(clock) else {
            return Err(("MISSING_TIME", "the line has no time".to_owned()));
        };
        let measured_at = self.correct_time(measured_at)?;
        let has_fix = latitude != Some(NO_FIX_COORDINATE) && longitude != Some(NO_FIX_COORDINATE);
        let position = if has_fix { parse::position(latitude, longitude)? } else { None };
        if readings.is_empty() {
            let reason = unreadable.into_iter().next().map(|(_, reason)| reason);
            return Err(reason.unwrap_or_else(|| no_values(counts_particles)));
        }
        let sample = Sample { position, readings, ..Sample::new(measured_at) };
        Ok(LineSample { device: self.device(device)?, sample, unreadable })
    }

    /// The time corrected by the clock error of the first line.
    fn correct_time(&mut self, time: DateTime<Utc>) -> Result<DateTime<Utc>, Reason> {
        let Some(date) = self.date else { return Ok(time) };
        let shift = *self.time_shift.get_or_insert_with(|| date.signed_duration_since(time.date_naive()));
        time.checked_add_signed(shift)
            .ok_or_else(|| ("INVALID_TIME", format!("{time} can't be moved to the date option's time")))
    }

    fn device(&mut self, named: Option<&str>) -> Result<DeviceKey, Reason> {
        let named = named.filter(|_| !(self.kind.is_archive && self.device.is_some()));
        let Some(named) = named else {
            return self.device.clone().ok_or_else(|| ("MISSING_DEVICE", "the line names no device".to_owned()));
        };
        if let Some((_, key)) = self.last_device.as_ref().filter(|(last, _)| last == named) {
            return Ok(key.clone());
        }
        let key = DeviceKey::try_new(format!("{}{named}", self.kind.device_prefix));
        let key = key.map_err(|reason| ("INVALID_DEVICE", reason.to_string()))?;
        self.last_device = Some((named.to_owned(), key.clone()));
        Ok(key)
    }
}

/// The meanings of the columns, and the names of those without. Of two columns of one quantity the first counts.
fn columns(kind: &FileKind, names: &[&str]) -> (Vec<Option<(String, ColumnMeaning)>>, Vec<String>) {
    let mut columns: Vec<Option<(String, ColumnMeaning)>> = Vec::with_capacity(names.len());
    let mut ignored = Vec::new();
    for &name in names {
        let meaning = (kind.meaning)(name)
            .filter(|meaning| !columns.iter().flatten().any(|(_, other)| other.is_same_field(*meaning)));
        if meaning.is_none() && !is_index(name) {
            ignored.push(truncate_name(name));
        }
        columns.push(meaning.map(|meaning| (name.to_owned(), meaning)));
    }
    (columns, ignored)
}

/// Whether a column only contains line numbers.
fn is_index(name: &str) -> bool {
    name.is_empty() || name.starts_with("Unnamed")
}

fn unknown_header(names: &[&str]) -> String {
    let mut kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    kinds.dedup();
    format!(
        "{:?} is unknown; expected one of: {}, openSenseMap's, OpenAQ's, {} (the columns option can rename)",
        truncate_name(&names.join(",")),
        kinds[..kinds.len() - 1].join(", "),
        kinds[kinds.len() - 1],
    )
}

fn no_values(counts_particles: bool) -> Reason {
    let detail = if counts_particles {
        "a PPD42NS counts particles; its P1 and P2 are no mass concentrations"
    } else {
        "no value of a known quantity"
    };
    ("NO_VALUES", detail.to_owned())
}
