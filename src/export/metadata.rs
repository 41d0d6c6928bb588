//! Description of an exported table, as CSV on the Web has it (W3C, "Metadata Vocabulary for Tabular Data", 2015): types
//! and units of the columns, and licence and attribution of each device concerned.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    ExportContext, ExportRequest, ExportSubject, TimeFormat,
    columns::{ColumnType, ExportColumn},
    source,
};
use crate::{
    api_error::ApiError,
    db,
    db::device_page::{DeviceFilter, DeviceKeyset, DeviceOrder, DevicePage},
    domain::{
        device::Device,
        filter::Filter,
        time::{EARLIEST_TIME, MAX_CLOCK_SKEW},
    },
    graphql::execute::read_pool::ReadPool,
};

/// Devices that one description lists.
const MAX_DEVICES: usize = 10_000;
/// Devices that one statement reads.
const DEVICES_PER_PAGE: i64 = 1000;

/// The description of the table of an export. `url` is where the table is, relative to the description.
///
/// # Errors
/// Names the invalid parameter; or a rate limit is exceeded, or the database fails.
pub async fn describe(context: &ExportContext, request: &ExportRequest, url: &str) -> Result<Value, ApiError> {
    context.caller.may_read(context.state.info.public_read)?;
    let devices = match request.subject {
        ExportSubject::Devices => Vec::new(), // its columns have the licences
        ExportSubject::Trips => {
            let pool = source::read_pool(context);
            let filter = DeviceFilter { keys: Some(request.trip_devices.clone()), ..DeviceFilter::default() };
            devices(&pool, filter).await?
        }
        ExportSubject::Measurements | ExportSubject::Statistics | ExportSubject::Cells => {
            let filter = source::check_filter(context, request).await?;
            devices_of_measurements(context, &filter).await?
        }
    };
    Ok(table(request, url, &devices))
}

/// The devices that a filter names, or those with measurements in its time span.
async fn devices_of_measurements(context: &ExportContext, filter: &Filter) -> Result<Vec<Device>, ApiError> {
    let pool = source::read_pool(context);
    let found = devices(&pool, DeviceFilter { ids: filter.devices.clone(), ..DeviceFilter::default() }).await?;
    let from = filter.from.unwrap_or(EARLIEST_TIME);
    let to = filter.to.unwrap_or(context.state.clock.now() + MAX_CLOCK_SKEW);
    let spans: Vec<_> = found.iter().map(|device| (device.id, from, to)).collect();
    let with_rows = db::measurement::list_devices_with_rows_in(&pool, &spans).await?;
    Ok(found.into_iter().filter(|device| with_rows.contains(&device.id)).collect())
}

async fn devices(pool: &ReadPool, filter: DeviceFilter) -> Result<Vec<Device>, ApiError> {
    let mut page = DevicePage {
        filter,
        order: DeviceOrder::Key,
        descending: false,
        nulls_first: false,
        after: None,
        before: None,
        limit: DEVICES_PER_PAGE,
    };
    let mut found = Vec::new();
    loop {
        let rows = db::device_page::list(pool, &page).await?;
        let is_last = i64::try_from(rows.len()).is_ok_and(|rows| rows < DEVICES_PER_PAGE);
        page.after = rows.last().map(|(device, _)| DeviceKeyset::Key(device.key.as_str().to_owned()));
        found.extend(rows.into_iter().map(|(device, _)| device));
        if is_last || found.len() >= MAX_DEVICES {
            found.truncate(MAX_DEVICES);
            return Ok(found);
        }
    }
}

fn table(request: &ExportRequest, url: &str, devices: &[Device]) -> Value {
    let mut licences: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for device in devices {
        let licence = device.licence.as_deref().unwrap_or_default();
        let described =
            json!({ "device": device.key.as_str(), "licence": device.licence, "attribution": device.attribution });
        licences.entry(licence).or_default().push(described);
    }
    let names: Vec<_> = licences.keys().filter(|licence| !licence.is_empty()).collect();
    let notes: Vec<_> = licences.values().flatten().collect();
    json!({
        "@context": ["http://www.w3.org/ns/csvw", { "@language": "en" }],
        "url": url,
        "dc:title": format!("airgraph: {}", request.subject.name()),
        "dc:license": names,
        "notes": notes,
        "dialect": { "header": true, "lineTerminators": ["\r\n"], "encoding": "utf-8" },
        "tableSchema": describe_columns(&request.columns, request.times),
    })
}

/// The schema of a table with these columns.
pub fn describe_columns(columns: &[ExportColumn], times: TimeFormat) -> Value {
    let columns: Vec<_> = columns.iter().map(|column| describe_column(column, times)).collect();
    json!({ "columns": columns })
}

fn describe_column(column: &ExportColumn, times: TimeFormat) -> Value {
    let datatype = match (column.value_type, times) {
        (ColumnType::Text | ColumnType::Names, _) => "string",
        (ColumnType::Timestamp, TimeFormat::Rfc3339) => "dateTimeStamp",
        (ColumnType::Timestamp, TimeFormat::Epoch) => "decimal",
        (ColumnType::Float, _) => "double",
        (ColumnType::Integer, _) => "integer",
        (ColumnType::Boolean, _) => "boolean",
    };
    let unit = match (column.value_type, times) {
        (ColumnType::Timestamp, TimeFormat::Epoch) => Some("s"),
        _ => column.unit,
    };
    let mut described = json!({
        "name": column.name, "titles": column.name, "datatype": datatype, "dc:description": column.description,
    });
    if let Some(unit) = unit {
        described["schema:unitText"] = unit.into(); // UCUM
    }
    if column.value_type == ColumnType::Names {
        described["separator"] = " ".into();
    }
    described
}
