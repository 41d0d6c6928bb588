//! Logs.

use std::{
    io::{self, IsTerminal as _},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::otlp::Export;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line, for programs.
    Json,
}

/// Decides whether a line is logged that thousands of events would repeat: one in ten seconds is.
#[derive(Debug, Default)]
pub(crate) struct LogThrottle(Mutex<Option<Instant>>);

impl LogThrottle {
    const INTERVAL: Duration = Duration::from_secs(10);

    /// Whether to log now.
    pub fn is_due(&self) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = logged.is_none_or(|at| at.elapsed() > Self::INTERVAL);
        if is_due {
            *logged = Some(Instant::now());
        }
        is_due
    }
}

/// The levels that may be logged at any setting: at the level `trace` libraries log what they receive (tungstenite whole frames,
/// hyper heads), keys included. For all layers, since combined with the filter of one layer it loses spans of the other.
fn without_secrets() -> Targets {
    Targets::new().with_default(Level::DEBUG).with_target("airgraph", Level::TRACE)
}

/// Starts logging to standard error; standard output is for what a command prints. What is logged and what is exported are
/// chosen apart.
///
/// # Errors
/// When the filter can't be read.
pub(crate) fn start(
    filter: &str,
    format: LogFormat,
    traces: Option<&Export>,
) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(filter)?;
    let registry = tracing_subscriber::registry().with(traces.and_then(Export::layer)).with(without_secrets());
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
