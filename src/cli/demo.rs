//! `airgraph demo`: fills the database with a simulated town, and goes on in real time if wanted.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::MissedTickBehavior;

use super::{
    config::DatabaseArgs,
    progress,
    session::{Session, print},
    stop_signals::StopSignals,
};
use crate::{
    clock::Clock,
    db,
    db::{connect::Database, device::NewDevice, embedded::LockPolicy},
    demo::{LiveUploads, Simulation},
    domain::time::EARLIEST_TIME,
    recorder::{Receipt, Recorder, Submission},
};

/// Submissions in flight: enough for the writers to batch some while they commit.
const MAX_IN_FLIGHT_SUBMISSIONS: usize = 8;
/// Interval between uploads with `--live`.
const LIVE_INTERVAL: Duration = Duration::from_secs(1);
/// Devices with `--live`, whose samples of a day are in memory: about 0.5 MB of a bicycle.
const MAX_LIVE_DEVICES: usize = 200;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Simulation")]
pub(super) struct Demo {
    /// Bicycles, each with 2 to 4 rides a day (UTC) and a sample every 3 seconds
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(..=1000))]
    bikes: u16,

    /// Fixed stations, each with a sample every 5 minutes
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(..=1000))]
    stations: u16,

    /// Start of the data, such as 2026-05-01T00:00:00Z; without it, --days before today, up to now
    #[arg(long, value_parser = super::parse_time)]
    from: Option<DateTime<Utc>>,

    /// Number of days
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,

    /// Seed: another number gives the same devices other rides and other air, in addition to what is recorded already
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Go on sending in real time until stopped with Ctrl+C, at most 200 devices; for a gateway that runs on the same
    /// database
    #[arg(long)]
    live: bool,
}

/// Outcome counts of the samples.
#[derive(Debug, Default)]
struct DemoResult {
    recorded: usize,
    duplicates: usize,
    rejected: usize,
}

pub(super) async fn run(database: &DatabaseArgs, demo: &Demo) -> anyhow::Result<()> {
    let (clock, started) = (Clock::system(), Instant::now());
    let simulation = demo.simulation(clock.now())?;
    let session = Session::open(database, 1, LockPolicy::Attach).await?;
    let (recorder, writers) = Recorder::start(&session.database.writes, &clock);
    let outcome = async {
        let filled = record_simulation(&session.database, &recorder, &simulation, clock.now()).await?;
        print(&summary(&filled, simulation.devices().len(), started.elapsed()))?;
        if demo.live { record_live(&recorder, &simulation, &clock).await } else { Ok(()) }
    };
    let outcome = outcome.await;
    writers.drain().await;
    let closed = session.close().await;
    outcome.context("the demo ended early; run it again, it records what is missing")?;
    closed // reported last: its cause may be the cause of the early end
}

impl Demo {
    fn simulation(&self, now: DateTime<Utc>) -> anyhow::Result<Simulation> {
        ensure!(self.bikes > 0 || self.stations > 0, "--bikes and --stations: there is nothing to simulate");
        let devices = usize::from(self.bikes) + usize::from(self.stations);
        ensure!(!self.live || devices <= MAX_LIVE_DEVICES, "--live: at most {MAX_LIVE_DEVICES} devices");
        let days = TimeDelta::days(self.days.into());
        let (from, until) = match self.from {
            Some(from) => {
                ensure!(from >= EARLIEST_TIME, "--from: nothing before {EARLIEST_TIME} can be recorded");
                ensure!(from < now, "--from: lies in the future");
                (from, now.min(from + days))
            }
            None => (now.date_naive().and_time(NaiveTime::MIN).and_utc() - days, now),
        };
        ensure!(!self.live || until == now, "--live: the days from --from must reach the present");
        Ok(Simulation::new(self.seed, self.bikes, self.stations, from, until, now))
    }
}

/// Registers the devices and records all their samples, day by day.
async fn record_simulation(
    database: &Database,
    recorder: &Recorder,
    simulation: &Simulation,
    now: DateTime<Utc>,
) -> anyhow::Result<DemoResult> {
    for device in simulation.devices() {
        let new = NewDevice {
            key: device.key.clone(),
            name: Some(device.name.clone()),
            kind: device.kind,
            position: device.position,
            licence: Some(device.licence.to_owned()),
            attribution: device.attribution.map(str::to_owned),
        };
        db::device::insert(&database.writes, &new, now).await?; // an existing device stays unchanged
    }
    let device_days = simulation.dates().count() * simulation.devices().len();
    let bar = progress::bar(u64::try_from(device_days).ok(), "{bar:40} {pos}/{len} days of devices, {eta} left");
    // Simulated only when there is room in flight, so that a year needs no more memory than a day.
    let days = simulation.dates().flat_map(|date| simulation.devices().iter().map(move |device| (device, date)));
    let submissions = days.inspect(|_| bar.inc(1)).flat_map(|(device, date)| simulation.submissions(device, date));
    let outcome = record_all(recorder, submissions).await;
    bar.finish_and_clear();
    outcome
}

/// Records what arrives from the end of the simulated time on, until a signal stops it.
async fn record_live(recorder: &Recorder, simulation: &Simulation, clock: &Clock) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    let mut uploads = LiveUploads::new(simulation, simulation.until());
    let mut interval = tokio::time::interval(LIVE_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    print("sending in real time; stop with Ctrl+C\n")?;
    let mut sent = 0;
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            () = stop.received() => return print(&format!("{sent} samples sent in real time\n")),
        }
        let outcome = record_all(recorder, uploads.take_due(clock.now())).await?;
        sent += outcome.recorded;
        tracing::debug!(recorded = outcome.recorded, duplicates = outcome.duplicates, "live samples sent");
    }
}

async fn record_all(
    recorder: &Recorder,
    submissions: impl IntoIterator<Item = Submission>,
) -> anyhow::Result<DemoResult> {
    let outcome = stream::iter(submissions)
        .map(|submission| recorder.record_with_retry(submission))
        .buffer_unordered(MAX_IN_FLIGHT_SUBMISSIONS)
        .try_fold(DemoResult::default(), async |outcome, receipt| Ok(outcome.add(&receipt)))
        .await?;
    Ok(outcome)
}

impl DemoResult {
    fn add(self, receipt: &Receipt) -> Self {
        Self {
            recorded: self.recorded + receipt.recorded,
            duplicates: self.duplicates + receipt.duplicates,
            rejected: self.rejected + receipt.rejected.len(),
        }
    }
}

fn summary(outcome: &DemoResult, devices: usize, took: Duration) -> String {
    let DemoResult { recorded, duplicates, rejected } = outcome;
    // Reached only with hundreds of seeds on one database: the recorder bounds the samples of a device at one time.
    let rejected = if *rejected > 0 { format!(", {rejected} rejected") } else { String::new() };
    format!(
        "{devices} devices: {recorded} recorded, {duplicates} duplicates{rejected} in {:.1} s. \
         To see them, run `airgraph serve` and open its / in a browser\n",
        took.as_secs_f64()
    )
}
