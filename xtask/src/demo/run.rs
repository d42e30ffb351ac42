//! Running one program under a time limit, with what it prints.
//!
//! Each of its two pipes has a thread that reads it, so that a program which prints much never
//! waits for us. The limit holds for the program; what it printed is taken as soon as both pipes
//! are closed, or a moment after the program ended, since a process that it started may keep them
//! open for as long as it likes.

use std::env;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use wait_timeout::ChildExt;

/// How long the pipes may stay open after the program ended.
const GRACE: Duration = Duration::from_secs(1);

/// How much of a program's output is kept.
const KEPT: usize = 1 << 20;

/// A program that ran.
#[derive(Debug)]
pub struct Run {
    /// Its exit status; `None` if it was killed at the time limit.
    pub status: Option<ExitStatus>,
    /// What it wrote to stdout, up to the first MiB.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr, up to the first MiB.
    pub stderr: Vec<u8>,
    /// Whether it wrote more than was kept.
    pub cut: bool,
    /// Whether a process that it started still holds its output.
    pub held_open: bool,
    /// From its start to its end.
    pub elapsed: Duration,
}

/// Runs a program to its end, or kills it when the time is over. With `echo`, what it prints is
/// printed as it comes.
///
/// The program has nothing to read, and none of the variables that change what a demo prints.
pub fn run(program: &Path, folder: &Path, timeout: Duration, echo: bool) -> anyhow::Result<Run> {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os().filter(|(name, _)| changes_output(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").current_dir(folder);
    limited(&mut command, timeout, echo)
}

/// As [`run`], for a command whose surroundings are the caller's.
pub fn limited(command: &mut Command, timeout: Duration, echo: bool) -> anyhow::Result<Run> {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| {
            format!(
                "{} does not start",
                Path::new(command.get_program()).display()
            )
        })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stdout = Capture::start(stdout.context("no stdout")?, echo.then(io::stdout));
    let stderr = Capture::start(stderr.context("no stderr")?, echo.then(io::stderr));

    let status = child.wait_timeout(timeout)?;
    if status.is_none() {
        child.kill()?;
        child.wait()?;
    }
    let elapsed = started.elapsed();
    let (stdout, stderr) = (stdout.finish(), stderr.finish());
    Ok(Run {
        status,
        cut: stdout.cut || stderr.cut,
        held_open: stdout.open || stderr.open,
        stdout: stdout.bytes,
        stderr: stderr.bytes,
        elapsed,
    })
}

fn changes_output(variable: &str) -> bool {
    ["RUST_", "NARROWS_", "TOKIO_"]
        .iter()
        .any(|prefix| variable.starts_with(prefix))
        || ["FORCE_COLOR", "CLICOLOR_FORCE"].contains(&variable)
}

/// What came through a pipe.
#[derive(Clone, Debug, Default)]
struct Captured {
    bytes: Vec<u8>,
    cut: bool,
    open: bool,
}

/// A pipe that a thread of its own reads.
#[derive(Debug)]
struct Capture {
    captured: Arc<Mutex<Captured>>,
    closed: Receiver<()>,
}

impl Capture {
    fn start(
        mut pipe: impl Read + Send + 'static,
        mut echo: Option<impl Write + Send + 'static>,
    ) -> Self {
        let captured = Arc::new(Mutex::new(Captured::default()));
        let (closing, closed) = mpsc::channel::<()>();
        let shared = Arc::clone(&captured);
        thread::spawn(move || {
            let mut chunk = [0; 8192];
            // A pipe that can't be read is as good as closed.
            while let Ok(length @ 1..) = pipe.read(&mut chunk) {
                let mut captured = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let kept = length.min(KEPT - captured.bytes.len());
                captured.bytes.extend_from_slice(&chunk[..kept]);
                captured.cut |= kept < length;
                drop(captured);
                let write = |out: &mut _| Write::write_all(out, &chunk[..length]);
                if echo
                    .as_mut()
                    .is_some_and(|out| write(out).and_then(|()| out.flush()).is_err())
                {
                    // Nobody looks: the main thread finds out when it prints the verdict.
                    echo = None;
                }
            }
            drop(closing);
        });
        Self { captured, closed }
    }

    fn finish(self) -> Captured {
        let open = self.closed.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout);
        let mut captured = self.captured.lock().unwrap_or_else(PoisonError::into_inner);
        Captured {
            open,
            ..std::mem::take(&mut *captured)
        }
    }
}
