//! Filter of measurements.

mod empty_part;
pub mod text;

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, InputObject};

use super::{
    area::Area,
    device_keys::{DeviceKeys, ResolvedDevices},
    range::{FloatRange, TimeRange, range},
    trip,
};
use crate::{
    api_error::ApiError,
    domain::{
        area::SharedAreas,
        device::{DeviceId, DeviceKey},
        filter::{Condition, Filter},
        quality::QualityFlags,
        quantity::Quantity,
    },
    graphql::{
        context::ContextExt as _,
        types::{quality_flag::QualityFlag, quantity},
    },
};

/// Maximum conditions in one filter, including its nested filters.
const MAX_CONDITIONS: usize = 100;
/// Maximum nesting depth of filters, including the outermost one.
const MAX_FILTER_DEPTH: usize = 8;

/// Conditions on measurements. All of them must hold. A condition on a quantity or on the position does not match a
/// measurement without it. Maximum 100 conditions and 8 levels of nesting.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MeasurementFilter {
    /// Keys of devices, at most 1000 in the whole filter. An unknown key matches nothing.
    devices: Option<Vec<String>>,
    /// Time span of the samples.
    measured_at: Option<TimeRange>,
    /// Area of the positions.
    area: Option<Area>,
    /// Range of PM1, in µg/m³.
    pm1: Option<FloatRange>,
    /// Range of PM2.5, in µg/m³.
    pm25: Option<FloatRange>,
    /// Range of PM4, in µg/m³.
    pm4: Option<FloatRange>,
    /// Range of PM10, in µg/m³.
    pm10: Option<FloatRange>,
    /// Global id of a trip: all measurements of its device from its start to its end.
    trip: Option<ID>,
    /// Ranges of any quantities. All of them must hold.
    quantities: Option<Vec<QuantityRange>>,
    /// Quality flags that are required or excluded.
    flags: Option<FlagFilter>,
    /// All of these filters must match.
    and: Option<Vec<MeasurementFilter>>,
    /// At least one of these filters must match.
    or: Option<Vec<MeasurementFilter>>,
    /// This filter must not match.
    not: Option<Box<MeasurementFilter>>,
}

/// Range of a quantity, both ends inclusive. Without ends, the measurement only needs a value of the quantity.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct QuantityRange {
    /// Quantity.
    quantity: quantity::Quantity,
    /// Minimum (inclusive), in the unit of the quantity.
    min: Option<f64>,
    /// Maximum (inclusive), in the unit of the quantity.
    max: Option<f64>,
}

/// Quality flags that are required or excluded.
#[derive(Clone, Debug, InputObject)]
pub struct FlagFilter {
    /// At least one of these flags is set.
    any: Option<Vec<QualityFlag>>,
    /// None of these flags is set.
    none: Option<Vec<QualityFlag>>,
}

/// Sort order of measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum MeasurementOrder {
    /// Oldest first.
    MeasuredAtAsc,
    /// Newest first.
    #[default]
    MeasuredAtDesc,
}

impl MeasurementFilter {
    /// Checks the filter and resolves its device keys, in one statement for all filters of the batch. Unknown keys
    /// match no measurement. `argument` is the filter's path in the request.
    ///
    /// # Errors
    /// Names the argument that is invalid or contradicts another one.
    pub async fn check(self, ctx: &Context<'_>, argument: &str) -> Result<Filter, ApiError> {
        let known = Known { devices: self.size(argument)?.devices.resolve(ctx).await?, areas: ctx.areas() };
        self.resolve(argument, &known)
    }

    /// Like [`Self::check`], but every device must exist.
    ///
    /// # Errors
    /// Also names the unknown device key.
    pub async fn check_strictly(self, ctx: &Context<'_>, argument: &str) -> Result<Filter, ApiError> {
        let known = Known { devices: self.size(argument)?.devices.resolve_all(ctx).await?, areas: ctx.areas() };
        self.resolve(argument, &known)
    }

    /// Like [`Self::check`], outside the execution of an operation. `find_devices` returns the ids of the devices with
    /// these keys.
    ///
    /// # Errors
    /// Names the argument that is invalid or contradicts another one.
    pub async fn check_with(
        self,
        argument: &str,
        find_devices: impl AsyncFnOnce(Vec<DeviceKey>) -> Result<HashMap<DeviceKey, DeviceId>, ApiError>,
    ) -> Result<Filter, ApiError> {
        let devices = self.size(argument)?.devices.resolve_with(find_devices).await?;
        self.resolve(argument, &Known { devices, areas: SharedAreas::default() })
    }

    fn size(&self, argument: &str) -> Result<FilterSize, ApiError> {
        let mut size = FilterSize::default();
        self.add_to_size(argument, 1, &mut size)?;
        Ok(size)
    }

    fn resolve(&self, argument: &str, known: &Known) -> Result<Filter, ApiError> {
        let mut filter = Filter::default();
        for (argument, condition) in self.conditions(argument, known)? {
            filter.add(condition).map_err(|contradiction| ApiError::bad_input(argument, contradiction))?;
        }
        Ok(filter)
    }

