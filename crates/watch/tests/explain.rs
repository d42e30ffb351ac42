//! What the report says of a watch channel. There is one test, since a report lists every channel.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
};

use narrows_explain::{ENABLED, report};
use narrows_watch::Builder;

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
    let (tx, mut rx) = Builder::new().name("config").channel(1_u32);
    assert_eq!(
        lines_with("config"),
        format!("watch::channel::<u32>() \"config\" made at {made}")
    );
    let cloned = at(line!() + 1);
    let other = tx.clone();
    assert_eq!(
        lines_with("sender"),
        format!("  sender made at {made}, never used\n  sender made at {cloned}, never used")
    );
    drop(other);

    {
        let called = at(line!() + 1);
        let changed = pin!(rx.changed());
        assert!(changed.poll(&mut cx).is_pending());
        let waits = lines_with("waited");
        let expected = format!("  changed() at {called} has waited");
        assert!(waits.starts_with(&expected), "{waits}");
    }
    assert_eq!(lines_with("waited"), "");

    {
        let called = at(line!() + 1);
        let found = pin!(rx.wait_for(|value| *value == 2));
        assert!(found.poll(&mut cx).is_pending());
        let closed = pin!(tx.closed());
        assert!(closed.poll(&mut cx).is_pending());
        let waits = lines_with("waited");
        assert!(
            waits.contains(&format!("  wait_for() at {called} has")),
            "{waits}"
        );
        assert!(waits.contains("  closed() at"), "{waits}");
    }

    let sent = at(line!() + 1);
    tx.send(2).unwrap();
    assert_eq!(lines_with("sent"), "  1 value was sent");
    assert_eq!(
        lines_with("sender"),
        format!("  sender made at {made}, last used at {sent}")
    );
    let read = at(line!() + 1);
    assert_eq!(*rx.borrow_and_update(), 2);
    assert_eq!(
        lines_with("receiver"),
        format!("  receiver made at {made}, last used at {read}")
    );
    drop((tx, rx));
    assert_eq!(lines_with("config"), "");
}
