//! A submission to record.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        api_key::ApiKeyId, device::DeviceKey, month::Month, pruned_months::PrunedMonths, sensor::Sensors,
        uplink::UplinkKey,
    },
    ingest::{DecodeError, Decoded, Incoming, Observation, Rejection, format::Format, utf8_text},
};

/// Code of the rejection of a sample whose month is in an archive and no longer in the database.
const MONTH_ARCHIVED: &str = "MONTH_ARCHIVED";

/// The samples of one request.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The decoder's name.
    pub format: &'static str,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// The API key that authenticated it. Checked again in the transaction.
    pub api_key: Option<ApiKeyId>,
    /// Whether it is an admin key, which has larger budgets for devices and months.
    pub is_admin: bool,
    /// Where the samples came from.
    pub source: Source,
    /// The decoded samples, or the decoding error.
    pub decoded: Result<Decoded, DecodeError>,
}

/// Source of the samples, which decides what is stored beside them.
#[derive(Clone, Debug)]
pub enum Source {
    /// A body that arrived just now. It is kept verbatim, even if it could not be decoded.
    Arrival(Arrival),
    /// A stored body, decoded again. The uplink is kept and updated with the outcome; its stale rows are replaced by
    /// the samples decoded now.
    Replay {
        /// The uplink that arrived at [`Submission::received_at`].
        uplink_id: Uuid,
    },
    /// Lines of an uploaded file: only the samples are stored.
    File,
}

/// A received body, with information from outside it; a replay needs both.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// The body as received, or the part that is kept.
    pub body: Bytes,
    /// Length of the received body, if only a part is kept.
    pub cut_from: Option<usize>,
    /// Device named outside the body.
    pub device_hint: Option<String>,
    /// Other parts of the URL that describe the body, as in [`Incoming::event`].
    pub event: Option<String>,
}

impl Arrival {
    /// Decodes the body with the device's sensors, which [`decode_context`](crate::ingest::decode_context) looks up.
    ///
    /// # Errors
    /// Why it could not be decoded.
    pub fn decode(
        &self,
        format: &Format,
        received_at: DateTime<Utc>,
        sensors: &Sensors,
    ) -> Result<Decoded, DecodeError> {
        let (named, event) = (self.device_hint.as_deref(), self.event.as_deref());
        // Before each decoder: some inspect the first character. No binary body begins with a byte order mark.
        let body = utf8_text(&self.body).map_err(|error| DecodeError::new("INVALID_UTF8", error.to_string()))?;
        (format.decode)(&Incoming { body, received_at, device_hint: named, event, sensors })
    }
}

impl Submission {
    pub(super) fn with_validated_times(self, earliest: DateTime<Utc>) -> Self {
        let decoded = self.decoded.map(|decoded| decoded.validate_times(self.received_at, earliest));
        Self { decoded, ..self }
    }

    /// Rejects samples of months that are in an archive and no longer in the database: whether they are duplicates can't be
    /// determined there.
    pub(super) fn without_months(mut self, pruned: &PrunedMonths) -> Self {
        if pruned.is_empty() {
            return self;
        }
        if let Ok(decoded) = &mut self.decoded {
            let month = |observation: &Observation| Month::from_time(observation.sample.measured_at);
            let rejected = decoded.observations.extract_if(.., |observation| pruned.contains(month(observation)));
            decoded.rejected.extend(rejected.map(|observation| Rejection {
                index: observation.index,
                code: MONTH_ARCHIVED,
                detail: format!(
                    "the measurements of {} are in an archive and no longer in the database; import that month of the archive \
                     first (airgraph import)",
                    month(&observation)
                ),
            }));
            decoded.rejected.sort_by_key(|rejection| rejection.index);
        }
        self
    }

    pub(super) fn observations(&self) -> &[Observation] {
        self.decoded.as_ref().map_or(&[], |decoded| &decoded.observations)
    }

    /// The device, if all samples are of one device.
    pub(super) fn only_device(&self) -> Option<&DeviceKey> {
        let (first, rest) = self.observations().split_first()?;
        rest.iter().all(|seen| seen.device == first.device).then_some(&first.device)
    }

    pub(super) fn arrival(&self) -> Option<&Arrival> {
        match &self.source {
            Source::Arrival(arrival) => Some(arrival),
            Source::Replay { .. } | Source::File => None,
        }
    }

    /// The uplink that is decoded again.
    pub(super) fn replayed_uplink(&self) -> Option<UplinkKey> {
        match self.source {
            Source::Replay { uplink_id } => Some(UplinkKey { received_at: self.received_at, id: uplink_id }),
            Source::Arrival(_) | Source::File => None,
        }
    }
}
