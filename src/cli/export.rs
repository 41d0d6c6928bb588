//! `airgraph export`: writes rows to a file, with the parameters of `GET /export`.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use futures_util::StreamExt as _;
use tokio::{
    fs::{self, File},
    io::{AsyncWrite, AsyncWriteExt as _},
};

use super::{config::DatabaseArgs, progress, session::Session};
use crate::{
    api_error::ApiError,
    auth::Caller,
    clock::Clock,
    config::security::SecuritySettings,
    db::{embedded::LockPolicy, replicas::Replicas},
    export::{self, ExportContext, ExportRequest, ExportStream},
    graphql::context::GatewayInfo,
    http::state::AppState,
    limits::{Limits, ReadLimits, rate_limit::CallerId},
};

/// Time limit of a page: there is no client that waits.
const PAGE_TIMEOUT: Duration = Duration::from_mins(5);
/// Added to the name of a file that is not complete yet.
const PART_EXTENSION: &str = "part";

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Export")]
pub(super) struct ExportArgs {
    /// Rows and format, such as measurements.csv: measurements, statistics, cells, devices or trips as csv, ndjson, geojson or
    /// parquet
    #[arg(value_name = "ROWS.FORMAT")]
    file: String,

    /// Parameters as in the URL of an export, such as device=bike-07 or from=2026-05-01T00:00:00Z
    #[arg(value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<(String, String)>,

    /// The file to write; without it, standard output
    #[arg(long, short)]
    output: Option<PathBuf>,
}

fn parse_parameter(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE, such as device=bike-07")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) async fn run(database: &DatabaseArgs, arguments: &ExportArgs) -> anyhow::Result<()> {
    let (subject, format) = export::parse_file_name(&arguments.file)
        .ok_or_else(|| anyhow!("{}: there is no such export; an example is measurements.csv", arguments.file))?;
    let request = ExportRequest::parse(subject, format, arguments.parameters.clone()).map_err(plain)?;
    let session = Session::open_with_timeout(database, 2, PAGE_TIMEOUT, LockPolicy::Attach).await?;
    let about = GatewayInfo {
        public_read: true,
        security_profile: SecuritySettings::default(),
        limits: Limits {
            reading: ReadLimits { database_time_per_anonymous_request: PAGE_TIMEOUT, ..ReadLimits::default() },
            ..Limits::default()
        },
        slow_operation_threshold: Duration::MAX,
        database_host: session.options.get_host().to_owned(),
        database_port: session.options.get_port(),
    };
    let (app, writers) = AppState::start(session.database.clone(), Replicas::default(), Clock::system(), about);
    let context = ExportContext {
        schema: app.schema.clone(),
        state: app.state.clone(),
        page_timeout: PAGE_TIMEOUT,
        caller: Caller::Anonymous,
        payer: CallerId::Address(std::net::Ipv4Addr::LOCALHOST.into()),
    };
    let outcome = async {
        let stream = export::start(context, &request).await.map_err(plain)?;
        if !stream.archived_months().is_empty() {
            tracing::warn!(months = ?stream.archived_months(), "measurements of these months are in an archive, not in this file");
        }
        match &arguments.output {
            Some(path) => write_file(path, stream).await,
            None => write_to_stdout(stream).await,
        }
    };
    let outcome = outcome.await;
    app.shutdown.cancel();
    writers.drain().await;
    session.close().await?;
    outcome
}

fn plain(error: ApiError) -> anyhow::Error {
    match error {
        ApiError::Internal(cause) => cause,
        error => anyhow!(error.message()),
    }
}

/// Writes to a file of another name, which gets its name when it is complete.
async fn write_file(path: &Path, stream: ExportStream) -> anyhow::Result<()> {
    let part = path.with_added_extension(PART_EXTENSION);
    let context = || part.display().to_string();
    let mut file = File::create(&part).await.with_context(context)?;
    copy(stream, &mut file).await.with_context(context)?;
    file.sync_all().await.with_context(context)?;
    fs::rename(&part, path).await.with_context(|| path.display().to_string())
}

/// A closed pipe (`| head`) is no error.
async fn write_to_stdout(stream: ExportStream) -> anyhow::Result<()> {
    match copy(stream, &mut tokio::io::stdout()).await {
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe) => {
            Ok(())
        }
        outcome => outcome,
    }
}

async fn copy(mut stream: ExportStream, target: &mut (impl AsyncWrite + Unpin)) -> anyhow::Result<()> {
    let bar = progress::bar(None, "{spinner} {bytes} {bytes_per_sec}");
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        target.write_all(&chunk).await?;
        bar.inc(chunk.len() as u64);
    }
    target.flush().await?;
    bar.finish_and_clear();
    Ok(())
}
