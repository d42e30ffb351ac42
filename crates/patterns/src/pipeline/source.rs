//! Where the items of a pipeline come from.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use narrows_mpsc as mpsc;

use super::Pipeline;
use super::stage::BUFFER;

/// Where the items come from: by default with the name `source`, and room for 64 items that wait.
///
/// [`Pipeline::from_iter`] and its like are this with the defaults.
///
/// ```
/// use narrows_patterns::pipeline::{Source, Stage};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// // Large items: no more than three of them at a time.
/// let pipeline = Source::new("images").buffer(1).iter([vec![0; 1 << 20], vec![1; 1 << 20]])
///     .stage(Stage::new("shrink").buffer(1), |image| async move { Ok::<_, ()>(image.len()) });
/// assert_eq!(pipeline.collect::<Vec<_>>().await, Ok(vec![1 << 20, 1 << 20]));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Source {
    name: Arc<str>,
    buffer: usize,
}

impl Source {
    /// A source of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            buffer: BUFFER,
        }
    }

    /// Has room for `capacity` items that the first stage has not taken.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0.
    #[must_use]
    pub fn buffer(self, capacity: usize) -> Self {
        assert!(capacity > 0, "a source without room hands nothing on");
        Self {
            buffer: capacity,
            ..self
        }
    }

    /// A pipeline of the items of an iterator, which must not block for long.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; so do the other two.
    pub fn iter<T, E, I>(self, items: I) -> Pipeline<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        let mut items = items.into_iter();
        self.poll(move |_| Poll::Ready(items.next()))
    }

    /// A pipeline of the messages of a channel, until its last sender is gone.
    pub fn channel<T, E>(self, mut rx: mpsc::Receiver<T>) -> Pipeline<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.poll(move |cx| rx.poll_recv(cx))
    }

    /// A pipeline of the items of a stream.
    pub fn stream<T, E>(self, stream: impl Stream<Item = T> + Send + 'static) -> Pipeline<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let mut stream = Box::pin(stream);
        self.poll(move |cx| stream.as_mut().poll_next(cx))
    }

    fn poll<T, E>(
        self,
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<T>> + Send + 'static,
    ) -> Pipeline<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        Pipeline::begin(self.name, self.buffer, next)
    }
}

impl Default for Source {
    fn default() -> Self {
        Self::new("source")
    }
}
