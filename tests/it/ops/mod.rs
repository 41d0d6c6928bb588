//! What an operator uses: commands, metrics, shutdown.

pub mod cli;
mod demo;
mod metrics;
mod shutdown;
