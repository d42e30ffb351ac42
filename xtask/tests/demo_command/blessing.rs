//! `--bless`.

use std::fs;

use pretty_assertions::assert_eq;

use crate::fixture::{Ran, command, demo, workspace, write};

#[test]
fn bless_writes_what_is_missing_or_different() {
    let transcript = |name| workspace().join("blessed/examples").join(name);
    let read = |name| fs::read_to_string(transcript(name)).expect("a transcript");
    let _ = fs::remove_file(transcript("b_created.stdout"));
    write(&transcript("b_updated.stdout"), "before\n");

    let ran = demo(&["blessed", "--bless", "--no-fail-fast"]);
    assert_eq!(
        ran.stdout,
        "\
new   blessed  b_created  _ ms  created blessed/examples/b_created.stdout
FAIL  blessed  b_fails    _ ms  exit status 1, different output
ok    blessed  b_same     _ ms
new   blessed  b_updated  _ ms  updated blessed/examples/b_updated.stdout
< before   > after
<before
>after

blessed/b_fails  blessed/examples/b_fails.rs
ended with exit status 1 instead of 0
does not print what blessed/examples/b_fails.stdout says
< transcript   > printed
<kept
>fails

3 passed, 1 failed, 2 blessed in _ s
"
    );
    assert_eq!(ran.status, 1);
    assert_eq!(read("b_created.stdout"), "created\n");
    assert_eq!(read("b_fails.stdout"), "kept\n");
    assert_eq!(read("b_updated.stdout"), "after\n");

    let ran = demo(&["b_created", "b_same", "b_updated", "--bless"]);
    assert!(
        ran.stdout.ends_with("\n3 passed in _ s\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.status, 0);
}

#[test]
fn bless_is_refused_in_ci() {
    let output = command(workspace(), &["demo", "passing", "--bless"])
        .env("CI", "true")
        .output()
        .expect("xtask starts");
    let stderr = "xtask: --bless is refused where CI is set: bless on your machine, read the change, commit it\n";
    assert_eq!(
        Ran::from(output),
        Ran {
            status: 2,
            stdout: String::new(),
            stderr: stderr.to_owned()
        }
    );
}
