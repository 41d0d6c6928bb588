//! The recorder: submissions by format and outcome, and batches.

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{Buckets, DURATION_BUCKETS};
use crate::observability::metrics::refusals::Refusals;

/// Submissions or samples of one transaction.
const BATCH_SIZE_BUCKETS: Buckets =
    Buckets(&[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0]);

/// A counter by format and outcome.
type Labels = [(&'static str, &'static str); 2];

/// Why a submission is stored apart from the batches of others.
#[derive(Clone, Copy, Debug)]
pub enum IsolationReason {
    /// Its batch failed, and the cause is not known.
    FailedBatch,
    /// Its sender's submissions failed repeatedly.
    FailingSender,
    /// It took too long, or waited too long for a lock.
    Slow,
    /// Partitions of months other than the current one are missing.
    NewMonths,
    /// It has unknown devices.
    NewDevices,
}

impl IsolationReason {
    const ALL: [Self; 5] = [Self::FailedBatch, Self::FailingSender, Self::Slow, Self::NewMonths, Self::NewDevices];

    const fn label(self) -> [(&'static str, &'static str); 1] {
        let reason = match self {
            Self::FailedBatch => "failed_batch",
            Self::FailingSender => "failing_sender",
            Self::Slow => "slow",
            Self::NewMonths => "new_months",
            Self::NewDevices => "new_devices",
        };
        [("reason", reason)]
    }
}

/// Why a body is not stored whole.
#[derive(Clone, Copy, Debug)]
pub enum BodyTruncation {
    /// It could not be decoded, and is large.
    Undecodable,
    /// Its key sent more bytes than are stored in a day.
    BytesPerDay,
    /// The disk is almost full.
    Disk,
}

impl BodyTruncation {
    const ALL: [Self; 3] = [Self::Undecodable, Self::BytesPerDay, Self::Disk];

    const fn label(self) -> [(&'static str, &'static str); 1] {
        let reason = match self {
            Self::Undecodable => "undecodable",
            Self::BytesPerDay => "bytes_per_day",
            Self::Disk => "disk",
        };
        [("reason", reason)]
    }
}

/// Metrics of the recorder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RecorderMetrics {
    submissions: Family<Labels, Counter>,
    samples: Family<Labels, Counter>,
    batch_submissions: Histogram,
    batch_samples: Histogram,
    /// By whether it was stored.
    batch_duration: Family<[(&'static str, &'static str); 1], Histogram, Buckets>,
    /// By reason.
    isolated: Family<[(&'static str, &'static str); 1], Counter>,
    /// By reason.
    cut_bodies: Family<[(&'static str, &'static str); 1], Counter>,
    /// Requests refused because of a limit, here and elsewhere.
    pub refusals: Refusals,
}

impl Default for RecorderMetrics {
    fn default() -> Self {
        let histogram = |buckets: Buckets| Histogram::new(buckets.0.iter().copied());
        let isolated = Family::default();
        for reason in IsolationReason::ALL {
            drop(isolated.get_or_create(&reason.label()));
        }
        let cut_bodies = Family::default();
        for reason in BodyTruncation::ALL {
            drop(cut_bodies.get_or_create(&reason.label()));
        }
        Self {
            submissions: Family::default(),
            samples: Family::default(),
            batch_submissions: histogram(BATCH_SIZE_BUCKETS),
            batch_samples: histogram(BATCH_SIZE_BUCKETS),
            batch_duration: Family::new_with_constructor(DURATION_BUCKETS),
            isolated,
            cut_bodies,
            refusals: Refusals::default(),
        }
    }
}

impl RecorderMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "ingest_submissions",
            "Submissions (bodies, mutations, chunks of files), by format and outcome",
            self.submissions.clone(),
        );
        registry.register("ingest_samples", "Samples of submissions, by format and outcome", self.samples.clone());
        registry.register(
            "recorder_batch_submissions",
            "Submissions that one transaction stored together",
            self.batch_submissions.clone(),
        );
        registry.register(
            "recorder_batch_samples",
            "Samples that one transaction stored together",
            self.batch_samples.clone(),
        );
        registry.register_with_unit(
            "recorder_batch_duration",
            "Time that storing a batch took, including retries, by outcome",
            Unit::Seconds,
            self.batch_duration.clone(),
        );
        registry.register(
            "recorder_isolated_submissions",
            "Submissions stored one at a time, apart from the batches of others, by reason",
            self.isolated.clone(),
        );
        registry.register(
            "uplink_bodies_cut",
            "Request bodies of sensors that are not kept whole, by reason",
            self.cut_bodies.clone(),
        );
    }

    /// A submission was answered.
    pub fn count_submission(&self, format: &'static str, outcome: &'static str) {
        self.submissions.get_or_create(&[("format", format), ("outcome", outcome)]).inc();
    }

    /// `count` samples of a stored submission had this outcome.
    pub fn count_samples(&self, format: &'static str, outcome: &'static str, count: usize) {
        if count > 0 {
            self.samples.get_or_create(&[("format", format), ("outcome", outcome)]).inc_by(count as u64);
        }
    }

    /// A submission is stored apart from the batches of others.
    pub fn count_isolated(&self, reason: IsolationReason) {
        self.isolated.get_or_create(&reason.label()).inc();
    }

    /// A body is not kept whole.
    pub fn count_truncated_body(&self, reason: BodyTruncation) {
        self.cut_bodies.get_or_create(&reason.label()).inc();
    }

    /// A batch was stored, or failed.
    pub fn record_batch(&self, submissions: usize, samples: usize, took: Duration, stored: bool) {
        let outcome = if stored { "stored" } else { "failed" };
        self.batch_duration.get_or_create(&[("outcome", outcome)]).observe(took.as_secs_f64());
        if stored {
            self.batch_submissions.observe(to_f64(submissions));
            self.batch_samples.observe(to_f64(samples));
        }
    }
}

/// A count as an observation.
fn to_f64(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}
