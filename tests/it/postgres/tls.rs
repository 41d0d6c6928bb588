//! `sslmode`: what is encrypted, what is verified, and the error where that fails.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use airgraph::db::connect;
use sqlx::{
    ConnectOptions as _, Connection as _,
    postgres::{PgConnectOptions, PgSslMode},
};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::{
    ops::cli::failure,
    support::{
        database_without_schema,
        gateway::{DEADLINE, airgraph},
        postgres::OwnPostgres,
        skipped,
    },
};

/// Certificates made with `openssl`; their keys are beside them.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// None where `openssl` is missing, or Postgres was built without TLS.
    async fn make() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            skipped("openssl is missing");
            return None;
        }
        let mut connection = database_without_schema().await.connect().await.expect("a connection");
        let library: String =
            sqlx::query_scalar("show ssl_library").fetch_one(&mut connection).await.expect("a setting");
        connection.close().await.expect("closed");
        if library.is_empty() {
            skipped("this Postgres has no TLS");
            return None;
        }
        Some(Self { folder: tempfile::tempdir().expect("a folder") })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("a file of openssl")
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        let output = command.args(arguments.split(' ')).current_dir(self.folder.path()).output().expect("openssl runs");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// `ca.crt`, and `server.crt` that it signed for 127.0.0.1.
    fn signed_by_ca(&self) {
        self.openssl("req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=test-ca -keyout ca.key -out ca.crt");
        self.openssl("req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr");
        fs::write(self.path("extensions"), "subjectAltName=IP:127.0.0.1,DNS:postgres.example").expect("a file");
        self.openssl(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile extensions -out server.crt",
        );
    }

    /// `server.crt`, of X.509 version 1 and signed by itself, as Citus makes one.
    fn version_1(&self) {
        self.openssl("req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr");
        self.openssl("x509 -req -in server.csr -signkey server.key -days 30 -out server.crt");
    }

    async fn postgres(&self) -> OwnPostgres {
        OwnPostgres::with_tls(&self.read("server.crt"), &self.read("server.key")).await
    }
}

/// Whether the gateway's connections are encrypted, or the error that ends its start.
async fn encrypted(options: &PgConnectOptions) -> Result<bool, String> {
    let opened = timeout(DEADLINE, connect::open(options, 1, 1)).await.expect("the start ends");
    let database = opened.map_err(|error| error.to_string())?;
    let encrypted = sqlx::query_scalar("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    let encrypted = encrypted.fetch_one(&database.writes).await.expect("a row");
    database.close().await;
    Ok(encrypted)
}

fn with(options: &PgConnectOptions, mode: PgSslMode, root: Option<&Path>) -> PgConnectOptions {
    let options = options.clone().ssl_mode(mode);
    root.map_or(options.clone(), |root| options.ssl_root_cert(root))
}

#[tokio::test]
async fn certificate_is_verified_when_sslmode_or_a_root_requires_it() {
    let Some(certificates) = Certificates::make().await else { return };
    certificates.signed_by_ca();
    let postgres = certificates.postgres().await;
    let on = |mode, root| with(&postgres.options, mode, root);
    let ca = certificates.path("ca.crt");
    fs::copy(certificates.path("server.crt"), certificates.path("other.crt")).expect("a copy");
    let other = certificates.path("other.crt");

    assert_eq!(encrypted(&on(PgSslMode::Disable, None)).await, Ok(false));
    assert_eq!(encrypted(&on(PgSslMode::Allow, None)).await, Ok(false));
    for mode in [PgSslMode::Prefer, PgSslMode::Require] {
        assert_eq!(encrypted(&on(mode, None)).await, Ok(true), "{mode:?} doesn't verify");
    }
    for mode in [PgSslMode::Require, PgSslMode::VerifyCa, PgSslMode::VerifyFull] {
        assert_eq!(encrypted(&on(mode, Some(&ca))).await, Ok(true), "{mode:?}");
    }
    for (mode, root) in
        [(PgSslMode::VerifyCa, None), (PgSslMode::VerifyFull, None), (PgSslMode::Require, Some(&*other))]
    {
        let error = encrypted(&on(mode, root)).await.expect_err("another CA signed the certificate");
        assert!(error.contains("sslmode=verify-") && error.contains("Set sslrootcert"), "{error}");
    }

    // Resolves to 127.0.0.1, but the certificate doesn't have this name.
    let localhost = postgres.options.clone().host("localhost");
    assert_eq!(encrypted(&with(&localhost, PgSslMode::VerifyCa, Some(&ca))).await, Ok(true));
    let error = encrypted(&with(&localhost, PgSslMode::VerifyFull, Some(&ca))).await.expect_err("a wrong name");
    assert!(error.contains("not valid for name \"localhost\""), "{error}");

    // The whole command ends, with one line.
    let mut command = airgraph(&["migrate"]);
    command.env("DATABASE_URL", format!("{}?sslmode=verify-full", postgres.url));
    let message = failure(command).await;
    assert!(message.contains("with sslmode=verify-full: invalid peer certificate: UnknownIssuer"), "{message}");

    let mut command = airgraph(&["migrate"]);
    command.env("DATABASE_URL", format!("{}?sslmode=verify-ca&sslrootcert=/nowhere/ca.crt", postgres.url));
    let message = failure(command).await;
    assert!(message.contains("sslrootcert: can't read /nowhere/ca.crt"), "{message}");
}

#[tokio::test]
async fn certificate_that_cannot_be_read_ends_the_start_unless_tls_is_optional() {
    let Some(certificates) = Certificates::make().await else { return };
    certificates.version_1();
    let postgres = certificates.postgres().await;
    let on = |mode| with(&postgres.options, mode, None);
    for mode in [PgSslMode::Require, PgSslMode::VerifyCa, PgSslMode::VerifyFull] {
        let error = encrypted(&on(mode)).await.expect_err("a certificate of version 1");
        assert!(error.contains("UnsupportedCertVersion") && error.contains("sslmode"), "{error}");
    }
    for mode in [PgSslMode::Disable, PgSslMode::Allow, PgSslMode::Prefer] {
        assert_eq!(encrypted(&on(mode)).await, Ok(false), "{mode:?}");
    }
}

#[tokio::test]
async fn server_without_tls_is_refused_when_tls_is_required() {
    let options = database_without_schema().await;
    let error = encrypted(&with(&options, PgSslMode::Require, None)).await.expect_err("no TLS");
    assert!(error.contains("with sslmode=require: server does not support TLS"), "{error}");
    assert_eq!(encrypted(&with(&options, PgSslMode::Prefer, None)).await, Ok(false));
}
