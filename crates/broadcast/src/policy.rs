//! What senders do when a receiver is a whole ring behind: part of the sender's type.

/// The default: a message is sent at once, and overwrites the oldest one even if a receiver has yet to
/// read it.
#[derive(Clone, Copy, Debug)]
pub enum Lossy {}

/// A message waits until the slowest receiver has made room; see [`Builder::lossless`](crate::Builder::lossless).
#[derive(Clone, Copy, Debug)]
pub enum Lossless {}
