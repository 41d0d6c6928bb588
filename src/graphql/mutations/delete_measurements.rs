//! Deletes measurements.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use chrono::SecondsFormat;

use super::archived_months;
use crate::{
    api_error::ApiError,
    db,
    domain::filter::Filter,
    graphql::{
        context::{ContextExt as _, run_to_completion},
        execute::argument_check::checked,
        inputs::filter::{MeasurementFilter, text},
        scalar::DateTime,
    },
    jobs::{delete_measurements, delete_measurements::DeletionReport},
    limits::Limit,
};

/// Measurements to delete.
#[derive(InputObject)]
pub struct DeleteMeasurementsInput {
    /// Conditions on the measurements to delete. Rejected when any part is empty, such as `measuredAt: {}`, `pm25: {}`,
    /// `or: []` or `{}`, or when a device does not exist.
    filter: MeasurementFilter,
    /// Only count the measurements; delete nothing.
    #[graphql(default)]
    dry_run: bool,
}

/// Result of `deleteMeasurements`.
#[derive(SimpleObject)]
pub struct DeleteMeasurementsPayload {
    /// The filter as readable text, such as `device in (bike-7) and measuredAt >= 2026-05-01T00:00:00Z`. Contains at
    /// most 20 keys of each list of devices.
    filter: String,
    /// Whether measurements were deleted.
    status: DeleteMeasurementsStatus,
    /// Number of measurements deleted; in a dry run, that would be deleted.
    measurements: i32,
    /// Number of devices of these measurements.
    devices: i32,
    /// Time of the oldest of these measurements. Null when there are none.
    first_measured_at: Option<DateTime>,
    /// Time of the newest of these measurements. Null when there are none.
    last_measured_at: Option<DateTime>,
}

/// Whether measurements were deleted.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum DeleteMeasurementsStatus {
    /// The measurements were deleted.
    Deleted,
    /// The measurements would be deleted; this was a dry run.
    DryRun,
    /// The filter matches no measurement.
    NothingFound,
}

#[derive(Default)]
pub struct DeleteMeasurements;

#[Object]
impl DeleteMeasurements {
    /// Deletes measurements permanently, with all derived data. Try it with `dryRun` first. Devices and uplinks are
    /// kept: a replay of the uplinks records the measurements again, as does a sensor or a file that sends them again.
    /// Returns when the deletion is complete; many measurements are deleted in steps. If the client disconnects, the
    /// deletion continues. If it fails, deleted measurements stay deleted, and the same request deletes the rest.
    /// Admins only.
    #[graphql(complexity = "checked(input.filter.require_content(\"input.filter\"))? + child_complexity")]
    async fn delete_measurements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Measurements to delete.")] input: DeleteMeasurementsInput,
    ) -> Result<DeleteMeasurementsPayload, ApiError> {
        ctx.caller().require_admin()?;
        let dry_run = input.dry_run;
        input.filter.require_content("input.filter")?;
        let filter = input.filter.check_strictly(ctx, "input.filter").await?;
        check_months(ctx, &filter).await?;
        let devices = ctx.loader().load_many(text::named_devices(&filter)).await?;
        let filter_text = text::filter_text(&filter, &devices);
        let state = ctx.state();
        let turn = state.deletion_lock.acquire(state.info.limits.deletions.turn_timeout).await;
        let turn = turn.ok_or_else(|| state.metrics.refusals.refuse(Limit::Deletions))?;
        let pool = state.database.jobs.clone();
        let deleted = run_to_completion(async move {
            let deleted = delete_measurements::run(&pool, &filter, dry_run).await?;
            drop(turn);
            Ok(deleted)
        })
        .await?;
        Ok(payload(filter_text, &deleted, dry_run))
    }
}

/// Rejects a filter that reaches into pruned months: what it matches there is in the archive.
async fn check_months(ctx: &Context<'_>, filter: &Filter) -> Result<(), ApiError> {
    let pruned = db::pruned_month::list_months(ctx.write_pool()).await?;
    let months: Vec<_> = pruned.within(filter.from, filter.to).collect();
    let end = months.last().map(|last| last.next().start().to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let alternative = end.map(|end| format!("use `from: \"{end}\"`"));
    archived_months::refuse("input.filter.measuredAt", "reaches into", months.into_iter(), alternative)
}

fn payload(filter: String, deleted: &DeletionReport, dry_run: bool) -> DeleteMeasurementsPayload {
    let status = match (deleted.measurements, dry_run) {
        (0, _) => DeleteMeasurementsStatus::NothingFound,
        (_, true) => DeleteMeasurementsStatus::DryRun,
        (_, false) => DeleteMeasurementsStatus::Deleted,
    };
    DeleteMeasurementsPayload {
        filter,
        status,
        measurements: i32::try_from(deleted.measurements).unwrap_or(i32::MAX),
        devices: i32::try_from(deleted.devices.len()).unwrap_or(i32::MAX),
        first_measured_at: deleted.span.map(|(first, _)| first.into()),
        last_measured_at: deleted.span.map(|(_, last)| last.into()),
    }
}
