//! Renders events as GraphQL responses.
//!
//! A separate schema has the root fields of subscriptions as query fields, each a list of the events in the request's
//! data. So one execution renders many events, with batched loading; the response is then split into one per event.

use std::{collections::BTreeMap, sync::Arc};

use async_graphql::{
    Context, EmptyMutation, EmptySubscription, Name, Object, PathSegment, Request, Response, ServerError,
    ValidationMode, Value, parser::types::OperationType,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{document::EventDocument, topic::CurrentStatistics};
use crate::{
    api_error::ApiError,
    auth::Caller,
    db::statistics::{MAX_ROWS, list, row_spans},
    domain::filter::Filter,
    graphql::{
        compat,
        context::{ContextExt as _, State},
        execute::{
            archive_notice::ArchiveNotice, complexity, error_codes, operation, operation::TypeSystem, panics,
            response_size, response_size::ResponseSize, response_writer,
        },
        fast_json::{JsonItems, JsonRows, RawJson},
        inputs::statistics::{Grouping, RequestedStatistics, StatisticsFill, StatisticsGroup},
        loaders, types,
        types::{device_event::DeviceEvent, measurement_event::MeasurementEvent, statistics::Statistics},
    },
};

type RenderSchema = async_graphql::Schema<EventRoot, EmptyMutation, EmptySubscription>;

/// The schema that renders events. Built once: it needs as much time and memory as the main schema.
#[derive(Clone)]
pub struct EventSchema {
    schema: RenderSchema,
    types: Arc<TypeSystem>,
    state: State,
}

impl EventSchema {
    pub(super) fn new(state: State) -> Self {
        // Documents are already validated as subscriptions, with depth and cost checked.
        let schema = RenderSchema::build(EventRoot, EmptyMutation, EmptySubscription)
            .register_output_type::<types::node::Node>()
            .validation_mode(ValidationMode::Fast)
            .data(state.clone())
            .finish();
        let types =
            TypeSystem::parse(&schema.sdl()).unwrap_or_else(|error| unreachable!("the schema's own text: {error}"));
        Self { schema, types: Arc::new(types), state }
    }
}

/// Events of one topic that can be rendered together. Cheap to clone.
#[derive(Clone)]
pub enum Events {
    /// Measurements that were stored.
    Measurements(Arc<[MeasurementEvent]>),
    /// Devices that changed.
    Devices(Arc<[DeviceEvent]>),
    /// Current statistics: one event.
    Statistics(Arc<CurrentStatistics>),
}

impl Events {
    /// The events at these positions.
    #[must_use]
    pub fn at_positions(&self, positions: &[usize]) -> Self {
        fn some<T: Clone>(events: &[T], positions: &[usize]) -> Arc<[T]> {
            positions.iter().filter_map(|&at| events.get(at)).cloned().collect()
        }
        match self {
            Self::Measurements(events) => Self::Measurements(some(events, positions)),
            Self::Devices(events) => Self::Devices(some(events, positions)),
            Self::Statistics(_) => self.clone(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Measurements(events) => events.len(),
            Self::Devices(events) => events.len(),
            Self::Statistics(_) => 1,
        }
    }
}

/// The errors of a response when the database was unavailable; a retry may succeed.
#[derive(Debug)]
pub struct DatabaseUnavailable(pub Vec<ServerError>);

/// Renders the events of a subscription.
#[derive(Clone)]
pub struct EventRenderer {
    event_schema: EventSchema,
    document: Arc<EventDocument>,
    caller: Caller,
    cost: u64,
}

impl EventRenderer {
    /// `cost` is that of one event.
    pub(super) fn new(event_schema: &EventSchema, document: EventDocument, caller: &Caller, cost: u64) -> Self {
        Self { event_schema: event_schema.clone(), document: Arc::new(document), caller: caller.clone(), cost }
    }

    /// The cost of an event, at least 1.
    #[must_use]
    pub fn cost(&self) -> u32 {
        u32::try_from(self.cost).unwrap_or(u32::MAX).max(1)
    }

    /// Number of events rendered together: fewer the more each costs.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        complexity::event_batch_size(self.cost)
    }

    /// The selection of each event as canonical text.
    #[must_use]
    pub fn selection_text(&self) -> &str {
        &self.document.text
    }

    /// Current time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.event_schema.state.clock.now()
    }

    /// Counts a panic outside [`Self::render`] that ends the subscription.
    pub fn count_panic(&self) {
        self.event_schema.state.metrics.operations.count_panic();
    }

    /// Renders the GraphQL response of each event as JSON. An event that exceeds the size limit of responses is an
    /// error.
    ///
    /// # Errors
    /// When the database was unavailable. Any other error is part of the response.
    pub async fn render(&self, events: &Events) -> Result<Vec<Bytes>, DatabaseUnavailable> {
        let (state, count) = (&self.event_schema.state, events.len());
        if count > 1 {
            let size = ResponseSize::of_several(state);
            let response = self.execute(events, size.clone()).await?;
            // Each response names the months that it lacks itself.
            if !size.is_exceeded() && response.extensions.is_empty() {
                return Ok(self.split_by_event(response, count));
            }
        }
        // One by one, so that only the event that is too large fails, and memory contains the rows of one event.
        let mut payloads = Vec::with_capacity(count);
        for at in 0..count {
            let response = self.execute(&events.at_positions(&[at]), ResponseSize::new(state)).await?;
            payloads.extend(self.split_by_event(response, 1));
        }
        Ok(payloads)
    }

    async fn execute(&self, events: &Events, size: ResponseSize) -> Result<Response, DatabaseUnavailable> {
        let EventSchema { schema, types, state } = &self.event_schema;
        let notice = Arc::new(ArchiveNotice::start(state).await);
        let pool = state.unmetered_read_pool.with_archive_notice(notice.clone());
        let (loader, batches) = loaders::new(pool.clone());
        let document = &self.document.document;
        let request = Request::new("").data(self.caller.clone()).data(pool).data(loader).data(RawJson);
        let mut request = request.data(events.clone()).data(size);
        request.set_parsed_query(document.clone());
        let executed = batches.drive(schema.execute(request));
        let mut response = panics::catch_panic(&state.metrics.operations, executed, |error| *error).await;
        if response.errors.iter().any(is_database_unavailable) {
            return Err(DatabaseUnavailable(response.errors));
        }
        compat::normalize_response(types, OperationType::Query, operation::selection_set(document), &mut response);
        error_codes::add_codes(&mut response.errors);
        notice.report(&mut response);
        Ok(response)
    }

    /// Splits the response to `count` events.
    fn split_by_event(&self, response: Response, count: usize) -> Vec<Bytes> {
        let (key, extensions) = (&self.document.key, response.extensions.clone());
        let checked =
            |(item, errors): (Value, Vec<ServerError>)| match response_size::check(&self.event_schema.state, &item) {
                Ok(()) => event_response(key, &item, &errors, &extensions),
                Err(error) => {
                    let path = vec![PathSegment::Field(key.to_string())];
                    event_response(
                        key,
                        &Value::Null,
                        &[ServerError { path, ..crate::graphql::execute::error_codes::from_api_error(error) }],
                        &extensions,
                    )
                }
            };
        split(response, key, count).into_iter().map(checked).collect()
    }
}

