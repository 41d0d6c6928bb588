//! Starting and stopping: data are kept, no process is left, and a data folder has one Postgres.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use airgraph::db::embedded::{self, LockPolicy};
use anyhow::Result;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Uid,
};
use sqlx::{Connection, PgConnection};

use super::{CREATE_NOTE, DevDb, PROGRAM, READ_NOTE, data_dir, execute, is_gone, postmaster, scalar, startup_error};

#[tokio::test]
async fn serves_until_its_standard_input_ends_and_keeps_the_data() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let first = DevDb::start(&data_dir, &[])?;
    assert!(first.url.starts_with("postgresql://airgraph:"), "{}", first.url);
    assert!(first.url.ends_with("/airgraph") && first.url.contains("@127.0.0.1:"), "{}", first.url);

    let locale =
        "select concat_ws(' ', pg_encoding_to_char(encoding), datcollate, datctype, current_setting('TimeZone'))
                  from pg_database where datname = current_database()";
    assert_eq!(scalar(&first.url, locale).await?, "UTF8 C C UTC");
    assert_eq!(scalar(&first.url, "select current_setting('fsync')").await?, "on");
    let wrong = first.url.replacen('@', "x@", 1);
    assert!(PgConnection::connect(&wrong).await.is_err(), "any password will do");
    execute(&first.url, CREATE_NOTE).await?;

    let pid = postmaster(&data_dir)?;
    let url = first.url.clone();
    let (status, rest) = first.close_stdin()?;
    assert!(status.success(), "{status}");
    assert_eq!(rest, "", "more than one line on standard output");
    assert!(kill(pid, None).is_err(), "Postgres outlived dev-db");
    assert!(PgConnection::connect(&url).await.is_err());

    let second = DevDb::start(&data_dir, &[])?;
    assert_eq!(scalar(&second.url, READ_NOTE).await?, "kept");
    Ok(())
}

#[tokio::test]
async fn sigterm_stops_dev_db_with_open_standard_input() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let dev_db = DevDb::start(&data_dir, &[])?;
    let pid = postmaster(&data_dir)?;
    dev_db.signal(Signal::SIGTERM)?;
    assert!(dev_db.end()?.0.success());
    assert!(kill(pid, None).is_err(), "Postgres outlived dev-db");
    Ok(())
}

#[tokio::test]
async fn embedded_postgres_ends_with_the_gateway() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let database = embedded::start_with(Path::new(PROGRAM), &data_dir, LockPolicy::Refuse).await?;
    assert_eq!(scalar(database.url(), "select 'hello'").await?, "hello");
    assert!(!format!("{database:?}").contains("postgresql://"), "the password is in the debug output");
    let pid = postmaster(&data_dir)?;
    database.stop().await?;
    assert!(kill(pid, None).is_err(), "Postgres outlived stop()");

    // The kernel does this for a gateway that is killed.
    let database = embedded::start_with(Path::new(PROGRAM), &data_dir, LockPolicy::Refuse).await?;
    let pid = postmaster(&data_dir)?;
    drop(database);
    is_gone(pid).await
}

#[tokio::test]
async fn second_dev_db_is_rejected_or_attaches() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let first = DevDb::start(&data_dir, &[])?;

    let message = startup_error(&data_dir)?;
    let expected =
        format!("another airgraph is running on {}, pid {}", data_dir.canonicalize()?.display(), first.process.id());
    assert!(message.contains(&expected), "{message}");
    let refused = embedded::start_with(Path::new(PROGRAM), &data_dir, LockPolicy::Refuse).await;
    assert!(refused.is_err_and(|error| error.to_string().contains(&expected)));

    let second = DevDb::start(&data_dir, &["--attach"])?;
    assert_eq!(second.url, first.url);
    assert!(second.close_stdin()?.0.success());
    assert_eq!(scalar(&first.url, "select 'still here'").await?, "still here");
    Ok(())
}

#[tokio::test]
async fn next_dev_db_waits_for_a_stopping_one() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let mut stopping = Vec::new();
    for _ in 0..3 {
        let mut dev_db = DevDb::start(&data_dir, &[])?;
        drop(dev_db.process.stdin.take()); // and the next one starts at once
        stopping.push(dev_db);
    }
    Ok(())
}

#[test]
fn inaccessible_directory_is_named_to_root() -> Result<()> {
    if !Uid::effective().is_root() {
        eprintln!("skipped: only root drops its privileges");
        return Ok(());
    }
    let parent = tempfile::tempdir()?;
    fs::set_permissions(parent.path(), Permissions::from_mode(0o700))?;
    let data_dir = parent.path().join("data");
    let message = startup_error(&data_dir)?;
    let folder = parent.path().canonicalize()?;
    assert!(message.contains(&format!("may not enter {}", folder.display())), "{message}");
    assert!(message.contains(&format!("chmod o+x {}", folder.display())), "{message}");
    assert!(!data_dir.exists(), "the data folder was created");
    Ok(())
}

#[test]
fn foreign_files_in_the_data_folder_are_unchanged() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    DevDb::start(&data_dir, &[])?.close_stdin()?;
    fs::remove_file(data_dir.join("postgres/PG_VERSION"))?;

    let message = startup_error(&data_dir)?;
    assert!(message.contains("is not a PostgreSQL cluster"), "{message}");
    assert!(data_dir.join("postgres/base").exists(), "it was deleted");
    Ok(())
}
