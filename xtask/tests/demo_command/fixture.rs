//! A workspace of small demos, good and bad, on which the tests run `xtask demo`.
//!
//! It stands in cargo's folder for such files and is built once. Each crate belongs to one test or
//! to tests that only read it, so that they can run at the same time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// File names and contents.
pub(crate) type Files<'a> = &'a [(&'a str, &'a str)];

/// The crates, each with the end of its Cargo.toml and the files of its `examples` folder.
const CRATES: &[(&str, &str, Files<'static>)] = &[
    (
        "passing",
        "",
        &[
            ("env.rs", ENV),
            ("env.stdout", "NO_COLOR=1\n"),
            (
                "folder/main.rs",
                "//! In a folder. More.\nfn main() { println!(\"folder\"); }",
            ),
            ("folder.stdout", "folder\n"),
            // More than any pipe holds.
            (
                "large.rs",
                "fn main() { for _ in 0..40_000 { println!(\"0123456789\"); } }",
            ),
            ("large.stdout", LARGE),
            ("stdin.rs", STDIN),
            ("stdin.stdout", "read 0 bytes\n"),
        ],
    ),
    (
        "broken",
        GATED,
        &[
            ("bytes.rs", BYTES),
            ("bytes.stdout", "?\n"),
            ("crlf.rs", "fn main() { println!(\"one\\ntwo\"); }"),
            ("crlf.stdout", "one\r\ntwo\r\n"),
            (
                "different.rs",
                "//! It differs.\nfn main() { println!(\"one\\ntwo\\nthree\"); }",
            ),
            ("different.stdout", "one\n2\nthree\n"),
            (
                "endless.rs",
                "fn main() { for _ in 0..200_000 { println!(\"0123456789\"); } }",
            ),
            ("endless.stdout", ""),
            ("gated.rs", "fn main() {}"),
            ("gated.stdout", ""),
            ("left_behind.rs", LEFT_BEHIND),
            ("left_behind.stdout", "parent\n"),
            ("newline.rs", "fn main() { println!(\"one\"); }"),
            ("newline.stdout", "one"),
            ("orphan.stdout", "nobody prints this\n"),
            ("spaces.rs", "fn main() { println!(\"one\\ntwo \"); }"),
            ("spaces.stdout", "one\ntwo\n"),
            (
                "status.rs",
                "fn main() { println!(\"out\"); std::process::exit(3); }",
            ),
            ("status.stdout", "out\n"),
            ("silent.rs", "fn main() {}"),
            ("silent.stdout", "one\ntwo\n"),
            (
                "stderr.rs",
                "fn main() { println!(\"out\"); eprintln!(\"err\"); }",
            ),
            ("stderr.stdout", "out\n"),
            ("untold.rs", "fn main() { println!(\"out\"); }"),
        ],
    ),
    (
        "hanging",
        "",
        &[
            (
                "hangs.rs",
                "fn main() { println!(\"before\"); loop { std::thread::park(); } }",
            ),
            ("hangs.stdout", "before\nafter\n"),
            ("quick.rs", "fn main() {}"),
            ("quick.stdout", ""),
        ],
    ),
    (
        "order",
        "",
        &[
            ("o1.rs", "fn main() {}"),
            ("o1.stdout", ""),
            ("o2.rs", "fn main() {}"),
            ("o2.stdout", "not this\n"),
            ("o3.rs", "fn main() {}"),
            ("o3.stdout", ""),
            ("o4.rs", "fn main() {}"),
            ("o4.stdout", ""),
        ],
    ),
    (
        "blessed",
        "",
        &[
            ("b_created.rs", "fn main() { println!(\"created\"); }"),
            (
                "b_fails.rs",
                "fn main() { println!(\"fails\"); std::process::exit(1); }",
            ),
            ("b_fails.stdout", "kept\n"),
            ("b_same.rs", "fn main() { println!(\"same\"); }"),
            ("b_same.stdout", "same\n"),
            ("b_updated.rs", "fn main() { println!(\"after\"); }"),
            ("b_updated.stdout", "before\n"),
        ],
    ),
    (
        "steps",
        "",
        &[("steps.rs", STEPS), ("steps.stdout", "first\nsecond\n")],
    ),
    (
        "apps",
        APPLICATION,
        &[
            (
                "application.rs",
                "fn main() { println!(\"{}\", std::process::id()); }",
            ),
            ("lesson.rs", "fn main() {}"),
            ("lesson.stdout", ""),
        ],
    ),
];

/// An example that cargo doesn't build unless asked for the feature.
const GATED: &str = "\
[features]
never = []
[[example]]
name = \"gated\"
required-features = [\"never\"]
";

/// An example without a transcript.
pub(crate) const APPLICATION: &str = "\
[package.metadata.demo]
skip = [\"application\"]
";

const ENV: &str = r#"//! What it finds.
fn main() {
    for name in ["NO_COLOR", "FORCE_COLOR", "RUST_LOG", "RUST_BACKTRACE", "NARROWS_EXPLAIN"] {
        if let Ok(value) = std::env::var(name) {
            println!("{name}={value}");
        }
    }
}
"#;

const STDIN: &str = r#"
fn main() {
    println!("read {} bytes", std::io::stdin().lines().count());
}
"#;

const BYTES: &str = r#"
use std::io::Write;
fn main() {
    std::io::stdout().write_all(b"\xff\n").unwrap();
}
"#;

const LEFT_BEHIND: &str = r#"
use std::process::Command;
fn main() {
    if std::env::args().count() > 1 {
        std::thread::sleep(std::time::Duration::from_secs(10));
        return;
    }
    println!("parent");
    Command::new(std::env::current_exe().unwrap()).arg("child").spawn().unwrap();
}
"#;

const STEPS: &str = r#"
fn main() {
    println!("first");
    while !std::path::Path::new("go").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    println!("second");
}
"#;

const LARGE: &str = "LARGE";

/// The folder of the workspace, which is written at the first call.
pub(crate) fn workspace() -> &'static Path {
    static WORKSPACE: OnceLock<PathBuf> = OnceLock::new();
    WORKSPACE.get_or_init(|| {
        let root = folder("demos");
        let members: Vec<_> = CRATES.iter().map(|(name, ..)| *name).collect();
        write(
            &root.join("Cargo.toml"),
            &format!(
                "[workspace]\nresolver = \"3\"\nmembers = {members:?}\n[profile.dev]\ndebug = false\n"
            ),
        );
        for (name, manifest, files) in CRATES {
            write_crate(&root, name, manifest, files);
        }
        root
    })
}

/// A folder for the files of a test.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("xtask")
        .join(name)
}

/// Writes a package whose only targets are examples.
pub(crate) fn write_crate(root: &Path, name: &str, manifest: &str, files: Files<'_>) {
    let krate = root.join(name);
    write(
        &krate.join("Cargo.toml"),
        &format!("[package]\nname = \"fixture-{name}\"\nedition = \"2024\"\n{manifest}"),
    );
    write(&krate.join("src/lib.rs"), "");
    let examples = krate.join("examples");
    for (file, contents) in files {
        match *contents {
            LARGE => write(&examples.join(file), &"0123456789\n".repeat(40_000)),
            contents => write(&examples.join(file), contents),
        }
    }
    for entry in fs::read_dir(&examples).expect("a folder of examples") {
        let path = entry.expect("an entry").path();
        let is_listed = |(file, _): &(&str, &str)| examples.join(file).starts_with(&path);
        if !files.iter().any(is_listed) {
            fs::remove_file(&path).expect("what an earlier run left is a file");
        }
    }
}

/// Writes a file, unless it is as it should be: cargo builds again what was touched.
pub(crate) fn write(path: &Path, contents: &str) {
    if fs::read(path).is_ok_and(|found| found == contents.as_bytes()) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
    fs::write(path, contents).expect("a new file");
}

/// `xtask` in this folder, undisturbed by the environment of the tests.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET_DIR",
    ] {
        command.env_remove(name);
    }
    for name in ["CI", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
        .args(args)
        .current_dir(folder)
        .env("CARGO_NET_OFFLINE", "true");
    command
}

/// What a run of xtask came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// Exit status.
    pub(crate) status: i32,
    /// Stdout, with `_` for every time.
    pub(crate) stdout: String,
    /// Stderr as it is.
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().expect("an exit status"),
            stdout: without_times(&String::from_utf8(output.stdout).expect("text")),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

/// Runs `xtask demo` in the workspace.
pub(crate) fn demo(args: &[&str]) -> Ran {
    let args: Vec<_> = ["demo"].iter().chain(args).copied().collect();
    Ran::from(command(workspace(), &args).output().expect("xtask starts"))
}

/// Puts `_` for each number before ` ms` or ` s`.
fn without_times(text: &str) -> String {
    let words: Vec<_> = text.split_inclusive([' ', '\n']).collect();
    let mut kept = String::new();
    for (at, word) in words.iter().enumerate() {
        let unit = words
            .get(at + 1)
            .map_or("", |word| word.trim_end_matches([';', ' ', '\n', ':']));
        let is_time = word.trim_end().parse::<f64>().is_ok() && ["ms", "s"].contains(&unit);
        kept.push_str(if is_time { "_ " } else { word });
    }
    kept
}
