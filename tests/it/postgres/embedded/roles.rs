//! The gateway has no more privileges in Postgres than it needs, and Postgres has none of its secrets.

use std::fs;

use anyhow::Result;
use sqlx::{Connection, PgConnection};

use super::{DevDb, data_dir, postmaster, postmaster_parent, scalar};
use crate::{
    postgres::crash::KEY,
    support::gateway::{Gateway, airgraph},
};

/// A superuser could run programs and read files, and so read the secrets of the gateway.
#[tokio::test]
async fn role_of_the_gateway_is_no_superuser() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let dev_db = DevDb::start(&data_dir, &[])?;
    let privileges =
        "select concat_ws(' ', current_user, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls)
                      from pg_roles where rolname = current_user";
    assert_eq!(scalar(&dev_db.url, privileges).await?, "airgraph f f f f f");
    for statement in [
        "copy (select 1) to program 'cat'",
        "create table stolen (line text); copy stolen from program 'env'",
        "select pg_read_file('PG_VERSION')",
        "alter role airgraph superuser",
        "create role other superuser",
    ] {
        let mut connection = PgConnection::connect(&dev_db.url).await?;
        let refused = sqlx::raw_sql(statement).execute(&mut connection).await;
        let code = refused.as_ref().err().and_then(|error| error.as_database_error()?.code());
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn cluster_without_the_role_is_upgraded() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let before = DevDb::start(&data_dir, &["--superuser"])?;
    assert!(before.url.starts_with("postgresql://postgres:"), "{}", before.url);
    let mut connection = PgConnection::connect(&before.url).await?;
    let make = "create table note (id bigint generated always as identity primary key, number bigserial, text text);
                insert into note (text) values ('kept');
                create table parts (id int) partition by list (id);
                create table part partition of parts for values in (1);
                create sequence numbers;
                create view notes as select text from note;
                create type kind as (a int);
                create function one() returns int language sql as 'select 1';
                alter database airgraph owner to postgres";
    sqlx::raw_sql(make).execute(&mut connection).await?;
    sqlx::raw_sql("alter role airgraph superuser").execute(&mut connection).await?;
    connection.close().await?;
    before.close_stdin()?;
    fs::remove_file(data_dir.join("gateway-password"))?;

    let after = DevDb::start(&data_dir, &[])?;
    let mut connection = PgConnection::connect(&after.url).await?;
    let change = "insert into note (text) values ('new');
                  alter table note add column more int;
                  create index concurrently note_text on note (text)";
    for statement in change.split(';') {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    let change = "alter table parts add column more int; alter sequence numbers restart; drop view notes;
                  alter type kind add attribute b int; drop function one(); drop table part";
    sqlx::raw_sql(change).execute(&mut connection).await?;
    connection.close().await?;
    assert_eq!(scalar(&after.url, "select rolsuper::text from pg_roles where rolname = current_user").await?, "false");
    Ok(())
}

/// No process that serves the gateway has the secrets, whatever its own environment holds.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_child_process_has_the_secrets_of_the_gateway() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let mut command = airgraph(&["serve"]);
    command.env("AIRGRAPH_ADMIN_KEY", KEY).env("AIRGRAPH_DATA_DIR", &data_dir);
    let _gateway = Gateway::start(command).await;
    let (dev_db, postgres) = (postmaster_parent(&data_dir)?, postmaster(&data_dir)?);
    let mut checked = 0;
    for entry in fs::read_dir("/proc")?.flatten() {
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let field =
            |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
        let related = [dev_db.to_string(), postgres.to_string()];
        if !related.contains(&field("Pid:")) && !related.contains(&field("PPid:")) {
            continue;
        }
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue }; // it has ended
        let environment = String::from_utf8_lossy(&environment).into_owned();
        assert!(!environment.contains("ADMIN_KEY") && !environment.contains(KEY), "{}", field("Name:"));
        checked += 1;
    }
    assert!(checked >= 4, "dev-db, its shell, Postgres and its processes: {checked}");
    Ok(())
}
