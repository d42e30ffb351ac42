//! Signals reach the whole process, so that this test has one of its own.

#![cfg(all(feature = "signal", unix))]

use std::future::pending;
use std::process::{Command, id};
use std::time::Duration;

use narrows_patterns::shutdown::{Cause, Shutdown, Stop};

fn terminate_myself() {
    let status = Command::new("kill")
        .args(["-TERM", &id().to_string()])
        .status();
    assert!(status.expect("there is a kill").success());
}

#[tokio::test]
async fn the_second_signal_forces() {
    let shutdown = Shutdown::<()>::new(Duration::from_secs(3600));
    shutdown.stop_on_signals().unwrap();
    shutdown
        .spawn("stubborn", |stop: Stop<()>| async move {
            assert_eq!(stop.requested().await, Cause::Signal("SIGTERM"));
            terminate_myself();
            pending::<()>().await;
        })
        .unwrap();
    terminate_myself();
    let report = shutdown.wait().await;
    assert_eq!(report.cause, Cause::Signal("SIGTERM"));
    assert_eq!(report.aborted, ["stubborn"]);
}
