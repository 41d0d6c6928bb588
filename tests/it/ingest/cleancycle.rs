//! The packet of `CleanCycle` bicycles: known packets, every rule on bad ones, and the round trip with an encoder.

use airgraph::ingest::cleancycle::{self, InvalidPacket, PACKET_BYTES, Slot};
use proptest::prelude::*;

use crate::support::packet::{RawSample, encode, unhex};

/// The expected sample of a slot: latitude, longitude, PM10, PM2.5.
type Expected = (f64, f64, u16, u16);

const A: &str =
    "7418ad08aa46a80981db7172026076e45700981db813c0300830c3b00bc20c40e202f083283800b822d20dc02e088000000000";
pub const EXPECTED_A: [Expected; 8] = [
    (52.193_984_985_351_56, 0.136_062_622_070_312_5, 38, 29),
    (52.194_198_608_398_44, 0.135_635_375_976_562_5, 38, 29),
    (52.194_229_125_976_56, 0.135_467_529_296_875, 38, 29),
    (52.194_213_867_187_5, 0.135_223_388_671_875, 48, 32),
    (52.194_381_713_867_19, 0.134_613_037_109_375, 47, 32),
    (52.194_396_972_656_25, 0.134_536_743_164_062_5, 47, 32),
    (52.194_488_525_390_625, 0.134_521_484_375, 46, 34),
    (52.194_610_595_703_125, 0.134_490_966_796_875, 46, 34),
];

/// Crosses the edge of a window in longitude.
const B: &str =
    "74192d089580880b0236a02202c089bc0880ac227401402307a0868008c1e8419402307a206580901d8e1b4024074000000000";
const EXPECTED_B: [Expected; 8] = [
    (52.196_624_755_859_375, 0.133_071_899_414_062_5, 44, 35),
    (52.196_929_931_640_62, 0.133_071_899_414_062_5, 44, 34),
    (52.197_006_225_585_94, 0.133_071_899_414_062_5, 43, 34),
    (52.197_082_519_531_25, 0.132_965_087_890_625, 35, 30),
    (52.197_296_142_578_125, 0.132_080_078_125, 35, 30),
    (52.197_326_660_156_25, 0.131_988_525_390_625, 35, 30),
    (52.197_387_695_312_5, 0.132_003_784_179_687_5, 36, 29),
    (52.197_479_248_046_875, 0.132_232_666_015_625, 36, 29),
];

/// The bicycle moved more than half a window between the first two samples, which the packet can't express: the decoder
/// returns the nearest position, not the true one.
const C: &str =
    "741cad07b143480881cba09c01f0671028007c19cf09e0210674c28008c19da0ac024067782f80b01ae40fa02e06c000000000";
const EXPECTED_C: [Expected; 8] = [
    (52.225_662_231_445_31, 0.118_789_672_851_562_5, 34, 28),
    (52.225_494_384_765_625, 0.118_377_685_546_875, 31, 25),
    (52.225_646_972_656_25, 0.118_408_203_125, 31, 25),
    (52.225_814_819_335_94, 0.118_392_944_335_937_5, 33, 25),
    (52.225_875_854_492_19, 0.118_408_203_125, 35, 25),
    (52.225_982_666_015_625, 0.118_499_755_859_375, 36, 25),
    (52.226_043_701_171_875, 0.118_637_084_960_937_5, 44, 26),
    (52.226_135_253_906_25, 0.119_094_848_632_812_5, 46, 27),
];

fn assert_decodes(packet: &[u8], expected: &[Expected; 8]) {
    let slots = cleancycle::decode(packet).expect("a packet");
    for (number, (slot, &(latitude, longitude, pm10, pm2_5))) in slots.iter().zip(expected).enumerate() {
        let Slot::Sample { position, pm10: decoded_pm10, pm2_5: decoded_pm2_5 } = slot else {
            panic!("sample {number}: {slot:?}");
        };
        assert!((position.latitude() - latitude).abs() < 1e-9, "sample {number}: {position}");
        assert!((position.longitude() - longitude).abs() < 1e-9, "sample {number}: {position}");
        assert_eq!((*decoded_pm10, *decoded_pm2_5), (pm10, pm2_5), "sample {number}");
    }
}

#[test]
fn known_packets_decode_to_their_known_samples() {
    assert_decodes(&unhex(A), &EXPECTED_A);
    assert_decodes(&unhex(B), &EXPECTED_B);
    assert_decodes(&unhex(C), &EXPECTED_C);
}

#[test]
fn packets_of_other_lengths_are_rejected() {
    for length in [0, 1, 50, 52, 408] {
        assert_eq!(cleancycle::decode(&vec![1; length]), Err(InvalidPacket::Length(length)));
    }
}

#[test]
fn packets_of_only_zeros_or_ones_are_rejected() {
    assert_eq!(cleancycle::decode(&[0; PACKET_BYTES]), Err(InvalidPacket::AllZero));
    assert_eq!(cleancycle::decode(&[0xff; PACKET_BYTES]), Err(InvalidPacket::Tail));
}

