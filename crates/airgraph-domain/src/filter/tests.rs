use super::*;
use crate::{joined_readings::JoinedReadings, measurement::MeasurementKey, quality::QualityFlag};

fn at(time: &str) -> DateTime<Utc> {
    time.parse().expect("a time")
}

fn between(quantity: Quantity, min: f64, max: f64) -> Condition {
    Condition::Between(quantity, ValueRange { min: Some(min), max: Some(max) })
}

fn flags(flags: &[QualityFlag]) -> QualityFlags {
    let mut set = QualityFlags::default();
    for &flag in flags {
        set.insert(flag);
    }
    set
}

fn devices(ids: &[i64]) -> Condition {
    Condition::Devices(ids.iter().copied().map(DeviceId).collect())
}

#[test]
fn conjunctions_are_merged_into_the_filter() {
    let mut filter = Filter::default();
    let all = Condition::All(vec![
        devices(&[3, 1, 2, 1]),
        Condition::MeasuredBetween { from: Some(at("2026-05-01T00:00:00Z")), to: None },
        Condition::All(vec![
            devices(&[4, 2, 3]),
            Condition::MeasuredBetween { from: Some(at("2026-04-01T00:00:00Z")), to: Some(at("2026-06-01T00:00:00Z")) },
            between(Quantity::Pm10, 1.0, 5.0),
            between(Quantity::Pm10, 2.0, 9.0),
        ]),
    ]);
    filter.add(all).expect("no contradiction");
    let expected = Filter {
        devices: Some(vec![DeviceId(2), DeviceId(3)]),
        from: Some(at("2026-05-01T00:00:00Z")),
        to: Some(at("2026-06-01T00:00:00Z")),
        conditions: vec![between(Quantity::Pm10, 2.0, 5.0)],
    };
    assert_eq!(filter, expected);
}

#[test]
fn contradictions_are_detected() {
    let until = |to| Condition::MeasuredBetween { from: None, to: Some(at(to)) };
    let from = |from| Condition::MeasuredBetween { from: Some(at(from)), to: None };
    let (late, spike) = (flags(&[QualityFlag::Late]), flags(&[QualityFlag::Spike]));
    for (conditions, expected) in [
        (vec![devices(&[1]), devices(&[2])], Some(Contradiction::Devices)),
        (vec![devices(&[]), devices(&[2])], None),
        (vec![from("2026-05-01T00:00:00Z"), until("2026-05-01T00:00:00Z")], Some(Contradiction::Times)),
        (
            vec![between(Quantity::Humidity, 0.0, 1.0), between(Quantity::Humidity, 1.5, 2.0)],
            Some(Contradiction::Values),
        ),
        (vec![between(Quantity::Humidity, 0.0, 1.0), between(Quantity::Pm1, 1.5, 2.0)], None),
        (vec![Condition::AnyFlag(late), Condition::NoFlag(late)], Some(Contradiction::Flags)),
        (vec![Condition::NoFlag(late.or(spike)), Condition::AnyFlag(late)], Some(Contradiction::Flags)),
        (vec![Condition::NoFlag(late), Condition::AnyFlag(late.or(spike))], None),
    ] {
        let found = Filter::default().add(Condition::All(conditions.clone())).err();
        assert_eq!(found, expected, "{conditions:?}");
    }
}

#[test]
fn missing_value_fails_a_condition_and_passes_its_negation() {
    let measurement = Measurement {
        key: MeasurementKey { device_id: DeviceId(1), measured_at: at("2026-05-01T00:00:00Z"), seq: 0 },
        recorded_at: at("2026-05-01T00:00:00Z"),
        position: None,
        pm1: None,
        pm2_5: None,
        pm4: None,
        pm10: Some(12.4),
        flags: QualityFlags::default(),
        time_uncertainty_s: None,
        readings: JoinedReadings::default(),
    };
    let mut joined = Readings::default();
    joined.set(Quantity::Humidity, 50.0).expect("a value");
    let area = super::super::area::Circle::try_new(0.0, 0.0, 1e7).expect("a circle");
    for (condition, expected) in [
        (between(Quantity::Pm10, 12.4, 12.4), true),
        (between(Quantity::Pm10, 12.400_01, 13.0), false),
        (between(Quantity::Pm2_5, 0.0, 99.0), false),
        (Condition::Between(Quantity::Pm1, ValueRange::default()), false),
        (Condition::Between(Quantity::Humidity, ValueRange::default()), true),
        (between(Quantity::Temperature, -99.0, 99.0), false),
        (Condition::Within(Area::Circle(area).into()), false),
        (Condition::Any(vec![]), false),
        (Condition::All(vec![]), true),
    ] {
        assert_eq!(condition.matches(&measurement, &joined), expected, "{condition:?}");
        let negated = Condition::Not(Box::new(condition));
        assert_eq!(negated.matches(&measurement, &joined), !expected, "{negated:?}");
    }
}
