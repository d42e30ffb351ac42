//! `cargo xtask choose` prints what its transcripts in tests/choose say.

use std::fs;
use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;
use xtask::choose::data::Choices;
use xtask::choose::search;

/// The words, the transcript.
const TRANSCRIPTS: &[(&str, &str)] = &[
    ("", "table.stdout"),
    ("slow consumer", "slow_consumer.stdout"),
    ("latest value", "latest_value.stdout"),
    ("many receivers", "many_receivers.stdout"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is in a workspace")
}

/// Exit status, stdout and stderr of `xtask choose` with these words.
fn choose(words: &str) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("choose")
        .args(words.split_whitespace())
        .output()
        .expect("xtask starts");
    (
        output.status.code().expect("an exit status"),
        String::from_utf8(output.stdout).expect("text"),
        String::from_utf8(output.stderr).expect("text"),
    )
}

#[test]
fn what_it_prints_is_in_the_transcripts() {
    for (words, transcript) in TRANSCRIPTS {
        let path = root().join("xtask/tests/choose").join(transcript);
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let (status, printed, stderr) = choose(words);
        assert_eq!((status, stderr.as_str()), (0, ""));
        assert_eq!(
            expected, printed,
            "xtask/tests/choose/{transcript} differs; if the change is right: cargo xtask choose {words} > xtask/tests/choose/{transcript}"
        );
    }
}

#[test]
fn the_questions_of_the_guide_find_their_answer_first() {
    let choices = Choices::read(root()).expect("docs/choosing.toml is right");
    for (words, id) in [
        ("many messages one consumer", "many_to_one"),
        ("several producers", "many_to_one"),
        ("collecting results of workers", "many_to_one"),
        ("one answer to a request", "one_answer"),
        ("reply", "one_answer"),
        ("every subscriber sees everything", "every_subscriber"),
        ("event", "every_subscriber"),
        ("PUBLISH", "every_subscriber"),
        ("latest value", "latest_state"),
        ("configurations", "latest_state"),
        ("progress", "latest_state"),
        ("slow consumer", "slow_down"),
        ("backpressure", "slow_down"),
        ("fast producers", "slow_down"),
        ("fire and forget", "fire_and_forget"),
        ("never waits", "fire_and_forget"),
        ("competing consumers", "competing_consumers"),
        ("worker pool", "competing_consumers"),
        ("a mere signal", "signal"),
        ("limiting concurrency", "limit_concurrency"),
        ("stopping many tasks", "stop_many"),
        ("shutdown", "stop_many"),
        ("a task's result", "task_result"),
    ] {
        let found = search::find(&choices.answers, words);
        let first = found.first().map(|answer| answer.id.as_str());
        assert_eq!(first, Some(id), "for `{words}`");
    }
}

#[test]
fn every_answer_has_a_demo_a_page_and_three_lines() {
    let choices = Choices::read(root()).expect("docs/choosing.toml is right");
    for answer in &choices.answers {
        let id = &answer.id;
        assert!(
            root().join("docs").join(&answer.page).is_file(),
            "{id}: there is no docs/{}",
            answer.page
        );
        let is_there = ["mpsc", "oneshot", "broadcast", "watch", "patterns"]
            .iter()
            .any(|krate| {
                let demo = format!("crates/{krate}/examples/{}.stdout", answer.demo);
                root().join(demo).is_file()
            });
        assert!(is_there, "{id}: there is no demo {}", answer.demo);
        assert_eq!(answer.snippet.lines().count(), 3, "{id}");
    }
}

#[test]
fn words_that_find_nothing_get_one_line_with_words_that_would() {
    for (words, expected) in [
        (
            "xyzzy",
            "nothing found for `xyzzy`; try one of: latest, every, slow, answer, signal, stop; or none, for the table",
        ),
        (
            "backpresure",
            "nothing found for `backpresure`; did you mean backpressure, background?",
        ),
        (
            "which should I use",
            "nothing found for `which should I use`; try one of: latest, every, slow, answer, signal, stop; or none, for the table",
        ),
    ] {
        let expected = format!("xtask: {expected}\n");
        assert_eq!(choose(words), (2, String::new(), expected));
    }
}

#[test]
fn mistakes_in_the_data_are_named() {
    let snippets = "fn a() {\n    one();\n}\nfn long() {\n    1;\n    2;\n    3;\n    4;\n}\n";
    for (data, expected) in [
        ("", "docs/choosing.toml has no [[channel]] and no [[other]]"),
        (
            "[[channel]]\nid = \"b\"\n",
            "docs/choosing.toml: crates/patterns/tests/choosing.rs has no `fn b`",
        ),
        (
            "[[channel]]\nid = \"long\"\n",
            "crates/patterns/tests/choosing.rs: `fn long` has more than three lines before its first empty line",
        ),
        (
            "[[other]]\nid = \"a\"\n",
            "docs/choosing.toml: the answer `a` has no `need`",
        ),
    ] {
        let error = Choices::parse(data, snippets).expect_err("the data is wrong");
        assert_eq!(error.to_string(), expected);
    }
}
