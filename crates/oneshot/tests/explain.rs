//! What the report says of a oneshot channel. There is one test, since a report lists every channel.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
};

use narrows_explain::{ENABLED, report};
use narrows_oneshot::Builder;

/// The lines of the report that contain `word`.
fn lines_with(word: &str) -> String {
    let report = report().to_string();
    let lines: Vec<_> = report.lines().filter(|line| line.contains(word)).collect();
    lines.join("\n")
}

#[test]
fn a_report_names_both_halves_and_both_waits() {
    if !ENABLED {
        return;
    }
    let at = |line: u32| format!("{}:{line}", file!());
    let mut cx = Context::from_waker(Waker::noop());

    let made = at(line!() + 1);
    let (mut tx, mut rx) = Builder::new().name("reply").channel::<u32>();
    assert_eq!(
        lines_with("reply"),
        format!("oneshot::channel::<u32>() \"reply\" made at {made}")
    );
    assert_eq!(
        lines_with("sender"),
        format!("  sender made at {made}, never used")
    );
    assert_eq!(
        lines_with("receiver"),
        format!("  receiver made at {made}, never used")
    );

    {
        let called = at(line!() + 1);
        let closed = pin!(tx.closed());
        assert!(closed.poll(&mut cx).is_pending());
        let waits = lines_with("waited");
        assert!(
            waits.starts_with(&format!("  closed() at {called} has waited")),
            "{waits}"
        );
    }
    assert_eq!(lines_with("waited"), "");

    assert!(pin!(&mut rx).poll(&mut cx).is_pending());
    assert!(lines_with("waited").starts_with("  receiver.await has waited"));

    let sent = at(line!() + 1);
    tx.send(1).unwrap();
    assert_eq!(lines_with("sender"), "");
    assert_eq!(lines_with("sent"), "  1 value was sent");

    let taken = at(line!() + 1);
    rx.try_recv().unwrap();
    assert_eq!(lines_with("waited"), "");
    assert_eq!(
        lines_with("receiver"),
        format!("  receiver made at {made}, last used at {taken}")
    );
    assert_eq!(
        lines_with(&sent),
        "",
        "the handle that was used there is gone"
    );

    drop(rx);
    assert_eq!(lines_with("reply"), "");
}
