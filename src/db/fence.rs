//! Statements that plain Postgres and Citus both execute well.

use sqlx::{Postgres, QueryBuilder};

use super::device::to_bigints;
use crate::domain::device::DeviceId;

/// The last column of a subquery that Postgres must not merge into the statement around it. A set-returning function in
/// the select list has this effect, as `offset 0` would have; but Citus pushes the subquery down to its shards, which it
/// doesn't do with `offset`.
pub(super) const FENCE: &str = ", generate_series(1, 1) as fence";

/// Pushes those of these devices that have measurements, as `wanted`: the outer side of a lateral join that reads rows
/// of each device. `latest` has a row for each device with measurements, in Citus on the shard of its measurements, so
/// that a join with `limit` or aggregates is executed there; with `unnest` Citus rejects it.
pub(super) fn push_wanted_devices(query: &mut QueryBuilder<Postgres>, ids: &[DeviceId]) {
    query.push("(select device_id from latest where device_id = any(").push_bind(to_bigints(ids));
    query.push(")) as wanted");
}

/// Rows of more devices are most likely on all shards.
const MAX_FEW_DEVICES: usize = 8;

/// The condition that rows `m` are those of [`few_devices`], which is this bind. Their keys say so too, but Citus reads fewer
/// shards only when it knows the devices. As `or` makes it no condition for an index, Postgres looks the rows up by key.
pub(super) fn of_few_devices(bind: &str) -> String {
    format!("({bind}::bigint[] is null or m.device_id = any({bind}))")
}

/// The different devices of keys, if they are few.
pub(super) fn few_devices(devices: &[i64]) -> Option<Vec<i64>> {
    let mut few = Vec::new();
    for device in devices {
        if !few.contains(device) {
            few.push(*device);
        }
        if few.len() > MAX_FEW_DEVICES {
            return None;
        }
    }
    Some(few)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_devices_are_listed_while_they_are_few() {
        let keys: Vec<i64> = (0..1000).map(|row| row % 8).collect();
        assert_eq!(few_devices(&keys), Some((0..8).collect()));
        assert_eq!(few_devices(&[keys, vec![8]].concat()), None);
        assert_eq!(few_devices(&[]), Some(Vec::new()));
    }
}
