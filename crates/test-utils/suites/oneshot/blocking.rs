//! `blocking_recv`: where it waits, and where it panics.

use std::thread;

use super::subject;

#[test]
fn waits_for_a_send() {
    let (tx, rx) = subject::channel();
    let receiver = thread::spawn(move || rx.blocking_recv());
    tx.send(5).expect("the receiver waits");
    assert_eq!(receiver.join().expect("no panic"), Ok(5));
}

#[test]
fn waits_for_the_senders_drop() {
    let (tx, rx) = subject::channel::<u8>();
    let receiver = thread::spawn(move || rx.blocking_recv());
    drop(tx);
    assert!(receiver.join().expect("no panic").is_err());
}

#[cfg(feature = "tokio")]
mod in_a_runtime {
    use narrows_test_utils::panics;

    use super::subject;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
    }

    #[test]
    fn panics_at_the_callers_line() {
        let (tx, rx) = subject::channel();
        tx.send(5).expect("the receiver is there");
        let mut line = 0;
        let caught = panics::catch(|| {
            runtime().block_on(async {
                line = line!() + 1;
                let _ = rx.blocking_recv();
            });
        });
        let caught = caught.expect_err("a runtime's thread must not block");
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
    }

    #[test]
    fn works_in_spawn_blocking() {
        let (tx, rx) = subject::channel();
        let value = runtime().block_on(async {
            let receiver = tokio::task::spawn_blocking(|| rx.blocking_recv());
            tx.send(5).expect("the receiver waits");
            receiver.await.expect("no panic")
        });
        assert_eq!(value, Ok(5));
    }

    #[test]
    fn works_beside_a_runtime() {
        let runtime = runtime();
        let (tx, rx) = subject::channel();
        let _guard = runtime.enter();
        tx.send(5).expect("the receiver is there");
        assert_eq!(rx.blocking_recv(), Ok(5));
    }
}
