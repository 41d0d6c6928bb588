//! Deleting measurements.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};

use crate::{
    deletion::{self, Deleted},
    error::ApiError,
    graphql::{
        context::{ContextExt as _, to_the_end},
        input::filter::MeasurementFilter,
        scalar::DateTime,
    },
};

/// Which measurements are deleted.
#[derive(InputObject)]
pub struct DeleteMeasurementsInput {
    /// These. A filter that leaves nothing out is refused.
    filter: MeasurementFilter,
    /// Only count them, and delete nothing.
    #[graphql(default)]
    dry_run: bool,
}

/// What became of the measurements.
#[derive(SimpleObject)]
pub struct DeleteMeasurementsPayload {
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
    async fn delete_measurements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteMeasurementsInput,
    ) -> Result<DeleteMeasurementsPayload, ApiError> {
        ctx.caller().must_be_admin()?;
        let dry_run = input.dry_run;
        let filter = input.filter.check(ctx, "input.filter").await?;
        if filter.leaves_nothing_out() {
            return Err(ApiError::bad_input(
                "input.filter",
                "leaves nothing out, so that every measurement would be deleted: say which are meant",
            ));
        }
        let pool = ctx.writes().clone();
        let deleted = to_the_end(async move { Ok(deletion::run(&pool, &filter, dry_run).await?) }).await?;
        Ok(payload(&deleted, dry_run))
    }
}

fn payload(deleted: &Deleted, dry_run: bool) -> DeleteMeasurementsPayload {
    let status = match (deleted.measurements, dry_run) {
        (0, _) => DeleteMeasurementsStatus::NothingFound,
        (_, true) => DeleteMeasurementsStatus::DryRun,
        (_, false) => DeleteMeasurementsStatus::Deleted,
    };
    DeleteMeasurementsPayload {
        status,
        measurements: i32::try_from(deleted.measurements).unwrap_or(i32::MAX),
        devices: i32::try_from(deleted.devices.len()).unwrap_or(i32::MAX),
        first_measured_at: deleted.span.map(|(first, _)| first.into()),
        last_measured_at: deleted.span.map(|(_, last)| last.into()),
    }
}
