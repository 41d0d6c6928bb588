//! `airgraph distribute`: places the tables in a Citus cluster.

use std::{fmt::Write as _, time::Instant};

use anyhow::bail;
use clap::Args;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::{
    config::DatabaseArgs,
    session::{Session, print},
};
use crate::db::{
    connect::Database,
    distribution::{self, TablePlacement},
    embedded::LockPolicy,
};

/// Arguments of `airgraph distribute`.
#[derive(Debug, Args)]
pub(super) struct DistributeArgs {
    /// Print the statements, run none
    #[arg(long)]
    dry_run: bool,
    /// Also distribute a database that has rows. Stop all gateways before: rows are moved while writers are locked out
    #[arg(long)]
    move_data: bool,
    /// Number of shards of each table: at most as many as the workers will ever have CPU cores together
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    shards: u32,
}

pub(super) async fn run(database: &DatabaseArgs, arguments: &DistributeArgs) -> anyhow::Result<()> {
    let session = Session::open(database, 1, LockPolicy::Attach).await?;
    let outcome = distribute(&session.database, arguments).await;
    let closed = session.close().await;
    outcome?;
    closed
}

async fn distribute(database: &Database, arguments: &DistributeArgs) -> anyhow::Result<()> {
    if !database.dialect.is_citus {
        bail!(
            "the database has no extension citus: connect to the coordinator of a Citus cluster and run `create extension \
             citus` (docs/scale-out.md)"
        );
    }
    // A session without time limits of statements: moving rows may take hours.
    let mut connection = database.direct.connect().await?;
    let statements = distribution::missing_statements(&mut connection, arguments.shards).await?;
    if arguments.dry_run {
        print(&statements.iter().flat_map(|statement| [statement, ";\n"]).collect::<String>())?;
    } else {
        run_statements(&mut connection, &statements, arguments.move_data).await?;
        // A statement on the workers reports its failure as a row.
        let remaining = distribution::missing_statements(&mut connection, arguments.shards).await?;
        if !remaining.is_empty() {
            bail!("not all workers could be set up: check `citus_check_cluster_node_health()` and repeat");
        }
        print(&placement_table(&distribution::placement(&mut connection).await?))?;
    }
    connection.close().await?;
    Ok(())
}

async fn run_statements(connection: &mut PgConnection, statements: &[String], move_data: bool) -> anyhow::Result<()> {
    if distribution::is_placement_missing(statements) && !move_data && distribution::has_rows(connection).await? {
        bail!(
            "the database has rows, which would be moved while writers are locked out: stop all gateways and repeat with \
             --move-data"
        );
    }
    for (number, statement) in (1..).zip(statements) {
        let since = Instant::now();
        distribution::run(connection, statement).await?;
        print(&format!("{number}/{} {statement} ({:.1} s)\n", statements.len(), since.elapsed().as_secs_f64()))?;
    }
    Ok(())
}

/// The placement as a table.
fn placement_table(placement: &[TablePlacement]) -> String {
    let mut text = format!("{:16} {:12} {:10} {:>6}\n", "TABLE", "KIND", "COLUMN", "SHARDS");
    for TablePlacement { table, kind, column, shards } in placement {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{table:16} {kind:12} {:10} {shards:>6}", column.as_deref().unwrap_or("-"));
    }
    text
}
