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
    /// Measurements of all devices. Default page size 50, maximum 10,000.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(cache_control(max_age = 5))]
    async fn measurements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions on the measurements. Default: all measurements.")] filter: Option<
            MeasurementFilter,
        >,
        #[graphql(desc = "Sort order. Default `MEASURED_AT_DESC` (newest first).")] order_by: Option<MeasurementOrder>,
        #[graphql(desc = "Number of items from the start, or after `after`.")] first: Option<i32>,
        #[graphql(desc = "Return only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Number of items from the end, or before `before`.")] last: Option<i32>,
        #[graphql(desc = "Return only items before this cursor.")] before: Option<String>,
    ) -> Result<MeasurementConnection, ApiError> {
        let arguments = PageArguments { first, after, last, before };
        // Boxed: the future of every root field is as large as the largest one.
        Box::pin(measurement_page(ctx, filter, order_by, arguments)).await
    }
}

async fn measurement_page(
    ctx: &Context<'_>,
    filter: Option<MeasurementFilter>,
    order_by: Option<MeasurementOrder>,
    arguments: PageArguments,
) -> Result<MeasurementConnection, ApiError> {
    let page_info = projection::selects_page_info(ctx.field());
    let list = MeasurementList::check(ctx, filter, order_by, arguments, page_info).await?;
    let columns = projection::for_page(ctx.field());
    let rows = match &list.page.filter.devices {
        _ if !projection::selects_rows(ctx.field()) => Vec::new(),
        Some(ids) => db::measurement_page::list_by_devices(ctx.read_pool(), ids, &list.page, columns).await?,
        None => db::measurement_area_scan::list(ctx.read_pool(), &list.page, columns).await?,
    };
    if projection::selects_rows(ctx.field()) {
        let (from, to) = list.page.searched_span(&rows);
        ctx.read_pool().note_rows_read(from, to);
    }
    Ok(MeasurementConnection::new(list.request.slice(rows), MeasurementScope::Filtered(Arc::new(list.page.filter))))
}

/// The checked arguments of a list of measurements, at the root or of a device.
pub(in crate::graphql) struct MeasurementList {
    /// The page as requested by the client.
    pub request: PageRequest<MeasurementCursor>,
    /// The page as query of the database.
    pub page: MeasurementPage,
}

impl MeasurementList {
    /// Checks the arguments and resolves the device keys of the filter. Without `page_info`, no row beyond the page is
    /// read.
    pub(in crate::graphql) async fn check(
        ctx: &Context<'_>,
        filter: Option<MeasurementFilter>,
        order: Option<MeasurementOrder>,
        arguments: PageArguments,
        page_info: bool,
    ) -> Result<Self, ApiError> {
        let request = PageRequest::<MeasurementCursor>::try_new(arguments, MAX_MEASUREMENT_PAGE_SIZE)?;
        let (after, before) = request.keyset_bounds();
        let page = MeasurementPage {
            filter: filter.unwrap_or_default().check(ctx, "filter").await?,
            descending: (order.unwrap_or_default() == MeasurementOrder::MeasuredAtDesc) != request.backward,
            after: after.map(|cursor| cursor.0),
            before: before.map(|cursor| cursor.0),
            limit: request.limit() - i64::from(!page_info),
        };
        Ok(Self { request, page })
    }
}
