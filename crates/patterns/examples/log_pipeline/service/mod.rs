//! The service: what it is made of, how the parts are joined, and how it ends.
//!
//! | file | its idea | stands on |
//! |---|---|---|
//! | `lines`, `record` | bytes, lines, what a line says | |
//! | `tail`, `folder` | a file that is renamed and truncated; the folder that it is in | |
//! | `follow` | the task that takes lines in | `fan`, mpsc |
//! | `tally` | what goes through the pipeline | `pipeline` |
//! | `store`, `count` | the counts, and the task that owns them | `request` |
//! | `protocol`, `client`, `listen` | questions, clients, a limit to both | `request`, `shutdown` |
//! | `settings` | what can be changed while it runs, and the task that reads it again | `config`, `actor` |
//! | `events` | what happens, for whoever wants to know | `events` |

mod client;
mod count;
mod events;
mod folder;
mod follow;
mod lines;
mod listen;
mod protocol;
mod record;
mod settings;
mod store;
mod tail;
mod tally;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use narrows_mpsc as mpsc;
use narrows_oneshot as oneshot;
use narrows_patterns::actor;
use narrows_patterns::pipeline::{Pipeline, Stage};
use narrows_patterns::request;
use narrows_patterns::shutdown::{Report, Shutdown};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use client::Desk;
use events::Listener;
use folder::Folder;
use follow::Follower;
use settings::{Publisher, Reloader, Settings};
use store::Store;
use tally::Item;

/// Pieces of files that wait for the pipeline.
const PIECES: usize = 8;

/// Requests of one kind that wait.
const REQUESTS: usize = 16;

/// How long the log may take for the last events.
const LAST_EVENTS: Duration = Duration::from_millis(100);

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Paths {
    pub(crate) folder: PathBuf,
    pub(crate) socket: PathBuf,
    pub(crate) settings: PathBuf,
}

/// How it ended.
#[derive(Debug)]
struct Outcome {
    report: Report<String>,
    /// Absent if their owner has not got to the end.
    counts: Option<Store>,
    errors: Vec<String>,
}

impl Outcome {
    /// Whether every line that was there at the end is in the counts.
    fn is_complete(&self) -> bool {
        self.report.is_clean() && self.counts.is_some() && self.errors.is_empty()
    }
}

/// Runs the service until it stops, and prints the counts. A failure, if they may not be complete.
pub(crate) fn run(paths: Paths) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new().context("cannot start the runtime")?;
    let outcome = runtime.block_on(serve(paths))?;
    // A read that hangs in the system would hold up the end.
    runtime.shutdown_background();

    if !outcome.report.is_clean() {
        eprintln!("log_pipeline: {}", outcome.report);
    }
    for error in &outcome.errors {
        eprintln!("log_pipeline: {error}");
    }
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "stopped {}", outcome.report)?;
    for row in outcome.counts.iter().flat_map(Store::report) {
        writeln!(out, "{row}")?;
    }
    out.flush()?;
    Ok(match outcome.is_complete() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Starts everything, and waits for the end.
async fn serve(paths: Paths) -> anyhow::Result<Outcome> {
    let settings = read_settings(&paths.settings)?;
    let limit = Duration::from_millis(settings.get().stop_within_ms);
    let folder = paths.folder;
    ensure!(folder.is_dir(), "{} is no folder", folder.display());

    // From here on signals are kept, so none that comes too early is missed.
    let shutdown = Shutdown::new(limit);
    shutdown
        .stop_on_signals()
        .context("cannot listen to signals")?;
    let hangup = signal(SignalKind::hangup()).context("cannot listen to signals")?;
    let listener = listen::bind(&paths.socket).await?;

    let events = events::topic();
    let log = tokio::spawn(events::log(Listener::new(&events, "log")));

    let (lines, items) = mpsc::channel::<Item>(PIECES);
    let mut parser = settings.subscribe("parser");
    let parse = move |item: Item| {
        let key_field = parser.get().key_field;
        async move { Ok(item.parse(key_field)) }
    };
    let pipeline = Pipeline::from_channel(items).stage(Stage::new("parse").concurrency(2), parse);

    let (queries, query_server) = request::channel(REQUESTS);
    let (catch_ups, catch_up_server) = request::channel(REQUESTS);
    let reloader = Reloader {
        path: paths.settings,
        publisher: Arc::clone(&settings),
        events: events.clone(),
    };
    let (reloads, reloader) = actor::start(reloader, REQUESTS);
    let desk = Desk {
        queries,
        catch_ups,
        reloads: reloads.clone(),
        settings: Arc::clone(&settings),
        progress: pipeline.progress(),
        events: events.clone(),
    };
    let follower = Follower {
        folder: Some(Folder::new(folder)),
        settings: settings.subscribe("follower"),
        events: events.clone(),
        out: lines,
    };

    let (counts_tx, mut counts_rx) = oneshot::channel();
    let (follower_tx, mut follower_rx) = oneshot::channel();
    let owner = count::run(pipeline, query_server, settings.subscribe("owner"));
    let failed = shutdown.clone();
    shutdown.spawn("owner of the counts", move |_| async move {
        let (counts, end) = owner.await;
        let end = end.map_err(|error| failing(&failed, error.to_string()));
        // An error, here and below: the time is up, and nobody waits any more.
        let _ = counts_tx.send((counts, end));
    })?;
    let failed = shutdown.clone();
    shutdown.spawn_intake("follower", move |stop| async move {
        let end = follower.run(catch_up_server, stop).await;
        let _ = follower_tx.send(end.map_err(|error| failing(&failed, format!("{error:#}"))));
    })?;
    let failed = shutdown.clone();
    shutdown.spawn("reloader", move |stop| async move {
        let end = settings::reload_on_hangup(reloads, reloader, hangup, stop).await;
        // None of the lines is lost: no error of the service.
        drop(end.map_err(|error| failing(&failed, error.to_string())));
    })?;
    let scope = shutdown.clone();
    shutdown.spawn_intake("listener", move |stop| {
        listen::run(listener, desk, scope, stop)
    })?;
    println!("listening at {}", paths.socket.display());

    let report = shutdown.wait().await;
    let _ = std::fs::remove_file(&paths.socket);
    // The log ends with the last publisher.
    drop(events);
    let _ = timeout(LAST_EVENTS, log).await;
    let (counts, owner_end) = counts_rx.try_recv().ok().unzip();
    // An end that is missing is in the report.
    let ends = [owner_end, follower_rx.try_recv().ok()];
    Ok(Outcome {
        report,
        counts,
        errors: ends.into_iter().flatten().filter_map(Result::err).collect(),
    })
}

fn read_settings(path: &Path) -> anyhow::Result<Arc<Publisher>> {
    let settings = Settings::read(path).map_err(|error| anyhow!(error))?;
    let publisher = settings.publisher();
    let publisher = publisher.map_err(|error| anyhow!("{}: {error}", path.display()))?;
    Ok(Arc::new(publisher))
}

/// Without this task the service is of no use: it stops.
fn failing(shutdown: &Shutdown<String>, error: String) -> String {
    shutdown.request(error.clone());
    error
}
