//! Measurements, read with the statements of GraphQL's lists.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Instant,
};

use async_graphql::{InputType as _, connection::CursorType as _};
use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::{
    rate_limits::Charges,
    time_window::{TimeWindow, WindowBounds},
};
use crate::{
    api_error::ApiError,
    db,
    db::{
        cancellation::cancel_on_drop, measurement_columns::MeasurementColumns, measurement_page::MeasurementPage,
        measurement_projection::MeasurementProjection, measurement_readings::MeasurementRows as _,
    },
    domain::{device::DeviceKey, filter::Filter, measurement::MeasurementKey},
    export::{
        ExportContext, ExportRequest,
        columns::{ExportColumn, measurement::projection},
        operation,
        price::page_price,
        rows::{DeviceKeys, PageRows, RowPage},
    },
    graphql::{
        cursor::MeasurementCursor,
        execute::{
            admission,
            operation::Operation,
            read_pool::{DatabaseUsage, ReadPool},
        },
        inputs::filter::{MeasurementFilter, MeasurementOrder},
    },
};

/// The measurements of an export.
pub struct MeasurementSource {
    context: ExportContext,
    filter: Filter,
    descending: bool,
    columns: Arc<[ExportColumn]>,
    projection: MeasurementProjection,
    /// The last row read, or the one that the export is continued after.
    after: Option<MeasurementKey>,
    /// `None` after the last page.
    window: Option<TimeWindow>,
    page_rows: usize,
    /// Shared with the pages that are being encoded.
    device_keys: Arc<DeviceKeys>,
    charges: Charges,
    archived_months: BTreeSet<String>,
}

impl MeasurementSource {
    /// Checks an export like the field `measurements`.
    ///
    /// # Errors
    /// Names the invalid parameter; or a rate limit is exceeded.
    pub async fn open(context: ExportContext, request: &ExportRequest) -> Result<Self, ApiError> {
        let operation = admit(&context, request)?;
        let filter = resolve_filter(&context, request, &operation).await?;
        let order = MeasurementOrder::parse(operation::argument(&operation, "orderBy")).unwrap_or_default();
        let after = match operation::argument(&operation, "after") {
            Some(async_graphql::Value::String(cursor)) => {
                let cursor = MeasurementCursor::decode_cursor(&cursor);
                Some(cursor.map_err(|reason| ApiError::bad_input("after", reason))?.0)
            }
            _ => None,
        };
        let descending = order == MeasurementOrder::MeasuredAtDesc;
        let after_time = after.map(|key: MeasurementKey| key.measured_at);
        let (from, to) =
            if descending { (filter.from, after_time.or(filter.to)) } else { (after_time.or(filter.from), filter.to) };
        let archived_months = archived_months(&context, from, to).await.collect();
        let window = TimeWindow::new(descending, (filter.from, filter.to), after_time, context.state.clock.now());
        Ok(Self {
            filter,
            descending,
            columns: request.columns.clone(),
            projection: projection(&request.columns),
            after,
            window: Some(window),
            page_rows: context.state.info.limits.exports.page_rows,
            device_keys: Arc::default(),
            charges: Charges::new(context.clone()),
            context,
            archived_months,
        })
    }

    /// The next page that has rows; `None` at the end.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn next(&mut self) -> Result<Option<RowPage>, ApiError> {
        while let Some(window) = self.window.clone() {
            self.charges.pay().await;
            let since = Instant::now();
            let bounds = window.bounds();
            let page = timeout(self.context.page_timeout, cancel_on_drop(self.read(bounds)));
            let rows = page.await.map_err(|_| ApiError::Timeout)??;
            let mut archived = archived_months(&self.context, bounds.from, bounds.to).await;
            if archived.any(|month| !self.archived_months.contains(&month)) {
                return Err(ApiError::Unavailable(super::ARCHIVED_MEANWHILE));
            }
            self.charges.add(page_price(rows.row_count(), &self.columns));
            self.window = next_window(window, bounds, (&rows, self.page_rows), since);
            let last = rows.keys().next_back();
            if let Some(last) = last {
                self.after = Some(last);
                let end_cursor = Some(MeasurementCursor(last).encode_cursor());
                return Ok(Some(RowPage { rows: PageRows::Measurements(rows, self.device_keys.clone()), end_cursor }));
            }
        }
        Ok(None)
    }

    /// The months that the rows lack because they are in an archive.
    pub fn archived_months(&self) -> &BTreeSet<String> {
        &self.archived_months
    }

    /// The first rows of a window, and the keys of their devices.
    async fn read(&mut self, bounds: WindowBounds) -> Result<MeasurementColumns, ApiError> {
        let page = MeasurementPage {
            filter: Filter { from: bounds.from, to: bounds.to, ..self.filter.clone() },
            descending: self.descending,
            // A window behind the last row needs no comparison with it.
            after: self.after.filter(|after| bounds.contains(after.measured_at)),
            before: None,
            limit: i64::try_from(self.page_rows).unwrap_or(i64::MAX),
        };
        let pool = read_pool(&self.context);
        let rows: MeasurementColumns = match &page.filter.devices {
            Some(ids) => db::measurement_page::list_by_devices(&pool, ids, &page, self.projection).await?,
            None => db::measurement_area_scan::list(&pool, &page, self.projection).await?,
        };
        let unknown = rows.keys().map(|key| key.device_id).filter(|id| !self.device_keys.contains_key(id));
        let unknown: HashSet<_> = unknown.collect();
        if !unknown.is_empty() {
            let devices = db::device::load_by_ids(&pool, &unknown.into_iter().collect::<Vec<_>>()).await?;
            let keys = devices.into_iter().map(|(id, device)| (id, device.key));
            Arc::make_mut(&mut self.device_keys).extend(keys);
        }
        Ok(rows)
    }
}

