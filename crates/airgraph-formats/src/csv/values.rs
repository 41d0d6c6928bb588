//! openSenseMap's CSV with one value in each line: `sensorId,value,createdAt,lng,lat,height`, or in the order of a
//! header.
//!
//! The device's registration defines the quantity of each sensor, and the values of one time are one sample; see
//! [`opensensemap`](crate::opensensemap).

use std::io;

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    sensor::Sensors,
    time,
};
use csv::ByteRecord;
use tokio::io::AsyncRead;

use super::{CHUNK_LINES, CsvChunk, CsvOptions, UnreadableValues, lines::LineReader};
use crate::{
    DecodeError, Decoded, Observation, Rejection,
    opensensemap::{self, GatheredMoments, MomentGatherer},
    parse::Reason,
};

/// Length of a sensor's id, in hexadecimal digits.
const ID_CHARS: usize = 24;

/// A file of values.
pub(super) struct ValuesReader {
    device: DeviceKey,
    sensors: Sensors,
    columns: opensensemap::csv::Columns,
    header: Option<ByteRecord>,
    /// A line that was read ahead and belongs to the next chunk.
    pending: Option<(usize, ByteRecord)>,
}

impl ValuesReader {
    /// Whether this is the first line of such a file.
    pub fn recognises(first: &ByteRecord) -> bool {
        opensensemap::csv::Columns::is_header(first) || is_id(first)
    }

    /// The file that begins with this line.
    ///
    /// # Errors
    /// If a column is unknown, no device is named, or it has no sensors.
    pub fn try_new(first: (usize, ByteRecord), delimiter: u8, options: CsvOptions) -> Result<Self, DecodeError> {
        let is_header = opensensemap::csv::Columns::is_header(&first.1);
        let columns = if is_header {
            opensensemap::csv::Columns::of_header(&first.1, delimiter)?
        } else {
            opensensemap::csv::Columns::without_header(delimiter)
        };
        let Some(device) = options.device else {
            let detail = "a file of openSenseMap names sensors and no device; set the device option";
            return Err(DecodeError::new("MISSING_DEVICE", detail));
        };
        if options.sensors.is_empty() {
            let detail = format!(
                "device {device} has no sensors; register their quantities by registerDevice or updateDevice, as in \
                 sensors: [{{sensor: \"5a86…\", quantity: PM2_5}}]"
            );
            return Err(DecodeError::new("UNKNOWN_SENSORS", detail));
        }
        if options.date.is_some() {
            return Err(super::date_is_not_applicable());
        }
        let (header, held) = if is_header { (Some(first.1), None) } else { (None, Some(first)) };
        Ok(Self { device, sensors: options.sensors, columns, header, pending: held })
    }

    /// Reads the next chunk, until the time changes, so the values of one time are in one chunk.
    ///
    /// # Errors
    /// If reading fails.
    pub async fn next_chunk(&mut self, lines: &mut LineReader<impl AsyncRead + Unpin>) -> io::Result<CsvChunk> {
        // Lines without a time are rejected; the time of arrival has no meaning for a file.
        let mut moments = MomentGatherer::new(&self.sensors, time::EARLIEST_TIME);
        let (mut count, mut timeless) = (0_u64, Vec::new());
        let mut last_time = Vec::new();
        loop {
            let (line, record) = match self.pending.take() {
                Some(held) => held,
                None => match lines.next().await? {
                    Some((line, Ok(record))) => (line, record.clone()),
                    Some((line, Err(reason))) => {
                        count += 1;
                        timeless.push(rejection(line, reason));
                        continue;
                    }
                    None => break,
                },
            };
            if self.header.as_ref() == Some(&record) {
                continue;
            }
            let time = self.columns.created_at(&record);
            let full = if time == last_time { 2 * CHUNK_LINES } else { CHUNK_LINES };
            if count >= full as u64 {
                self.pending = Some((line, record));
                break;
            }
            last_time.clear();
            last_time.extend_from_slice(time);
            count += 1;
            if time.is_empty() {
                timeless.push(rejection(line, ("MISSING_TIME", "the line has no time".to_owned())));
            } else {
                moments.add_result(line, self.columns.value(&record));
            }
        }
        let GatheredMoments { samples, mut rejected, unknown, .. } = moments.finish();
        rejected.append(&mut timeless);
        rejected.sort_by_key(|rejection| rejection.index);
        let placed = samples.iter().any(|(_, sample)| sample.position.is_some());
        let observation = |(index, sample)| Observation { index, device: self.device.clone(), sample };
        let decoded = Decoded {
            observations: samples.into_iter().map(observation).collect(),
            rejected,
            ignored: unknown,
            ..Decoded::empty(if placed { DeviceKind::Mobile } else { DeviceKind::Fixed })
        };
        Ok(CsvChunk { lines: count, decoded, unreadable: UnreadableValues::default() })
    }
}

fn is_id(record: &ByteRecord) -> bool {
    let first = record.get(0).unwrap_or_default();
    first.len() == ID_CHARS && first.iter().all(u8::is_ascii_hexdigit)
}

fn rejection(index: usize, (code, detail): Reason) -> Rejection {
    Rejection { index, code, detail }
}
