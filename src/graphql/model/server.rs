//! The gateway itself.

use async_graphql::{Context, Object, SimpleObject};

use crate::{
    db,
    error::ApiError,
    graphql::{context::ContextExt as _, scalar::DateTime},
};

/// The gateway itself.
pub struct Server;

/// The gateway itself.
#[Object]
impl Server {
    /// The version of airgraph.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The gateway's clock.
    async fn time(&self, ctx: &Context<'_>) -> DateTime {
        ctx.state().clock.now().into()
    }

    /// The tables of the database, with about how many rows they have.
    async fn tables(&self, ctx: &Context<'_>) -> Result<Vec<Table>, ApiError> {
        let tables = db::server::tables(ctx.reads()).await?;
        Ok(tables.into_iter().map(|table| Table { name: table.name, row_estimate: table.row_estimate }).collect())
    }

    /// The database connection. For admins.
    async fn database(&self, ctx: &Context<'_>) -> Result<Database, ApiError> {
        ctx.caller().must_be_admin()?;
        let info = db::server::info(ctx.reads()).await?;
        let about = &ctx.state().about;
        Ok(Database {
            name: info.name,
            user: info.user,
            host: about.database_host.clone(),
            port: about.database_port.into(),
            version: info.version,
        })
    }
}

/// A table of the database.
#[derive(SimpleObject)]
pub struct Table {
    /// Its name.
    name: String,
    /// About how many rows it has, as Postgres last estimated; 0 before it first did.
    row_estimate: i64,
}

/// The database connection, without its password.
#[derive(SimpleObject)]
pub struct Database {
    /// The database's name.
    name: String,
    /// The user that the gateway is there.
    user: String,
    /// Where it is.
    host: String,
    /// Its port.
    port: i32,
    /// The version of Postgres.
    version: String,
}
