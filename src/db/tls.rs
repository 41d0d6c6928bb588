//! TLS to Postgres: `sslmode` as libpq has it, where sqlx differs, and errors that name it.

use std::{io, path::PathBuf};

use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgSslMode},
};

/// The parameters of a database URL that name files.
const FILE_PARAMETERS: [&str; 3] = ["sslrootcert", "sslcert", "sslkey"];

/// A parameter of the database URL with the file that it names.
type CertificateFile = (String, PathBuf);

/// With a root certificate, `require` verifies like `verify-ca`, as libpq does.
pub(super) fn with_verification(options: PgConnectOptions) -> PgConnectOptions {
    let has_root = || certificate_files(&options).iter().any(|(parameter, _)| parameter == "sslrootcert");
    match options.get_ssl_mode() {
        PgSslMode::Require if has_root() => options.ssl_mode(PgSslMode::VerifyCa),
        _ => options,
    }
}

/// The modes to try in turn: `prefer` connects without TLS where TLS fails, `allow` the other way round.
pub(super) fn attempts(options: &PgConnectOptions) -> Vec<PgConnectOptions> {
    let modes = match options.get_ssl_mode() {
        PgSslMode::Prefer => vec![PgSslMode::Prefer, PgSslMode::Disable],
        PgSslMode::Allow => vec![PgSslMode::Disable, PgSslMode::Require],
        mode => vec![mode],
    };
    modes.into_iter().map(|mode| with_verification(options.clone().ssl_mode(mode))).collect()
}

/// Whether the next of the [`attempts`] may succeed: TLS failed, or the server has no entry in `pg_hba.conf` for a
/// connection with TLS, or without.
pub(super) fn may_depend_on_mode(error: &sqlx::Error) -> bool {
    is_tls_error(error) || matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("28000"))
}

/// Whether TLS failed for good: a certificate that can't be read or verified, or a server without TLS.
pub(super) fn is_tls_error(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        // An error of rustls during the handshake. A lost connection has another kind.
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// The first file of the certificates and keys that can't be read, as a reason. sqlx reads them at each connection and
/// reports a missing one like a server that is down.
pub(super) fn unreadable_file(options: &PgConnectOptions) -> Option<String> {
    if matches!(options.get_ssl_mode(), PgSslMode::Disable) {
        return None;
    }
    certificate_files(options).into_iter().find_map(|(parameter, path)| {
        let error = std::fs::read(&path).err()?;
        Some(format!("{parameter}: can't read {}: {error}", path.display()))
    })
}

/// What to do about a failed TLS connection.
pub(super) const fn advice(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => {
            "Set sslrootcert to the certificate of the CA that signed the server's certificate, or sslmode=require to \
             encrypt without verifying"
        }
        _ => {
            "Install an X.509 version 3 certificate in Postgres and set ssl=on there, or set sslmode=disable to connect \
             without TLS"
        }
    }
}

/// The mode as `sslmode` names it.
pub(super) const fn mode_name(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

fn certificate_files(options: &PgConnectOptions) -> Vec<CertificateFile> {
    // The options have no getter for these, only a URL. Not every host and user fits into a URL.
    let url = options.clone().host("localhost").username("airgraph").to_url_lossy();
    let files = url.query_pairs().filter(|(parameter, _)| FILE_PARAMETERS.contains(&&**parameter));
    // A certificate may also be the value itself, as PEM, in an environment variable.
    files.filter_map(|(name, value)| Some((name.into_owned(), PathBuf::from(value.strip_prefix("file: ")?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(url: &str) -> Vec<&'static str> {
        let options: PgConnectOptions = url.parse().expect("a URL");
        attempts(&options).iter().map(|options| mode_name(options.get_ssl_mode())).collect()
    }

    #[test]
    fn require_with_a_root_certificate_verifies() {
        assert_eq!(modes("postgres://u@h/d?sslmode=require"), ["require"]);
        assert_eq!(modes("postgres://u@h/d?sslmode=require&sslrootcert=/ca.pem"), ["verify-ca"]);
        assert_eq!(modes("postgres://u@h/d?sslmode=verify-full&sslrootcert=/ca.pem"), ["verify-full"]);
    }

    #[test]
    fn prefer_and_allow_have_a_second_attempt() {
        assert_eq!(modes("postgres://u@h/d?sslmode=prefer"), ["prefer", "disable"]);
        assert_eq!(modes("postgres://u@h/d?sslmode=allow"), ["disable", "require"]);
        assert_eq!(modes("postgres://u@h/d?sslmode=allow&sslrootcert=/ca.pem"), ["disable", "verify-ca"]);
        assert_eq!(modes("postgres://u@h/d?sslmode=disable"), ["disable"]);
    }

    #[test]
    fn certificate_files_are_found_whatever_the_host_is() {
        for host in ["::1", "/run/postgresql", "a b"] {
            let options = PgConnectOptions::new_without_pgpass().host(host).username("a/b@c").ssl_root_cert("/a b.pem");
            assert_eq!(certificate_files(&options), [("sslrootcert".to_owned(), PathBuf::from("/a b.pem"))]);
        }
    }
}
