//! What clients do. None of it stops the service, or another client.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use crate::client::Client;
use crate::harness::{ON_DEMAND, Service, wait_until};
use crate::writer::Log;

/// A service that has counted so many keys: `key-000`, `key-001`.
fn with_keys(settings: &str, count: u64) -> (Service, Log) {
    let service = Service::start(settings);
    let mut log = Log::create(&service.logs(), "app.log");
    for key in 0..count {
        log.lines(&format!("key-{key:03}"), 1);
    }
    service.sync();
    (service, log)
}

/// Sends requests and takes no answers, until the service takes no more requests from it, or hangs up.
pub(crate) fn fill(client: &Client) {
    let mut stream = client.stream();
    stream
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let error = loop {
        if let Err(error) = stream.write_all(&b"keys\n".repeat(100)) {
            break error;
        }
    };
    let expected = [
        ErrorKind::WouldBlock,
        ErrorKind::TimedOut,
        ErrorKind::BrokenPipe,
        ErrorKind::ConnectionReset,
    ];
    assert!(expected.contains(&error.kind()), "{error}");
}

#[test]
fn a_client_takes_no_answers() {
    let settings = format!("{ON_DEMAND}max_connections = 2");
    let (service, _log) = with_keys(&settings, 200);
    let greedy = service.client();
    fill(&greedy);
    // The others are served all the same.
    for _ in 0..10 {
        let mut other = service.client();
        wait_until("the last connection has ended", || {
            if other.ask("totals").is_err() {
                other = service.client();
                return false;
            }
            true
        });
        assert_eq!(other.ask("keys").unwrap().rows.len(), 200);
    }
}

#[test]
fn a_client_takes_no_answers_for_too_long() {
    let service = Service::start("poll_ms = 1\nclient_timeout_ms = 500\nmax_connections = 1");
    let mut log = Log::create(&service.logs(), "app.log");
    for key in 0..200 {
        log.lines(&format!("key-{key:03}"), 1);
    }
    // An error: the connection before has not ended yet.
    let counted = || service.ask("totals").map(|it| it.rows[1].clone());
    wait_until("all is counted", || {
        counted().as_deref() == Ok("counted 200")
    });
    let mut greedy = service.client();
    wait_until("it has the only place", || {
        let is_in = greedy.ask("help").is_ok();
        if !is_in {
            greedy = service.client();
        }
        is_in
    });
    fill(&greedy);
    // It is disconnected, although it has not looked: its place is free.
    wait_until("its place is free", || service.ask("totals").is_ok());
}

#[test]
fn a_client_sends_half_a_request() {
    let settings = "poll_ms = 600000\nclient_timeout_ms = 100";
    let service = Service::start(settings);
    let client = service.client();
    client.send(b"tot").unwrap();
    assert_eq!(client.rest(), "error no request within 100 ms\n");
}

