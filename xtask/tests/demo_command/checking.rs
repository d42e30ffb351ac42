//! Which demos pass, and what is said about those that don't.

use std::fs;

use pretty_assertions::assert_eq;

use crate::fixture::{APPLICATION, Ran, command, demo, folder, write, write_crate};

#[test]
fn demos_that_pass_have_one_line_each_in_order() {
    let ran = demo(&["passing"]);
    assert_eq!(
        ran.stdout,
        "\
ok    passing  env     _ ms
ok    passing  folder  _ ms
ok    passing  large   _ ms
ok    passing  stdin   _ ms

4 passed in _ s
"
    );
    assert_eq!(ran.status, 0);
}

#[test]
fn every_failure_says_what_is_wrong_and_what_to_do() {
    let ran = demo(&["broken", "--no-fail-fast"]);
    assert_eq!(
        ran.stdout,
        "\
FAIL  broken  bytes        _ ms  different output
FAIL  broken  crlf         _ ms  different line endings
FAIL  broken  different    _ ms  different output
FAIL  broken  endless      _ ms  prints too much
FAIL  broken  gated        _ ms  not built
FAIL  broken  left_behind  _ ms  left a process behind
FAIL  broken  newline      _ ms  different final line end
FAIL  broken  silent       _ ms  different output
FAIL  broken  spaces       _ ms  different trailing spaces
FAIL  broken  status       _ ms  exit status 3
FAIL  broken  stderr       _ ms  output on stderr
FAIL  broken  untold       _ ms  no transcript

broken/bytes  broken/examples/bytes.rs
does not print what broken/examples/bytes.stdout says
< transcript   > printed
<?
>\u{fffd}
to accept what it prints: cargo xtask demo bytes --bless

broken/crlf  broken/examples/crlf.rs
differs only in line endings: the transcript broken/examples/crlf.stdout has CRLF, the program prints LF
to accept what it prints: cargo xtask demo crlf --bless

broken/different  broken/examples/different.rs
does not print what broken/examples/different.stdout says
< transcript   > printed
 one
<2
>two
 three
to accept what it prints: cargo xtask demo different --bless

broken/endless  broken/examples/endless.rs
printed more than 1 MiB

broken/gated  broken/examples/gated.rs
cargo built no program for it: see its required-features

broken/left_behind  broken/examples/left_behind.rs
a process that it started goes on after its end and holds its output

broken/newline  broken/examples/newline.rs
differs only at the end: the transcript broken/examples/newline.stdout ends with no line end, the output with one line end
to accept what it prints: cargo xtask demo newline --bless

broken/silent  broken/examples/silent.rs
does not print what broken/examples/silent.stdout says
< transcript   > printed
<one
<two
to accept what it prints: cargo xtask demo silent --bless

broken/spaces  broken/examples/spaces.rs
differs only in spaces at the end of a line, first in line 2 of broken/examples/spaces.stdout
to accept what it prints: cargo xtask demo spaces --bless

broken/status  broken/examples/status.rs
ended with exit status 3 instead of 0

broken/stderr  broken/examples/stderr.rs
wrote to stderr, where a demo writes nothing:
    err

broken/untold  broken/examples/untold.rs
has no transcript broken/examples/untold.stdout
to accept what it prints: cargo xtask demo untold --bless

broken/orphan  broken/examples/orphan.stdout
there is no program that this transcript belongs to: rename or delete it

0 passed, 12 failed, 1 without a program in _ s
"
    );
    assert_eq!(ran.status, 1);
}

#[test]
fn a_demo_that_hangs_is_killed_and_what_it_printed_is_shown() {
    let ran = demo(&["hanging", "--timeout", "2", "--no-fail-fast"]);
    assert_eq!(
        ran.stdout,
        "\
FAIL  hanging  hangs  _ ms  hangs
ok    hanging  quick  _ ms

hanging/hangs  hanging/examples/hangs.rs
did not end, and was killed after _ s; it had printed:
    before

1 passed, 1 failed in _ s
"
    );
    assert_eq!(ran.status, 1);
}

#[test]
fn no_demo_is_started_after_a_failure() {
    let ran = demo(&["order", "--jobs", "1"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stdout
            .starts_with("ok    order  o1  _ ms\nFAIL  order  o2  _ ms"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .ends_with("\n1 passed, 1 failed, 2 not run (--no-fail-fast runs all) in _ s\n"),
        "{}",
        ran.stdout
    );

    let ran = demo(&["order", "--jobs", "1", "--no-fail-fast"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stdout.ends_with("\n3 passed, 1 failed in _ s\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_transcript_of_an_application_is_an_orphan() {
    let root = folder("undecided");
    write(
        &root.join("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\nmembers = [\"one\"]\n",
    );
    let files = [
        ("application.rs", "fn main() {}"),
        ("application.stdout", ""),
    ];
    write_crate(&root, "one", APPLICATION, &files);
    let ran = Ran::from(command(&root, &["demo"]).output().expect("xtask starts"));
    let reason =
        "its Cargo.toml says that this demo has no transcript (package.metadata.demo.skip)";
    assert!(ran.stdout.contains(reason), "{}", ran.stdout);
    assert_eq!(ran.status, 1);
}

#[test]
fn what_does_not_build_is_told_by_cargo() {
    let root = folder("unbuildable");
    write(
        &root.join("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\nmembers = [\"one\"]\n",
    );
    write_crate(
        &root,
        "one",
        "",
        &[("wrong.rs", "fn main() { no_such_function(); }")],
    );
    let ran = Ran::from(command(&root, &["demo"]).output().expect("xtask starts"));
    assert_eq!((ran.status, ran.stdout.as_str()), (3, ""));
    assert!(
        ran.stderr
            .contains("cannot find function `no_such_function`"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.ends_with("xtask: the examples do not build\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_workspace_that_contradicts_itself_is_refused() {
    let root = folder("contradictory");
    let none = &[][..];
    let same = &[("same.rs", "fn main() {}")][..];
    for (name, one, apps, expected) in [
        ("empty", none, &[("application.rs", "fn main() {}")][..], ""),
        (
            "twice",
            same,
            &[
                ("application.rs", "fn main() {}"),
                ("same.rs", "fn main() {}"),
            ],
            "`same` is a demo of both apps and one; rename one, since cargo builds both into one file",
        ),
        (
            "unknown",
            same,
            &[("other.rs", "fn main() {}")],
            "fixture-apps: package.metadata.demo.skip names `application`, which is no example",
        ),
    ] {
        let root = root.join(name);
        let members = "[workspace]\nresolver = \"3\"\nmembers = [\"apps\", \"one\"]\n";
        write(&root.join("Cargo.toml"), members);
        fs::create_dir_all(root.join("one/examples")).expect("a folder");
        write_crate(&root, "one", "", one);
        write_crate(&root, "apps", APPLICATION, apps);
        let ran = Ran::from(
            command(&root, &["demo", "--list"])
                .output()
                .expect("xtask starts"),
        );
        let (status, stderr) = match expected {
            "" => (0, String::new()),
            expected => (1, format!("xtask: {expected}\n")),
        };
        assert_eq!((ran.status, ran.stderr), (status, stderr), "{name}");
    }
}
