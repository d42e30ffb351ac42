//! What happens to files. The service looks at them only when it is asked to, so each test decides what it sees.

use std::fs;
use std::io::Write;

use crate::harness::{ON_DEMAND, Service, wait_until};
use crate::writer::Log;

/// A service that follows `app.log`, which it knows already.
fn follow(settings: &str) -> (Service, Log) {
    let service = Service::start(settings);
    let mut log = Log::create(&service.logs(), "app.log");
    log.lines("web", 10);
    service.sync();
    assert_eq!(service.total("counted"), 10);
    (service, log)
}

#[test]
fn a_sync_waits_for_every_line() {
    let service = Service::start(ON_DEMAND);
    let mut log = Log::create(&service.logs(), "app.log");
    for round in 1..=5 {
        // More than is read at a time.
        log.lines("web", 3000);
        service.sync();
        assert_eq!(service.total("counted"), 3000 * round);
    }
}

#[test]
fn a_file_is_renamed_while_lines_are_unread() {
    let (mut service, mut log) = follow(ON_DEMAND);
    log.lines("unread", 20);
    let mut old = log.rotate();
    log.lines("new-file", 30);
    // The writer has not reopened its log yet.
    let late = log.line("late", 0);
    old.write_all(late.as_bytes()).unwrap();
    service.sync();
    assert_eq!(
        service.rows("keys"),
        ["late 1", "new-file 30", "unread 20", "web 10"]
    );
    // And not before the service has read it to its end under its other name.
    let late = log.line("late", 0);
    old.write_all(late.as_bytes()).unwrap();
    let mut watcher = service.client();
    watcher.ask("watch").unwrap();
    watcher.wait_for_event("renamed app.log to app.log.1");
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn a_file_is_rotated_twice_between_two_looks() {
    let (mut service, mut log) = follow(ON_DEMAND);
    for key in ["first", "second", "third"] {
        log.lines(key, 10);
        log.rotate();
    }
    service.sync();
    assert_eq!(service.rows("files").len(), 4);
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn a_rotated_name_is_a_copy() {
    let settings = format!("{ON_DEMAND}rotated_names = false");
    let (mut service, mut log) = follow(&settings);
    let app = service.logs().join("app.log");
    // As logrotate does it with `copytruncate`.
    fs::copy(&app, service.logs().join("app.log.1")).unwrap();
    log.truncate();
    log.lines("web", 5);
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn a_file_is_truncated() {
    let (mut service, mut log) = follow(ON_DEMAND);
    log.truncate();
    log.lines("shorter", 5);
    service.sync();
    log.truncate();
    log.lines("longer", 1000);
    service.sync();
    assert_eq!(service.total("rejected.cut_off"), 0);
    log.write(b"2026-10-03T14:05:00Z half");
    service.sync();
    log.truncate();
    log.lines("whole", 5);
    service.sync();
    assert_eq!(service.total("rejected.cut_off"), 1);
    let mut watcher = service.client();
    watcher.ask("watch").unwrap();
    watcher.wait_for_event("truncated app.log, which was read up to ");
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn a_line_has_no_end_yet() {
    let (mut service, mut log) = follow(ON_DEMAND);
    let line = log.line("slow", 0);
    let (begin, end) = line.as_bytes().split_at(25);
    log.write(begin);
    service.sync();
    assert_eq!(service.total("lines"), 10);
    let files = service.rows("files");
    assert!(files[0].ends_with(" 25 10 app.log"), "{files:?}");
    log.rotate();
    service.sync();
    // The end comes when the file has another name.
    let old = service.logs().join("app.log.1");
    let mut old = fs::OpenOptions::new().append(true).open(old).unwrap();
    old.write_all(end).unwrap();
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn a_file_is_deleted() {
    let settings = "poll_ms = 1\nsettle_ms = 10\nclient_timeout_ms = 60000";
    let (mut service, mut log) = follow(settings);
    log.lines("last", 10);
    // Nobody can complete this any more: it counts.
    let line = log.line("rest", 0);
    log.write(line.trim_end().as_bytes());
    service.sync();
    log.delete();
    wait_until("it has ended", || service.rows("files").is_empty());
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn a_deleted_file_is_written_to() {
    let settings = format!("{ON_DEMAND}settle_ms = 600000");
    let (mut service, mut log) = follow(&settings);
    log.delete();
    for _ in 0..3 {
        service.sync();
        service.sync();
        log.lines("afterlife", 10);
    }
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn lines_that_do_not_count() {
    let settings = format!("{ON_DEMAND}max_line_bytes = 60");
    let (mut service, mut log) = follow(&settings);
    let long = format!("2026-10-03T14:05:00Z web {}\n", "x".repeat(1000));
    log.write(long.repeat(200).as_bytes()); // More than is read at a time.
    log.write(b"2026-10-03T14:05:00Z w\xffb\n\n2026-10-03 web\n2026-10-03T14:05:00Z\n");
    log.lines("web", 10);
    let report = service.terminate();
    report.assert_counts(&log.expected);
    let rejected = ["too_long", "not_utf8", "no_time", "no_key"];
    let rejected = rejected.map(|reason| report.total(&format!("rejected.{reason}")));
    assert_eq!(rejected, [200, 1, 2, 1]);
    assert_eq!(report.total("lines"), 20 + 204);
}

#[test]
fn there_are_too_many_keys() {
    let settings = format!("{ON_DEMAND}max_cells = 3");
    let (mut service, mut log) = follow(&settings); // One key, one minute.
    for key in ["a", "b", "c", "d"] {
        let line = log.line(key, 0);
        log.write(line.as_bytes());
        service.sync();
    }
    log.lines("web", 10);
    let report = service.terminate();
    assert_eq!(report.counts.len(), 3);
    let totals = ["lines", "counted", "overflow"].map(|name| report.total(name));
    assert_eq!(totals, [24, 22, 2]);
}

#[test]
fn there_are_too_many_files() {
    let settings = format!("{ON_DEMAND}max_files = 1");
    let (mut service, mut log) = follow(&settings);
    let mut other = Log::create(&service.logs(), "other.log");
    other.lines("other", 10);
    service.sync();
    let mut watcher = service.client();
    watcher.ask("watch").unwrap();
    watcher.wait_for_event("problem: more than 1 files");
    assert_eq!(service.total("counted"), 10);
    // It is found later, and nothing of it is lost.
    service.configure(&format!("{ON_DEMAND}max_files = 2"));
    service.ask("reload").unwrap();
    log.lines("web", 1);
    let report = service.terminate();
    report.assert_counts(&crate::writer::sum([&log, &other]));
}

#[test]
fn the_folder_is_away_for_a_while() {
    let (mut service, mut log) = follow(ON_DEMAND);
    let elsewhere = service.root().join("elsewhere");
    fs::rename(service.logs(), &elsewhere).unwrap();
    log.lines("away", 10);
    service.sync();
    let mut watcher = service.client();
    watcher.ask("watch").unwrap();
    watcher.wait_for_event("problem: ");
    fs::rename(&elsewhere, service.logs()).unwrap();
    log.lines("back", 10);
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn other_files_are_left_alone() {
    let (mut service, log) = follow(ON_DEMAND);
    let line = "2026-10-03T14:05:00Z other\n";
    fs::write(service.logs().join("app.log.1.gz"), line).unwrap();
    fs::write(service.logs().join("notes.txt"), line).unwrap();
    fs::create_dir(service.logs().join("folder.log")).unwrap();
    std::os::unix::fs::symlink("notes.txt", service.logs().join("link.log")).unwrap();
    service.terminate().assert_counts(&log.expected);
}