fn is_database_unavailable(error: &ServerError) -> bool {
    let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    code.is_some_and(|code| matches!(code, Value::String(code) if code == ApiError::UNAVAILABLE))
}

/// Splits the data and errors of the response to `count` events.
fn split(response: Response, key: &Name, count: usize) -> Vec<(Value, Vec<ServerError>)> {
    let mut items = match response.data {
        Value::Object(mut fields) => match fields.swap_remove(key) {
            Some(Value::List(items)) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    items.resize(count, Value::Null);
    let mut errors = vec![Vec::new(); count];
    for mut error in response.errors {
        if let [PathSegment::Field(_), PathSegment::Index(at), ..] = error.path[..] {
            error.path.remove(1);
            if let Some(errors) = errors.get_mut(at) {
                errors.push(error);
            }
        } else {
            for errors in &mut errors {
                errors.push(error.clone()); // an error of the whole field
            }
        }
    }
    items.into_iter().zip(errors).collect()
}

fn event_response(key: &Name, item: &Value, errors: &[ServerError], extensions: &BTreeMap<String, Value>) -> Bytes {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(b"{\"data\":");
    if *item == Value::Null && !errors.is_empty() {
        out.extend_from_slice(b"null"); // events are non-null, so the data is null
    } else {
        out.push(b'{');
        response_writer::write_serialized(key.as_str(), &mut out);
        out.push(b':');
        response_writer::write_value(item, &mut out);
        out.push(b'}');
    }
    if !errors.is_empty() {
        out.extend_from_slice(b",\"errors\":");
        response_writer::write_serialized(errors, &mut out);
    }
    if !extensions.is_empty() {
        out.extend_from_slice(b",\"extensions\":");
        response_writer::write_serialized(extensions, &mut out);
    }
    out.push(b'}');
    out.into()
}

/// The root fields of subscriptions, as lists of the events in the request's data.
struct EventRoot;

#[Object(name = "Subscription")]
impl EventRoot {
    async fn measurement_recorded<'a>(&self, ctx: &Context<'a>) -> JsonItems<'a, MeasurementEvent> {
        match ctx.data_unchecked() {
            Events::Measurements(events) => JsonItems(events),
            Events::Devices(_) | Events::Statistics(_) => JsonItems(&[]),
        }
    }

    async fn device_updated<'a>(&self, ctx: &Context<'a>) -> JsonItems<'a, DeviceEvent> {
        match ctx.data_unchecked() {
            Events::Devices(events) => JsonItems(events),
            Events::Measurements(_) | Events::Statistics(_) => JsonItems(&[]),
        }
    }

    async fn statistics_updated(&self, ctx: &Context<'_>) -> Result<Vec<JsonRows<Statistics>>, ApiError> {
        match ctx.data_unchecked() {
            Events::Statistics(selected) => Ok(vec![current_statistics(ctx, selected).await?]),
            Events::Measurements(_) | Events::Devices(_) => Ok(Vec::new()),
        }
    }
}

async fn current_statistics(ctx: &Context<'_>, selected: &CurrentStatistics) -> Result<JsonRows<Statistics>, ApiError> {
    let now = ctx.state().clock.now();
    let (from, to) = selected.bucket(now);
    let filter =
        Filter { devices: Some(selected.devices.clone()), from: Some(from), to: Some(to), conditions: Vec::new() };
    let grouping = Grouping {
        every: Some(selected.every.into()),
        max_buckets: None,
        fill: StatisticsFill::None,
        time_zone: selected.zone.name().to_owned(),
        group_by: vec![StatisticsGroup::Device],
        cell_resolution: 0,
        counted: selected.counted,
    };
    let (query, labels) = grouping.to_query(filter, RequestedStatistics::from_selection(ctx.field()), now)?;
    let query = Arc::new(query);
    let rows = list(ctx.read_pool(), &query, MAX_ROWS).await?;
    for (from, to) in row_spans(&query) {
        ctx.read_pool().note_rows_read(from, to);
    }
    Ok(types::statistics::from_rows(rows, &query, labels))
}
