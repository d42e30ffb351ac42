//! What is recorded, as a user of the report sees it. Channels of other tests would show up in the
//! report too, so there is one test.

use std::mem::size_of;

use narrows_explain::{Channel, ENABLED, Handle, Kind, Label, Role, Site, Wait, report};

fn jobs() -> Channel {
    Channel {
        kind: Kind::Mpsc,
        message: "u32",
        capacity: Some(10),
        label: Label::new("jobs"),
    }
}

/// The report with this file's path left out and the seconds masked.
fn shown() -> String {
    let report = report().to_string().replace(file!(), "FILE");
    let mut masked = String::new();
    for line in report.lines() {
        match line.split_once(" has waited ") {
            Some((what, _)) => masked.push_str(&format!("{what} has waited SECONDS\n")),
            None => masked.push_str(&format!("{line}\n")),
        }
    }
    masked
}

#[test]
fn a_report_lists_channels_handles_and_waits() {
    if !ENABLED {
        assert_eq!(size_of::<(Handle, Label, Site, Wait)>(), 0);
        assert!(shown().starts_with("nothing is recorded"));
        return;
    }

    assert_eq!(shown(), "no channel is alive\n");

    let line = line!() + 1;
    let tx = Handle::channel(jobs(), Role::Sender);
    let rx = tx.another(Role::Receiver);
    let weak = tx.another(Role::WeakSender);
    let mut wait = Wait::new("recv()", Site::caller());
    wait.begin(&rx);
    wait.begin(&rx);
    tx.passed(Site::caller(), 2);
    rx.passed(Site::unknown(), 2);
    let [l0, l1, l2, l3, l4] = [line, line + 1, line + 2, line + 3, line + 6];
    let waiting = format!(
        "1 channel is alive\n\
         mpsc::channel::<u32>(10) \"jobs\" made at FILE:{l0}\n\
         \x20 sender made at FILE:{l0}, last used at FILE:{l4}\n\
         \x20 receiver made at FILE:{l1}, used\n\
         \x20 weak sender made at FILE:{l2}, never used\n\
         \x20 recv() at FILE:{l3} has waited SECONDS\n\
         \x20 2 values were sent\n"
    );
    assert_eq!(shown(), waiting);

    wait.end();
    drop(weak);
    drop(tx);
    let line = line!() + 1;
    rx.closed(Site::caller());
    let closed = format!(
        "1 channel is alive\n\
         mpsc::channel::<u32>(10) \"jobs\" made at FILE:{l0}\n\
         \x20 receiver made at FILE:{l1}, used\n\
         \x20 closed at FILE:{line}\n\
         \x20 2 values were sent\n"
    );
    assert_eq!(shown(), closed);

    let kept = report();
    drop(rx);
    assert_eq!(shown(), "no channel is alive\n");
    drop(kept);
}
