//! Everything at once: writers that rotate and truncate, clients of all kinds, new settings, and SIGTERM.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::harness::{EndOnDrop, Service};
use crate::writer::{Log, sum};

const WRITERS: u64 = 3;
const ROUNDS: u64 = 40;

/// Nobody is refused: connections of those who have hung up may take a moment to end.
const SETTINGS: &str = "\
poll_ms = 1
stop_within_ms = 60000
client_timeout_ms = 60000
max_connections = 1000
";

/// Writes lines in pieces that end anywhere, and rotates or truncates after each round.
fn write(service: &Service, number: u64) -> Log {
    let mut rng = fastrand::Rng::with_seed(number);
    let mut log = Log::create(&service.logs(), &format!("writer-{number}.log"));
    for round in 0..ROUNDS {
        let lines: String = (0..rng.u64(20..80))
            .map(|_| log.line(&format!("key-{}", rng.u64(..20)), rng.u64(..120)))
            .collect();
        let mut rest = lines.as_bytes();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rng.usize(1..=rest.len().min(500)));
            log.write(piece);
            rest = behind;
        }
        if round % 8 == 7 {
            // What is not read yet, nobody could read any more.
            service.sync();
            log.truncate();
        } else if round % 8 == 3 {
            service.sync();
            log.prune(2);
        } else {
            log.rotate();
        }
    }
    log.lines("last", 1000);
    log
}

/// Asks, and checks what is true at any time.
fn ask(service: &Service, done: &AtomicBool) {
    let mut client = service.client();
    let mut before = 0;
    while !done.load(Ordering::Relaxed) {
        let totals = client.ask("totals").unwrap().rows;
        let mut values = totals.iter().map(|row| {
            let (_, value) = row.split_once(' ').unwrap();
            value.parse::<u64>().unwrap()
        });
        let lines = values.next().unwrap();
        assert_eq!(values.take(7).sum::<u64>(), lines, "{totals:?}");
        assert!(lines >= before, "{totals:?}");
        before = lines;
    }
}

/// Hangs up in the middle of answers, and sends what is no request.
fn be_rude(service: &Service, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        let client = service.client();
        let _ = client.send(&b"keys\ncount key-1\nno request\nwatch\n".repeat(50));
        let _ = client.stream().read(&mut [0; 10]);
    }
}

/// Changes the settings, for better and worse.
fn change_settings(service: &Service, done: &AtomicBool) {
    for number in 0.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        service.configure(&format!("{SETTINGS}max_rows = {}\n", 100 + number % 10));
        service.rows("reload");
        service.configure("poll_ms = 0");
        service.signal("HUP");
        service.ask("reload").unwrap_err();
    }
}

#[test]
fn the_counts_are_exact_under_load() {
    let mut service = Service::start(SETTINGS);
    let greedy = service.client();
    // More than it can be sent; it is connected to the end.
    let _ = greedy.send(&b"keys\n".repeat(1000));
    let done = AtomicBool::new(false);
    let logs: Vec<Log> = thread::scope(|scope| {
        let (service, done) = (&service, &done);
        let end = EndOnDrop(done);
        let others =
            [ask, be_rude, change_settings].map(|other| scope.spawn(move || other(service, done)));
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| scope.spawn(move || write(service, number)))
            .collect();
        let logs = writers.into_iter().map(|writer| writer.join().unwrap());
        let logs = logs.collect();
        // Here the last lines are written, and perhaps not read.
        drop(end);
        for other in others {
            other.join().unwrap();
        }
        logs
    });
    let report = service.terminate();
    report.assert_counts(&sum(&logs));
    assert_eq!(report.total("lines"), report.total("counted"));
}
