//! `airgraph replay`: decodes stored uplinks again.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};

use super::{
    config::DatabaseArgs,
    progress,
    session::{Session, print},
};
use crate::{
    clock::Clock,
    db,
    db::{
        connect::Database,
        embedded::LockPolicy,
        uplink_page::{UplinkFilter, UplinkPage},
    },
    domain::uplink::UplinkOutcome,
    ingest::replay::{ReplayReport, replay},
    recorder::Recorder,
};

/// Uplinks per page. The progress bar advances after each page.
const REPLAY_PAGE_SIZE: i64 = 500;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which uplinks")]
pub(super) struct Replay {
    /// Uplinks received at this time or later, such as 2026-05-01T00:00:00Z
    #[arg(long, value_parser = super::parse_time)]
    from: Option<DateTime<Utc>>,

    /// Uplinks received before this time; without it, before now
    #[arg(long, value_parser = super::parse_time)]
    to: Option<DateTime<Utc>>,

    /// Uplinks of the device with this key; may be given several times. Undecodable uplinks have no device
    #[arg(long)]
    device: Vec<String>,

    /// Uplinks of this format, such as ttn-v2; may be given several times
    #[arg(long)]
    format: Vec<String>,

    /// Uplinks with this outcome
    #[arg(long, value_enum, default_value_t = OutcomeFilter::Undecodable)]
    outcome: OutcomeFilter,

    /// Uplinks with any outcome
    #[arg(long, conflicts_with = "outcome")]
    all: bool,

    /// Decode only, and record nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OutcomeFilter {
    /// Decoded and stored
    Recorded,
    /// Could not be decoded
    Undecodable,
}

pub(super) async fn run(database: &DatabaseArgs, arguments: &Replay) -> anyhow::Result<()> {
    let (clock, started) = (Clock::system(), Instant::now());
    let to = arguments.to.unwrap_or(clock.now()); // later uplinks are decoded by the current decoders
    ensure!(arguments.from.is_none_or(|from| from < to), "--from: must lie before --to, and before now");
    let session = Session::open(database, 2, LockPolicy::Attach).await?;
    let (recorder, writers) = Recorder::start(&session.database.writes, &clock);
    let replayed = replay_all(&session.database, &recorder, arguments, to).await;
    writers.drain().await;
    let closed = session.close().await;
    let replayed = replayed.context("the replay ended early; run it again, nothing is stored twice")?;
    closed?; // reported last: its cause may be the cause of the early end
    print(&summary(&replayed, arguments.dry_run, started.elapsed()))
}

/// Replays all uplinks that match the arguments, oldest first.
async fn replay_all(
    database: &Database,
    recorder: &Recorder,
    arguments: &Replay,
    to: DateTime<Utc>,
) -> anyhow::Result<ReplayReport> {
    let filter = arguments.filter(database, to).await?;
    let count = db::uplink_page::count(&database.reads, &filter).await?.rows;
    let bar = progress::bar(Some(u64::try_from(count).unwrap_or(0)), "{bar:40} {pos}/{len} uplinks, {eta} left");
    let mut page = UplinkPage { filter, descending: false, after: None, limit: REPLAY_PAGE_SIZE };
    let mut replayed = ReplayReport::default();
    loop {
        let uplinks = db::uplink_page::list(&database.reads, &page).await?;
        let Some(last) = uplinks.last() else { break };
        page.after = Some(last.key);
        replayed = replayed.merge(replay(database, recorder, &uplinks, arguments.dry_run).await?);
        bar.inc(u64::try_from(uplinks.len()).unwrap_or(0));
    }
    bar.finish_and_clear();
    Ok(replayed)
}

impl Replay {
    async fn filter(&self, database: &Database, to: DateTime<Utc>) -> anyhow::Result<UplinkFilter> {
        let devices = if self.device.is_empty() {
            None
        } else {
            let keys: Vec<_> = self.device.iter().map(String::as_str).collect();
            let ids = db::device::load_ids_by_keys(&database.reads, &keys).await?;
            let unknown = keys.iter().find(|key| !ids.contains_key(**key));
            ensure!(unknown.is_none(), "--device: there is no device {:?}", unknown.unwrap_or(&""));
            Some(ids.into_values().collect())
        };
        let outcome = match self.outcome {
            _ if self.all => None,
            OutcomeFilter::Recorded => Some(UplinkOutcome::Recorded),
            OutcomeFilter::Undecodable => Some(UplinkOutcome::Undecodable),
        };
        let formats = (!self.format.is_empty()).then(|| self.format.clone());
        Ok(UplinkFilter { from: self.from, to: Some(to), devices, formats, outcome })
    }
}

fn summary(replayed: &ReplayReport, dry_run: bool, took: Duration) -> String {
    let ReplayReport { uplinks, undecodable, skipped, recorded, duplicates, rejected, not_compared } = replayed;
    let samples = if dry_run {
        format!("{not_compared} samples, nothing recorded (--dry-run)")
    } else {
        format!("{recorded} samples recorded, {duplicates} stored before")
    };
    let skipped = if *skipped > 0 { format!(", {skipped} without a decoder") } else { String::new() };
    let took = took.as_secs_f64();
    format!("{uplinks} uplinks, {undecodable} undecodable{skipped}: {samples}, {rejected} rejected in {took:.1} s\n")
}
