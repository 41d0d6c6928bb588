//! Connections of clients that send or read nothing are closed and don't block other clients.

use std::{net::SocketAddr, time::Duration};

use airgraph::limits::{ConnectionLimits, Limits};
use futures_util::future::join_all;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep, timeout},
};

use crate::support::{TestApp, gateway::DEADLINE, socket::Socket};

const GET: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n";

async fn app(connections: ConnectionLimits) -> TestApp {
    TestApp::with_limits(Limits { connections, ..Limits::default() }).await
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("a connection")
}

/// Sends a request and returns the beginning of its response.
async fn get(connection: &mut TcpStream) -> String {
    connection.write_all(GET).await.expect("sent");
    let mut answer = [0; 1024];
    let length = timeout(DEADLINE, connection.read(&mut answer)).await.expect("in time").expect("an answer");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Reads until the gateway closes the connection.
async fn assert_closed(connection: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = timeout(DEADLINE, connection.read_to_end(&mut rest)).await.expect("it is closed"); // also by a reset
}

async fn wait_for_open_connections(app: &TestApp, count: usize) {
    let reached = async {
        while app.app.connections.open_count() != count {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, reached)
        .await
        .unwrap_or_else(|_| panic!("{} are open, not {count}", app.app.connections.open_count()));
}

fn refusals(app: &TestApp, limit: &str) -> bool {
    let text = app.app.state.metrics.text(&airgraph::http::routes::metrics::gauges::collect(&app.app));
    text.contains(&format!("airgraph_limit_refusals_total{{limit=\"{limit}\"}}"))
}

/// Attack 15: such connections stayed open forever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_thousand_half_sent_heads_are_closed_and_block_no_client() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(40_000), hard).expect("raised");
    let head_timeout = Duration::from_secs(5);
    let app = app(ConnectionLimits { max_per_address: 4000, head_timeout, ..ConnectionLimits::default() }).await;
    let address = app.listen().await;
    let half = |_| async move {
        let mut connection = connect(address).await;
        connection.write_all(&GET[..GET.len() - 3]).await.expect("sent");
        connection
    };
    let mut halves = join_all((0..3000).map(half)).await;
    let all_sent = Instant::now();
    assert!(get(&mut connect(address).await).await.starts_with("HTTP/1.1 200"));
    join_all(halves.iter_mut().map(assert_closed)).await;
    assert!(all_sent.elapsed() < head_timeout * 3, "closed after {:?}", all_sent.elapsed());
    wait_for_open_connections(&app, 0).await;
    assert!(refusals(&app, "request_head"));
}

#[tokio::test]
async fn connections_per_address_are_limited() {
    let app = app(ConnectionLimits { max_per_address: 3, ..ConnectionLimits::default() }).await;
    let address = app.listen().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(connect(address).await);
        wait_for_open_connections(&app, held.len()).await;
    }
    let mut refused = String::new();
    let outcome = connect(address).await.read_to_string(&mut refused).await;
    assert!(refused.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{outcome:?} {refused}");
    assert!(refused.contains("\r\nRetry-After: 10\r\n") && refused.contains("too many connections"), "{refused}");
    assert!(refusals(&app, "connections_per_address"));
    assert!(get(&mut held[0]).await.starts_with("HTTP/1.1 200"));

    held.truncate(1);
    wait_for_open_connections(&app, 1).await;
    assert!(get(&mut connect(address).await).await.starts_with("HTTP/1.1 200"), "a place is free again");
    let socket = Socket::ready(address, None).await;
    drop(held);
    wait_for_open_connections(&app, 1).await;
    drop(socket);
    wait_for_open_connections(&app, 0).await;
}

#[tokio::test]
async fn connections_without_a_request_are_closed_and_others_are_kept() {
    let head_timeout = Duration::from_millis(300);
    let limits = ConnectionLimits { head_timeout, idle_timeout: Duration::from_secs(3), ..ConnectionLimits::default() };
    let app = app(limits).await;
    let address = app.listen().await;
    let mut socket = Socket::ready(address, None).await;
    let mut connection = connect(address).await;
    for _ in 0..3 {
        assert!(get(&mut connection).await.starts_with("HTTP/1.1 200"));
        sleep(head_timeout * 2).await; // between requests no head is awaited
    }
    assert_closed(&mut connection).await;
    assert_closed(&mut connect(address).await).await;
    socket.send_json(serde_json::json!({ "type": "ping" })).await;
    assert_eq!(socket.receive().await["type"], "pong", "a WebSocket is no connection without a request");
}

/// A connection with a small buffer that has sent many requests for the schema.
async fn send_pipelined_requests(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(8192).expect("a size");
    let mut connection = socket.connect(address).await.expect("a connection");
    let request = b"GET /schema.graphql HTTP/1.1\r\nHost: gateway\r\n\r\n".repeat(SCHEMAS);
    connection.write_all(&request).await.expect("sent");
    connection
}

const SCHEMAS: usize = 40;

/// Attack 3: clients that never read kept their responses in memory forever.
#[tokio::test]
async fn client_without_reads_is_closed_and_slow_reader_is_served() {
    let limits = ConnectionLimits { write_window: Duration::from_secs(1), ..ConnectionLimits::default() };
    let app = app(limits).await;
    let address = app.listen().await;
    let _reads_nothing = send_pipelined_requests(address).await;
    wait_for_open_connections(&app, 1).await;
    wait_for_open_connections(&app, 0).await;
    assert!(refusals(&app, "slow_reader"));

    let expected = SCHEMAS * include_str!("../../../schema.graphql").len();
    let (mut connection, mut read, mut piece) = (send_pipelined_requests(address).await, 0, vec![0; 16 << 10]);
    while read < expected {
        let length = connection.read(&mut piece).await.expect("an answer");
        assert_ne!(length, 0, "closed after {read} of {expected} bytes");
        read += length;
        sleep(Duration::from_millis(20)).await; // at most 800 kB/s, for several windows
    }
}
