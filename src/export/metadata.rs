//! Description of an exported table, as CSV on the Web has it (W3C, "Metadata Vocabulary for Tabular Data", 2015): types
//! and units of the columns, and licence and attribution of each device concerned.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
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
        time::{EARLIEST_TIME, MAX_CLOCK_SKEW},
    },
};

/// Devices that a description lists one by one.
const MAX_LISTED_DEVICES: usize = 10_000;
/// Devices that one statement reads.
const DEVICES_PER_PAGE: i64 = 1000;

/// The devices with rows in a table, by key.
#[derive(Default)]
struct ConcernedDevices {
    /// The licences of all of them.
    licences: BTreeSet<String>,
    /// The first [`MAX_LISTED_DEVICES`].
    listed: Vec<Device>,
    /// The number of the others.
    unlisted: usize,
}

/// The description of the table of an export. `url` is where the table is, relative to the description.
///
/// # Errors
/// Names the invalid parameter; or a rate limit is exceeded, or the database fails.
pub async fn describe(context: &ExportContext, request: &ExportRequest, url: &str) -> Result<Value, ApiError> {
    context.caller.may_read(context.state.info.public_read)?;
    let mut archived_months = Vec::new();
    let devices = match request.subject {
        ExportSubject::Devices => ConcernedDevices::default(), // its columns have the licences
        ExportSubject::Trips => {
            let filter = DeviceFilter { keys: Some(request.trip_devices.clone()), ..DeviceFilter::default() };
            concerned_devices(context, filter, None).await?
        }
        ExportSubject::Measurements | ExportSubject::Statistics | ExportSubject::Cells => {
            let filter = source::check_filter(context, request).await?;
            if request.subject == ExportSubject::Measurements {
                archived_months = source::archived_months(context, filter.from, filter.to).await.collect();
            }
            let from = filter.from.unwrap_or(EARLIEST_TIME);
            // The last time within.
            let to = filter.to.map_or(context.state.clock.now() + MAX_CLOCK_SKEW, |to| to - TimeDelta::microseconds(1));
            let devices = DeviceFilter { ids: filter.devices, ..DeviceFilter::default() };
            concerned_devices(context, devices, Some((from, to))).await?
        }
    };
    let mut table = table(request, url, &devices);
    if !archived_months.is_empty() {
        table["airgraph:archivedMonths"] = archived_months.into(); // of which the table lacks measurements
    }
    Ok(table)
}

/// The devices that match a filter; with a time span, both ends inclusive, only those with measurements in it. Read page by page, each with
/// the limits of one request.
async fn concerned_devices(
    context: &ExportContext,
    filter: DeviceFilter,
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> Result<ConcernedDevices, ApiError> {
    let mut page = DevicePage {
        filter,
        order: DeviceOrder::Key,
        descending: false,
        nulls_first: false,
        after: None,
        before: None,
        limit: DEVICES_PER_PAGE,
    };
    let mut found = ConcernedDevices::default();
    loop {
        let pool = source::read_pool(context);
        let rows = db::device_page::list(&pool, &page).await?;
        let is_last = i64::try_from(rows.len()).is_ok_and(|rows| rows < DEVICES_PER_PAGE);
        page.after = rows.last().map(|(device, _)| DeviceKeyset::Key(device.key.as_str().to_owned()));
        let mut devices: Vec<_> = rows.into_iter().map(|(device, _)| device).collect();
        if let Some((from, to)) = span {
            let spans: Vec<_> = devices.iter().map(|device| (device.id, from, to)).collect();
            let with_rows = db::measurement::list_devices_with_rows_in(&pool, &spans).await?;
            devices.retain(|device| with_rows.contains(&device.id));
        }
        for device in devices {
            found.add(device);
        }
        if is_last {
            return Ok(found);
        }
    }
}

impl ConcernedDevices {
    fn add(&mut self, device: Device) {
        if let Some(licence) = &device.licence
            && !self.licences.contains(licence)
        {
            self.licences.insert(licence.clone());
        }
        if self.listed.len() < MAX_LISTED_DEVICES {
            self.listed.push(device);
        } else {
            self.unlisted += 1;
        }
    }

    /// Licence and attribution of each device; if there are too many, a last entry with the number of the others.
    fn notes(&self) -> Vec<Value> {
        let note = |device: &Device| json!({ "device": device.key.as_str(), "licence": device.licence, "attribution": device.attribution });
        let mut notes: Vec<_> = self.listed.iter().map(note).collect();
        if self.unlisted > 0 {
            notes.push(json!({
                "unlistedDevices": self.unlisted,
                "comment": "licence and attribution of every device: /export/devices.csv",
            }));
        }
        notes
    }
}

fn table(request: &ExportRequest, url: &str, devices: &ConcernedDevices) -> Value {
    json!({
        "@context": ["http://www.w3.org/ns/csvw", { "@language": "en" }],
        "url": url,
        "dc:title": format!("airgraph: {}", request.subject.name()),
        "dc:license": devices.licences,
        "notes": devices.notes(),
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
