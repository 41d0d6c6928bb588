//! A proxy that counts statements on their way to Postgres, the same for every client.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, Result};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A counting proxy in front of a database.
pub struct Counted {
    /// The URL of the proxy.
    pub url: String,
    statements: Arc<AtomicU64>,
}

impl Counted {
    /// Starts a proxy in front of this database.
    pub async fn before(url: &str) -> Result<Self> {
        let (account, rest) = url.rsplit_once('@').context("an account in the URL")?;
        let (server, database) = rest.split_once('/').context("a database in the URL")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("{account}@{}/{database}", listener.local_addr()?);
        let (server, statements) = (server.to_owned(), Arc::new(AtomicU64::new(0)));
        let counter = statements.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, server.clone(), counter.clone()));
            }
        });
        Ok(Self { url, statements })
    }

    /// Number of statements so far.
    pub fn so_far(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }
}

async fn pass_on(client: TcpStream, server: String, statements: Arc<AtomicU64>) -> Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, mut to_client), (mut from_server, to_server)) = (client.into_split(), server.into_split());
    let responses = async { Ok(tokio::io::copy(&mut from_server, &mut to_client).await.map(drop)?) };
    tokio::try_join!(forward_queries(from_client, to_server, &statements), responses).map(drop)
}

/// Forwards messages, and counts those that execute something: a type of one byte, then a length of four including
/// itself. The first messages of a connection have no type.
async fn forward_queries(
    mut client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    statements: &AtomicU64,
) -> Result<()> {
    const SSL_REQUEST: &[u8] = &80_877_103_u32.to_be_bytes();
    let mut message = Vec::new();
    let mut has_begun = false;
    loop {
        message.clear();
        if has_begun {
            message.push(client.read_u8().await?);
        }
        let length = client.read_u32().await?;
        message.extend_from_slice(&length.to_be_bytes());
        let body = u64::from(length).checked_sub(4).context("a length")?;
        (&mut client).take(body).read_to_end(&mut message).await?;
        match message.first() {
            Some(b'E' | b'Q') if has_begun => _ = statements.fetch_add(1, Ordering::Relaxed),
            _ => has_begun |= message.get(4..) != Some(SSL_REQUEST),
        }
        server.write_all(&message).await?;
    }
}
