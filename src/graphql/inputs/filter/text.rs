//! A filter as readable text, to check the effect of a deletion.

use std::{collections::HashMap, fmt::Display};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    domain::{
        area::Area,
        device::{Device, DeviceId},
        filter::{Condition, Filter, ValueRange},
        quality::QualityFlags,
        quantity::Quantity,
    },
    graphql::types::{enum_name, quality_flag},
};

/// Maximum device names in the text; the rest of a longer list is counted.
const MAX_LISTED_NAMES: usize = 20;

/// The devices that a filter names, by id.
pub type DevicesById = HashMap<DeviceId, Device>;

/// The filter as text, such as `device in (bike-7) and measuredAt >= 2026-05-01T00:00:00Z and pm10 <= 9`.
#[must_use]
pub fn filter_text(filter: &Filter, devices: &DevicesById) -> String {
    let mut parts: Vec<_> = filter.devices.iter().map(|ids| device_list(ids, devices)).collect();
    parts.extend(span_text(filter.from, filter.to));
    parts.extend(filter.conditions.iter().map(|condition| condition_text(condition, devices)));
    if parts.is_empty() { "every measurement".to_owned() } else { parts.join(" and ") }
}

/// The devices that a filter names.
#[must_use]
pub fn named_devices(filter: &Filter) -> Vec<DeviceId> {
    let mut ids = filter.devices.clone().unwrap_or_default();
    for condition in &filter.conditions {
        add_devices(condition, &mut ids);
    }
    ids
}

fn add_devices(condition: &Condition, ids: &mut Vec<DeviceId>) {
    match condition {
        Condition::Devices(devices) => ids.extend(devices),
        Condition::All(conditions) | Condition::Any(conditions) => {
            for condition in conditions {
                add_devices(condition, ids);
            }
        }
        Condition::Not(condition) => add_devices(condition, ids),
        Condition::MeasuredBetween { .. }
        | Condition::Within(_)
        | Condition::Between(..)
        | Condition::AnyFlag(_)
        | Condition::NoFlag(_) => {}
    }
}

fn condition_text(condition: &Condition, devices: &DevicesById) -> String {
    let each = |conditions: &[Condition], word: &str| {
        let parts: Vec<_> = conditions.iter().map(|condition| condition_text(condition, devices)).collect();
        format!("({})", parts.join(word))
    };
    match condition {
        Condition::Devices(ids) => device_list(ids, devices),
        Condition::MeasuredBetween { from, to } => span_text(*from, *to).unwrap_or_else(|| "any time".to_owned()),
        Condition::Within(area) => area_text(area),
        Condition::Between(quantity, range) => range_text(*quantity, *range),
        Condition::AnyFlag(flags) => format!("flags include one of ({})", flag_list(*flags)),
        Condition::NoFlag(flags) => format!("flags include none of ({})", flag_list(*flags)),
        Condition::All(conditions) => each(conditions, " and "),
        Condition::Any(conditions) => each(conditions, " or "),
        Condition::Not(condition) => format!("not {}", condition_text(condition, devices)),
    }
}

fn device_list(ids: &[DeviceId], devices: &DevicesById) -> String {
    let names = ids.iter().take(MAX_LISTED_NAMES).map(|id| devices.get(id).map_or("?", |device| device.key.as_str()));
    let names = names.collect::<Vec<_>>().join(", ");
    match ids.len().saturating_sub(MAX_LISTED_NAMES) {
        0 => format!("device in ({names})"),
        more => format!("device in ({names}, and {more} more)"),
    }
}

fn span_text(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Option<String> {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    bounds_text("measuredAt", (">=", from.map(time)), ("<", to.map(time)))
}

fn range_text(quantity: Quantity, range: ValueRange) -> String {
    let name = quantity.definition().name;
    bounds_text(name, (">=", range.min), ("<=", range.max)).unwrap_or_else(|| format!("{name} has a value"))
}

fn bounds_text<T: Display>(name: &str, low: (&str, Option<T>), high: (&str, Option<T>)) -> Option<String> {
    let parts = [low, high].into_iter().filter_map(|(sign, end)| Some(format!("{name} {sign} {}", end?)));
    let parts: Vec<_> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

fn area_text(area: &Area) -> String {
    match area {
        Area::BoundingBox(area) => {
            let ((south, north), (west, east)) = (area.latitudes(), area.longitudes());
            format!("position in box (south {south}, west {west}, north {north}, east {east})")
        }
        Area::Circle(area) => {
            let (latitude, longitude) = (area.centre().latitude(), area.centre().longitude());
            format!("position within {} m of ({latitude}, {longitude})", area.radius_m())
        }
        Area::Polygon(area) => format!("position in polygon of {} points", area.edges().len()),
        Area::Cells(area) => format!("position in cells ({} spans)", area.ranges().len()),
    }
}

fn flag_list(flags: QualityFlags) -> String {
    quality_flag::from_set(flags).into_iter().map(enum_name).collect::<Vec<_>>().join(", ")
}
