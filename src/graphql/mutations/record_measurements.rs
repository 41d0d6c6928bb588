//! Records measurements.

use async_graphql::{Context, Enum, InputObject, InputType as _, Object, SimpleObject};

use crate::{
    api_error::ApiError,
    domain::device::DeviceKind,
    graphql::{context::ContextExt as _, inputs::measurement::MeasurementInput, types::rejection::Rejection},
    ingest::Decoded,
    recorder::{Arrival, Receipt, Source, Submission},
};

/// Maximum samples in one request.
const MAX_MEASUREMENTS: usize = 1000;
/// Name of the format of uplinks stored by this mutation.
const GRAPHQL_FORMAT: &str = "graphql";

/// Samples to record.
#[derive(InputObject)]
pub struct RecordMeasurementsInput {
    /// Samples, at most 1000.
    measurements: Vec<MeasurementInput>,
}

/// Result of `recordMeasurements`.
#[derive(SimpleObject)]
pub struct RecordMeasurementsPayload {
    /// Whether all samples are stored.
    status: RecordMeasurementsStatus,
    /// Number of samples stored by this request.
    recorded: i32,
    /// Number of samples that were already stored.
    duplicates: i32,
    /// Rejected samples with their reasons: `INVALID_DEVICE`, `INVALID_POSITION`, `INVALID_VALUE`, `NO_VALUES`,
    /// `TIME_IN_THE_FUTURE`, `TIME_TOO_EARLY`, `MONTH_ARCHIVED`. All other samples are stored.
    rejected: Vec<Rejection>,
}

/// Whether samples are stored.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum RecordMeasurementsStatus {
    /// All samples are stored, by this request or an earlier one.
    Recorded,
    /// Some samples were rejected; see `rejected`.
    PartlyRecorded,
}

#[derive(Default)]
pub struct RecordMeasurements;

#[Object]
impl RecordMeasurements {
    /// Records measurements. Idempotent: a sample that is sent again is stored once. Returns when the samples are
    /// stored durably. Needs an API key with role `SENSOR` or `ADMIN`.
    async fn record_measurements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Samples to record.")] input: RecordMeasurementsInput,
    ) -> Result<RecordMeasurementsPayload, ApiError> {
        ctx.caller().may_record()?;
        let count = input.measurements.len();
        if count > MAX_MEASUREMENTS {
            let reason = format!("{count} measurements; at most {MAX_MEASUREMENTS} in one request");
            return Err(ApiError::bad_input("input.measurements", reason));
        }
        let body = input.to_value().to_string();
        let (mut observations, mut rejected) = (Vec::new(), Vec::new());
        for (at, measurement) in input.measurements.into_iter().enumerate() {
            match measurement.check(at) {
                Ok(observation) => observations.push(observation),
                Err(rejection) => rejected.push(rejection),
            }
        }
        for observation in &observations {
            ctx.caller().may_record_for(&observation.device)?;
        }

        let decoded = Decoded { observations, rejected, ..Decoded::empty(DeviceKind::Mobile) };
        let submission = Submission {
            format: GRAPHQL_FORMAT,
            received_at: ctx.state().clock.now(),
            api_key: ctx.caller().api_key_id(),
            is_admin: ctx.caller().is_admin(),
            source: Source::Arrival(Arrival { body: body.into(), ..Arrival::default() }),
            decoded: Ok(decoded),
        };
        let Receipt { recorded, duplicates, rejected } = ctx.state().recorder.record(submission).await?;
        Ok(RecordMeasurementsPayload {
            status: if rejected.is_empty() {
                RecordMeasurementsStatus::Recorded
            } else {
                RecordMeasurementsStatus::PartlyRecorded
            },
            recorded: to_i32(recorded),
            duplicates: to_i32(duplicates),
            rejected: rejected.into_iter().map(Into::into).collect(),
        })
    }
}

fn to_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX) // at most MAX_MEASUREMENTS
}
