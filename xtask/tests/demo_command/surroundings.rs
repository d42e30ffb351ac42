//! Environment variables, colours, and who reads the output.

use std::process::Stdio;

use pretty_assertions::assert_eq;

use crate::fixture::{Ran, command, demo, workspace};

#[test]
fn demos_do_not_see_the_environment_of_the_user() {
    let output = command(workspace(), &["demo", "env"])
        .envs([
            ("RUST_LOG", "trace"),
            ("RUST_BACKTRACE", "1"),
            ("NARROWS_EXPLAIN", "5s"),
        ])
        .env("FORCE_COLOR", "1")
        .output()
        .expect("xtask starts");
    let ran = Ran::from(output);
    assert!(
        ran.stdout.contains("\nNO_COLOR=1\n\nok  "),
        "{}",
        ran.stdout
    );
}

#[test]
fn colours_are_for_terminals_and_for_those_who_force_them() {
    let stdout = |variables: &[(&str, &str)]| {
        let output = command(workspace(), &["demo", "order", "--no-fail-fast"])
            .envs(variables.iter().copied())
            .output()
            .expect("xtask starts");
        String::from_utf8(output.stdout).expect("text")
    };
    assert!(!stdout(&[]).contains('\x1b'));
    assert!(!stdout(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\x1b'));
    let forced = stdout(&[("CLICOLOR_FORCE", "1")]);
    assert!(forced.contains("\x1b[31m<not this\n"), "{forced:?}");
}

#[test]
fn there_is_no_progress_line_off_a_terminal() {
    assert!(!demo(&["order"]).stderr.contains('\r'));
}

#[test]
fn nobody_reading_is_no_panic() {
    for args in [
        &["demo", "--list"][..],
        &["demo", "order"],
        &["demo", "folder"],
    ] {
        let mut child = command(workspace(), args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("xtask starts");
        // Long before cargo has told what there is to print.
        drop(child.stdout.take());
        let ran = Ran::from(child.wait_with_output().expect("an end"));
        assert_eq!(ran.status, 141, "{args:?}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains("panicked") && !ran.stderr.contains("xtask:"),
            "{}",
            ran.stderr
        );
    }
}
