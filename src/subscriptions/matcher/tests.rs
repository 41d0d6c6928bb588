//! The index finds the channels whose filters match, and few others.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;

use super::*;
use crate::domain::{
    area::{Area, BoundingBox, Cells, Circle, Polygon},
    filter::{Condition, Filter, ValueRange},
    joined_readings::JoinedReadings,
    measurement::MeasurementKey,
    position::Position,
    quality::{QualityFlag, QualityFlags},
    quantity::Quantity,
    readings::Readings,
};

/// From a few close positions to the antipodes, so that areas and positions often intersect.
fn positions() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        4 => (52.19..52.22, 0.1..0.15),
        1 => (-90.0..90.0, -180.0..180.0),
        1 => (-1.0..1.0, prop_oneof![179.0..180.0, -180.0..-179.0]),
    ]
}

fn areas() -> impl Strategy<Value = Area> {
    let kinds = (positions(), (-3.0..2.0_f64).prop_map(|power| 10_f64.powf(power)), 0..4, 0_u8..=12);
    kinds.prop_filter_map("an area", |((north, east), size, kind, resolution)| {
        let east_of = |degrees: f64| (east + degrees + 540.0).rem_euclid(360.0) - 180.0;
        let (south, top) = ((north - size).max(-90.0), (north + size).min(90.0));
        Some(match kind {
            0 => Area::BoundingBox(BoundingBox::try_new(south, east, top, east_of(size)).ok()?),
            1 => Area::Circle(Circle::try_new(north, east, size * 100_000.0).ok()?),
            2 => {
                let corners =
                    [(south, east), (top, east_of(size)), (top, east_of(-size)), (north, east_of(-size / 2.0))];
                Area::Polygon(Polygon::try_new(&corners).ok()?)
            }
            _ => {
                let position = Position::try_new(north, east).ok()?;
                let cell = cell_at(position, Resolution::try_from(resolution).ok()?);
                Area::Cells(Cells::try_new(&[cell.to_string()]).ok()?)
            }
        })
    })
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0..40_i32).prop_map(|tenths| f64::from(tenths) / 10.0),
        1 => prop::sample::select(vec![-0.0, 0.0, -5.0, 1e30, -1e30, f64::from(f32::MAX)]),
    ]
}

fn times() -> impl Strategy<Value = DateTime<chrono::Utc>> {
    prop_oneof![
        4 => (0..200_i64).prop_map(|half_hours| DateTime::UNIX_EPOCH + TimeDelta::minutes(30 * half_hours)),
        1 => prop::sample::select(vec![DateTime::<chrono::Utc>::MIN_UTC, DateTime::<chrono::Utc>::MAX_UTC]),
    ]
}

fn quantities() -> impl Strategy<Value = Quantity> {
    prop::sample::select(vec![Quantity::Pm1, Quantity::Pm2_5, Quantity::Pm4, Quantity::Pm10, Quantity::Humidity])
}

fn flags() -> impl Strategy<Value = QualityFlags> {
    prop::sample::subsequence(vec![QualityFlag::Late, QualityFlag::Spike, QualityFlag::OutOfRange], 0..3).prop_map(
        |flags| {
            let mut set = QualityFlags::default();
            for flag in flags {
                set.insert(flag);
            }
            set
        },
    )
}

fn conditions() -> impl Strategy<Value = Condition> {
    let devices = prop::collection::vec((0..6_i64).prop_map(DeviceId), 0..3);
    let leaf = prop_oneof![
        devices.prop_map(Condition::Devices),
        (prop::option::of(times()), prop::option::of(times()))
            .prop_map(|(from, to)| Condition::MeasuredBetween { from, to }),
        areas().prop_map(|area| Condition::Within(area.into())),
        (quantities(), prop::option::of(values()), prop::option::of(values()))
            .prop_map(|(quantity, min, max)| Condition::Between(quantity, ValueRange { min, max })),
        flags().prop_map(Condition::AnyFlag),
        flags().prop_map(Condition::NoFlag),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|condition| Condition::Not(Box::new(condition))),
        ]
    })
}

fn filters() -> impl Strategy<Value = Filter> {
    prop::collection::vec(conditions(), 0..4).prop_filter_map("no contradiction", |conditions| {
        let mut filter = Filter::default();
        conditions.into_iter().try_for_each(|condition| filter.add(condition)).ok().map(|()| filter)
    })
}

fn measurements() -> impl Strategy<Value = Measurement> {
    let value = || prop::option::of(values());
    (0..6_i64, times(), prop::option::of(positions()), [value(), value(), value(), value()], flags()).prop_map(
        |(device, measured_at, position, [pm1, pm2_5, pm4, pm10], flags)| {
            #[expect(clippy::cast_possible_truncation, reason = "as they are stored")]
            let narrow = |value: Option<f64>| value.map(|value| value as f32);
            Measurement {
                key: MeasurementKey { device_id: DeviceId(device), measured_at, seq: 0 },
                recorded_at: measured_at,
                position: position.and_then(|(north, east)| Position::try_new(north, east).ok()),
                pm1: narrow(pm1),
                pm2_5: narrow(pm2_5),
                pm4: narrow(pm4),
                pm10: narrow(pm10),
                flags,
                time_uncertainty_s: None,
                readings: JoinedReadings::default(),
            }
        },
    )
}

