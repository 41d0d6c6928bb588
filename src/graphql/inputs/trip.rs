//! Parameters of trips, and the filter by trip.

use async_graphql::ID;
use chrono::TimeDelta;

use crate::{
    api_error::ApiError,
    domain::{filter::Condition, trip::TripParams},
    graphql::id::GlobalId,
};

/// Maximum of `maxGap`, in seconds: one day.
const MAX_GAP_S: i32 = 86_400;
/// Maximum of `minDistance`, in metres: half the circumference of the earth.
const MAX_DISTANCE_M: i32 = 20_000_000;

/// Checks the arguments `maxGap` (seconds) and `minDistance` (metres).
///
/// # Errors
/// Names the invalid argument.
pub fn trip_params(max_gap: i32, min_distance: i32) -> Result<TripParams, ApiError> {
    if !(1..=MAX_GAP_S).contains(&max_gap) {
        let reason = format!("must be between 1 and {MAX_GAP_S} seconds, not {max_gap}");
        return Err(ApiError::bad_input("maxGap", reason));
    }
    if !(0..=MAX_DISTANCE_M).contains(&min_distance) {
        let reason = format!("must be between 0 and {MAX_DISTANCE_M} metres, not {min_distance}");
        return Err(ApiError::bad_input("minDistance", reason));
    }
    Ok(TripParams { max_gap: TimeDelta::seconds(max_gap.into()), min_extent_m: min_distance.into() })
}

/// The condition that matches the measurements of a trip. `argument` is the path of its id in the request.
///
/// # Errors
/// When it is not the id of a trip.
pub fn trip_condition(argument: &str, id: &ID) -> Result<Condition, ApiError> {
    let GlobalId::Trip(key) = GlobalId::decode(argument, id)? else {
        return Err(ApiError::bad_input(argument, "not the id of a trip"));
    };
    let span = Condition::MeasuredBetween { from: Some(key.start), to: Some(key.after()) };
    Ok(Condition::All(vec![Condition::Devices(vec![key.device_id]), span]))
}
