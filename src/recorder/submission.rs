//! What is to be recorded.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{api_key::ApiKeyId, sensor::Sensors, uplink::UplinkKey},
    ingest::{DecodeError, Decoded, Incoming, Observation, format::Format, utf8_text},
};

/// One request's worth of samples.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The decoder's name.
    pub format: &'static str,
    /// When they arrived.
    pub received_at: DateTime<Utc>,
    /// The key that vouched for them. Whether it is still valid is seen to in the transaction.
    pub api_key: Option<ApiKeyId>,
    /// Whether that is an admin's key, which may add more devices and months.
    pub is_admin: bool,
    /// What they came in.
    pub source: Source,
    /// What was told, or why it could not be understood.
    pub decoded: Result<Decoded, DecodeError>,
}

/// What samples came in, and so what is kept beside them.
#[derive(Clone, Debug)]
pub enum Source {
    /// A body that arrived just now. It is kept verbatim, also when it could not be understood.
    Arrival(Arrival),
    /// A body that is stored already, decoded again. The uplink stays the one it is and learns what became of it; rows
    /// that it brought and no longer tells at a moment make room for those that it tells there now.
    Replay {
        /// The uplink that arrived at [`Submission::received_at`].
        uplink_id: Uuid,
    },
    /// Lines of an uploaded file, which is a record of its own: nothing is kept beside the samples.
    File,
}

/// A body that arrived, with what was told outside it; a replay needs both.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// The body, as it came, or what of it is kept.
    pub body: Bytes,
    /// The length of the body, where it is not kept whole.
    pub cut_from: Option<usize>,
    /// What named the device outside the body.
    pub device_hint: Option<String>,
    /// What else the URL said of the body, as in [`Incoming::event`].
    pub event: Option<String>,
}

impl Arrival {
    /// What the body tells, given the device's sensors; [`decoding`](crate::ingest::decode_context) looks those up.
    ///
    /// # Errors
    /// Why it was not understood.
    pub fn decode(
        &self,
        format: &Format,
        received_at: DateTime<Utc>,
        sensors: &Sensors,
    ) -> Result<Decoded, DecodeError> {
        let (named, event) = (self.device_hint.as_deref(), self.event.as_deref());
        // Before each decoder: some look at the first character. No binary body begins with a byte order mark.
        let body = utf8_text(&self.body).map_err(|error| DecodeError::new("INVALID_UTF8", error.to_string()))?;
        (format.decode)(&Incoming { body, received_at, device_hint: named, event, sensors })
    }
}

impl Submission {
    pub(super) fn with_validated_times(self, earliest: DateTime<Utc>) -> Self {
        let decoded = self.decoded.map(|decoded| decoded.validate_times(self.received_at, earliest));
        Self { decoded, ..self }
    }

    pub(super) fn observations(&self) -> &[Observation] {
        self.decoded.as_ref().map_or(&[], |decoded| &decoded.observations)
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
