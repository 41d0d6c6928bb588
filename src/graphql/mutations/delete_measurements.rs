//! Deleting measurements.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};

use crate::{
    api_error::ApiError,
    graphql::{
        context::{ContextExt as _, run_to_completion},
        execute::argument_check::checked,
        inputs::filter::{MeasurementFilter, text},
        scalar::DateTime,
    },
    jobs::{delete_measurements, delete_measurements::DeletionReport},
    limits::Limit,
};

/// Which measurements are deleted.
#[derive(InputObject)]
pub struct DeleteMeasurementsInput {
    /// These. Refused when any part of the filter has no content, such as `measuredAt: {}`, `pm25: {}`, `or: []` or `{}`,
    /// or names a device that doesn't exist.
    filter: MeasurementFilter,
    /// Only count them, and delete nothing.
    #[graphql(default)]
    dry_run: bool,
}

/// What became of the measurements.
#[derive(SimpleObject)]
pub struct DeleteMeasurementsPayload {
    /// The filter as it was understood, as text: `device in (bike-7) and measuredAt >= 2026-05-01T00:00:00Z`. Of a list of
    /// devices the first 20 are named.
    filter: String,
    /// Whether any were deleted.
    status: DeleteMeasurementsStatus,
    /// How many were deleted; on a dry run, how many would be.
    measurements: i32,
    /// Of how many devices they are.
    devices: i32,
    /// When the first of them was taken; null when there are none.
    first_measured_at: Option<DateTime>,
    /// When the last of them was taken; null when there are none.
    last_measured_at: Option<DateTime>,
}

/// Whether measurements were deleted.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum DeleteMeasurementsStatus {
    /// They were.
    Deleted,
    /// They would be; this was a dry run.
    DryRun,
    /// The filter means none.
    NothingFound,
}

#[derive(Default)]
pub struct DeleteMeasurements;

#[Object]
impl DeleteMeasurements {
    /// Deletes measurements for good, with all that is derived from them; try it with `dryRun` first. Their devices stay, and
    /// so do the uplinks that brought them: a replay of these records the measurements again, as does a sensor or a file
    /// that tells them once more. Answers when all is deleted; many take a while, and go in steps. When the request is cut
    /// off it goes on; when it fails half-way, what was deleted stays so, and the same again deletes the rest. Needs an
    /// admin's key.
    #[graphql(complexity = "checked(input.filter.require_content(\"input.filter\"))? + child_complexity")]
    async fn delete_measurements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteMeasurementsInput,
    ) -> Result<DeleteMeasurementsPayload, ApiError> {
        ctx.caller().require_admin()?;
        let dry_run = input.dry_run;
        input.filter.require_content("input.filter")?;
        let filter = input.filter.check_strictly(ctx, "input.filter").await?;
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
