use proptest::prelude::*;

use super::*;

const SCALES: [Scale; 4] = [Scale::UkDaqi, Scale::European, Scale::UsEpa, Scale::UsNowcast];
const POLLUTANTS: [Pollutant; 2] = [Pollutant::Pm2_5, Pollutant::Pm10];

fn value(scale: Scale, pollutant: Pollutant, concentration: f64) -> u16 {
    scale.level(pollutant, Concentration::from_f64(concentration)).value
}

fn range(scale: Scale) -> std::ops::RangeInclusive<u16> {
    match scale {
        Scale::UkDaqi => 1..=10,
        Scale::European => 1..=6,
        Scale::UsEpa | Scale::UsNowcast => 0..=500,
    }
}

/// `of` hours of which the newest `known` have this value.
fn hours(known: usize, of: usize, mean: f64) -> Vec<Option<f64>> {
    (0..of).map(|hour| (hour < known).then_some(mean)).collect()
}

fn of_pm2_5(scale: Scale, pm2_5: Vec<Option<f64>>) -> AirQualityIndex {
    scale.index(&HourlyMeans { pm2_5, pm10: Vec::new() })
}

#[test]
fn uk_daqi_values_end_at_the_published_whole_numbers() {
    for (pollutant, bounds) in [
        (Pollutant::Pm2_5, [11, 23, 35, 41, 47, 53, 58, 64, 70]),
        (Pollutant::Pm10, [16, 33, 50, 58, 66, 75, 83, 91, 100]),
    ] {
        assert_eq!(value(Scale::UkDaqi, pollutant, 0.0), 1);
        for (at, bound) in (1..).zip(bounds.map(f64::from)) {
            for (concentration, expected) in
                [(bound, at), (bound + 0.4999, at), (bound + 0.5, at + 1), (bound + 1.0, at + 1)]
            {
                assert_eq!(value(Scale::UkDaqi, pollutant, concentration), expected, "{pollutant:?} {concentration}");
            }
        }
        assert_eq!(value(Scale::UkDaqi, pollutant, 100_000.0), 10);
    }
}

#[test]
fn european_levels_end_at_the_published_bounds() {
    for (pollutant, bounds) in [(Pollutant::Pm2_5, [5, 15, 50, 90, 140]), (Pollutant::Pm10, [15, 45, 120, 195, 270])] {
        assert_eq!(value(Scale::European, pollutant, 0.0), 1);
        for (at, bound) in (1..).zip(bounds.map(f64::from)) {
            for (concentration, expected) in [(bound - 0.1, at), (bound, at), (bound + 0.0001, at + 1)] {
                assert_eq!(value(Scale::European, pollutant, concentration), expected, "{pollutant:?} {concentration}");
            }
        }
        assert_eq!(value(Scale::European, pollutant, 100_000.0), 6);
    }
}

#[test]
fn us_index_equals_the_table_at_every_breakpoint() {
    let index = [0, 50, 51, 100, 101, 150, 151, 200, 201, 300, 301, 500];
    let pm2_5 = [0.0, 9.0, 9.1, 35.4, 35.5, 55.4, 55.5, 125.4, 125.5, 225.4, 225.5, 325.4];
    let pm10 = [0.0, 54.0, 55.0, 154.0, 155.0, 254.0, 255.0, 354.0, 355.0, 424.0, 425.0, 604.0];
    for scale in [Scale::UsEpa, Scale::UsNowcast] {
        for (pollutant, breakpoints, step) in [(Pollutant::Pm2_5, pm2_5, 0.1), (Pollutant::Pm10, pm10, 1.0)] {
            for (concentration, expected) in breakpoints.into_iter().zip(index) {
                assert_eq!(value(scale, pollutant, concentration), expected, "{pollutant:?} {concentration}");
                // Less than one step more is truncated.
                let cut_off = value(scale, pollutant, concentration + 0.999 * step);
                assert_eq!(cut_off, expected, "{pollutant:?} {concentration} and a bit");
            }
            let last = scale.level(pollutant, Concentration::from_f64(breakpoints[11]));
            assert!(!last.above_scale);
            let beyond = scale.level(pollutant, Concentration::from_f64(breakpoints[11] + step));
            assert_eq!((beyond.value, beyond.above_scale, beyond.band.name), (500, true, "Hazardous"));
        }
    }
}

