//! The smaller tools do what the tests rely on.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::Lender;
use narrows_test_utils::table::{Row, Table, check};
use narrows_test_utils::waker::Probe;
use narrows_test_utils::{alloc, api, panics, stress};

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

#[test]
fn measure_counts_allocations_and_what_stays() {
    let (kept, usage) = alloc::measure(|| {
        drop(Box::new(0_u64));
        Box::new([0_u8; 100])
    });
    assert_eq!(
        (usage.allocations, usage.bytes, usage.live_bytes),
        (2, 108, 100)
    );
    let ((), usage) = alloc::measure(|| drop(kept));
    assert_eq!(
        (usage.allocations, usage.bytes, usage.live_bytes),
        (0, 0, -100)
    );
}

#[test]
fn a_ledger_logs_drops_in_order() {
    let ledger = Ledger::new();
    let (one, two) = (ledger.payload(1), ledger.payload(2));
    let copy = one.clone();
    drop(two);
    drop(copy);
    drop(one);
    assert_eq!(ledger.dropped(), [2, 1, 1]);
    assert_eq!(ledger.made(), 3);
    let caught = panics::catch(|| ledger.assert_each_dropped(1));
    assert!(caught.is_err_and(|caught| caught.message.contains("payload 1")));
}

#[test]
fn a_payload_panics_where_it_was_told_to() {
    let ledger = Ledger::new();
    let bomb = ledger.payload(3).panics_in_drop();
    let caught = panics::catch(|| drop(bomb)).expect_err("it panics");
    assert_eq!(caught.message, "payload 3 panics in drop");
    let bomb = ledger.payload(4).panics_in_clone();
    let caught = panics::catch(|| bomb.clone()).expect_err("it panics");
    assert_eq!(caught.message, "payload 4 panics in clone");
}

#[test]
fn a_clone_during_a_clone_is_caught() {
    let ledger = Ledger::new();
    let (entered, wait) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let left = std::sync::Mutex::new(left);
    let payload: Payload = ledger.payload(5).on_clone(move || {
        entered.send(()).expect("the test waits");
        left.lock()
            .expect("not poisoned")
            .recv()
            .expect("the test goes on");
    });
    std::thread::scope(|scope| {
        scope.spawn(|| payload.clone());
        wait.recv().expect("the clone has begun");
        let caught = panics::catch(|| payload.clone()).expect_err("one is in progress");
        assert_eq!(caught.message, "payload 5 cloned concurrently");
        leave.send(()).expect("the clone waits");
    });
}

#[test]
fn a_probe_counts() {
    let probe = Probe::new();
    let waker = probe.waker();
    let copy = waker.clone();
    assert!(waker.will_wake(&copy));
    assert_eq!((probe.live(), probe.clones(), probe.wakes()), (2, 1, 0));
    copy.wake();
    waker.wake_by_ref();
    assert_eq!((probe.live(), probe.clones(), probe.wakes()), (1, 1, 2));
    drop(waker);
    assert_eq!(probe.live(), 0);
    assert!(!probe.waker().will_wake(&Probe::new().waker()));
}

#[test]
fn a_probe_runs_its_hooks_once() {
    let probe = Probe::new();
    let dropped = Arc::new(AtomicBool::new(false));
    probe.on_drop({
        let dropped = Arc::clone(&dropped);
        move || dropped.store(true, Ordering::Relaxed)
    });
    probe.on_wake(|| panic!("woken"));
    let waker = probe.waker();
    let caught = panics::catch(|| waker.wake()).expect_err("the hook panics");
    assert_eq!(caught.message, "woken");
    assert!(dropped.load(Ordering::Relaxed), "the waker is dropped");
    assert_eq!(probe.live(), 0);
    probe.waker().wake();
    assert_eq!(probe.wakes(), 2);
}

