//! Connections: HTTP/1.1 with header names in title case (`Content-Type`), and in a WebSocket handshake as the client wrote them.
//! Names are case-insensitive, but some clients compare them as text, such as Python's `gql` with `Sec-WebSocket-Protocol`.
//! `axum::serve` cannot set that.

use std::{net::SocketAddr, pin::pin};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    serve::Listener,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tower::Service as _;

use crate::shutdown::Shutdown;

/// Serves connections until the shutdown begins and all requests are answered. Dropping the future cuts them off.
pub async fn serve(mut listener: TcpListener, router: Router, shutdown: Shutdown) {
    let router: Router = router.with_state(()); // once, so that no request does it
    let mut connections = JoinSet::new();
    let mut stopping = pin!(shutdown.begun());
    loop {
        tokio::select! {
            (stream, peer) = Listener::accept(&mut listener) => {
                connections.spawn(serve_connection(stream, peer, router.clone(), shutdown.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = &mut stopping => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, router: Router, shutdown: Shutdown) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let request: Request = request.map(Body::new);
        router.clone().call(request)
    });
    let mut builder = http1::Builder::new();
    builder.title_case_headers(true).preserve_header_case(true);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        () = shutdown.begun() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::trace!(%error, "connection failed");
    }
}