#[test]
fn the_us_index_interpolates_and_rounds() {
    // By hand: 101 + 49 / 19.9 × 0.4 = 101.98; 51 + 49 / 26.3 × 8.3 = 66.46; 51 + 49 / 99 × 45 = 73.27.
    assert_eq!(value(Scale::UsEpa, Pollutant::Pm2_5, 35.9), 102);
    assert_eq!(value(Scale::UsEpa, Pollutant::Pm2_5, 17.4), 66);
    assert_eq!(value(Scale::UsEpa, Pollutant::Pm10, 100.0), 73);
    // 50 / 9 × 0.8 = 4.44 and 50 / 9 × 1 = 5.56.
    assert_eq!(value(Scale::UsEpa, Pollutant::Pm2_5, 0.8), 4);
    assert_eq!(value(Scale::UsEpa, Pollutant::Pm2_5, 1.0), 6);
}

#[test]
fn bands_have_the_published_names_and_colours() {
    let band = |scale: Scale, concentration| {
        let band = scale.level(Pollutant::Pm2_5, Concentration::from_f64(concentration)).band;
        (band.name, band.colour)
    };
    assert_eq!(band(Scale::UkDaqi, 35.0), ("Low", "#31cf00"));
    assert_eq!(band(Scale::UkDaqi, 36.0), ("Moderate", "#ffff00"));
    assert_eq!(band(Scale::UkDaqi, 54.0), ("High", "#ff6464"));
    assert_eq!(band(Scale::UkDaqi, 71.0), ("Very High", "#ce30ff"));
    assert_eq!(band(Scale::European, 5.0), ("Good", "#50f0e6"));
    assert_eq!(band(Scale::European, 141.0), ("Extremely poor", "#7d2181"));
    let us = [(9.0, "Good"), (9.1, "Moderate"), (35.5, "Unhealthy for Sensitive Groups"), (55.5, "Unhealthy")];
    for (concentration, name) in us.into_iter().chain([(125.5, "Very Unhealthy"), (225.5, "Hazardous")]) {
        assert_eq!(band(Scale::UsEpa, concentration).0, name);
    }
}

#[test]
fn three_quarters_of_the_hours_are_enough() {
    for scale in [Scale::UkDaqi, Scale::UsEpa] {
        let index = of_pm2_5(scale, hours(18, 24, 10.0));
        assert!(index.deciding.is_some() && (index.coverage - 0.75).abs() < 1e-12, "{index:?}");
        let index = of_pm2_5(scale, hours(17, 24, 10.0));
        assert!(index.deciding.is_none() && (index.coverage - 17.0 / 24.0).abs() < 1e-12, "{index:?}");
        assert_eq!(index.sub_indices[0].concentration, None);
        assert!(of_pm2_5(scale, hours(18, 18, 10.0)).deciding.is_some(), "missing hours have no value");
        assert!(of_pm2_5(scale, hours(17, 17, 10.0)).deciding.is_none());
        // The result depends neither on which hours are known nor on what is beyond the period.
        let mut scattered = hours(24, 24, 10.0);
        scattered.iter_mut().step_by(4).for_each(|hour| *hour = None);
        assert!(of_pm2_5(scale, scattered.clone()).deciding.is_some());
        scattered[1] = None;
        scattered.extend(hours(24, 24, 10.0));
        assert!(of_pm2_5(scale, scattered).deciding.is_none());
    }
    assert!(of_pm2_5(Scale::European, hours(1, 1, 10.0)).deciding.is_some());
    assert!(of_pm2_5(Scale::European, vec![None, Some(10.0)]).deciding.is_none());
    assert!(of_pm2_5(Scale::European, vec![Some(f64::NAN)]).deciding.is_none());
}

#[test]
fn nowcast_requires_two_of_the_latest_three_hours() {
    let known = |pattern: [bool; 4]| {
        let hours = pattern.into_iter().map(|known| known.then_some(10.0)).chain(hours(8, 8, 10.0)).collect();
        of_pm2_5(Scale::UsNowcast, hours).deciding.is_some()
    };
    assert!(
        known([true, true, false, false]) && known([true, false, true, false]) && known([false, true, true, false])
    );
    assert!(!known([true, false, false, true]) && !known([false, false, true, true]) && !known([false; 4]));
    let two = of_pm2_5(Scale::UsNowcast, hours(2, 12, 10.0));
    assert!(two.deciding.is_some() && (two.coverage - 2.0 / 12.0).abs() < 1e-12, "{two:?}");
}

