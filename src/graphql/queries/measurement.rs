//! Measurements.

use std::sync::Arc;

use async_graphql::{Context, Object};

use crate::{
    api_error::ApiError,
    db,
    db::measurement_page::MeasurementPage,
    graphql::{
        context::{ContextExt as _, may_read},
        cursor::MeasurementCursor,
        execute::projection,
        inputs::filter::{MeasurementFilter, MeasurementOrder},
        page::{MAX_MEASUREMENT_PAGE_SIZE, PageArguments, PageRequest},
        types::measurement_connection::{MeasurementConnection, MeasurementScope},
    },
};

#[derive(Default)]
pub struct MeasurementQuery;

#[Object(guard = "may_read")]
impl MeasurementQuery {
    /// Measurements of all devices, newest first unless ordered otherwise. 50 in a page unless told, 10,000 at most.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(cache_control(max_age = 5))]
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
        // Boxed: the future of every field of the root is as large as the largest of them.
        Box::pin(measurement_page(ctx, filter, order_by, arguments)).await
    }
}

async fn measurement_page(
    ctx: &Context<'_>,
    filter: Option<MeasurementFilter>,
    order_by: Option<MeasurementOrder>,
    arguments: PageArguments,
) -> Result<MeasurementConnection, ApiError> {
    let asked = MeasurementList::check(ctx, filter, order_by, arguments).await?;
    let columns = projection::for_page(ctx.field());
    let rows = match &asked.page.filter.devices {
        _ if !projection::selects_rows(ctx.field()) => Vec::new(),
        Some(ids) => db::measurement_page::list_by_devices(ctx.read_pool(), ids, &asked.page, columns).await?,
        None => db::measurement_area_scan::list(ctx.read_pool(), &asked.page, columns).await?,
    };
    Ok(MeasurementConnection::new(asked.request.slice(rows), MeasurementScope::Filtered(Arc::new(asked.page.filter))))
}

/// The checked arguments of a list of measurements, at the root or of a device.
pub(in crate::graphql) struct MeasurementList {
    /// The page, for the client's view of it.
    pub request: PageRequest<MeasurementCursor>,
    /// The page, for the database.
    pub page: MeasurementPage,
}

impl MeasurementList {
    /// Checks the arguments, and looks the devices up that the filter names.
    pub(in crate::graphql) async fn check(
        ctx: &Context<'_>,
        filter: Option<MeasurementFilter>,
        order: Option<MeasurementOrder>,
        arguments: PageArguments,
    ) -> Result<Self, ApiError> {
        let request = PageRequest::<MeasurementCursor>::try_new(arguments, MAX_MEASUREMENT_PAGE_SIZE)?;
        let (after, before) = request.keyset_bounds();
        let page = MeasurementPage {
            filter: filter.unwrap_or_default().check(ctx, "filter").await?,
            descending: (order.unwrap_or_default() == MeasurementOrder::MeasuredAtDesc) != request.backward,
            after: after.map(|cursor| cursor.0),
            before: before.map(|cursor| cursor.0),
            limit: request.limit(),
        };
        Ok(Self { request, page })
    }
}
