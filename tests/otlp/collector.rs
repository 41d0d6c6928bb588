//! A collector of traces: stores the posted requests, and decodes as much of the protocol buffers as the tests need.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::gateway::DEADLINE;

/// The fields of a span.
#[derive(Clone, Debug, Default)]
pub struct Span {
    /// In hexadecimal digits, as the two below.
    pub trace: String,
    pub id: String,
    /// Empty where it begins a trace.
    pub parent: String,
    pub name: String,
    pub kind: u64,
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// The kind of a span of an incoming request.
    pub const SERVER: u64 = 2;
    /// The kind of a span of an outgoing request.
    pub const CLIENT: u64 = 3;
}

pub struct Collector {
    /// Its URL.
    pub address: String,
    at: SocketAddr,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
    stopped: Arc<AtomicBool>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        let (bodies, stopped) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let (kept, stop) = (bodies.clone(), stopped.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let kept = kept.clone();
                std::thread::spawn(move || answer(&stream.expect("a connection"), &kept));
            }
        });
        Self { address: format!("http://{at}"), at, bodies, stopped }
    }

    /// Closes its port, and returns its address.
    pub fn stop(self) -> String {
        self.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.at)); // which lets it look
        self.address
    }

    /// The spans received so far.
    pub fn spans(&self) -> Vec<Span> {
        self.bodies.lock().expect("no panic").iter().flat_map(|body| spans(body)).collect()
    }

    /// The received bodies, as far as they are text.
    pub fn sent(&self) -> String {
        let bodies = self.bodies.lock().expect("no panic").concat();
        String::from_utf8_lossy(&bodies).into_owned()
    }

    /// Waits until the received spans meet a condition.
    pub fn wait_until(&self, is: impl Fn(&[Span]) -> bool) {
        let since = Instant::now();
        while !is(&self.spans()) {
            assert!(since.elapsed() < DEADLINE, "{:?}", self.spans());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Answers one request after the other.
fn answer(stream: &TcpStream, kept: &Mutex<Vec<Vec<u8>>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        assert!(line.starts_with("POST /v1/traces "), "{line}");
        while line.trim() != "" {
            line.clear();
            reader.read_line(&mut line).expect("a header");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        kept.lock().expect("no panic").push(body);
        let mut writer = stream;
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("answered");
    }
}

/// The content of a field: a number, or bytes.
enum FieldValue<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message of protocol buffers, by their numbers.
fn fields(mut bytes: &[u8]) -> Vec<(u64, FieldValue<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let value = match tag & 7 {
            0 => FieldValue::Number(varint(&mut bytes)),
            1 => FieldValue::Bytes(take(&mut bytes, 8)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)).expect("a length");
                FieldValue::Bytes(take(&mut bytes, length))
            }
            5 => FieldValue::Bytes(take(&mut bytes, 4)),
            other => panic!("there is no type {other}"),
        };
        fields.push((tag >> 3, value));
    }
    fields
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = take(bytes, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}

/// The messages in a repeated field.
fn within(message: &[u8], number: u64) -> Vec<&[u8]> {
    let bytes = |(field, value)| {
        if let (true, FieldValue::Bytes(bytes)) = (field == number, value) { Some(bytes) } else { None }
    };
    fields(message).into_iter().filter_map(bytes).collect()
}

/// `ExportTraceServiceRequest`: its `resource_spans`, their `scope_spans`, their `spans`.
fn spans(request: &[u8]) -> Vec<Span> {
    let scopes = within(request, 1).into_iter().flat_map(|resource| within(resource, 2));
    scopes.flat_map(|scope| within(scope, 2)).map(span).collect()
}

fn span(message: &[u8]) -> Span {
    let mut span = Span::default();
    for field in fields(message) {
        match field {
            (1, FieldValue::Bytes(id)) => span.trace = hex(id),
            (2, FieldValue::Bytes(id)) => span.id = hex(id),
            (4, FieldValue::Bytes(id)) => span.parent = hex(id),
            (5, FieldValue::Bytes(name)) => span.name = text(name),
            (6, FieldValue::Number(kind)) => span.kind = kind,
            (9, FieldValue::Bytes(pair)) => {
                let value = within(pair, 2).concat();
                let value = match fields(&value).as_slice() {
                    [(_, FieldValue::Bytes(value))] => text(value),
                    [(_, FieldValue::Number(value))] => value.to_string(),
                    _ => panic!("a value of another kind"),
                };
                span.attributes.insert(text(&within(pair, 1).concat()), value);
            }
            _ => {}
        }
    }
    span
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
