//! Invariants of every result of every decoder.

use std::collections::HashSet;

use airgraph_domain::{
    device::DeviceKey,
    quantity::Group,
    readings::{to_decimal, to_f32},
    time::{EARLIEST_TIME, normalize},
};
use proptest::{prelude::*, test_runner::TestCaseError};

use super::provenance;
use crate::{DecodeError, Decoded, Incoming, Observation, Rejection, format::Format};

/// Maximum length of a reason in characters: it is part of a response, a log line and a column.
const MAX_DETAIL_CHARS: usize = 600;

/// Decodes a body and checks the result; returns its class, for the statistics.
pub(super) fn check_decoded(format: &Format, incoming: &Incoming<'_>) -> Result<&'static str, TestCaseError> {
    let decoded = (format.decode)(incoming);
    prop_assert_eq!(&decoded, &(format.decode)(incoming), "decoding is not deterministic");
    match decoded {
        Err(DecodeError { code, detail }) => {
            check_reason(code, &detail)?;
            Ok(code)
        }
        Ok(decoded) => {
            check_indices(&decoded, incoming)?;
            provenance::check_provenance(format, &decoded, incoming.body)?;
            let observed = decoded.observations.len();
            let admitted = decoded.clone().validate_times(incoming.received_at, EARLIEST_TIME);
            check_indices(&admitted, incoming)?;
            let places = |decoded: &Decoded| decoded.observations.len() + decoded.rejected.len();
            prop_assert_eq!(places(&admitted), places(&decoded), "a sample got lost on its way");
            prop_assert!(admitted.rejected.is_sorted_by_key(|rejection| rejection.index));
            Ok(match (observed, decoded.rejected.len()) {
                (0, 0) => "(no samples)",
                (0, _) => "(all rejected)",
                _ => "(samples)",
            })
        }
    }
}

fn check_indices(decoded: &Decoded, incoming: &Incoming<'_>) -> Result<(), TestCaseError> {
    let observed = decoded.observations.iter().map(|seen| seen.index);
    let rejected = decoded.rejected.iter().map(|rejection| rejection.index);
    let mut places = HashSet::new();
    for index in observed.chain(rejected) {
        prop_assert!(places.insert(index), "index {} occurs twice", index);
        prop_assert!(index <= incoming.body.len(), "place {} is beyond the body", index);
    }
    decoded.observations.iter().try_for_each(check_storable)?;
    for Rejection { code, detail, .. } in &decoded.rejected {
        check_reason(code, detail)?;
    }
    prop_assert!(decoded.ignored.len() <= 100 && decoded.ignored.iter().all(|name| name.chars().count() <= 64));
    Ok(())
}

fn check_storable(Observation { device, sample, .. }: &Observation) -> Result<(), TestCaseError> {
    prop_assert!(DeviceKey::try_new(device.as_str()).is_ok(), "{:?}", device);
    prop_assert_eq!(sample.measured_at, normalize(sample.measured_at));
    if let Some(place) = sample.position {
        prop_assert!(place.latitude().abs() <= 90.0 && (-180.0..180.0).contains(&place.longitude()), "{}", place);
    }
    prop_assert!(!sample.readings.is_empty() || sample.position.is_some(), "a sample without values");
    for (quantity, value) in sample.readings.iter() {
        prop_assert!(value.is_finite(), "{:?} is {}", quantity, value);
        if quantity.definition().group == Group::Air {
            let stored = to_decimal(to_f32(value));
            prop_assert_eq!(stored.to_bits(), value.to_bits(), "{:?} reads back as {}", quantity, stored);
        }
    }
    Ok(())
}

fn check_reason(code: &str, detail: &str) -> Result<(), TestCaseError> {
    prop_assert!(
        !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_uppercase() || b"_0123456789".contains(&byte))
    );
    prop_assert!(
        !detail.is_empty() && detail.chars().count() <= MAX_DETAIL_CHARS,
        "{} characters",
        detail.chars().count()
    );
    prop_assert!(!detail.contains(char::is_control), "a control character in {:?}", detail);
    Ok(())
}
