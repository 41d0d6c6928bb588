//! Recording measurements.

use async_graphql::{Context, Enum, InputObject, InputType as _, Object, SimpleObject};

use crate::{
    api_error::ApiError,
    domain::device::DeviceKind,
    graphql::{context::ContextExt as _, inputs::measurement::MeasurementInput, types::rejection::Rejection},
    ingest::Decoded,
    recorder::{Arrival, Receipt, Source, Submission},
};

/// Samples in one request at most.
const MAX_MEASUREMENTS: usize = 1000;
/// The name of this way in, where a sensor's has the name of its format.
const GRAPHQL_FORMAT: &str = "graphql";

/// Samples to be recorded.
#[derive(InputObject)]
pub struct RecordMeasurementsInput {
    /// The samples; at most 1000.
    measurements: Vec<MeasurementInput>,
}

/// What became of the samples.
#[derive(SimpleObject)]
pub struct RecordMeasurementsPayload {
    /// Whether all of them are stored now.
    status: RecordMeasurementsStatus,
    /// How many were stored.
    recorded: i32,
    /// How many were stored before.
    duplicates: i32,
    /// Those that were left out, and why: `INVALID_DEVICE`, `INVALID_POSITION`, `INVALID_VALUE`, `NO_VALUES`,
    /// `TIME_IN_THE_FUTURE`, `TIME_TOO_EARLY`. The others are stored all the same.
    rejected: Vec<Rejection>,
}

/// Whether samples are stored.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum RecordMeasurementsStatus {
    /// All of them are stored, now or before.
    Recorded,
    /// Some were left out; `rejected` says which and why.
    PartlyRecorded,
}

#[derive(Default)]
pub struct RecordMeasurements;

#[Object]
impl RecordMeasurements {
    /// Records measurements, each exactly once however often it is told. Needs a sensor's key. Answers when they are
    /// stored for good.
    async fn record_measurements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The samples.")] input: RecordMeasurementsInput,
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
