//! Connections: HTTP/1.1 with header names in title case (`Content-Type`), and in a WebSocket handshake in the case
//! that the client used. Names are case-insensitive, but some clients compare them as text, such as Python's `gql` with
//! `Sec-WebSocket-Protocol`. `axum::serve` cannot set that.

use std::{io::Write as _, net::SocketAddr, pin::pin};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::StatusCode,
    serve::Listener,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::{connections::Connections, timed_stream::TimedStream};
use crate::{api_error::ApiError, limits::Limit};

/// Largest request head, and size of one read of a body, in bytes. A URL alone may have 64 kB.
const MAX_READ_BUFFER_BYTES: usize = 128 << 10;
/// Bytes of a response that the kernel buffers beyond those in flight. With more, a client that reads slowly would seem
/// to make no progress, and one that reads nothing would hold megabytes.
const MAX_UNSENT_BYTES: u32 = 128 << 10;

/// Serves connections until shutdown begins and all requests are answered. Dropping the future closes them.
pub async fn serve(mut listener: TcpListener, router: Router, connections: Connections, shutdown: CancellationToken) {
    let router: Router = router.with_state(()); // once, not for each request
    let mut tasks = JoinSet::new();
    let mut stopping = pin!(shutdown.cancelled());
    loop {
        tokio::select! {
            (stream, peer) = Listener::accept(&mut listener) => match connections.try_acquire(peer.ip()) {
                Ok(permit) => {
                    limit_unsent_bytes(&stream);
                    let stream = TimedStream::new(stream, connections.limits(), connections.refusals(), permit);
                    tasks.spawn(serve_connection(stream, peer, router.clone(), shutdown.clone()));
                }
                Err(limit) => send_refusal(stream, limit),
            },
            Some(_) = tasks.join_next() => {}
            () = &mut stopping => break,
        }
    }
    drop(listener);
    while tasks.join_next().await.is_some() {}
}

fn limit_unsent_bytes(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES) {
        tracing::debug!(%error, "TCP_NOTSENT_LOWAT is not set");
    }
}

/// Closes a connection beyond the limit, with a response if the socket buffer has room for it.
fn send_refusal(stream: TcpStream, limit: Limit) {
    let error = ApiError::from(limit);
    let status = error.status();
    let reason = limit.reason();
    let response = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nRetry-After: {}\r\nConnection: close\r\n\r\n{reason}\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        reason.len() + 1,
        limit.retry_after().as_secs(),
    );
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(response.as_bytes()); // never waits
    }
}

async fn serve_connection(stream: TimedStream, peer: SocketAddr, router: Router, shutdown: CancellationToken) {
    let progress = stream.progress();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        progress.request_began();
        request.extensions_mut().insert(ConnectInfo(peer));
        let request: Request = request.map(Body::new);
        let (mut router, progress) = (router.clone(), progress.clone());
        async move {
            let response = router.call(request).await;
            match &response {
                Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => progress.upgraded(),
                _ => progress.response_began(),
            }
            response
        }
    });
    let mut builder = http1::Builder::new();
    builder.title_case_headers(true).preserve_header_case(true).max_buf_size(MAX_READ_BUFFER_BYTES);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::trace!(%error, "connection failed");
    }
}