#[test]
fn a_client_hangs_up_in_mid_answer() {
    let settings = format!("{ON_DEMAND}max_connections = 2");
    let (mut service, log) = with_keys(&settings, 200);
    for _ in 0..20 {
        wait_until("there is a place", || {
            let client = service.client();
            // An error: it was refused.
            let _ = client.send(&b"keys\n".repeat(500));
            let mut answer = [0; 100];
            let read = client.stream().read(&mut answer);
            read.is_ok() && answer.starts_with(b"ok 200\n")
        });
    }
    wait_until("all places are free", || {
        let mut clients = [service.client(), service.client()];
        clients.iter_mut().all(|client| client.ask("help").is_ok())
    });
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn a_client_hangs_up_while_it_waits() {
    let settings = format!("{ON_DEMAND}max_connections = 2");
    let (mut service, mut log) = with_keys(&settings, 1);
    for request in ["sync\n", "watch\n"].repeat(10) {
        log.lines("more", 1000);
        wait_until("there is a place", || {
            let mut client = service.client();
            let is_in = client.ask("help").is_ok();
            is_in && client.send(request.as_bytes()).is_ok()
        });
    }
    wait_until("there is a place", || service.ask("sync").is_ok());
    service.terminate().assert_counts(&log.expected);
}

#[test]
fn too_many_clients() {
    let settings = format!("{ON_DEMAND}max_connections = 2");
    let service = Service::start(&settings);
    let mut clients = [service.client(), service.client()];
    for client in &mut clients {
        client.ask("help").unwrap();
    }
    let refused = service.client();
    assert_eq!(refused.rest(), "error more than 2 connections\n");
    let [first, mut second] = clients;
    drop(first);
    wait_until("there is a place", || service.ask("help").is_ok());
    second.ask("help").unwrap();
}

#[test]
fn a_request_is_bad() {
    let (service, _log) = with_keys(ON_DEMAND, 1);
    let mut client = service.client();
    for (request, error) in [
        ("", "an empty request; try help"),
        ("total", "unknown request \"total\"; try help"),
        ("count", "count takes a key"),
        (
            "count key-000 14:05",
            "\"14:05\" is no minute such as 2026-10-03T14:05",
        ),
        ("keys a b", "keys takes no more than 1 words"),
    ] {
        assert_eq!(client.ask(request), Err(error.to_owned()));
    }
    client.send(b"\xff\xfe\n").unwrap();
    assert_eq!(client.answer().unwrap_err(), "the request is not UTF-8");
    // The connection is as good as before.
    assert_eq!(client.ask("keys").unwrap().rows, ["key-000 1"]);
    client.send(b"quit\n").unwrap();
    assert_eq!(client.rest(), "");
}

#[test]
fn a_request_is_too_long() {
    let settings = format!("{ON_DEMAND}max_request_bytes = 32");
    let service = Service::start(&settings);
    let longest = format!("count {}", "k".repeat(26));
    assert_eq!(service.rows(&longest), [""; 0]);
    for too_long in [format!("{longest}k\n"), "k".repeat(100_000)] {
        let client = service.client();
        // An error: it has hung up before all is sent.
        let _ = client.send(too_long.as_bytes());
        let rest = client.rest();
        assert!(
            // Hanging up on a client that still sends may cost it the error.
            rest.is_empty() || rest == "error a request is longer than 32 bytes\n",
            "{rest}"
        );
    }
}

#[test]
fn there_are_more_rows_than_an_answer_may_have() {
    let settings = format!("{ON_DEMAND}max_rows = 32");
    let (service, _log) = with_keys(&settings, 100);
    let mut keys = Vec::new();
    let mut request = "keys".to_owned();
    loop {
        let answer = service.ask(&request).unwrap();
        assert!(answer.rows.len() <= 32, "{}", answer.rows.len());
        keys.extend(answer.rows);
        if !answer.more {
            break;
        }
        let last = keys.last().and_then(|row| row.split(' ').next());
        request = format!("keys {}", last.unwrap());
    }
    let all: Vec<_> = (0..100).map(|key| format!("key-{key:03} 1")).collect();
    assert_eq!(keys, all);
}

#[test]
fn minutes_are_answered_from_and_to() {
    let service = Service::start(ON_DEMAND);
    let mut log = Log::create(&service.logs(), "app.log");
    log.lines("web", 35);
    service.sync();
    let row = |minute, count: u64| format!("2026-10-03T00:0{minute} {count}");
    assert_eq!(
        service.rows("count web"),
        [row(0, 10), row(1, 10), row(2, 10), row(3, 5)]
    );
    assert_eq!(
        service.rows("count web 2026-10-03T00:01 2026-10-03T00:02"),
        [row(1, 10), row(2, 10)]
    );
    assert_eq!(service.rows("count nobody"), [""; 0]);
    assert_eq!(service.rows("stages")[1], "parse 0 0 2");
}

#[test]
fn a_watcher_is_too_slow() {
    let service = Service::start(ON_DEMAND);
    let mut watcher = service.client();
    watcher.ask("watch").unwrap();
    // It takes nothing until the service can send it no more, and the service goes on.
    service.configure("poll_ms = 0");
    let mut client = service.client();
    for _ in 0..3000 {
        client.ask("reload").unwrap_err();
    }
    watcher.wait_for_event("missed ");
    watcher.wait_for_event("settings refused: ");
}

#[test]
fn a_watcher_has_enough() {
    let service = Service::start(ON_DEMAND);
    let mut watcher = service.client();
    watcher.ask("watch").unwrap();
    watcher.send(b"enough\n").unwrap();
    assert_eq!(watcher.rest(), "");
}
