//! Properties of every file.

use proptest::{prelude::*, sample::select};

use super::{archives::CORPUS, *};
use crate::fuzz::{self, mutate};

/// Files with damages that are relevant to the decoder, and random bytes.
fn arbitrary_bytes() -> impl Strategy<Value = Vec<u8>> {
    let plain = "time,device,latitude,longitude,pm10\n2026-05-01T10:00:00Z,a,52.2,0.12,12.5\n,\"b\",1,2,3\n";
    let values = format!("{PM10_ID},6.5,2026-05-01T10:00:00Z,7.684,51.972,66.6\n{PM2_5_ID},3,2026-05-01T10:00:00Z\n");
    let mut corpus = [CARD, BACKUP, plain, &values].map(|file| file.as_bytes().to_vec()).to_vec();
    corpus.extend(CORPUS.iter().map(|(_, file)| file.as_bytes().to_vec()));
    let words = mutate::vocabulary(&corpus);
    prop_oneof![1 => proptest::collection::vec(any::<u8>(), 0..300), 6 => mutate::mutated(&corpus, &words)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: fuzz::cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_of_any_file_is_reported_once(bytes in arbitrary_bytes()) {
        if let Ok(mut reader) = now(CsvReader::open(&bytes[..], box_options())) {
            let chunk = now(reader.next_chunk()).expect("it is in memory");
            let mut lines: Vec<_> = chunk.decoded.observations.iter().map(|seen| seen.index).collect();
            lines.extend(chunk.decoded.rejected.iter().map(|rejection| rejection.index));
            let count = lines.len();
            lines.sort_unstable();
            lines.dedup();
            prop_assert_eq!(lines.len(), count);
            // Several values may be one sample, and values of unknown sensors are none.
            let is_of_samples = matches!(reader.layout, CsvShape::Samples { .. });
            let (count, lines) = (count as u64, chunk.lines);
            prop_assert!(count == lines || (!is_of_samples && count < lines), "{} of {}", count, lines);
            for seen in &chunk.decoded.observations {
                prop_assert!(seen.sample.readings.iter().all(|(_, value)| value.is_finite()));
            }
        }
    }

}

/// Dialect of a spreadsheet or a logger.
#[derive(Clone, Copy, Debug)]
struct Dialect {
    delimiter: &'static str,
    decimal_comma: bool,
    quoted: bool,
    line_end: &'static str,
    byte_order_mark: bool,
}

impl Dialect {
    fn write(self, rows: &[Vec<String>]) -> String {
        let mut file = if self.byte_order_mark { "\u{feff}".to_owned() } else { String::new() };
        for row in rows {
            let fields: Vec<_> =
                row.iter().map(|field| if self.quoted { format!("\"{field}\"") } else { field.clone() }).collect();
            file.push_str(&fields.join(self.delimiter));
            file.push_str(self.line_end);
        }
        file
    }

    fn number(self, number: &impl ToString) -> String {
        let number = number.to_string();
        if self.decimal_comma { number.replace('.', ",") } else { number }
    }
}

fn dialect() -> impl Strategy<Value = Dialect> {
    let delimiter = select(vec![",", ";", "\t", "|"]);
    (delimiter, any::<bool>(), any::<bool>(), select(vec!["\n", "\r\n", "\r"]), any::<bool>()).prop_map(
        |(delimiter, comma, quoted, line_end, byte_order_mark)| Dialect {
            delimiter,
            decimal_comma: comma && delimiter != ",",
            quoted,
            line_end,
            byte_order_mark,
        },
    )
}

proptest! {
    /// Values written with the shortest decimals round-trip in every dialect.
    #[test]
    fn samples_round_trip_in_every_dialect(
        dialect in dialect(),
        micros in 946_684_800_000_000..1_777_000_000_000_000_i64,
        pm10 in 0.0..999.9_f32,
        humidity in 0.0..100.0_f64,
        latitude in -90.0..90.0_f64,
        longitude in -180.0..180.0_f64,
    ) {
        let time = chrono::DateTime::from_timestamp_micros(micros).expect("a time");
        let header = ["time", "PM10 (µg/m³)", "lat", "lng", "humidity"].map(str::to_owned).to_vec();
        let line = vec![
            time.to_rfc3339(),
            dialect.number(&pm10),
            dialect.number(&latitude),
            dialect.number(&longitude),
            dialect.number(&humidity),
        ];
        let chunk = read(&dialect.write(&[header, line]), options());
        prop_assert_eq!((chunk.lines, rejected(&chunk)), (1, vec![]));
        prop_assert!(chunk.unreadable.is_empty() && chunk.decoded.ignored.is_empty());
        let sample = &chunk.decoded.observations[0].sample;
        let position = sample.position.expect("a position");
        prop_assert_eq!(sample.measured_at, time);
        prop_assert_eq!((position.latitude(), position.longitude()), (latitude, longitude));
        prop_assert_eq!(sample.readings.get(Quantity::Pm10).map(airgraph_domain::readings::to_f32), Some(pm10));
        prop_assert_eq!(sample.readings.get(Quantity::Humidity), Some(humidity));
    }
}