#[test]
fn unused_samples_are_padding() {
    let sample = RawSample::new(52.2, 0.13, 12.0, 7.0);
    let slots = cleancycle::decode(&encode(&[sample; 3])).expect("a packet");
    assert!(slots[..3].iter().all(|slot| matches!(slot, Slot::Sample { .. })));
    assert!(slots[3..].iter().all(|slot| *slot == Slot::Padding), "{slots:?}");
}

#[test]
fn zero_values_are_not_padding() {
    let clean = RawSample { pm10: 0, pm2_5: 0, ..RawSample::new(52.2, 0.13, 0.0, 0.0) };
    let slots = cleancycle::decode(&encode(&[clean; 8])).expect("a packet");
    assert!(slots.iter().all(|slot| matches!(slot, Slot::Sample { pm10: 0, .. })), "{slots:?}");
}

#[test]
fn latitude_beyond_the_pole_is_rejected_and_longitude_wraps() {
    let beyond = RawSample { latitude: 541 << 18 /* 90.5° N */, ..RawSample::new(0.0, 0.13, 1.0, 1.0) };
    let slots = cleancycle::decode(&encode(&[beyond])).expect("a packet");
    assert!(matches!(slots[0], Slot::OffTheEarth(_)), "{:?}", slots[0]);

    let fiji = RawSample { longitude: 361 << 19, ..RawSample::new(-17.0, 0.0, 1.0, 1.0) }; // 181° E
    let slots = cleancycle::decode(&encode(&[fiji])).expect("a packet");
    assert!(matches!(slots[0], Slot::Sample { position, .. } if position.longitude() == -179.0), "{:?}", slots[0]);
}

#[test]
fn offset_of_exactly_half_a_window_is_not_shifted() {
    let start = RawSample { latitude: 232 << 19 | 1024, longitude: 180 << 19, pm10: 9, pm2_5: 9 };
    let step = RawSample { latitude: 232 << 19, ..start };
    let slots = cleancycle::decode(&encode(&[start, step])).expect("a packet");
    let Slot::Sample { position, .. } = slots[1] else { panic!("{:?}", slots[1]) };
    assert_eq!(position.latitude(), step.degrees().0);
}

fn ride() -> impl Strategy<Value = Vec<RawSample>> {
    let start = (1_u32 << 26..140 << 20, 1_u32 << 26..187 << 20, 0..1024_u32, 1..1024_u32);
    let steps = proptest::collection::vec((-1023..=1023_i32, -1023..=1023_i32, 0..1024_u32, 1..1024_u32), 0..8);
    (start, steps).prop_map(|((latitude, longitude, pm10, pm2_5), steps)| {
        let mut ride = vec![RawSample { latitude, longitude, pm10, pm2_5 }];
        for (north, east, pm10, pm2_5) in steps.into_iter().take(7) {
            let last = ride[ride.len() - 1];
            let latitude = last.latitude.checked_add_signed(north).expect("far from 0");
            let longitude = last.longitude.checked_add_signed(east).expect("far from 0");
            ride.push(RawSample { latitude, longitude, pm10, pm2_5 });
        }
        ride
    })
}

proptest! {
    #[test]
    fn encoded_samples_are_decoded_exactly(ride in ride()) {
        let slots = cleancycle::decode(&encode(&ride)).expect("a packet");
        for (raw, slot) in ride.iter().zip(slots) {
            let (latitude, longitude) = raw.degrees();
            if latitude > 90.0 {
                prop_assert!(matches!(slot, Slot::OffTheEarth(_)));
                continue;
            }
            let Slot::Sample { position, pm10, pm2_5 } = slot else { panic!("{slot:?}") };
            prop_assert_eq!(position.latitude(), latitude);
            let turns = (position.longitude() - longitude) / 360.0;
            prop_assert!((turns - turns.round()).abs() < 1e-12, "{} for {}", position.longitude(), longitude);
            prop_assert_eq!((u32::from(pm10), u32::from(pm2_5)), (raw.pm10, raw.pm2_5));
        }
        prop_assert!(slots[ride.len()..].iter().all(|slot| *slot == Slot::Padding));
    }

    #[test]
    fn decoding_arbitrary_bytes_does_not_panic(packet in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = cleancycle::decode(&packet);
    }

    #[test]
    fn packets_with_a_zero_tail_decode_to_valid_positions(mut packet in proptest::array::uniform::<_, 51>(any::<u8>())) {
        packet[46] &= 0b1100_0000;
        packet[47..].fill(0);
        prop_assume!(packet.iter().any(|&byte| byte != 0));
        for slot in cleancycle::decode(&packet).expect("a packet") {
            if let Slot::Sample { position, .. } = slot {
                prop_assert!(position.latitude().abs() <= 90.0 && (-180.0..180.0).contains(&position.longitude()));
            }
        }
    }
}
