//! Load by `wrk`, which takes less CPU time per request than a client written here.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// Results.
#[derive(Clone, Copy)]
pub struct Answers {
    /// Successes per second.
    pub good: f64,
    /// Responses with 503 or another error, per second.
    pub refused: f64,
    /// Failed connections, and responses later than two seconds.
    pub broken: u64,
}

/// A query that is sent repeatedly.
pub struct Wrk {
    url: String,
    script: PathBuf,
}

impl Wrk {
    /// Posts this body to `/graphql`.
    pub fn new(address: &str, body: &str) -> Result<Self> {
        let script = std::env::temp_dir().join(format!("airgraph-bench-{}.lua", std::process::id()));
        // wrk's latencies include all responses, so only its counts are used.
        let text = format!(
            "wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = [==[{body}]==]\n\
             done = function(summary)\n local errors = summary.errors\n print('counts', summary.requests, errors.status, \
             errors.connect + errors.read + errors.write + errors.timeout, summary.duration)\nend\n"
        );
        std::fs::write(&script, text)?;
        Ok(Self { url: format!("{address}/graphql"), script })
    }

    /// Runs with this many connections for this time.
    pub async fn run(&self, connections: usize, time: Duration) -> Result<Answers> {
        let output = Command::new("wrk")
            .args(["--threads=1", &format!("--connections={connections}"), &format!("--duration={}", time.as_secs())])
            .arg("--script")
            .arg(&self.script)
            .arg(&self.url)
            .output()
            .await
            .context("wrk is needed; `apt-get install wrk` or `brew install wrk` brings it")?;
        let output_text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "wrk: {output_text} {}", String::from_utf8_lossy(&output.stderr));
        let line = output_text
            .lines()
            .find_map(|line| line.strip_prefix("counts"))
            .with_context(|| format!("wrk printed {output_text}"))?;
        let numbers: Vec<f64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [all, refused, broken, microseconds] = numbers[..] else { anyhow::bail!("wrk printed {line}") };
        let seconds = microseconds / 1e6;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let broken = broken as u64;
        Ok(Answers { good: (all - refused) / seconds, refused: refused / seconds, broken })
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.script); // a small file in the temporary folder
    }
}
