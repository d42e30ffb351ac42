//! The error types.

use std::error::Error;

use super::subject::error::{SendError, TryRecvError, TrySendError};

/// Not even `Debug`.
struct Opaque;

#[test]
fn texts_need_nothing_of_the_message() {
    assert_eq!(SendError(Opaque).to_string(), "channel closed");
    assert_eq!(format!("{:?}", SendError(Opaque)), "SendError { .. }");
    assert_eq!(
        TrySendError::Full(Opaque).to_string(),
        "no available capacity"
    );
    assert_eq!(TrySendError::Closed(Opaque).to_string(), "channel closed");
    assert_eq!(
        format!("{:?}", TrySendError::Full(Opaque)),
        r#""Full(..)""#,
        "with quotation marks"
    );
    assert_eq!(
        format!("{:?}", TrySendError::Closed(Opaque)),
        r#""Closed(..)""#
    );
    assert_eq!(
        TryRecvError::Empty.to_string(),
        "receiving on an empty channel"
    );
    assert_eq!(
        TryRecvError::Disconnected.to_string(),
        "receiving on a closed channel"
    );
    assert_eq!(format!("{:?}", TryRecvError::Empty), "Empty");
    assert_eq!(format!("{:?}", TryRecvError::Disconnected), "Disconnected");
}

#[test]
fn traits() {
    fn is_error<E: Error>(error: &E) {
        assert!(error.source().is_none());
    }
    fn is_value<E: Error + Clone + Copy + Eq + Send + Sync + 'static>(error: E) {
        #[expect(clippy::clone_on_copy, reason = "it is `Clone` that is tested")]
        let copy = error.clone();
        assert_eq!(copy, error);
    }
    is_error(&SendError(Opaque));
    is_error(&TrySendError::Full(Opaque));
    is_value(SendError(1));
    is_value(TrySendError::Full(1));
    is_value(TrySendError::Closed(1));
    is_value(TryRecvError::Empty);
    assert_ne!(SendError(1), SendError(2));
    assert_ne!(TrySendError::Full(1), TrySendError::Closed(1));
    assert_ne!(TryRecvError::Empty, TryRecvError::Disconnected);
}

#[test]
fn the_message_comes_back() {
    let SendError(message) = SendError(String::from("message"));
    assert_eq!(message, "message");
    for error in [TrySendError::Full(1), TrySendError::Closed(1)] {
        assert_eq!(error.into_inner(), 1);
    }
    assert_eq!(TrySendError::from(SendError(1)), TrySendError::Closed(1));
}

#[cfg(feature = "tokio")]
#[test]
fn send_timeout_error() {
    use super::subject::error::SendTimeoutError::{self, Closed, Timeout};

    fn is_value<E: Error + Copy + Eq + Send + Sync + 'static>(_: E) {}
    is_value(Timeout(1));
    assert_eq!(
        Timeout(Opaque).to_string(),
        "timed out waiting on send operation"
    );
    assert_eq!(
        SendTimeoutError::Closed(Opaque).to_string(),
        "channel closed"
    );
    assert_eq!(format!("{:?}", Timeout(Opaque)), r#""Timeout(..)""#);
    assert_eq!(format!("{:?}", Closed(Opaque)), r#""Closed(..)""#);
    for error in [Timeout(1), Closed(1)] {
        assert_eq!(error.into_inner(), 1);
    }
    assert_ne!(Timeout(1), Closed(1));
}
