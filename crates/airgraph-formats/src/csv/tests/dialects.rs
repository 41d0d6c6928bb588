//! Delimiters, decimal signs, quotes, line ends and encodings.

use super::*;

const LINES: [&str; 3] = ["time,pm10,humidity", "2026-05-01T10:00:00Z,12.5,60", "2026-05-01T10:00:05Z,13.5,61"];

fn file(line_end: &str) -> String {
    LINES.map(|line| format!("{line}{line_end}")).concat()
}

fn pm10(file: &str) -> Vec<(usize, f64)> {
    let chunk = read(file, options());
    assert_eq!(rejected(&chunk), [], "{file:?}");
    let value = |seen: &Observation| (seen.index, seen.sample.readings.get(Quantity::Pm10).expect("a value"));
    chunk.decoded.observations.iter().map(value).collect()
}

#[test]
fn fields_are_separated_by_the_delimiter_of_the_header() {
    for delimiter in [",", ";", "\t", "|"] {
        assert_eq!(pm10(&file("\n").replace(',', delimiter)), [(2, 12.5), (3, 13.5)], "{delimiter:?}");
    }
    assert_eq!(pm10(&format!("sep=;\r\n{}", file("\r\n").replace(',', ";"))), [(3, 12.5), (4, 13.5)], "Excel's line");
    assert_eq!(pm10("pm10\tmood\ttime\n12.5\t\t2026-05-01T10:00:00Z\n"), [(2, 12.5)]);
    let empty_ends = "mood\ttime\tpm10\thumidity\n\t2026-05-01T10:00:00Z\t12.5\t\n";
    assert_eq!(pm10(empty_ends), [(2, 12.5)], "tabs at the ends of a line are fields");
}

#[test]
fn decimal_comma_is_accepted_if_it_is_not_the_delimiter() {
    assert_eq!(pm10("time;pm10\n2026-05-01T10:00:00Z;12,5\n"), [(2, 12.5)]);
    assert_eq!(pm10("time;lat;lon;pm10\n2026-05-01T10:00:00,5Z;52,2;0,12;\"12,5\"\n"), [(2, 12.5)]);
    let with_comma = read("time,pm10,humidity\n2026-05-01T10:00:00Z,\"12,5\",60\n", options());
    assert_eq!(readings(&with_comma.decoded.observations[0]), [(Quantity::Humidity, 60.0)]);
    assert_eq!(with_comma.unreadable.count, 1, "in a file with commas between fields it is none");
    let thousands = read("time;pm10;pressure\n2026-05-01T10:00:00Z;12,5;1.013\n", options());
    assert_eq!(readings(&thousands.decoded.observations[0]), [(Quantity::Pm10, 12.5)]);
    assert_eq!(thousands.unreadable.values[0].column, "pressure");
}

#[test]
fn lines_end_with_lf_or_crlf_or_cr() {
    for line_end in ["\n", "\r\n", "\r"] {
        assert_eq!(pm10(&file(line_end)), [(2, 12.5), (3, 13.5)], "{line_end:?}");
        assert_eq!(pm10(&format!("\u{feff}{}", file(line_end))), [(2, 12.5), (3, 13.5)], "{line_end:?}");
        let without_last = file(line_end);
        assert_eq!(pm10(without_last.trim_end()), [(2, 12.5), (3, 13.5)], "{line_end:?}");
    }
}

#[test]
fn cr_between_quotes_is_not_a_line_end() {
    for line_end in ["\n", "\r\n", "\r"] {
        let file = format!(
            "time,\"my\rmood\",pm10{line_end}2026-05-01T10:00:00Z,\"so\rso\",12.5{line_end}2026-05-01T10:00:05Z,,13.5{line_end}"
        );
        assert_eq!(pm10(&file), [(2, 12.5), (3, 13.5)], "{line_end:?}");
    }
}

/// Yields a byte at a time, so that every line end is at the edge of a read.
struct Drops<'a>(&'a [u8]);

impl AsyncRead for Drops<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some((first, rest)) = self.0.split_first() {
            buffer.put_slice(std::slice::from_ref(first));
            self.0 = rest;
        }
        Poll::Ready(Ok(()))
    }
}

#[test]
fn line_ends_at_chunk_boundaries_are_recognised() {
    for line_end in ["\n", "\r\n", "\r"] {
        let file = file(line_end);
        let chunk = now(now(CsvReader::open(Drops(file.as_bytes()), options())).expect("a header").next_chunk())
            .expect("in memory");
        let lines: Vec<_> = chunk.decoded.observations.iter().map(|seen| seen.index).collect();
        assert_eq!(lines, [2, 3], "{line_end:?}");
    }
}

#[test]
fn lines_with_only_delimiters_are_skipped() {
    let chunk = read(&format!("{};;\n;;\n", file("\n").replace(',', ";")), options());
    assert_eq!((chunk.lines, rejected(&chunk)), (2, vec![]));
}

#[test]
fn common_forms_of_times_are_read_and_default_to_utc() {
    for time in [
        "2017-11-28T17:20:58",
        "2017-11-28 17:20:58",
        "2017/11/28 17:20:58",
        "2017-11-28 17:20:58 UTC",
        "2017-11-28T18:20:58+0100",
        "2017-11-28T18:20:58+01:00",
        "1511889658",
        "1511889658000",
    ] {
        let chunk = read(&format!("time,pm10\n{time},1\n"), options());
        assert_eq!(rejected(&chunk), [], "{time}");
        assert_eq!(chunk.decoded.observations[0].sample.measured_at, at("2017-11-28T17:20:58Z"), "{time}");
    }
    let ambiguous = read("time,pm10\n01/02/2026 10:00,1\n", options());
    assert_eq!(rejected(&ambiguous), [(2, "INVALID_TIME")]);
    assert!(ambiguous.decoded.rejected[0].detail.contains("2026-05-01T10:00:00Z"));
}