#[test]
fn nowcast_matches_values_published_by_the_epa() {
    let average = |hours: &[f64]| {
        let hours: Vec<_> = hours.iter().copied().map(Some).collect();
        us_nowcast::average(&hours).expect("an average")
    };
    // The example of the EPA's slide "Computing the NowCast", which gives 17.4.
    let slide = [13.0, 16.0, 10.0, 21.0, 74.0, 64.0, 53.0, 82.0, 90.0, 75.0, 80.0, 50.0];
    assert!((average(&slide) - 17.413_919_4).abs() < 1e-6);
    let index = of_pm2_5(Scale::UsNowcast, slide.into_iter().map(Some).collect());
    assert_eq!(index.deciding.map(|(_, level)| level.value), Some(66));
    // By hand: weight 1 − 2/10 = 0.8, (10 + 0.8 × 8) / 1.8; an hour between them only raises the power.
    assert!((average(&[10.0, 8.0]) - 16.4 / 1.8).abs() < 1e-12);
    let gap = us_nowcast::average(&[Some(10.0), None, Some(8.0)]).expect("an average");
    assert!((gap - (10.0 + 0.64 * 8.0) / 1.64).abs() < 1e-12);
    // Steady air: the plain mean; no particulates at all: 0.
    assert!((average(&[7.0; 12]) - 7.0).abs() < 1e-12);
    assert!(average(&[0.0; 12]).abs() < 1e-12);
}

#[test]
fn the_worst_pollutant_decides() {
    let index = |pm2_5: f64, pm10: f64| {
        Scale::UkDaqi.index(&HourlyMeans { pm2_5: hours(24, 24, pm2_5), pm10: hours(18, 24, pm10) })
    };
    let found =
        |index: AirQualityIndex| index.deciding.map(|(pollutant, level)| (pollutant, level.value, index.coverage));
    assert_eq!(found(index(36.0, 16.0)), Some((Pollutant::Pm2_5, 4, 1.0)));
    assert_eq!(found(index(11.0, 101.0)), Some((Pollutant::Pm10, 10, 0.75)));
    assert_eq!(found(index(11.0, 16.0)), Some((Pollutant::Pm2_5, 1, 1.0)), "the first of equals");
    let one = Scale::UkDaqi.index(&HourlyMeans { pm2_5: hours(17, 24, 99.0), pm10: hours(24, 24, 16.0) });
    assert_eq!(found(one), Some((Pollutant::Pm10, 1, 1.0)), "a pollutant that is not known enough has no say");
    let none = Scale::UkDaqi.index(&HourlyMeans { pm2_5: hours(6, 24, 9.0), pm10: hours(12, 24, 9.0) });
    assert!(none.deciding.is_none() && (none.coverage - 0.5).abs() < 1e-12);
    // Both at the end of the scale, one beyond it.
    let beyond = Scale::UsEpa.index(&HourlyMeans { pm2_5: hours(24, 24, 325.4), pm10: hours(24, 24, 700.0) });
    assert!(beyond.deciding.is_some_and(|(pollutant, level)| pollutant == Pollutant::Pm10 && level.above_scale));
}

proptest! {
    #[test]
    fn an_index_is_on_its_scale_and_never_falls_as_the_concentration_rises(a in -10.0..2000.0, b in -10.0..2000.0) {
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        for scale in SCALES {
            for pollutant in POLLUTANTS {
                let (low, high) = (value(scale, pollutant, low), value(scale, pollutant, high));
                prop_assert!(low <= high, "{scale:?} {pollutant:?}: {low} {high}");
                prop_assert!(range(scale).contains(&low) && range(scale).contains(&high));
            }
        }
    }

    #[test]
    fn rounding_to_32_bit_floats_does_not_change_the_index(tenths in 0_u16..9999, known in 18_usize..=24) {
        let exact = f64::from(tenths) / 10.0;
        let kept = f64::from(crate::readings::to_f32(exact));
        for scale in SCALES {
            let index = scale.index(&HourlyMeans { pm2_5: hours(known, 24, kept), pm10: hours(known, 24, kept) });
            for sub in index.sub_indices {
                let level = sub.level.expect("enough hours").value;
                prop_assert_eq!(level, value(scale, sub.pollutant, exact), "{:?} {:?} {}", scale, sub.pollutant, exact);
            }
        }
    }

    #[test]
    fn average_lies_between_the_hourly_values(
        means in prop::collection::vec(prop::option::weighted(0.8, 0.0..1000.0), 0..30),
    ) {
        for scale in SCALES {
            let known: Vec<f64> = means.iter().take(scale.hours()).flatten().copied().collect();
            let index = of_pm2_5(scale, means.clone());
            prop_assert!((0.0..=1.0).contains(&index.coverage));
            prop_assert_eq!(index.deciding.is_some(), index.sub_indices[0].concentration.is_some());
            if let Some(concentration) = index.sub_indices[0].concentration {
                let (least, greatest) = known.iter().fold((f64::MAX, f64::MIN), |(l, g), &m| (l.min(m), g.max(m)));
                prop_assert!(concentration.value() >= least - 1e-4 && concentration.value() <= greatest + 1e-4);
            }
        }
    }
}
