//! `xtask model` on a workspace whose models only pretend: they list orderings, and fail when one that
//! they cover is weakened.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use pretty_assertions::assert_eq;

/// Exit status, stdout and stderr.
type Ran = (i32, String, String);

const CRATES: &[(&str, &str, &str)] = &[
    ("bad", BAD, MODELS),
    ("good", GOOD, MODELS),
    ("plain", "//! Has no models.", ""),
];

const BAD: &str = r"//! Each way to fail.
use std::sync::atomic::{AtomicU8, Ordering};
pub fn noticed(a: &AtomicU8) -> u8 {
    a.load(Ordering::Acquire)
}
pub fn survives(a: &AtomicU8) {
    a.store(1, Ordering::Release);
}
pub fn slow(a: &AtomicU8) -> u8 {
    a.swap(1, Ordering::Acquire)
}
pub fn unreached(a: &AtomicU8) -> u8 {
    a.load(Ordering::SeqCst)
}
pub fn untrue(a: &AtomicU8) -> u8 {
    // UNMODELLED: nothing notices this.
    a.load(Ordering::Acquire)
}
";

const GOOD: &str = r"//! Everything is covered or justified.
use std::sync::atomic::{AtomicU8, Ordering};
pub fn noticed(a: &AtomicU8) -> u8 {
    a.load(Ordering::Acquire)
}
pub fn justified(a: &AtomicU8) {
    // ORDERING: Release; for the fixture.
    // UNMODELLED: the checker
    // has no clock.
    a.store(1, Ordering::Release);
}
";

const MODELS: &str = r#"
use std::{env, fs::OpenOptions, io::Write, thread, time::Duration};

/// Does as narrows_core::sync does, and says whether the ordering is weakened.
fn meets(line_and_column: &str, ordering: &str) -> bool {
    let site = format!("{}/src/lib.rs:{line_and_column}:0", env!("CARGO_PKG_NAME").replace("narrows-", ""));
    if let Ok(list) = env::var("NARROWS_WEAKEN_LIST") {
        let mut list = OpenOptions::new().append(true).create(true).open(list).unwrap();
        writeln!(list, "{site} {ordering}").unwrap();
    }
    env::var("NARROWS_WEAKEN").is_ok_and(|target| target == format!("{site}=Relaxed"))
}

#[test]
fn covers() {
    assert!(cfg!(narrows_loom));
    assert!(!meets("4:7", "Acquire Load"));
    if cfg!(feature = "bad") {
        assert!(!meets("17:7", "Acquire Load"));
    }
}

#[test]
fn covers_nothing() {
    if cfg!(feature = "bad") {
        meets("7:7", "Release Store");
    } else {
        meets("10:7", "Release Store");
    }
}

#[test]
fn takes_long() {
    if cfg!(feature = "bad") && meets("10:7", "Acquire Rmw") {
        thread::sleep(Duration::from_secs(60));
    }
}
"#;

fn workspace() -> &'static Path {
    static WORKSPACE: OnceLock<PathBuf> = OnceLock::new();
    WORKSPACE.get_or_init(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("xtask/models");
        let members: Vec<_> = CRATES.iter().map(|(name, ..)| *name).collect();
        let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n");
        write(&root.join("Cargo.toml"), &manifest);
        for (name, source, models) in CRATES {
            let manifest = format!(
                "[package]\nname = \"narrows-{name}\"\nedition = \"2024\"\n\
                 [features]\ndefault = [\"{name}\"]\nbad = []\ngood = []\nplain = []\n"
            );
            write(&root.join(name).join("Cargo.toml"), &manifest);
            write(&root.join(name).join("src/lib.rs"), source);
            if !models.is_empty() {
                write(&root.join(name).join("tests/model.rs"), models);
            }
        }
        root
    })
}

fn write(path: &Path, contents: &str) {
    if fs::read(path).is_ok_and(|found| found == contents.as_bytes()) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
    fs::write(path, contents).expect("a new file");
}

fn model(args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET_DIR",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(name);
    }
    let output = command
        .arg("model")
        .args(args)
        .current_dir(workspace())
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .expect("xtask starts");
    (
        output.status.code().expect("an exit status"),
        String::from_utf8(output.stdout).expect("text"),
        String::from_utf8(output.stderr).expect("text"),
    )
}

/// What was printed, without the times.
fn untimed(stdout: &str) -> String {
    let mut text = String::new();
    for line in stdout.lines() {
        let end = line.rfind(" in ").unwrap_or(line.len());
        text.push_str(&line[..end]);
        text.push('\n');
    }
    text
}

#[test]
fn a_crate_that_is_covered_or_justified_passes() {
    let (status, stdout, stderr) = model(&["good", "--weaken"]);
    let expected = "\
noticed    good/src/lib.rs:4:12  Acquire -> Relaxed  by covers
           a.load(Ordering::Acquire)
justified  good/src/lib.rs:10:16  Release -> Relaxed  the checker has no clock.
           a.store(1, Ordering::Release);
narrows-good: 1 noticed, 1 justified
";
    assert_eq!(untimed(&stdout), expected, "{stderr}");
    assert_eq!(status, 0);
}

#[test]
fn each_gap_is_listed_and_fails() {
    let (status, stdout, stderr) = model(&["bad", "--weaken", "--timeout", "2"]);
    let expected = "\
noticed    bad/src/lib.rs:4:12  Acquire -> Relaxed  by covers
           a.load(Ordering::Acquire)
SURVIVED   bad/src/lib.rs:7:16  Release -> Relaxed  1 model met it, none failed
           a.store(1, Ordering::Release);
undecided  bad/src/lib.rs:10:15  Acquire -> Relaxed  the time was over
           a.swap(1, Ordering::Acquire)
noticed    bad/src/lib.rs:17:12  Acquire -> Relaxed  by covers
           a.load(Ordering::Acquire)
UNREACHED  bad/src/lib.rs:13:12  SeqCst  no model gets here
           a.load(Ordering::SeqCst)
UNTRUE     bad/src/lib.rs:16  models notice what this comment says they can't
narrows-bad: 2 noticed, 1 undecided, 1 survived, 1 unreached, 1 untrue
";
    assert_eq!(untimed(&stdout), expected, "{stderr}");
    assert_eq!(status, 1);
}

#[test]
fn a_filter_chooses_models() {
    let (status, stdout, stderr) = model(&["good", "--filter", "nothing"]);
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("covers_nothing") && stdout.contains("1 passed in"));
    let (status, _, stderr) = model(&["good", "--filter", "xyz"]);
    let last = stderr.lines().last();
    assert_eq!(
        (status, last),
        (
            2,
            Some("xtask: no model of narrows-good has `xyz` in its name")
        )
    );
}

#[test]
fn wrong_usage_is_told_in_one_line() {
    for (args, expected) in [
        (
            &["plain"][..],
            "narrows-plain has no models; those that have: bad, good",
        ),
        (
            &["god"],
            "there is no crate narrows-god; did you mean `good`?",
        ),
        (
            &["--preemptions", "many"],
            "--preemptions takes a number from 1 up, not `many`",
        ),
        (
            &["good", "bad"],
            "`model` takes no `bad`; `cargo xtask help model` lists what it takes",
        ),
    ] {
        let expected = format!("xtask: {expected}\n");
        assert_eq!(model(args), (2, String::new(), expected), "{args:?}");
    }
}
