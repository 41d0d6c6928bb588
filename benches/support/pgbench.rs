//! `pgbench`, which is part of Postgres: the reference of recording.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::load::Load;

/// Inserts eight rows per transaction into a table like `measurement`, with prepared statements.
pub struct Pgbench {
    url: String,
    script: PathBuf,
}

impl Pgbench {
    /// Creates the table and the script.
    pub async fn create(url: &str) -> Result<Self> {
        let pool = sqlx::PgPool::connect(url).await?;
        let table = "create table plain (like measurement including all); create sequence plain_packet";
        sqlx::raw_sql(table).execute(&pool).await?;
        pool.close().await;
        let rows: Vec<_> = (0..8)
            .map(|n| format!("(:n % 64, timestamptz '2026-01-01Z' + (:n * 24 + {n} * 3) * interval '1 s', 0, 0, now(), 52.2, 0.12, 1, 29, 38)"))
            .collect();
        let text = format!(
            "select nextval('plain_packet') as n \\gset\ninsert into plain (device_id, measured_at, seq, flags, recorded_at, latitude, longitude, cell, pm2_5, pm10) values {} on conflict do nothing;\n",
            rows.join(", ")
        );
        let script = std::env::temp_dir().join(format!("airgraph-bench-{}.sql", std::process::id()));
        std::fs::write(&script, text)?;
        Ok(Self { url: url.to_owned(), script })
    }

    /// Transactions per second under this load.
    pub async fn run(&self, load: &Load) -> Result<f64> {
        let output = Command::new("pgbench")
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .args(["--client", &load.clients.to_string(), "--time", &load.seconds.to_string()])
            .arg("--file")
            .arg(&self.script)
            .arg(&self.url)
            .output()
            .await
            .context("pgbench, which comes with Postgres")?;
        let output_text = String::from_utf8_lossy(&output.stdout);
        let tps =
            output_text.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok());
        tps.with_context(|| format!("pgbench printed {output_text} {}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Drop for Pgbench {
    fn drop(&mut self) {
        // A file that stays in the temporary folder does no harm.
        let _ = std::fs::remove_file(&self.script);
    }
}
