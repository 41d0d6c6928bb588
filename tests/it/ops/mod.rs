//! What an operator uses: commands, metrics, shutdown.

pub mod cli;
mod demo;
mod distribute;
mod metrics;
mod shutdown;
