//! The device of a line, and its fields that are values.
//!
//! Three shapes:
//!
//! - **Fields**: each field is a value by its own name. airRohr, Telegraf, Node-RED with an object.
//! - **Single value**: the only relevant field is `value`, and the quantity is in the measurement, or in its suffix, or
//!   in a tag. Tasmota (`temperature,device=tasmota1,sensor=ds18b20 value=24.44`), Pimoroni Enviro, `ESPHome`,
//!   Node-RED with a number. The measurement may be the unit.
//! - **Home Assistant** ([`home_assistant`](super::home_assistant)): a single value with the tag `entity_id`.
//!
//! The device is the first of [`DEVICE_TAGS`]. Metrics of the machine that Telegraf runs on are no samples
//! ([`HOST_MEASUREMENTS`]): temperatures of its disks and its processor have the names of quantities. Neither are
//! forecasts. A tag may name the unit of the values ([`UNIT_TAGS`]).

use airgraph_domain::{quantity::Quantity, unit::Unit};

use super::{
    super::{
        ignored::IgnoredNames,
        vocabulary::{RawValue, airrohr::AIRROHR_OR_CONVENTIONAL},
    },
    home_assistant,
    line::InfluxLine,
    named_value::{self, ValueKind},
};

/// Tags that name the device, in order: airRohr and `ESPHome` write `node`; Tasmota and Enviro `device`; `InfluxDB`'s
/// own sample data `sensor_id`; Telegraf's MQTT consumer `topic`, and in addition always the `host` it runs on.
const DEVICE_TAGS: [&str; 6] = ["node", "device", "device_id", "sensor_id", "topic", "host"];

/// Tags that may contain the quantity of a single value.
const QUANTITY_TAGS: [&str; 5] = ["device_class", "quantity", "type", "measurement", "sensor"];

/// Tags that may contain the unit of the values (Telegraf's `fireboard` writes `scale=Fahrenheit`).
const UNIT_TAGS: [&str; 4] = ["unit", "units", "unit_of_measurement", "scale"];

/// Measurements of Telegraf's input plugins that describe the machine itself.
const HOST_MEASUREMENTS: &[&str] = &[
    "amd_rocm_smi",
    "apcupsd",
    "bond",
    "cgroup",
    "chrony",
    "conntrack",
    "cpu",
    "disk",
    "diskio",
    "ethtool",
    "hddtemp",
    "internal_agent",
    "internal_gather",
    "internal_memstats",
    "internal_write",
    "interrupts",
    "intel_powerstat_core",
    "intel_powerstat_package",
    "ipmi_sensor",
    "kernel",
    "kernel_vmstat",
    "linux_cpu",
    "linux_sysctl_fs",
    "mem",
    "net",
    "netstat",
    "nstat",
    "nvidia_smi",
    "ping",
    "processes",
    "procstat",
    "sensors",
    "smart_attribute",
    "smart_device",
    "soft_interrupts",
    "swap",
    "system",
    "systemd_units",
    "upsd",
    "wireless",
];

/// The values of a line.
#[derive(Debug, PartialEq)]
pub(super) enum PointValues<'a> {
    /// Each field, by its name, in the unit of a tag if that measures it.
    Fields(Option<Unit>),
    /// One value, which belongs to one sample with the other single values of its device and time.
    Single(ValueKind<'a>),
}

/// The device and the values of a line.
#[derive(Debug, PartialEq)]
pub(super) struct Point<'a> {
    /// The device; `None` if there is no device tag.
    pub(super) device: Option<&'a str>,
    pub(super) values: PointValues<'a>,
}

impl<'a> Point<'a> {
    /// The content of a line; `None` if it has no value of a known quantity; its fields are then listed as ignored.
    pub(super) fn from_line(line: &'a InfluxLine, ignored: &mut IgnoredNames) -> Option<Self> {
        let point = Self::read(line);
        if point.is_none() {
            let fields = line.fields.iter().map(|(name, _)| name.as_str());
            fields.for_each(|name| ignored.insert(if name == VALUE { &line.measurement } else { name }));
        }
        point
    }

    fn read(line: &'a InfluxLine) -> Option<Self> {
        if let Some(entity) = line.tag("entity_id") {
            return home_assistant::point(line, entity, device(line));
        }
        if is_host_metric(line) || is_forecast(line) {
            return None;
        }
        let unit = UNIT_TAGS.into_iter().find_map(|tag| Unit::parse(line.tag(tag)?));
        let values = if has_known_field(line, unit) {
            PointValues::Fields(unit)
        } else {
            PointValues::Single(single_value(line, unit)?)
        };
        Some(Self { device: device(line), values })
    }
}

/// The field of a single value.
pub(super) const VALUE: &str = "value";

/// The device of a tag.
fn device(line: &InfluxLine) -> Option<&str> {
    DEVICE_TAGS.into_iter().find_map(|name| line.tag(name))
}

/// Whether a line describes the machine that Telegraf runs on. Its plugin `temp` has a field of the same name.
fn is_host_metric(line: &InfluxLine) -> bool {
    HOST_MEASUREMENTS.contains(&line.measurement.as_str())
        || (line.measurement == "temp" && line.field("temp").is_some() && line.tag("host").is_some())
}

/// Whether a line is a forecast. Telegraf's `openweathermap` writes `forecast=*` for the present and `forecast=3h` for
/// three hours later, by default both with the time of the present.
fn is_forecast(line: &InfluxLine) -> bool {
    line.tag("forecast").is_some_and(|time| time != "*")
}

fn has_known_field(line: &InfluxLine, unit: Option<Unit>) -> bool {
    let has_quantity = |name| AIRROHR_OR_CONVENTIONAL.meaning(name).is_some() || in_unit(name, unit).is_some();
    line.fields.iter().any(|(name, _)| has_quantity(name))
}

/// The quantity of a field in the unit of a tag, if the unit measures it.
pub(super) fn in_unit(name: &str, unit: Option<Unit>) -> Option<(Quantity, Unit)> {
    match named_value::kind(name, Some(unit?))? {
        ValueKind::InUnit(quantity, unit) => Some((quantity, unit)),
        ValueKind::Name(_) => None,
    }
}

/// The meaning of the line's `value`.
fn single_value(line: &InfluxLine, unit: Option<Unit>) -> Option<ValueKind<'_>> {
    RawValue::from(line.field(VALUE)?).number()?;
    if !line.tag("sensor").is_none_or(named_value::is_air_quantity) {
        return None; // Tasmota's `temperature,sensor=esp32` is the chip's
    }
    if let Some((before, kind)) = named_value::kind_of_suffix(&line.measurement, unit) {
        return Some(kind).filter(|_| named_value::is_air_quantity(before));
    }
    let unit = unit.or_else(|| Unit::parse(&line.measurement));
    QUANTITY_TAGS.into_iter().find_map(|tag| named_value::kind(line.tag(tag)?, unit))
}