fn matcher(filters: &[Filter]) -> Matcher {
    let mut matcher = Matcher::default();
    for (channel, filter) in (0..).zip(filters) {
        matcher.insert(channel, index_keys(&Topic::Measurements(filter.clone())));
    }
    matcher
}

fn found(matcher: &Matcher, measurement: &Measurement) -> BTreeSet<ChannelId> {
    let mut found: BTreeSet<_> = matcher.channels_with_key(IndexKey::Unindexed).collect();
    matcher.channels_of(measurement, |channel| {
        found.insert(channel);
    });
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn matched_channels_are_those_whose_filter_matches(
        filters in prop::collection::vec(filters(), 1..12),
        measurements in prop::collection::vec(measurements(), 1..6),
        removed in prop::collection::vec(any::<bool>(), 12),
        humidity in prop::option::of(values()),
    ) {
        let mut matcher = matcher(&filters);
        let mut beside = Readings::default();
        if let Some(humidity) = humidity {
            let _ = beside.set(Quantity::Humidity, humidity);
        }
        for remove in [false, true] {
            let is_there = |channel: usize| !(remove && removed[channel]);
            if remove {
                (0..filters.len()).filter(|&at| removed[at]).for_each(|at| matcher.remove(at as ChannelId));
            }
            for measurement in &measurements {
                let matches = |&(at, filter): &(usize, &Filter)| is_there(at) && filter.matches(measurement, &beside);
                let expected: BTreeSet<_> = filters.iter().enumerate().filter(matches).map(|(at, _)| at as ChannelId).collect();
                let found = found(&matcher, measurement);
                prop_assert!(found.iter().all(|&channel| is_there(usize::try_from(channel).expect("few"))));
                let evaluated: BTreeSet<_> = found.into_iter()
                    .filter(|&channel| filters[usize::try_from(channel).expect("few")].matches(measurement, &beside)).collect();
                prop_assert_eq!(evaluated, expected);
            }
        }
        (0..filters.len()).for_each(|at| matcher.remove(at as ChannelId));
        prop_assert!(matcher.channels.is_empty() && matcher.index_keys.is_empty());
        prop_assert!(matcher.in_use.cells.iter().chain(&matcher.in_use.times).chain(matcher.in_use.values.as_flattened()).all(|&count| count == 0));
    }
}

fn measurement(device: i64, pm10: f32) -> Measurement {
    Measurement {
        key: MeasurementKey { device_id: DeviceId(device), measured_at: DateTime::UNIX_EPOCH, seq: 0 },
        recorded_at: DateTime::UNIX_EPOCH,
        position: Position::try_new(52.2, 0.12).ok(),
        pm1: None,
        pm2_5: Some(5.0),
        pm4: None,
        pm10: Some(pm10),
        flags: QualityFlags::default(),
        time_uncertainty_s: None,
        readings: JoinedReadings::default(),
    }
}

/// Of 10,000 filters, few are evaluated for a measurement that few of them match. Prints the time compared with 1
/// filter: `cargo test --release --lib index_avoids_evaluating_most_filters -- --nocapture`.
#[test]
fn index_avoids_evaluating_most_filters() {
    let filter = |condition: Condition| {
        let mut filter = Filter::default();
        filter.add(condition).map(|()| filter).expect("no contradiction")
    };
    let between = |min, max| Condition::Between(Quantity::Pm10, ValueRange { min, max });
    let area = |n: u32| {
        let (north, east) = (50.0 + f64::from(n / 100) * 0.05, f64::from(n % 100) * 0.05);
        let area = BoundingBox::try_new(north, east, north + 0.01, east + 0.01).expect("a box");
        Condition::Within(Area::BoundingBox(area).into())
    };
    let above = |n: u32| between(Some(f64::from(n)), None);
    let of_device = |n: u32| Condition::Devices(vec![DeviceId(n.into())]);
    let kinds: [(_, &dyn Fn(u32) -> Condition, _); 5] = [
        ("devices", &of_device, 1),
        ("areas", &area, 4),
        ("ranges", &|n| between(Some(f64::from(n)), Some(f64::from(n) + 0.5)), 4),
        ("thresholds", &|n| above(n + 20), 0),
        ("alternatives", &|n| Condition::Any(vec![of_device(n + 7), above(n + 30)]), 1),
    ];
    for (kind, condition, max_evaluations) in kinds {
        let filters: Vec<_> = (0..10_000).map(|n| filter(condition(n))).collect();
        let (one, all) = (matcher(&filters[..1]), matcher(&filters));
        let evaluated = found(&all, &measurement(42, 12.25)).len();
        let [one, all] = [one, all].map(|matcher| {
            let began = std::time::Instant::now();
            for device in 0..1000 {
                found(&matcher, &measurement(device, 12.25));
            }
            began.elapsed() / 1000
        });
        println!("{kind}: a measurement takes {one:?} beside 1 filter, {all:?} beside 10,000");
        assert!(evaluated <= max_evaluations, "{evaluated} of 10,000 {kind} are evaluated");
    }
}
