//! `GET /export/<subject>.<format>`: files of any length, written while they are read; and
//! `/export/<subject>.csv-metadata.json`: what is in such a file.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, RawQuery, State, rejection::QueryRejection},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures_util::{Stream, StreamExt as _, stream};

use crate::{
    api_error::ApiError,
    export::{self, ExportBrokenOff, ExportContext, ExportRequest, ExportStream},
    http::{
        extract::authenticated::Authenticated,
        middleware::timeout::with_request_timeout,
        routes::{graphql::charge_rejected_request, precompressed::NoCompression},
        state::{AppState, SharedState},
    },
    limits::{Limit, Permit, QuotaExceeded, rate_limit::CallerId},
};

pub(crate) fn routes() -> Router<SharedState> {
    Router::new().route("/export/{file}", get(export))
}

/// Parameters in their order; some may be repeated.
type Parameters = Query<Vec<(String, String)>>;

/// Months of which the file lacks measurements, because they are in an archive and no longer in the database.
const ARCHIVED_MONTHS_HEADER: HeaderName = HeaderName::from_static("airgraph-archived-months");
/// The extension of the description of a table.
const METADATA_EXTENSION: &str = ".csv-metadata.json";

async fn export(
    State(app): State<SharedState>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    authenticated: Result<Authenticated, ApiError>,
    parameters: Result<Parameters, QueryRejection>,
) -> Result<Response, ApiError> {
    let authenticated = authenticated?;
    let caller_id = authenticated.caller_id();
    let permit = app.exports.try_acquire(&caller_id).map_err(|exceeded| refusal(&app, exceeded))?;
    let context = ExportContext {
        schema: app.schema.clone(),
        state: app.state.clone(),
        page_timeout: app.request_timeout,
        caller: authenticated.caller.clone(),
        payer: caller_id,
    };
    let charged = |error| charge_rejected_request(&app, caller_id, error);
    if let Some(subject) = file.strip_suffix(METADATA_EXTENSION) {
        let table = format!("{subject}.csv");
        let request = parse(&table, parameters).map_err(charged)?;
        let url = query.map_or_else(|| table.clone(), |query| format!("{table}?{query}"));
        let description = with_request_timeout(&app, export::describe(&context, &request, &url)).await??;
        let media_type = [(header::CONTENT_TYPE, "application/csvm+json")];
        return Ok((media_type, description.to_string()).into_response());
    }
    let request = parse(&file, parameters).map_err(charged)?;
    let stream = export::start(context, &request).await?;
    let archived_months = stream.archived_months().join(", ");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(request.format.media_type())),
        (header::CONTENT_DISPOSITION, content_disposition(&request.file_name())),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let body = Body::from_stream(while_key_is_valid(app, authenticated, stream, permit));
    let mut response = (headers, body).into_response();
    if !archived_months.is_empty()
        && let Ok(months) = HeaderValue::try_from(archived_months)
    {
        response.headers_mut().insert(ARCHIVED_MONTHS_HEADER, months);
    }
    if request.format.is_compressed() {
        response.extensions_mut().insert(NoCompression);
    }
    Ok(response)
}

fn parse(file: &str, parameters: Result<Parameters, QueryRejection>) -> Result<ExportRequest, ApiError> {
    let (subject, format) = export::parse_file_name(file).ok_or(ApiError::NotFound)?;
    let Query(parameters) =
        parameters.map_err(|rejection| ApiError::BadRequest(format!("the query: {}", rejection.body_text())))?;
    ExportRequest::parse(subject, format, parameters)
}

fn refusal(app: &AppState, exceeded: QuotaExceeded) -> ApiError {
    app.state.metrics.refusals.refuse(exceeded.limit(Limit::ExportsPerCaller, Limit::Exports))
}

/// `file_name` has characters only that need no escaping.
fn content_disposition(file_name: &str) -> HeaderValue {
    let value = HeaderValue::from_str(&format!("attachment; filename=\"{file_name}\""));
    value.unwrap_or(HeaderValue::from_static("attachment"))
}

/// The file; broken off when the key of the caller is revoked or expires. An error makes hyper close the connection
/// without the last chunk, so that the client sees that the file is not complete.
fn while_key_is_valid(
    app: SharedState,
    authenticated: Authenticated,
    file: ExportStream,
    permit: Permit<CallerId>,
) -> impl Stream<Item = Result<Bytes, ExportBrokenOff>> {
    let invalidated = Box::pin(async move { authenticated.key_invalidated(&app).await.message() });
    stream::unfold(Some((file, invalidated, permit)), |state| async {
        let (mut file, mut invalidated, permit) = state?;
        let chunk = tokio::select! {
            chunk = file.next() => chunk?,
            reason = &mut invalidated => Err(ExportBrokenOff(reason)),
        };
        let rest = chunk.is_ok().then_some((file, invalidated, permit));
        Some((chunk, rest))
    })
    .fuse() // compression polls a body after its end
}
