//! Where the tasks of a scenario run.

use std::future::Future;
use std::sync::mpsc;
use std::thread;

use tokio::runtime::{Builder, Handle};

/// The runtimes of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// tokio's current-thread runtime.
    OneThread,
    /// tokio's multi-thread runtime with so many workers.
    Workers(usize),
    /// Two threads, each pinned to a core of its own, each with a current-thread runtime: the driver on one,
    /// the tasks that it spawns on the other.
    PinnedPair,
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OneThread => write!(f, "one thread"),
            Self::Workers(workers) => write!(f, "{workers} workers"),
            Self::PinnedPair => write!(f, "two pinned threads"),
        }
    }
}

/// The place for tasks beside the driver.
#[derive(Clone)]
pub struct Stage {
    far: Handle,
}

impl Stage {
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.far.spawn(task);
    }
}

impl Setting {
    /// Whether this machine has it.
    pub fn is_possible(self) -> bool {
        self != Self::PinnedPair
            || core_affinity::get_core_ids().is_some_and(|cores| cores.len() >= 2)
    }

    /// Runs the driver as a task; returns what it returns.
    pub fn run<D, F>(self, driver: D) -> F::Output
    where
        D: FnOnce(Stage) -> F,
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        match self {
            Self::OneThread => on_one(Builder::new_current_thread(), driver),
            Self::Workers(workers) => {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(workers);
                on_one(builder, driver)
            }
            Self::PinnedPair => on_two(driver),
        }
    }
}

/// Binds the calling thread to the first core, or to the second.
pub fn pin_to(core: usize) {
    let cores = core_affinity::get_core_ids().expect("the cores are known");
    core_affinity::set_for_current(cores[core]);
}

fn on_one<D, F>(mut builder: Builder, driver: D) -> F::Output
where
    D: FnOnce(Stage) -> F,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let runtime = builder.build().expect("tokio's runtime starts");
    let stage = Stage {
        far: runtime.handle().clone(),
    };
    runtime
        .block_on(runtime.spawn(driver(stage)))
        .expect("the driver does not panic")
}

fn on_two<D, F>(driver: D) -> F::Output
where
    D: FnOnce(Stage) -> F,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let (handle_tx, handle_rx) = mpsc::channel();
    let (stop_tx, stop_rx) = tokio::sync::oneshot::channel::<()>();
    let far = thread::spawn(move || {
        pin_to(1);
        let runtime = Builder::new_current_thread()
            .build()
            .expect("tokio's runtime starts");
        handle_tx
            .send(runtime.handle().clone())
            .expect("the driver waits for the handle");
        let _ = runtime.block_on(stop_rx);
    });
    pin_to(0);
    let stage = Stage {
        far: handle_rx.recv().expect("the other thread has started"),
    };
    let runtime = Builder::new_current_thread()
        .build()
        .expect("tokio's runtime starts");
    let output = runtime
        .block_on(runtime.spawn(driver(stage)))
        .expect("the driver does not panic");
    drop(stop_tx);
    far.join().expect("the other thread does not panic");
    output
}
