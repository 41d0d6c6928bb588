//! Statistics, cells, devices and trips, as GraphQL returns them.

use std::{collections::BTreeSet, time::Duration};

use async_graphql::Response;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use tokio::time::{sleep, timeout};

use crate::{
    api_error::ApiError,
    db::cancellation::cancel_on_drop,
    export::{
        ExportContext, ExportRequest, ExportSubject, operation,
        rows::{PageRows, RowPage},
    },
    graphql,
    graphql::{
        execute::{admission, archive_notice, response_writer},
        fast_json::RawJson,
    },
    limits::rate_limit::RateLimited,
};

/// Waits for a rate limit before a page fails.
const MAX_RATE_LIMIT_WAITS: u32 = 10;
const MAX_RATE_LIMIT_WAIT: Duration = Duration::from_mins(1);

/// A list.
pub struct ListSource {
    context: ExportContext,
    request: ExportRequest,
    /// Arguments of the next page; `None` after the last one.
    next: Option<Map<String, Value>>,
    /// Devices whose trips are still to be read, the next one at the end.
    trip_devices: Vec<String>,
    is_started: bool,
    archived_months: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Data<T> {
    data: Rows<T>,
}

#[derive(Deserialize)]
struct Rows<T> {
    rows: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    nodes: Vec<Box<RawValue>>,
    page_info: PageInfo,
    incomplete_before: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl ListSource {
    pub fn new(context: ExportContext, request: &ExportRequest) -> Self {
        let mut arguments = request.arguments.clone();
        let mut trip_devices: Vec<_> = request.trip_devices.iter().rev().cloned().collect();
        if matches!(request.subject, ExportSubject::Devices | ExportSubject::Trips) {
            arguments.insert("first".to_owned(), operation::page_rows(request).into());
        }
        if let Some(device) = trip_devices.pop() {
            arguments.insert("devices".to_owned(), vec![device].into());
        }
        Self {
            context,
            request: request.clone(),
            next: Some(arguments),
            trip_devices,
            is_started: false,
            archived_months: BTreeSet::new(),
        }
    }

    /// The next page; `None` at the end.
    ///
    /// # Errors
    /// When it can't be read, or a parameter is invalid.
    pub async fn next(&mut self) -> Result<Option<RowPage>, ApiError> {
        let Some(arguments) = self.next.take() else { return Ok(None) };
        let text = self.execute(&arguments).await?;
        self.is_started = true;
        if !matches!(self.request.subject, ExportSubject::Devices | ExportSubject::Trips) {
            let rows = parse::<Vec<Box<RawValue>>>(&text)?;
            return Ok(Some(RowPage { rows: PageRows::Objects(rows), end_cursor: None }));
        }
        let Connection { nodes, page_info, incomplete_before } = parse(&text)?;
        self.next = self.following(arguments, &page_info, incomplete_before);
        let end_cursor = page_info.end_cursor.filter(|_| self.request.subject.has_cursors());
        Ok(Some(RowPage { rows: PageRows::Objects(nodes), end_cursor }))
    }

    /// The arguments of the page after this one.
    fn following(
        &mut self,
        mut arguments: Map<String, Value>,
        page: &PageInfo,
        incomplete_before: Option<String>,
    ) -> Option<Map<String, Value>> {
        if page.has_next_page {
            arguments.insert("after".to_owned(), page.end_cursor.clone().into());
            return Some(arguments);
        }
        arguments.remove("after");
        if let Some(end) = incomplete_before {
            // Earlier trips of the device, from samples that this page did not read.
            arguments["measuredAt"]["to"] = end.into();
            return Some(arguments);
        }
        let device = self.trip_devices.pop()?;
        arguments.insert("devices".to_owned(), vec![device].into());
        arguments.insert("measuredAt".to_owned(), self.request.arguments.get("measuredAt")?.clone());
        Some(arguments)
    }

    /// The response to the operation with these arguments. After the first page it waits for rate limits.
    async fn execute(&mut self, arguments: &Map<String, Value>) -> Result<String, ApiError> {
        let mut waits = 0;
        loop {
            let response = self.execute_once(arguments).await?;
            if self.is_started
                && waits < MAX_RATE_LIMIT_WAITS
                && let Some(time) = operation::retry_after(&response)
            {
                waits += 1;
                sleep(time.min(MAX_RATE_LIMIT_WAIT)).await;
                continue;
            }
            self.check_archived_months(&response)?;
            return match operation::response_error(&self.request, &response, || exceeded_limit(&self.context)) {
                Some(error) => Err(error),
                None => String::from_utf8(response_writer::to_json(&response))
                    .map_err(|error| ApiError::Internal(error.into())),
            };
        }
    }

    /// The months that the rows lack because they are in an archive.
    pub fn archived_months(&self) -> &BTreeSet<String> {
        &self.archived_months
    }

    fn check_archived_months(&mut self, response: &Response) -> Result<(), ApiError> {
        let months = archive_notice::months_of(response);
        if !self.is_started {
            self.archived_months = months;
        } else if !months.is_subset(&self.archived_months) {
            return Err(ApiError::Unavailable(super::ARCHIVED_MEANWHILE));
        }
        Ok(())
    }

    async fn execute_once(&self, arguments: &Map<String, Value>) -> Result<Response, ApiError> {
        let ExportContext { schema, page_timeout, caller, payer, .. } = &self.context;
        let request = operation::request(&self.request, arguments).data(*payer).data(RawJson);
        let execution = Box::pin(graphql::execute(schema, request, caller.clone()));
        timeout(*page_timeout, cancel_on_drop(execution)).await.map_err(|_| ApiError::Timeout)
    }
}

fn parse<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, ApiError> {
    let data: Data<T> = serde_json::from_str(text).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(data.data.rows)
}

/// The rate limit that a caller exceeds now.
pub fn exceeded_limit(context: &ExportContext) -> Option<RateLimited> {
    let ExportContext { state, caller, payer, .. } = context;
    let database_time = admission::check_database_time(state, *payer, admission::caller_kind(caller));
    // More than any limit counts as the whole limit, which the caller does not have.
    let cost = || state.rate_limiters.cost.check_n(*payer, u32::MAX, state.clock.now());
    database_time.err().or_else(|| cost().err())
}
