//! Measurements.

use async_graphql::{Context, Object};

use crate::{
    db::{self, measurement_page::MeasurementPage},
    domain::device::{DeviceId, DeviceKey},
    error::ApiError,
    graphql::{
        complexity,
        context::{ContextExt as _, may_read},
        cursor::MeasurementCursor,
        input::filter::{MeasurementFilter, MeasurementOrder},
        model::measurement_connection::{AllMeasurements, MeasurementConnection},
        page::{MAX_MEASUREMENTS_PAGE, PageArguments, PageRequest},
    },
};

#[derive(Default)]
pub struct MeasurementQuery;

#[Object(guard = "may_read")]
impl MeasurementQuery {
    /// Measurements of all devices, newest first unless ordered otherwise. 50 in a page unless told, 10,000 at most.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "complexity::of_page(first, last, child_complexity)")]
    async fn measurements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<MeasurementFilter>,
        #[graphql(desc = "In which order.")] order_by: Option<MeasurementOrder>,
        #[graphql(desc = "So many from the start, or after `after`.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, or before `before`.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<MeasurementConnection, ApiError> {
        let arguments = PageArguments { first, after, last, before };
        let asked = MeasurementList::try_new(filter.unwrap_or_default(), order_by.unwrap_or_default(), arguments)?;
        let ids = match &asked.devices {
            Some(keys) => Some(known(ctx, keys).await?),
            None => None,
        };
        let rows = match &ids {
            Some(ids) => db::measurement_page::list_of(ctx.reads(), ids, &asked.page).await?,
            None => db::measurement_page::list(ctx.reads(), &asked.page).await?,
        };
        Ok(MeasurementConnection::new(asked.request.slice(rows), AllMeasurements::Of(ids, asked.page.filter)))
    }
}

/// The row numbers of devices that a filter names.
pub(in crate::graphql) async fn known(ctx: &Context<'_>, keys: &[DeviceKey]) -> Result<Vec<DeviceId>, ApiError> {
    let texts: Vec<_> = keys.iter().map(DeviceKey::as_str).collect();
    let ids = db::device::ids_by_keys(ctx.reads(), &texts).await?;
    match texts.iter().find(|key| !ids.contains_key(**key)) {
        Some(unknown) => Err(ApiError::bad_input("filter.devices", format!("there is no device {unknown:?}"))),
        None => Ok(ids.into_values().collect()),
    }
}

/// The checked arguments of a list of measurements, at the root or of a device.
pub(in crate::graphql) struct MeasurementList {
    /// The devices that the filter names, where it names any.
    pub devices: Option<Vec<DeviceKey>>,
    /// The page, for the client's view of it.
    pub request: PageRequest<MeasurementCursor>,
    /// The page, for the database.
    pub page: MeasurementPage,
}

impl MeasurementList {
    /// Checks the arguments.
    pub(in crate::graphql) fn try_new(
        filter: MeasurementFilter,
        order: MeasurementOrder,
        arguments: PageArguments,
    ) -> Result<Self, ApiError> {
        let checked = filter.check()?;
        let request = PageRequest::<MeasurementCursor>::try_new(arguments, MAX_MEASUREMENTS_PAGE)?;
        let (after, before) = request.sides();
        let page = MeasurementPage {
            filter: checked.filter,
            descending: (order == MeasurementOrder::MeasuredAtDesc) != request.backward,
            after: after.map(|cursor| cursor.0),
            before: before.map(|cursor| cursor.0),
            limit: request.limit(),
        };
        Ok(Self { devices: checked.devices, request, page })
    }
}
