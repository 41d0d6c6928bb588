//! Load by `wrk`, which takes less of the machine for each request than anything written here could.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// What was answered.
#[derive(Clone, Copy)]
pub struct Answers {
    /// With success, in a second.
    pub good: f64,
    /// With 503 or another error, in a second.
    pub refused: f64,
    /// Connections that failed, and answers that did not come in two seconds.
    pub broken: u64,
}

/// A question that is posted again and again.
pub struct Wrk {
    url: String,
    script: PathBuf,
}

impl Wrk {
    /// Posts this body to `/graphql`.
    pub fn new(address: &str, body: &str) -> Result<Self> {
        let script = std::env::temp_dir().join(format!("airgraph-bench-{}.lua", std::process::id()));
        // wrk's own latencies are of all answers together, so only what it counts is asked for.
        let text = format!(
            "wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = [==[{body}]==]\n\
             done = function(summary)\n local errors = summary.errors\n print('told', summary.requests, errors.status, \
             errors.connect + errors.read + errors.write + errors.timeout, summary.duration)\nend\n"
        );
        std::fs::write(&script, text)?;
        Ok(Self { url: format!("{address}/graphql"), script })
    }

    /// By so many connections, for so long.
    pub async fn run(&self, connections: usize, time: Duration) -> Result<Answers> {
        let output = Command::new("wrk")
            .args(["--threads=1", &format!("--connections={connections}"), &format!("--duration={}", time.as_secs())])
            .arg("--script")
            .arg(&self.script)
            .arg(&self.url)
            .output()
            .await
            .context("wrk is needed; `apt-get install wrk` or `brew install wrk` brings it")?;
        let told = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "wrk: {told} {}", String::from_utf8_lossy(&output.stderr));
        let line =
            told.lines().find_map(|line| line.strip_prefix("told")).with_context(|| format!("wrk said {told}"))?;
        let numbers: Vec<f64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [all, refused, broken, microseconds] = numbers[..] else { anyhow::bail!("wrk said {line}") };
        let seconds = microseconds / 1e6;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let broken = broken as u64;
        Ok(Answers { good: (all - refused) / seconds, refused: refused / seconds, broken })
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.script); // in the temporary folder, and small
    }
}