#[test]
fn a_loan_ends_with_its_future() {
    let lender = Lender::new(5);
    let mut loan = lender.lend().expect("there");
    let probe = Probe::new();
    let mut future = Box::pin(async move {
        *loan += 1;
        std::future::pending::<()>().await;
        *loan += 1;
    });
    assert_eq!(probe.poll(&mut future), Poll::Pending);
    assert!(lender.lend().is_none());
    drop(future);
    assert_eq!(lender.take(), Some(6));
}

#[test]
fn a_caught_panic_knows_its_place() {
    let caught = panics::catch(|| panic!("here")).expect_err("it panics");
    let expected = (file!(), line!() - 1, "here");
    assert_eq!(
        (caught.file.as_str(), caught.line, caught.message.as_str()),
        expected
    );
}

#[test]
fn a_hang_is_a_failure_with_its_seed() {
    let caught = panics::catch(|| {
        let hang = Duration::from_millis(50);
        stress::watched("a test", 77, Duration::ZERO, hang, |_| {
            std::thread::park();
        });
    });
    let caught = caught.expect_err("the round never ends");
    assert_eq!(
        caught.message,
        "a test hangs; run it again with NARROWS_STRESS_SEED=77"
    );
}

#[test]
fn a_round_that_panics_fails_the_test() {
    let caught = panics::catch(|| {
        stress::watched(
            "a test",
            1,
            Duration::from_secs(60),
            Duration::from_secs(60),
            |rng| {
                let seed = rng.get_seed();
                assert_ne!(seed, 3, "the third round fails");
            },
        );
    });
    assert!(caught.is_err_and(|caught| caught.message.contains("the third round fails")));
}

#[test]
fn a_table_misses_no_state() {
    const TABLE: &Table<u8> = &[Row {
        operation: "twice",
        states: &[1, 2],
    }];
    check(TABLE, "twice", &[(1, 2), (2, 4)], |state| state * 2);
    assert!(panics::catch(|| check(TABLE, "twice", &[(1, 2)], |state| state * 2)).is_err());
    assert!(panics::catch(|| check(TABLE, "twice", &[(1, 2), (2, 5)], |s| s * 2)).is_err());
    assert!(panics::catch(|| check(TABLE, "thrice", &[(1, 3)], |s| s * 3)).is_err());
}

#[test]
fn the_api_check_names_what_is_missing() {
    const TABLE: &Table<u8> = &[
        Row {
            operation: "open",
            states: &[],
        },
        Row {
            operation: "Door::close",
            states: &[],
        },
    ];
    let folder = std::env::temp_dir().join(format!("narrows-api-{}", std::process::id()));
    fs::create_dir_all(folder.join("door")).expect("a temporary folder");
    let lib = "mod door; /// Opens.\n/// ```\n/// open();\n/// ```\npub fn open() {}";
    fs::write(folder.join("lib.rs"), lib).expect("written");
    let door = "pub struct Door; impl Door { /// As `open`.\npub fn close(&self) {} pub(crate) fn oil(&self) {} \
                pub fn knock(&self) {} } impl Drop for Door { fn drop(&mut self) {} }";
    fs::write(folder.join("door/mod.rs"), door).expect("written");

    api::assert_covered(&folder, TABLE, &["Door::knock"]);
    let untested = panics::catch(|| api::assert_covered(&folder, TABLE, &[]));
    let tested = panics::catch(|| api::assert_tested(&folder, TABLE));
    let gone = panics::catch(|| api::assert_covered(&folder, TABLE, &["Door::knock", "bell"]));
    let without = panics::catch(|| api::assert_examples(&folder));
    fs::remove_dir_all(&folder).expect("removed");
    assert!(
        without.is_err_and(|caught| caught.message.contains(r#"["Door::close", "Door::knock"]"#))
    );
    assert!(untested.is_err_and(|caught| caught.message.contains(r#"["Door::knock"]"#)));
    assert!(tested.is_err_and(|caught| caught.message.contains(r#"["open", "Door::close"]"#)));
    assert!(gone.is_err_and(|caught| caught.message.contains(r#"["bell"]"#)));
}
