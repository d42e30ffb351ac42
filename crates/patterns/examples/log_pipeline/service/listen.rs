//! The listener: the task that takes clients in, up to a limit.
//!
//! Each client has a task in a scope of its own, so a panic over one of them ends nobody else's connection. The
//! scopes are inside the service's, so they stop with it.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use narrows_patterns::shutdown::{Shutdown, Stop};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::sleep;

use super::client::{self, Desk};
use super::events::Event;

/// How long to wait when no client can be accepted, for want of file handles for instance.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens at the path, in place of a service that is gone and has left its socket.
pub(crate) async fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    let in_use = || format!("cannot listen at {}", path.display());
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
        bound => return bound.with_context(in_use),
    }
    let is_socket = path.symlink_metadata().with_context(in_use)?.file_type();
    if !is_socket.is_socket() {
        bail!("{} is a file, and no socket", path.display());
    }
    if UnixStream::connect(path).await.is_ok() {
        bail!("another service listens at {}", path.display());
    }
    std::fs::remove_file(path).with_context(in_use)?;
    UnixListener::bind(path).with_context(in_use)
}

/// Accepts clients until it is to stop.
pub(crate) async fn run(
    listener: UnixListener,
    desk: Desk,
    shutdown: Shutdown<String>,
    stop: Stop<String>,
) {
    let limit = Duration::from_millis(desk.settings.get().stop_within_ms);
    // Each connection holds a clone.
    let connections = Arc::new(());
    let mut number = 0_u64;
    loop {
        let accepted = tokio::select! {
            _ = stop.requested() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                desk.events.publish(Event::Problem(error.to_string())).await;
                sleep(PAUSE).await;
                continue;
            }
        };
        let max = desk.settings.get().max_connections;
        if Arc::strong_count(&connections) > max {
            refuse(&stream, max);
            desk.events.publish(Event::ClientRefused).await;
            continue;
        }
        number += 1;
        let (desk, connection) = (desk.clone(), Arc::clone(&connections));
        let scope = shutdown.child(&format!("client {number}"), limit);
        let task = |stop| async move {
            client::serve(stream, desk, stop).await;
            drop(connection);
        };
        // An error: the service stops, and the client sees its connection end.
        let _ = scope.spawn("connection", task);
    }
}

/// Tells a client that there are too many, if that takes no time.
fn refuse(stream: &UnixStream, max: usize) {
    let text = format!("error more than {max} connections\n");
    let _ = stream.try_write(text.as_bytes());
}
