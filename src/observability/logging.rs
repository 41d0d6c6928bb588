//! Logs.

use std::{
    io::{self, IsTerminal as _},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer as _,
    filter::{ParseError, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::otlp::Export;

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// Throttles a log line that thousands of events would repeat: one in ten seconds is logged.
#[derive(Debug, Default)]
pub(crate) struct LogThrottle(Mutex<Option<Instant>>);

impl LogThrottle {
    const MIN_LOG_INTERVAL: Duration = Duration::from_secs(10);

    /// Whether to log now.
    pub fn is_due(&self) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = logged.is_none_or(|at| at.elapsed() > Self::MIN_LOG_INTERVAL);
        if is_due {
            *logged = Some(Instant::now());
        }
        is_due
    }
}

/// Parses a setting such as `info,airgraph=trace`. Libraries are logged at `debug` at most: at `trace` they log what
/// they receive (tungstenite whole frames, hyper heads), keys included.
///
/// It is one filter of one layer: with a second layer without a filter, spans would be created that no layer wants, and
/// a combination of filters loses spans of the other layer.
fn parse_levels(setting: &str) -> Result<Targets, ParseError> {
    let setting: Targets = setting.parse()?;
    let mut levels = Targets::new();
    if let Some(level) = setting.default_level() {
        levels = levels.with_default(level.min(LevelFilter::DEBUG)).with_target(OWN_TARGET, level);
    }
    let is_own = |target: &str| target.starts_with(OWN_TARGET);
    let capped = |(target, level): (&str, LevelFilter)| {
        let level = if is_own(target) { level } else { level.min(LevelFilter::DEBUG) };
        (target.to_owned(), level)
    };
    Ok(levels.with_targets(setting.iter().map(capped)))
}

/// Target of the gateway's own events.
const OWN_TARGET: &str = "airgraph";

/// Starts logging to standard error; standard output is for the output of commands. Logs and traces are configured
/// independently.
///
/// # Errors
/// When the filter is invalid.
pub(crate) fn init(filter: &str, format: LogFormat, traces: Option<&Export>) -> Result<(), ParseError> {
    let filter = parse_levels(filter)?;
    let registry = tracing_subscriber::registry().with(traces.and_then(Export::layer));
    let started = match format {
        LogFormat::Pretty => {
            let layer = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).with_target(false);
            registry.with(layer.with_filter(filter)).try_init()
        }
        LogFormat::Json => {
            let layer = fmt::layer().json().with_writer(io::stderr).flatten_event(true).with_current_span(false);
            registry.with(layer.with_filter(filter)).try_init()
        }
    };
    drop(started); // a second start in one process (tests) keeps the first
    Ok(())
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_are_logged_at_debug_at_most() {
        for (setting, target, level, is_logged) in [
            ("info", "sqlx::query", Level::INFO, true),
            ("info", "sqlx::query", Level::DEBUG, false),
            ("trace", "airgraph::http", Level::TRACE, true),
            ("trace", "tungstenite::protocol", Level::DEBUG, true),
            ("trace", "tungstenite::protocol", Level::TRACE, false),
            ("info,tungstenite=trace", "tungstenite::protocol", Level::DEBUG, true),
            ("info,tungstenite=trace", "tungstenite::protocol", Level::TRACE, false),
            ("hyper", "hyper::proto", Level::TRACE, false),
            ("warn,airgraph=trace", "airgraph::db", Level::TRACE, true),
            ("trace,airgraph=warn", "airgraph::db", Level::INFO, false),
            ("info,sqlx::postgres::notice=warn", "sqlx::postgres::notice", Level::INFO, false),
            ("off", "airgraph", Level::ERROR, false),
        ] {
            let levels = parse_levels(setting).expect("a setting");
            assert_eq!(levels.would_enable(target, &level), is_logged, "{setting}: {target} {level}");
        }
        assert!(parse_levels("airgraph=loud").is_err());
    }
}
