//! The error types.

use std::error::Error;

use narrows_test_utils::oneshot::State;

use super::Fixture;
use super::subject::error::{RecvError, TryRecvError};

fn recv_error() -> RecvError {
    let rx = Fixture::new(State::SenderDropped).take_rx();
    rx.blocking_recv().expect_err("the sender is gone")
}

#[test]
fn texts() {
    assert_eq!(recv_error().to_string(), "channel closed");
    assert_eq!(format!("{:?}", recv_error()), "RecvError(())");
    assert_eq!(TryRecvError::Closed.to_string(), "channel closed");
    assert_eq!(format!("{:?}", TryRecvError::Closed), "Closed");
    assert_eq!(TryRecvError::Empty.to_string(), "channel empty");
    assert_eq!(format!("{:?}", TryRecvError::Empty), "Empty");
}

#[test]
fn traits() {
    fn is_value<E: Error + Clone + Eq + Send + Sync + 'static>(error: &E) {
        assert_eq!(error.clone(), *error);
        assert!(error.source().is_none());
    }
    is_value(&recv_error());
    is_value(&TryRecvError::Empty);
    is_value(&TryRecvError::Closed);
    assert_ne!(TryRecvError::Empty, TryRecvError::Closed);
}
