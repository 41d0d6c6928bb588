//! SD card files of the logger of a `CleanCycle` bicycle, and the backup made of many cards.
//!
//! Units are those of [`Quantity`], except that the wind of the backup is in knots: the unit of the station of the
//! Cambridge Computer Laboratory, the probable source of that weather (unverified). Columns of other names are read as
//! in plain files.

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{ColumnMeaning, FileKind, contains_name, meaning_in_vocabulary};
use crate::{csv::field, vocabulary};

pub(super) const CARD: FileKind = FileKind {
    name: "that of a CleanCycle SD card",
    recognises: has_clock,
    meaning: |name| card(name).or_else(|| logger(name)).or_else(|| meaning_in_vocabulary(&vocabulary::PLAIN, name)),
    vocabulary: &vocabulary::PLAIN,
    device_prefix: "",
    is_archive: false,
    has_logger_clock: true,
};

pub(super) const BACKUP: FileKind = FileKind {
    name: "that of a CleanCycle backup",
    recognises: |names| {
        has_clock(names) && ["uuid", "Acc_mag", "Temp_CL"].into_iter().any(|name| contains_name(names, name))
    },
    meaning: |name| backup(name).or_else(|| logger(name)).or_else(|| meaning_in_vocabulary(&vocabulary::PLAIN, name)),
    ..CARD
};

fn has_clock(names: &[&str]) -> bool {
    contains_name(names, "Date") && contains_name(names, "Time") && !contains_name(names, "time")
}

/// Columns of the card only.
fn card(name: &str) -> Option<ColumnMeaning> {
    Some(match name {
        "Date" => ColumnMeaning::Date(field::card_date),
        "Time" => ColumnMeaning::TimeOfDay(field::card_time),
        "Temperature" => in_its_unit(Quantity::Temperature),
        _ => return None,
    })
}

/// Columns of the backup only.
fn backup(name: &str) -> Option<ColumnMeaning> {
    let quantity = match name {
        "Date" => return Some(ColumnMeaning::Date(field::backup_date)),
        "Time" => return Some(ColumnMeaning::TimeOfDay(field::backup_time)),
        "WindSp" => return Some(ColumnMeaning::quantity(Quantity::WindSpeed, Unit::Knot)),
        "MxWSpd" => return Some(ColumnMeaning::quantity(Quantity::WindGust, Unit::Knot)),
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

/// Columns of both, since the bicycle's logger measured them.
fn logger(name: &str) -> Option<ColumnMeaning> {
    let quantity = match name {
        "Latitude" => return Some(ColumnMeaning::Latitude),
        "Longitude" => return Some(ColumnMeaning::Longitude),
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

fn in_its_unit(quantity: Quantity) -> ColumnMeaning {
    ColumnMeaning::quantity(quantity, Unit::for_quantity(quantity))
}
