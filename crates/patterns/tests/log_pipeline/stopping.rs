//! How it starts, takes new settings, and stops.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::clients::fill;
use crate::harness::{EndOnDrop, ON_DEMAND, Service, command, scratch, wait_until};
use crate::writer::{Log, sum};

#[test]
fn lines_are_unread_when_it_stops() {
    let mut service = Service::start(ON_DEMAND);
    service.sync();
    // It has not even seen these files.
    let logs: Vec<_> = (0..5)
        .map(|number| {
            let mut log = Log::create(&service.logs(), &format!("{number}.log"));
            log.lines(&format!("key-{number}"), 5000);
            log
        })
        .collect();
    let report = service.terminate();
    assert!(report.stopped.starts_with("SIGTERM: "), "{report:?}");
    report.assert_counts(&sum(&logs));
}

#[test]
fn a_writer_writes_on_while_it_stops() {
    let settings = "poll_ms = 1\nstop_within_ms = 30000";
    let mut service = Service::start(settings);
    let mut log = Log::create(&service.logs(), "app.log");
    log.lines("before", 1000);
    let stopped = AtomicBool::new(false);
    let report = std::thread::scope(|scope| {
        let mut log = Log::create(&service.logs(), "app.log");
        let stopped = &stopped;
        let _end = EndOnDrop(stopped);
        scope.spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                log.lines("after", 100);
            }
        });
        service.terminate()
    });
    // It stops all the same, and has every line from before.
    assert!(report.status.success(), "{report:?}");
    for (cell, count) in &log.expected {
        assert_eq!(report.counts.get(cell), Some(count), "{cell:?}");
    }
}

#[test]
fn a_last_line_has_no_end_when_it_stops() {
    let mut service = Service::start(ON_DEMAND);
    let mut log = Log::create(&service.logs(), "app.log");
    log.lines("web", 10);
    log.write(b"2026-10-03T14:05:00Z half");
    let report = service.terminate();
    report.assert_counts(&log.expected);
    assert!(report.files[0].ends_with(" 25 10 app.log"), "{report:?}");
}

#[test]
fn clients_are_connected_when_it_stops() {
    let deadline = Duration::from_secs(30);
    let settings = format!("{ON_DEMAND}stop_within_ms = 30000");
    let mut service = Service::start(&settings);
    let mut log = Log::create(&service.logs(), "app.log");
    for key in 0..200 {
        log.lines(&format!("key-{key:03}"), 1);
    }
    let (mut idle, mut watcher, greedy) = (service.client(), service.client(), service.client());
    idle.ask("sync").unwrap();
    watcher.ask("watch").unwrap();
    fill(&greedy);
    let start = Instant::now();
    // Also that no task had to be aborted.
    service.terminate().assert_counts(&log.expected);
    assert!(start.elapsed() < deadline);
    watcher.wait_for_event("stopping: SIGTERM");
    assert_eq!(idle.rest(), "error the service stops\n");
    assert!(greedy.rest().starts_with("ok 200\nkey-000 1\n"));
    assert!(!service.root().join("socket").exists());
}

#[test]
fn the_settings_change() {
    let mut service = Service::start(ON_DEMAND);
    let mut log = Log::create(&service.logs(), "app.log");
    log.lines("web", 10);
    service.sync();
    // The third word is the name of the log.
    service.configure(&format!("{ON_DEMAND}key_field = 3"));
    assert_eq!(service.rows("reload"), ["taken"]);
    assert_eq!(service.rows("reload"), ["unchanged"]);
    log.lines("web", 10);
    service.sync();
    assert_eq!(service.rows("keys"), ["app.log 10", "web 10"]);

    service.configure(ON_DEMAND);
    service.signal("HUP");
    let is_set = || {
        service
            .rows("settings")
            .contains(&"key_field = 2".to_owned())
    };
    wait_until("the settings are taken", is_set);
    log.lines("web", 10);
    let report = service.terminate();
    assert_eq!(report.total("counted"), 30);
    assert_eq!(
        report.counts.values().filter(|count| **count == 20).count(),
        1
    );
}

#[test]
fn the_new_settings_are_bad() {
    let mut service = Service::start(ON_DEMAND);
    let mut log = Log::create(&service.logs(), "app.log");
    let mut watcher = service.client();
    watcher.ask("watch").unwrap();
    for (settings, error) in [
        ("key_field = 1", "key_field is 1, and must be from 2 to 64"),
        ("stop_within_ms = 9000", "stop_within_ms can't change"),
        ("key_feild = 3", "unknown field `key_feild`"),
        ("key_field", "expected an equals"),
    ] {
        service.configure(settings);
        let refused = service.ask("reload").unwrap_err();
        assert!(refused.contains(error), "{refused}");
        watcher.wait_for_event("settings refused: ");
        let rows = service.rows("settings");
        assert!(rows.last().unwrap().contains(error), "{rows:?}");
        // The last good ones stay.
        assert!(rows.contains(&"poll_ms = 600000".to_owned()), "{rows:?}");
    }
    service.configure(ON_DEMAND);
    assert_eq!(service.rows("reload"), ["unchanged"]);
    assert!(!service.rows("settings").last().unwrap().contains("error"));
    log.lines("web", 10);
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn the_first_settings_are_bad() {
    let root = scratch();
    std::fs::write(root.join("settings.toml"), "poll_ms = 0").unwrap();
    let output = command(&root).output().unwrap();
    let _ = std::fs::remove_dir_all(&root);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = "settings.toml: poll_ms is 0, and must be from 1 to 600000\n";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn there_is_no_folder() {
    let root = scratch();
    std::fs::write(root.join("settings.toml"), "").unwrap();
    let output = command(&root).output().unwrap();
    let _ = std::fs::remove_dir_all(&root);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.ends_with("logs is no folder\n"), "{error}");
}

#[test]
fn another_service_has_left_its_socket() {
    let service = Service::start(ON_DEMAND);
    let second = command(service.root()).output().unwrap();
    let error = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(error.contains("another service listens at "), "{error}");
    service.rows("help");

    let root = service.kill();
    let next = Service::start_in(root, ON_DEMAND);
    next.rows("help");
}
