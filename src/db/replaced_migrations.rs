//! Databases with migrations in an earlier form.
//!
//! Four migrations were changed after they had been applied somewhere. Such a database would be refused, because the
//! checksums differ. Its schema is brought into the form of the current migration, and the checksum is replaced.

use sqlx::{Connection as _, PgConnection, migrate::Migrator};

/// An earlier form of a migration.
struct Replaced {
    version: i64,
    /// SHA-384 of the earlier file, in hexadecimal.
    checksum: &'static str,
    /// Statements that make up the difference.
    statements: &'static str,
}

const REPLACED: [Replaced; 4] = [
    Replaced {
        version: 2,
        checksum: "88cc208c6ed88596522abf4eb7e93c56eeb6259207027431625918174395120334e01f24170e7dfd1529ea4a558c425a",
        statements: "alter table uplink add column named text, add column event text",
    },
    Replaced {
        version: 3,
        checksum: "22f072a13b839b5b7ea84a58fd634ebe1eb393b4847502ec02c8f1f1df34805f8a278e9f81ddd02f969dc273d6aaba87",
        statements: CREATE_AMBIENT,
    },
    // Differs in a comment.
    Replaced {
        version: 10,
        checksum: "436be09c288f85f8223d3398d2cf36802a4d9b58b3e05b91593c1a33719031a9790b2bfc7f1c147a241bcbd5524110f7",
        statements: "",
    },
    // Computes the same in another way.
    Replaced {
        version: 12,
        checksum: "54b3d5721b51e1115ca5bc552d2f9b3fb5c416d0a39ecbd444f4e283dccfec6640b31b67b64619d57d3db6a74efb7419",
        statements: "",
    },
];

/// The table, with a partition for each month of `weather`.
const CREATE_AMBIENT: &str = "
    create table ambient (
        device_id bigint not null,
        measured_at timestamptz not null,
        seq integer not null,
        co2 double precision,
        no2 double precision,
        o3 double precision,
        co double precision,
        voc_index double precision,
        nox_index double precision,
        particles_0_3 double precision,
        noise double precision,
        illuminance double precision,
        primary key (device_id, measured_at, seq)
    ) partition by range (measured_at);
    do $$
    declare
        month record;
    begin
        for month in
            select substr(c.relname, length('weather_') + 1) as suffix, pg_get_expr(c.relpartbound, c.oid) as bounds
            from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'weather'::regclass
        loop
            execute format('create table %I partition of ambient %s', 'ambient_' || month.suffix, month.bounds);
        end loop;
    end
    $$";

/// Brings a database with earlier forms of migrations into the current form. Several gateways may run this at once: the first
/// one locks the row of the migration, the others then find the current checksum.
///
/// # Errors
/// When the database fails.
pub async fn repair(connection: &mut PgConnection, migrations: &Migrator) -> sqlx::Result<()> {
    let is_new: bool =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations') is null").fetch_one(&mut *connection).await?;
    if is_new {
        return Ok(());
    }
    for replaced in REPLACED {
        let Some(current) = migrations.iter().find(|migration| migration.version == replaced.version) else { continue };
        let mut transaction = connection.begin().await?;
        let update = sqlx::query(
            "update _sqlx_migrations set checksum = $3 where version = $1 and checksum = decode($2, 'hex') and success",
        );
        let update = update.bind(replaced.version).bind(replaced.checksum).bind(&*current.checksum);
        if update.execute(&mut *transaction).await?.rows_affected() > 0 {
            sqlx::raw_sql(replaced.statements).execute(&mut *transaction).await?;
            tracing::info!(migration = replaced.version, "migration brought into its current form");
        }
        transaction.commit().await?;
    }
    Ok(())
}
