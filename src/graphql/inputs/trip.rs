//! Where rides end, and what was measured on one.

use async_graphql::ID;
use chrono::TimeDelta;

use crate::{
    api_error::ApiError,
    domain::{filter::Condition, trip::TripParams},
    graphql::id::GlobalId,
};

/// The longest pause within a ride, in seconds: a day.
const MAX_GAP_S: i32 = 86_400;
/// The farthest that a ride may be asked to get, in metres: half around the earth.
const MAX_DISTANCE_M: i32 = 20_000_000;

/// Checks the arguments `maxGap` (seconds) and `minDistance` (metres).
///
/// # Errors
/// Names the argument that can't be.
pub fn trip_params(max_gap: i32, min_distance: i32) -> Result<TripParams, ApiError> {
    if !(1..=MAX_GAP_S).contains(&max_gap) {
        let reason = format!("{max_gap} seconds are no pause; it must be between 1 and {MAX_GAP_S}");
        return Err(ApiError::bad_input("maxGap", reason));
    }
    if !(0..=MAX_DISTANCE_M).contains(&min_distance) {
        let reason = format!("{min_distance} metres are no way; it must be between 0 and {MAX_DISTANCE_M}");
        return Err(ApiError::bad_input("minDistance", reason));
    }
    Ok(TripParams { max_gap: TimeDelta::seconds(max_gap.into()), min_extent_m: min_distance.into() })
}

/// What was measured on the ride of this id, given as this argument.
///
/// # Errors
/// When it is no id of a ride.
pub fn trip_condition(argument: &str, id: &ID) -> Result<Condition, ApiError> {
    let GlobalId::Trip(key) = GlobalId::decode(argument, id)? else {
        return Err(ApiError::bad_input(argument, "this is the id of something that is no trip"));
    };
    let span = Condition::MeasuredBetween { from: Some(key.start), to: Some(key.after()) };
    Ok(Condition::All(vec![Condition::Devices(vec![key.device_id]), span]))
}
