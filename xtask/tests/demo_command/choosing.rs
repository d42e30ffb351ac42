//! Filters, `--list` and `--show`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use pretty_assertions::assert_eq;

use crate::fixture::{Ran, command, demo, workspace, write};

#[test]
fn a_filter_may_name_several_demos_or_a_part_of_their_names() {
    for (filters, names) in [
        (&["o1", "o3"][..], &["o1", "o3"][..]),
        (&["order/o1", "passing/f"], &["o1", "folder"]),
        (&["rder/"], &["o1", "o2", "o3", "o4"]),
        (&["o1", "order", "o1"], &["o1", "o2", "o3", "o4"]),
    ] {
        let ran = demo(&[filters, &["--list"]].concat());
        let listed: Vec<_> = ran
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .collect();
        let listed: Vec<_> = listed
            .iter()
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!((ran.status, listed.as_slice()), (0, names), "{filters:?}");
    }
}

#[test]
fn a_filter_may_name_a_transcript_without_a_program() {
    let ran = demo(&["orphan"]);
    assert!(
        ran.stdout
            .ends_with("\n0 passed, 1 without a program in _ s\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.status, 1);
}

#[test]
fn a_filter_that_matches_nothing_suggests_the_nearest_names() {
    for (filters, expected) in [
        (
            &["foldre"][..],
            "no demo matches `foldre`; did you mean folder?",
        ),
        (
            &["folder", "zzz"],
            "no demo matches `zzz`; `cargo xtask demo --list` shows all",
        ),
    ] {
        let stderr = format!("xtask: {expected}\n");
        assert_eq!(
            demo(filters),
            Ran {
                status: 2,
                stdout: String::new(),
                stderr
            }
        );
    }
}

#[test]
fn list_shows_the_first_sentence_by_crate() {
    let ran = demo(&["passing/f", "different", "apps", "--list"]);
    assert_eq!(
        ran.stdout,
        "\
apps
  application   (has no transcript)
  lesson

broken
  different    It differs.

passing
  folder       In a folder.
"
    );
    assert_eq!(
        (ran.status, ran.stderr.as_str()),
        (0, ""),
        "it builds nothing"
    );
}

#[test]
fn a_demo_that_is_named_alone_is_shown() {
    let ran = demo(&["folder"]);
    assert_eq!(
        ran.stdout,
        "\
passing/folder

In a folder. More.

program: passing/examples/folder/main.rs
alone:   cargo run -p fixture-passing --example folder

folder

ok    passing  folder  _ ms
"
    );
    assert_eq!(ran.status, 0);
}

#[test]
fn show_prints_the_output_of_several() {
    let ran = demo(&["order/o1", "stderr", "--show"]);
    assert_eq!(
        ran.stdout,
        "\
broken/stderr

program: broken/examples/stderr.rs
alone:   cargo run -p fixture-broken --example stderr

out

FAIL  broken  stderr  _ ms  output on stderr

broken/stderr  broken/examples/stderr.rs
wrote to stderr, where a demo writes nothing

0 passed, 1 failed, 1 not run (--no-fail-fast runs all) in _ s
"
    );
    assert!(ran.stderr.ends_with("err\n"), "{}", ran.stderr);
    assert_eq!(ran.status, 1);
}

#[test]
fn output_is_shown_while_the_demo_runs() {
    let go = workspace().join("go");
    let _ = fs::remove_file(&go);
    let mut child = command(workspace(), &["demo", "steps"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("xtask starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = |wanted: &str| lines.any(|line| line.expect("a line").starts_with(wanted));
    assert!(next("first"));
    // The demo goes on when it sees this file, and hangs if its first line came only at its end.
    write(&go, "");
    assert!(next("second"));
    assert!(next("ok "));
    assert!(child.wait().expect("an end").success());
}

#[test]
fn an_application_runs_only_when_it_is_named() {
    let ran = demo(&["apps"]);
    assert_eq!(
        ran.stdout,
        "\
skip  apps  application  no transcript; `cargo xtask demo application` shows it
ok    apps  lesson       _ ms

1 passed, 1 skipped in _ s
"
    );
    let ran = demo(&["application"]);
    assert!(
        ran.stdout.ends_with("\nok    apps  application  _ ms\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.status, 0);
}
