//! The command line itself: the table of commands, the help, and wrong usage.

use std::process::Command;

use xtask::COMMANDS;

/// Exit status, stdout and stderr of xtask with these arguments.
fn xtask(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(args)
        .output()
        .expect("xtask starts");
    (
        output.status.code().expect("an exit status"),
        String::from_utf8(output.stdout).expect("text"),
        String::from_utf8(output.stderr).expect("text"),
    )
}

#[test]
fn without_a_command_every_command_is_shown_with_its_examples() {
    let (status, overview, stderr) = xtask(&[]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    for command in COMMANDS {
        assert!(
            overview.contains(&format!("  {} ", command.name)),
            "{overview}"
        );
        assert!(overview.contains(command.summary), "{overview}");
        for (example, _) in command.examples {
            assert!(overview.contains(example), "{overview}");
        }
    }
    for same in ["help", "--help", "-h"] {
        assert_eq!(xtask(&[same]), (0, overview.clone(), String::new()));
    }
}

#[test]
fn the_help_of_a_command_shows_its_options() {
    for command in COMMANDS {
        let (status, help, stderr) = xtask(&["help", command.name]);
        assert_eq!((status, stderr.as_str()), (0, ""));
        for (option, what) in command.options {
            assert!(help.contains(option) && help.contains(what), "{help}");
            assert!(
                command.usage.contains(option),
                "the usage line lacks {option}"
            );
        }
        assert_eq!(xtask(&[command.name, "--help"]), (0, help, String::new()));
    }
}

#[test]
fn every_command_is_complete() {
    for command in COMMANDS {
        assert!(!command.summary.ends_with('.'), "{}", command.name);
        assert!(!command.examples.is_empty(), "{}", command.name);
        for (example, _) in command.examples {
            assert!(example.starts_with("cargo xtask "), "{example}");
        }
    }
}

#[test]
fn wrong_usage_is_one_line_that_says_what_to_type() {
    for (args, expected) in [
        (
            &["dmeo"][..],
            "there is no command `dmeo`; did you mean `cargo xtask demo`?",
        ),
        (
            &["xyz"],
            "there is no command `xyz`; `cargo xtask help` lists the commands",
        ),
        (
            &["help", "dem"],
            "there is no command `dem`; did you mean `cargo xtask demo`?",
        ),
        (
            &["--list"],
            "`--list` stands before a command; type `cargo xtask COMMAND --list`",
        ),
        (
            &["--version"],
            "there is no option `--version`; `cargo xtask help` lists the commands",
        ),
        (
            &["demo", "--lst"],
            "`demo` takes no `--lst`; did you mean `--list`?",
        ),
        (
            &["demo", "-q"],
            "`demo` takes no `-q`; `cargo xtask help demo` lists what it takes",
        ),
        (&["demo", "--jobs"], "missing argument for option '--jobs'"),
        (
            &["demo", "--jobs", "0"],
            "--jobs takes a number from 1 up, not `0`",
        ),
        (
            &["demo", "--timeout", "-1"],
            "--timeout takes seconds above 0, not `-1`",
        ),
        (
            &["demo", "--timeout", "soon"],
            "--timeout takes seconds above 0, not `soon`",
        ),
        (
            &["demo", "--list", "--bless"],
            "--list runs nothing: leave out --show and --bless",
        ),
    ] {
        let (status, stdout, stderr) = xtask(args);
        assert_eq!(stderr, format!("xtask: {expected}\n"), "{args:?}");
        assert_eq!((status, stdout.as_str()), (2, ""), "{args:?}");
    }
}
