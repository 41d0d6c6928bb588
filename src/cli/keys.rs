//! `airgraph keys`: create, list and revoke keys.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use clap::{Subcommand, ValueEnum};

use super::{
    config::DatabaseArgs,
    session::{Session, print},
};
use crate::{
    auth::Secret,
    clock::Clock,
    db,
    db::{
        api_key::{DescendantCounts, NewApiKey},
        connect::Database,
        embedded::LockPolicy,
    },
    domain::{
        api_key::{ApiKey, ApiKeyId, Role},
        device::DeviceKey,
    },
};

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Create a key and print it; this is the only time it is shown
    Create {
        /// Name of the key
        name: String,
        /// Role of the key
        #[arg(long, value_enum)]
        role: RoleName,
        /// For a sensor: the key of the one registered device that it records for
        #[arg(long)]
        device: Option<String>,
        /// When the key expires, such as 2027-01-01T00:00:00Z
        #[arg(long, value_parser = super::parse_time)]
        expires: Option<DateTime<Utc>>,
    },
    /// List all keys, without the keys themselves
    List,
    /// Revoke a key, immediately and permanently
    Revoke {
        /// The number in the output of `keys list`
        number: i64,
        /// Also revoke the keys that were created with it: for a key that has leaked
        #[arg(long)]
        descendants: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RoleName {
    /// Read
    Reader,
    /// Read and record
    Sensor,
    /// Everything
    Admin,
}

pub(super) async fn run(arguments: &DatabaseArgs, command: Keys) -> anyhow::Result<()> {
    let session = Session::open(arguments, 1, LockPolicy::Attach).await?;
    let output = execute(&session.database, command).await;
    let closed = session.close().await;
    print(&output?)?;
    closed
}

async fn execute(database: &Database, command: Keys) -> anyhow::Result<String> {
    let (db, now) = (&database.writes, Clock::system().now());
    match command {
        Keys::Create { name, role, device, expires } => {
            let role = match role {
                RoleName::Reader => Role::Reader,
                RoleName::Sensor => Role::Sensor,
                RoleName::Admin => Role::Admin,
            };
            if device.is_some() && role != Role::Sensor {
                bail!("--device: only a sensor's key can be bound to a device");
            }
            if expires.is_some_and(|expires| expires <= now) {
                bail!("--expires: lies in the past");
            }
            let device_id = match device {
                None => None,
                Some(device) => {
                    let key = DeviceKey::try_stored(device).context("--device")?;
                    let ids = db::device::load_ids_by_keys(db, &[key.as_str()]).await?;
                    let id = ids.get(key.as_str()).copied();
                    Some(id.with_context(|| format!("--device: there is no device {:?}", key.as_str()))?)
                }
            };
            let secret = Secret::random();
            let new =
                NewApiKey { name: &name, role, hash: secret.hash(), device_id, expires_at: expires, created_by: None };
            db::api_key::insert(db, &new, now).await?;
            Ok(format!("{}\n", secret.reveal()))
        }
        Keys::List => Ok(table(&db::api_key::list(db).await?, now)),
        Keys::Revoke { number, descendants } => {
            let mut connection = db.acquire().await?;
            let DescendantCounts { revoked, valid } =
                db::api_key::revoke(&mut connection, ApiKeyId(number), descendants, now).await?;
            drop(connection);
            let key = db::api_key::find_by_id(db, ApiKeyId(number)).await?;
            let key = key.with_context(|| format!("there is no key with the number {number}"))?;
            let with = if descendants { format!(" and {revoked} created with it") } else { String::new() };
            let left = if valid > 0 {
                format!("; {valid} keys created with it are still valid (--descendants revokes them)")
            } else {
                String::new()
            };
            Ok(format!("key {number} ({}) is revoked{with}{left}\n", key.name))
        }
    }
}

fn table(keys: &[ApiKey], now: DateTime<Utc>) -> String {
    let mut table = format!(
        "{:>6}  {:8}  {:8}  {:20}  {:16}  {:>10}  name\n",
        "number", "role", "state", "last used", "device", "created by"
    );
    for key in keys {
        let state = match key {
            key if key.revoked_at.is_some() => "revoked",
            key if key.is_valid_at(now) => "valid",
            _ => "expired",
        };
        let last_used =
            key.last_used_at.map_or("never".to_owned(), |time| time.format("%Y-%m-%d %H:%M UTC").to_string());
        let device = key.device.as_ref().map_or("any", DeviceKey::as_str);
        let (number, role, name) = (key.id.0, key.role.as_str(), &key.name);
        let creator = key.created_by.map_or("-".to_owned(), |id| id.0.to_string());
        let written =
            writeln!(table, "{number:>6}  {role:8}  {state:8}  {last_used:20}  {device:16}  {creator:>10}  {name}");
        debug_assert!(written.is_ok(), "a String takes everything");
    }
    table
}
