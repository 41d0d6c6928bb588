//! Home Assistant's `influxdb` integration.
//!
//! `µg/m³,domain=sensor,entity_id=balcony_pm2_5 value=6.8,device_class_str="pm25",friendly_name_str="Balcony PM2.5" …`:
//! a line is a state of an entity. The measurement is the unit, or what the user chose with `measurement_attr`:
//! `sensor__pm25` (domain and device class) or `sensor.balcony_pm2_5` (entity); then the unit is the field
//! `unit_of_measurement_str`. Every attribute of the entity is a field too; texts have the end `_str`.
//! (homeassistant/components/influxdb/__init__.py)
//!
//! Only entities of the domain `sensor` are sensors: the `temperature` of a thermostat is a setpoint. The quantity is
//! the end of the entity's id, else its device class. The device is a device tag (the integration's option `tags` sets
//! it), else the part of the entity's id before the quantity, so that `sensor.balcony_pm2_5` and `sensor.balcony_pm10`
//! are one device `balcony`. An id without a quantity is the device itself.

use airgraph_domain::unit::Unit;

use super::{
    super::vocabulary::RawValue,
    line::{FieldValue, InfluxLine},
    named_value,
    point::{Point, PointValues, VALUE},
};

/// The device and the value of a state; `None` if it is not a value of the air.
pub(super) fn point<'a>(line: &'a InfluxLine, entity: &'a str, tagged: Option<&'a str>) -> Option<Point<'a>> {
    if line.tag("domain").is_some_and(|domain| domain != "sensor") {
        return None;
    }
    RawValue::from(line.field(VALUE)?).number()?;
    let unit =
        Unit::parse(attribute(line, "unit_of_measurement", "unit_of_measurement_str").unwrap_or(&line.measurement));
    let entity = entity.strip_prefix("sensor.").unwrap_or(entity);
    let (device, kind) = match named_value::kind_of_suffix(entity, unit) {
        Some(found) => found,
        None => (entity, named_value::kind(device_class(line)?, unit)?),
    };
    if !named_value::is_air_quantity(device) {
        return None;
    }
    let device = tagged.or(Some(device).filter(|device| !device.is_empty()));
    Some(Point { device, values: PointValues::Single(kind) })
}

/// The name of the quantity of a device class.
fn device_class(line: &InfluxLine) -> Option<&str> {
    let class = attribute(line, "device_class", "device_class_str");
    match class.or_else(|| line.measurement.strip_prefix("sensor__"))? {
        "sound_pressure" => Some("noise"),
        class => Some(class),
    }
}

/// An attribute of the entity: a field, or a tag where the user listed it in `tags_attributes`.
fn attribute<'a>(line: &'a InfluxLine, tag: &str, field: &str) -> Option<&'a str> {
    line.field(field).and_then(FieldValue::as_text).or_else(|| line.tag(tag))
}
