//! The service as a process.
//!
//! Nothing here sleeps and hopes: each wait is for a condition, and only fails at the [`WATCHDOG`].

use std::env::consts::EXE_SUFFIX;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Answer, Client};
use crate::report::Report;

/// When a wait is given up: much longer than anything takes, also on a machine with other things to do.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

/// Settings under which the service looks at the files only when a test asks it to, or stops it.
pub(crate) const ON_DEMAND: &str = "poll_ms = 600000\nclient_timeout_ms = 60000\n";

/// A running service, in a folder of its own.
pub(crate) struct Service {
    child: Child,
    root: PathBuf,
    /// What it prints, line by line.
    stdout: Mutex<mpsc::Receiver<String>>,
}

impl Service {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(settings: &str) -> Self {
        let root = scratch();
        fs::create_dir(root.join("logs")).expect("a folder");
        Self::start_in(root, settings)
    }

    /// Starts it in a folder in which another has run.
    pub(crate) fn start_in(root: PathBuf, settings: &str) -> Self {
        fs::write(root.join("settings.toml"), settings).expect("the settings can be written");
        let mut child = command(&root)
            .stdout(Stdio::piped())
            .stderr(File::create(root.join("stderr")).expect("a file"))
            .spawn()
            .expect("the service can be started");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (tx, stdout) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // An error: the test is over.
                let _ = tx.send(line);
            }
        });
        let service = Self {
            child,
            root,
            stdout: Mutex::new(stdout),
        };
        let first = service.stdout.lock().unwrap().recv_timeout(WATCHDOG);
        let listens = first.is_ok_and(|line| line.starts_with("listening at "));
        assert!(listens, "the service did not start: {}", service.stderr());
        service
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.root.join("stderr")).unwrap_or_default()
    }

    pub(crate) fn configure(&self, settings: &str) {
        fs::write(self.root.join("settings.toml"), settings).expect("the settings can be written");
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(status.expect("there is a kill").success());
    }

    pub(crate) fn client(&self) -> Client {
        let stream = UnixStream::connect(self.root.join("socket")).expect("the service listens");
        Client::new(stream)
    }

    /// Asks by a connection of its own.
    pub(crate) fn ask(&self, request: &str) -> Result<Answer, String> {
        self.client().ask(request)
    }

    /// The rows of an answer.
    pub(crate) fn rows(&self, request: &str) -> Vec<String> {
        self.ask(request).expect(request).rows
    }

    /// Waits until everything in the files is counted.
    pub(crate) fn sync(&self) {
        assert_eq!(self.rows("sync"), [""; 0]);
    }

    /// One of the totals.
    pub(crate) fn total(&self, name: &str) -> u64 {
        let rows = self.rows("totals");
        let row = rows
            .iter()
            .find_map(|row| row.strip_prefix(name)?.strip_prefix(' '));
        row.expect(name).parse().expect("a number")
    }

    /// Sends SIGTERM, and reads the report.
    pub(crate) fn terminate(&mut self) -> Report {
        self.signal("TERM");
        self.report()
    }

    /// Waits for the end.
    pub(crate) fn report(&mut self) -> Report {
        let status = self.status();
        let lines: Vec<_> = self.stdout.lock().unwrap().iter().collect();
        Report::read(status, &lines)
    }

    fn status(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the service ends", || {
            status = self.child.try_wait().expect("it is our child");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Ends it without warning, and leaves its folder to the next.
    pub(crate) fn kill(mut self) -> PathBuf {
        self.child.kill().expect("it runs");
        self.status();
        std::mem::take(&mut self.root)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // An error: it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.root.as_os_str().is_empty() {
            return;
        }
        if thread::panicking() {
            eprintln!("the log of the service:\n{}", self.stderr());
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A new folder. Not in the target folder: the path of a socket has a limit of about 100 bytes.
pub(crate) fn scratch() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("narrows-logs-{}-{number}", std::process::id());
    let root = std::env::temp_dir().join(name);
    fs::create_dir(&root).expect("a temporary folder");
    root
}

/// The command that starts the service in a folder.
pub(crate) fn command(root: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .arg(root.join("logs"))
        .arg(root.join("socket"))
        .arg(root.join("settings.toml"));
    command
}

/// The example's program: cargo puts it into `examples`, beside the folder `deps` of this test.
///
/// `cargo test --test log_pipeline` does not build it, so it may be missing, or older than its source.
fn program() -> PathBuf {
    const CURE: &str = "build it: cargo build -p narrows-patterns --example log_pipeline";
    let this = std::env::current_exe().expect("the path of this test");
    let profile = this.parent().and_then(Path::parent).expect("target/debug");
    let examples = profile.join("examples");
    let program = examples.join(format!("log_pipeline{EXE_SUFFIX}"));
    let built = fs::metadata(&program).and_then(|metadata| metadata.modified());
    let built = built.unwrap_or_else(|error| panic!("{}: {error}; {CURE}", program.display()));

    // Cargo lists what the program is made of: `program: source source …`, with `\ ` for a space in a path.
    let list = fs::read_to_string(examples.join("log_pipeline.d")).unwrap_or_default();
    let sources = list.split_once(": ").map_or("", |(_, sources)| sources);
    for source in sources.trim_end().replace("\\ ", "\0").split(' ') {
        let source = source.replace('\0', " ");
        let modified = fs::metadata(&source).and_then(|metadata| metadata.modified());
        let is_older = modified.is_ok_and(|modified| modified > built);
        assert!(!is_older, "log_pipeline is older than {source}; {CURE}");
    }
    program
}

/// Waits for a condition.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < WATCHDOG, "in vain: wait until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Tells the other threads of a test to end, also if it fails: otherwise it would wait for them.
pub(crate) struct EndOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
