//! The command line.

mod archive;
pub mod config;
mod demo;
pub mod dev_db;
mod distribute;
mod export;
mod import;
mod keys;
mod progress;
mod replay;
mod serve;
mod session;
mod stop_signals;

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, FromArgMatches as _, Parser, Subcommand};

use self::config::{DatabaseArgs, LogArgs, ServeArgs};
use crate::{
    domain::time,
    graphql,
    observability::{logging, otlp::Export},
};

/// A self-hosted GraphQL gateway over Postgres for air-quality sensors
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = false)]
struct Cli {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (the default)
    Serve(Box<ServeArgs>),
    /// Bring the database schema up to date, then exit
    Migrate,
    /// Print the GraphQL schema, then exit
    Schema,
    /// Create, list and revoke keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Record files of samples, of any length. Importing a file twice is safe: duplicates are counted, not stored
    Import(import::Import),
    /// Write measurements, statistics, cells, devices or trips to a file
    Export(export::ExportArgs),
    /// Write each finished month of measurements to a Parquet file, or compare these files with the database
    Archive(archive::ArchiveArgs),
    /// Fill the database with simulated bicycles and stations
    Demo(demo::Demo),
    /// Decode stored uplinks again, and record their samples
    Replay(replay::Replay),
    /// Distribute the tables over the workers of a Citus cluster
    Distribute(distribute::DistributeArgs),
    DevDb(dev_db::DevDb),
}

/// Runs the command given by the arguments. An error is printed as one line.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or_else(default_command);
    let traces = match matches!(command, Command::Serve(_)).then(Export::start).transpose() {
        Ok(traces) => traces,
        Err(reason) => return report_failure(&anyhow::anyhow!(reason)),
    };
    if let Err(error) = logging::init(&cli.log.log, cli.log.log_format, traces.as_ref()) {
        return report_failure(&anyhow::anyhow!("--log: {error}"));
    }
    traces.iter().for_each(Export::log_status);
    let result = match command {
        Command::Serve(serve) => serve::run(&cli.database, &serve).await,
        Command::Migrate => session::migrate(&cli.database).await,
        Command::Schema => session::print(&graphql::sdl()),
        Command::Keys(command) => keys::run(&cli.database, command).await,
        Command::Import(import) => import::run(&cli.database, &import).await,
        Command::Export(arguments) => export::run(&cli.database, &arguments).await,
        Command::Archive(arguments) => archive::run(&cli.database, &arguments).await,
        Command::Demo(demo) => demo::run(&cli.database, &demo).await,
        Command::Replay(replay) => replay::run(&cli.database, &replay).await,
        Command::Distribute(arguments) => distribute::run(&cli.database, &arguments).await,
        Command::DevDb(arguments) => match cli.database.data_dir() {
            Ok(data_dir) => return dev_db::run(&data_dir, &arguments).await,
            Err(error) => Err(error.into()),
        },
    };
    if let Some(traces) = traces {
        traces.shutdown();
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report_failure(&error),
    }
}

/// `serve` with the settings of the environment.
fn default_command() -> Command {
    let command = ServeArgs::augment_args(clap::Command::new("airgraph"));
    let arguments = command.get_matches_from(["airgraph"]);
    Command::Serve(Box::new(ServeArgs::from_arg_matches(&arguments).unwrap_or_else(|error| error.exit())))
}

/// Parses a time argument.
fn parse_time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    time::parse(text).ok_or("not a time in RFC 3339, such as 2026-05-01T00:00:00Z")
}

#[expect(clippy::print_stderr, reason = "the final error of a command")]
fn report_failure(error: &anyhow::Error) -> ExitCode {
    eprintln!("airgraph: {error:#}");
    ExitCode::FAILURE
}