/// The months of a half-open time span that are in an archive and no longer in the database.
pub async fn archived_months(
    context: &ExportContext,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) -> impl Iterator<Item = String> {
    let state = &context.state;
    let pruned = state.recorder.pruned_months.current().await;
    pruned.within(from, to).map(|month| month.to_string()).collect::<Vec<_>>().into_iter()
}

/// Checks the filter of an export of measurements, statistics or cells.
///
/// # Errors
/// Names the invalid parameter; or a rate limit is exceeded, or the database fails.
pub async fn check_filter(context: &ExportContext, request: &ExportRequest) -> Result<Filter, ApiError> {
    let request = request.of_measurements();
    let operation = admit(context, &request)?;
    resolve_filter(context, &request, &operation).await
}

async fn resolve_filter(
    context: &ExportContext,
    request: &ExportRequest,
    operation: &Operation,
) -> Result<Filter, ApiError> {
    let pool = read_pool(context);
    let find_devices = async |keys: Vec<DeviceKey>| {
        let keys: Vec<_> = keys.iter().map(DeviceKey::as_str).collect();
        let found = db::device::load_ids_by_keys(&pool, &keys).await?;
        Ok(found.into_iter().map(|(key, id)| (DeviceKey::from_stored(key), id)).collect())
    };
    let filter = MeasurementFilter::parse(operation::argument(operation, "filter"));
    let filter = filter.map_err(|error| ApiError::Internal(anyhow::anyhow!("a coerced filter: {error:?}")))?;
    let filter = filter.check_with("filter", find_devices).await;
    filter.map_err(|error| operation::named_by_parameter(request, error))
}

/// The window after a page; `None` when it was the last one.
fn next_window(
    mut window: TimeWindow,
    bounds: WindowBounds,
    (rows, page_rows): (&MeasurementColumns, usize),
    since: Instant,
) -> Option<TimeWindow> {
    match rows.keys().next_back() {
        Some(last) if rows.row_count() >= page_rows => window.continue_at(last.measured_at, bounds, since.elapsed()),
        _ if bounds.is_last => return None,
        _ => window.advance(bounds, rows.row_count(), page_rows, since.elapsed()),
    }
    Some(window)
}

/// Checks the operation of the export, and charges its cost.
fn admit(context: &ExportContext, export: &ExportRequest) -> Result<Arc<Operation>, ApiError> {
    let ExportContext { state, caller, payer, .. } = context;
    let mut request = operation::request(export, &export.arguments).data(*payer);
    let admitted = admission::admit(state, &mut request, caller);
    admitted.map(|admitted| admitted.operation).map_err(|response| {
        let error = operation::response_error(export, &response, || super::list::exceeded_limit(context));
        error.unwrap_or_else(ApiError::panicked)
    })
}

/// A pool for one page, with the limits of one request.
pub fn read_pool(context: &ExportContext) -> ReadPool {
    let ExportContext { state, caller, payer, .. } = context;
    let kind = admission::caller_kind(caller);
    let budget = state.rate_limiters.database_time(kind).cloned();
    let (limits, metric) = (&state.info.limits.reading, state.metrics.database_time.clone());
    let charged = (state.rate_limiters.cost.clone(), 0);
    let usage = DatabaseUsage::new(limits, (*payer, kind), budget, charged, state.clock.clone(), metric);
    ReadPool::metered(state.read_servers.primary().clone(), Arc::new(usage))
}
