//! What the report says of a broadcast channel. There is one test, since a report lists every channel.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
};

use narrows_broadcast::Builder;
use narrows_explain::{ENABLED, report};

/// The lines of the report that contain `word`.
fn lines_with(word: &str) -> String {
    let report = report().to_string();
    let lines: Vec<_> = report.lines().filter(|line| line.contains(word)).collect();
    lines.join("\n")
}

#[test]
fn a_report_names_handles_and_waits() {
    if !ENABLED {
        return;
    }
    let at = |line: u32| format!("{}:{line}", file!());
    let mut cx = Context::from_waker(Waker::noop());

    let made = at(line!() + 1);
    let (tx, mut rx) = Builder::new(3).name("events").lossless().channel::<u32>();
    assert_eq!(
        lines_with("events"),
        format!("broadcast::channel::<u32>(3) \"events\" made at {made}")
    );
    let cloned = at(line!() + 1);
    let other = tx.clone();
    let downgraded = at(line!() + 1);
    let weak = tx.downgrade();
    assert_eq!(
        lines_with("sender"),
        format!(
            "  sender made at {made}, never used\n  sender made at {cloned}, never used\n  \
             weak sender made at {downgraded}, never used"
        )
    );
    drop((other, weak));
    let subscribed = at(line!() + 1);
    let second = tx.subscribe();
    assert_eq!(
        lines_with("receiver"),
        format!(
            "  receiver made at {made}, never used\n  receiver made at {subscribed}, never used"
        )
    );
    drop(second);

    {
        let called = at(line!() + 1);
        let recv = pin!(rx.recv());
        assert!(recv.poll(&mut cx).is_pending());
        let waits = lines_with("waited");
        let expected = format!("  recv() at {called} has waited");
        assert!(waits.starts_with(&expected), "{waits}");
    }
    assert_eq!(lines_with("waited"), "");

    let sent = at(line!() + 1);
    tx.try_send(1).unwrap();
    assert_eq!(lines_with("sent"), "  1 value was sent");
    assert_eq!(
        lines_with("sender"),
        format!("  sender made at {made}, last used at {sent}")
    );
    (2..=4).for_each(|number| assert!(tx.try_send(number).is_ok()));
    {
        let called = at(line!() + 1);
        let send = pin!(tx.send(5));
        assert!(send.poll(&mut cx).is_pending());
        let closed = pin!(tx.closed());
        assert!(closed.poll(&mut cx).is_pending());
        let waits = lines_with("waited");
        assert!(
            waits.contains(&format!("  send() at {called} has")),
            "{waits}"
        );
        assert!(waits.contains("  closed() at"), "{waits}");
    }

    let received = at(line!() + 1);
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(
        lines_with("receiver"),
        format!("  receiver made at {made}, last used at {received}")
    );
    drop((tx, rx));
    assert_eq!(lines_with("events"), "");
}
