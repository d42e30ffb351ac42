//! `blocking_send`, `blocking_recv` and `blocking_recv_many`: where they wait, and where they panic.

use std::thread;

use super::subject;

#[test]
fn recv_waits_for_a_send() {
    let (tx, mut rx) = subject::channel(1);
    let receiver = thread::spawn(move || (rx.blocking_recv(), rx.blocking_recv()));
    tx.blocking_send(5).expect("the receiver waits");
    drop(tx);
    assert_eq!(receiver.join().expect("no panic"), (Some(5), None));
}

#[test]
fn recv_many_waits_for_a_send() {
    let (tx, mut rx) = subject::unbounded_channel();
    let receiver = thread::spawn(move || {
        let mut buffer = Vec::new();
        while rx.blocking_recv_many(&mut buffer, 3) > 0 {}
        buffer
    });
    for number in 0..10 {
        tx.send(number).expect("the receiver is there");
    }
    drop(tx);
    let received = receiver.join().expect("no panic");
    assert!((0..10).eq(received));
}

#[test]
fn send_waits_for_a_receive() {
    let (tx, mut rx) = subject::channel(1);
    tx.try_send(1).expect("there is room");
    let sender = thread::spawn(move || tx.blocking_send(2));
    assert_eq!(rx.blocking_recv(), Some(1));
    assert_eq!(rx.blocking_recv(), Some(2));
    assert_eq!(sender.join().expect("no panic"), Ok(()));
}

#[test]
fn send_waits_for_the_receivers_end() {
    let (tx, rx) = subject::channel(1);
    tx.try_send(1).expect("there is room");
    let sender = thread::spawn(move || tx.blocking_send(2));
    drop(rx);
    let unsent = sender.join().expect("no panic").expect_err("closed");
    assert_eq!(unsent.0, 2);
}

#[cfg(feature = "tokio")]
mod in_a_runtime {
    use narrows_test_utils::panics::{self, Caught};

    use super::subject;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
    }

    fn in_a_task(f: impl FnOnce()) -> Caught {
        let caught = panics::catch(|| runtime().block_on(async { f() }));
        caught.expect_err("a runtime's thread must not block")
    }

    #[test]
    fn panics_at_the_callers_line() {
        let (tx, mut rx) = subject::channel(1);
        let mut line = 0;
        let caught = in_a_task(|| {
            line = line!() + 1;
            let _ = tx.blocking_send(1);
        });
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
        let caught = in_a_task(|| {
            line = line!() + 1;
            let _ = rx.blocking_recv();
        });
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
        let caught = in_a_task(|| {
            line = line!() + 1;
            rx.blocking_recv_many(&mut Vec::new(), 1);
        });
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line));

        let (_tx, mut rx) = subject::unbounded_channel::<u8>();
        let caught = in_a_task(|| {
            line = line!() + 1;
            let _ = rx.blocking_recv();
        });
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
        let caught = in_a_task(|| {
            line = line!() + 1;
            rx.blocking_recv_many(&mut Vec::new(), 1);
        });
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
    }

    #[test]
    fn works_in_spawn_blocking() {
        let (tx, mut rx) = subject::channel(1);
        runtime().block_on(async {
            let receiver = tokio::task::spawn_blocking(move || rx.blocking_recv());
            let sender = tokio::task::spawn_blocking(move || tx.blocking_send(5));
            assert_eq!(receiver.await.expect("no panic"), Some(5));
            assert_eq!(sender.await.expect("no panic"), Ok(()));
        });
    }

    #[test]
    fn works_beside_a_runtime() {
        let runtime = runtime();
        let (tx, mut rx) = subject::channel(1);
        let _guard = runtime.enter();
        tx.blocking_send(5).expect("there is room");
        assert_eq!(rx.blocking_recv(), Some(5));
    }
}