    /// Adds the conditions and device keys of this filter to `size` and checks the limits.
    fn add_to_size(&self, argument: &str, level: usize, size: &mut FilterSize) -> Result<(), ApiError> {
        if level > MAX_FILTER_DEPTH {
            return Err(ApiError::bad_input(
                argument,
                format!("filters nested more than {MAX_FILTER_DEPTH} levels deep"),
            ));
        }
        if let Some(keys) = &self.devices {
            size.devices.add(&format!("{argument}.devices"), keys)?;
        }
        let ranges = [&self.pm1, &self.pm25, &self.pm4, &self.pm10];
        size.conditions += usize::from(self.devices.is_some())
            + usize::from(self.measured_at.is_some())
            + usize::from(self.area.is_some())
            + usize::from(self.trip.is_some())
            + usize::from(self.flags.is_some())
            + ranges.iter().filter(|range| range.is_some()).count()
            + self.quantities.as_ref().map_or(0, Vec::len);
        for (argument, filter) in self.nested_filters(argument) {
            size.conditions += 1;
            filter.add_to_size(&argument, level + 1, size)?;
        }
        if size.conditions > MAX_CONDITIONS {
            return Err(ApiError::bad_input(argument, format!("more than {MAX_CONDITIONS} conditions")));
        }
        Ok(())
    }

    /// The nested filters with their paths.
    fn nested_filters(&self, argument: &str) -> Vec<(String, &Self)> {
        let lists = [("and", &self.and), ("or", &self.or)];
        let each = lists.into_iter().flat_map(|(name, list)| {
            list.iter().flatten().enumerate().map(move |(at, filter)| (format!("{argument}.{name}[{at}]"), filter))
        });
        let not = self.not.as_deref().map(|filter| (format!("{argument}.not"), filter));
        each.chain(not).collect()
    }

    /// The conditions, each with its path.
    fn conditions(&self, argument: &str, known: &Known) -> Result<Vec<(String, Condition)>, ApiError> {
        let mut found = Vec::new();
        let mut add = |argument: String, condition| found.push((argument, condition));
        if let Some(keys) = &self.devices {
            add(format!("{argument}.devices"), Condition::Devices(known.devices.ids(keys)));
        }
        if let Some(span) = &self.measured_at {
            let argument = format!("{argument}.measuredAt");
            let (from, to) = span.check(&argument)?;
            add(argument, Condition::MeasuredBetween { from, to });
        }
        if let Some(area) = &self.area {
            let argument = format!("{argument}.area");
            let area = known.areas.share(area.check(&argument)?);
            add(argument, Condition::Within(area));
        }
        if let Some(id) = &self.trip {
            let argument = format!("{argument}.trip");
            let condition = trip::trip_condition(&argument, id)?;
            add(argument, condition);
        }
        let particulates = [
            ("pm1", Quantity::Pm1, self.pm1),
            ("pm25", Quantity::Pm2_5, self.pm25),
            ("pm4", Quantity::Pm4, self.pm4),
            ("pm10", Quantity::Pm10, self.pm10),
        ];
        for (name, quantity, range) in particulates {
            if let Some(range) = range {
                let argument = format!("{argument}.{name}");
                let range = range.check(&argument)?;
                add(argument, Condition::Between(quantity, range));
            }
        }
        for (at, &QuantityRange { quantity, min, max }) in self.quantities.iter().flatten().enumerate() {
            let argument = format!("{argument}.quantities[{at}]");
            let range = range(&argument, min, max)?;
            add(argument, Condition::Between(quantity.into(), range));
        }
        if let Some(FlagFilter { any, none }) = &self.flags {
            if let Some(any) = any {
                let argument = format!("{argument}.flags.any");
                if any.is_empty() {
                    return Err(ApiError::bad_input(
                        argument,
                        "must name at least one flag; an empty list matches no measurement",
                    ));
                }
                add(argument, Condition::AnyFlag(flag_set(any)));
            }
            if let Some(none) = none.as_ref().filter(|none| !none.is_empty()) {
                add(format!("{argument}.flags.none"), Condition::NoFlag(flag_set(none)));
            }
        }
        for (at, filter) in self.and.iter().flatten().enumerate() {
            found.extend(filter.conditions(&format!("{argument}.and[{at}]"), known)?);
        }
        if let Some(filters) = &self.or {
            let argument = format!("{argument}.or");
            if filters.is_empty() {
                return Err(ApiError::bad_input(
                    argument,
                    "must have at least one filter; an empty list matches no measurement",
                ));
            }
            let each = filters.iter().enumerate();
            let any = each
                .map(|(at, filter)| filter.combined_condition(&format!("{argument}[{at}]"), known))
                .collect::<Result<_, _>>()?;
            found.push((argument, Condition::Any(any)));
        }
        if let Some(filter) = &self.not {
            let argument = format!("{argument}.not");
            let condition = filter.combined_condition(&argument, known)?;
            found.push((argument, Condition::Not(Box::new(condition))));
        }
        Ok(found)
    }

    /// All conditions as one.
    fn combined_condition(&self, argument: &str, known: &Known) -> Result<Condition, ApiError> {
        let conditions = self.conditions(argument, known)?.into_iter().map(|(_, condition)| condition);
        Ok(Condition::All(conditions.collect()))
    }
}

/// Objects that conditions refer to.
struct Known {
    devices: ResolvedDevices,
    areas: SharedAreas,
}

/// Size of a filter.
#[derive(Debug, Default)]
struct FilterSize {
    conditions: usize,
    devices: DeviceKeys,
}

fn flag_set(flags: &[QualityFlag]) -> QualityFlags {
    let mut set = QualityFlags::default();
    for &flag in flags {
        set.insert(flag.into());
    }
    set
}
