//! The error types.

use std::error::Error;

use super::subject::{self, error::SendError};

/// Neither `Debug` nor anything else.
struct Opaque;

#[test]
fn texts() {
    let (tx, rx) = subject::channel(1);
    drop(tx);
    let error = rx.has_changed().expect_err("closed");
    assert_eq!(
        format!("{error}: {error:?}"),
        "channel closed: RecvError(())"
    );
    let error = subject::Sender::new(Opaque).send(Opaque).unwrap_err();
    assert_eq!(
        format!("{error}: {error:?}"),
        "channel closed: SendError { .. }"
    );
}

#[test]
fn traits() {
    fn is_error<E: Error + Clone + Send + Sync + 'static>(error: &E) {
        assert!(error.clone().source().is_none());
    }
    let (tx, rx) = subject::channel(1);
    drop(tx);
    is_error(&rx.has_changed().expect_err("closed"));
    is_error(&SendError(1));

    fn is_value<E: Eq + Copy>(error: E) -> bool {
        error == error
    }
    assert!(is_value(SendError(1)));
    assert_ne!(SendError(1), SendError(2));
    assert_eq!(SendError("unsent").0, "unsent");
}
