//! Which measurements.

mod empty_part;
pub mod text;

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
        filter::{Condition, Filter},
        quality::QualityFlags,
        quantity::Quantity,
    },
    graphql::{
        context::ContextExt as _,
        types::{quality_flag::QualityFlag, quantity},
    },
};

/// Conditions in one filter at most, those of the filters in it included.
const MAX_CONDITIONS: usize = 100;
/// Filters within filters at most, the outermost included.
const MAX_FILTER_DEPTH: usize = 8;

/// Which measurements are meant. All conditions must hold; a measurement that doesn't tell a quantity, or where it was
/// taken, fails a condition on that. At most 100 conditions, and 8 filters within each other.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MeasurementFilter {
    /// Of the devices with these keys; at most 1000 in the whole filter. A key that no device has matches nothing.
    devices: Option<Vec<String>>,
    /// Taken in this span.
    measured_at: Option<TimeRange>,
    /// Taken in this area.
    area: Option<Area>,
    /// PM1 in this range, in `ug/m3`.
    pm1: Option<FloatRange>,
    /// PM2.5 in this range, in `ug/m3`.
    pm25: Option<FloatRange>,
    /// PM4 in this range, in `ug/m3`.
    pm4: Option<FloatRange>,
    /// PM10 in this range, in `ug/m3`.
    pm10: Option<FloatRange>,
    /// Of this ride, which has an id: all that its device measured from its start to its end.
    trip: Option<ID>,
    /// Any quantities in these ranges.
    quantities: Option<Vec<QuantityRange>>,
    /// With or without these reasons to doubt it.
    flags: Option<FlagFilter>,
    /// And all of these hold.
    and: Option<Vec<MeasurementFilter>>,
    /// And one of these holds at least.
    or: Option<Vec<MeasurementFilter>>,
    /// And this doesn't hold.
    not: Option<Box<MeasurementFilter>>,
}

/// A quantity in a range, both ends included. Without ends, it is enough that the measurement tells it.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct QuantityRange {
    /// The quantity, in its unit.
    quantity: quantity::Quantity,
    /// Not below this.
    min: Option<f64>,
    /// Not above this.
    max: Option<f64>,
}

/// Reasons to doubt a measurement, asked for or ruled out.
#[derive(Clone, Debug, InputObject)]
pub struct FlagFilter {
    /// At least one of these.
    any: Option<Vec<QualityFlag>>,
    /// None of these.
    none: Option<Vec<QualityFlag>>,
}

/// The order of a list of measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum MeasurementOrder {
    /// Oldest first.
    MeasuredAtAsc,
    /// Newest first.
    #[default]
    MeasuredAtDesc,
}

impl MeasurementFilter {
    /// Checks the filter, given as this argument, and looks its devices up: all of them in one statement, together with
    /// those of the same filter of other parents. Keys that no device has match no measurement.
    ///
    /// # Errors
    /// Names the argument that can't be, or that contradicts another one.
    pub async fn check(self, ctx: &Context<'_>, argument: &str) -> Result<Filter, ApiError> {
        let known = Known { devices: self.size(argument)?.devices.resolve(ctx).await?, areas: ctx.areas() };
        self.resolve(argument, &known)
    }

    /// Like [`Self::check`], but every device must exist.
    ///
    /// # Errors
    /// Also names the key that no device has.
    pub async fn check_strictly(self, ctx: &Context<'_>, argument: &str) -> Result<Filter, ApiError> {
        let known = Known { devices: self.size(argument)?.devices.resolve_all(ctx).await?, areas: ctx.areas() };
        self.resolve(argument, &known)
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

    /// Counts what must not be too many, and gathers the devices.
    fn add_to_size(&self, argument: &str, level: usize, size: &mut FilterSize) -> Result<(), ApiError> {
        if level > MAX_FILTER_DEPTH {
            return Err(ApiError::bad_input(
                argument,
                format!("filters lie at most {MAX_FILTER_DEPTH} deep in each other"),
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

    /// The filters within this one, with their arguments.
    fn nested_filters(&self, argument: &str) -> Vec<(String, &Self)> {
        let lists = [("and", &self.and), ("or", &self.or)];
        let each = lists.into_iter().flat_map(|(name, list)| {
            list.iter().flatten().enumerate().map(move |(at, filter)| (format!("{argument}.{name}[{at}]"), filter))
        });
        let not = self.not.as_deref().map(|filter| (format!("{argument}.not"), filter));
        each.chain(not).collect()
    }

    /// What must hold, each condition with its argument.
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
                        "names no flag, so no measurement could have one of them",
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
                return Err(ApiError::bad_input(argument, "is empty, so no measurement could fulfil one of them"));
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

    /// What must hold, as one condition.
    fn combined_condition(&self, argument: &str, known: &Known) -> Result<Condition, ApiError> {
        let conditions = self.conditions(argument, known)?.into_iter().map(|(_, condition)| condition);
        Ok(Condition::All(conditions.collect()))
    }
}

/// What conditions refer to.
struct Known {
    devices: ResolvedDevices,
    areas: SharedAreas,
}

/// How large a filter is.
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
