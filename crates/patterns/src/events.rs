//! Events: whoever publishes doesn't know who listens, and each listener chooses what happens if it is slow.
//!
//! By hand this is a broadcast channel. What then goes wrong:
//!
//! - `while let Ok(event) = rx.recv().await` ends at the first lag, and the listener is deaf without a word.
//! - The channel's policy is for all: an audit log that must not miss an event and a display that may skip some
//!   can't listen to the same channel.
//! - Whoever comes late has missed what the others know.
//! - Nobody can tell which listener is slow.
//!
//! A [`Topic`] has events of one type. Each [subscriber](Topic::subscribe) says what is to happen when it is a whole
//! ring of events behind:
//!
//! | [`Overflow`] | the subscriber | publishers |
//! |---|---|---|
//! | `Lag` | misses the oldest events, and is told how many | don't wait |
//! | `Disconnect` | is disconnected, and is told so | don't wait |
//! | `Wait` | misses nothing | wait until it has made room |
//!
//! ```
//! use narrows_patterns::events::{Ended, Overflow, Received, Topic};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let topic = Topic::new(2);
//! let mut display = topic.subscribe("display", Overflow::Lag);
//! for temperature in [20, 21, 22] {
//!     topic.publish(temperature).await;
//! }
//! drop(topic);
//!
//! let mut log = Vec::new();
//! let end = loop {
//!     match display.recv().await {
//!         Ok(Received::Event(temperature)) => log.push(format!("{temperature} degrees")),
//!         Ok(Received::Missed(count)) => log.push(format!("missed {count}")),
//!         Err(end) => break end,
//!     }
//! };
//! assert_eq!(log, ["missed 1", "21 degrees", "22 degrees"]);
//! assert_eq!(end, Ended::PublishersGone);
//! # }
//! ```
//!
//! A topic is two broadcast channels with the same events: a lossy one for subscribers that may lag or be
//! disconnected, and a lossless one for those that are waited for. While there is nobody to wait for, and no
//! history, an event goes through the first alone. A [`Bus`] has topics by the type of their events.
//! [The guide](../../../../docs/patterns.md#events) has the table of what can fail.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use narrows_broadcast as broadcast;
use narrows_broadcast::Lossless;
use narrows_broadcast::error::{RecvError, TrySendError};
use thiserror::Error;

use crate::weak_list::WeakList;

/// What happens when a subscriber is a whole ring of events behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It misses the oldest events, and is [told](Received::Missed) how many.
    Lag,
    /// It is [disconnected](Ended::TooSlow): for those who can't go on with a gap, and begin anew.
    Disconnect,
    /// Publishers wait until it has made room, so that it misses nothing but what another thread publishes in the
    /// moment in which it subscribes. One that is not read stops them all: drop it.
    Wait,
}

/// An event on its way, with a number by which subscribers are told apart that are behind.
struct Numbered<E> {
    number: u64,
    event: Arc<E>,
}

impl<E> Clone for Numbered<E> {
    fn clone(&self) -> Self {
        Self {
            number: self.number,
            event: Arc::clone(&self.event),
        }
    }
}

/// What is known of a subscriber without asking it.
struct Book {
    name: String,
    overflow: Overflow,
    /// The number of the event it reads next.
    next: AtomicU64,
    missed: AtomicU64,
    /// It was told that no more events come.
    has_ended: AtomicBool,
}

struct Channels<E> {
    lossy: broadcast::Sender<Numbered<E>>,
    lossless: broadcast::Sender<Numbered<E>, Lossless>,
    has_history: bool,
    /// Publishers that use both channels come one after the other, so that both have the same order.
    turn: tokio::sync::Mutex<()>,
    /// One more than the number of the last event.
    published: AtomicU64,
    subscribers: Mutex<WeakList<Book>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Events of one type. Clones are handles of the same topic; its subscribers end when the last one is gone.
pub struct Topic<E> {
    channels: Arc<Channels<E>>,
}

impl<E: Send + Sync + 'static> Topic<E> {
    /// A topic that keeps `capacity` events, rounded up to a power of two, for subscribers that have yet to read
    /// them.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0 or more than `usize::MAX / 2`.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::with_history(capacity, 0)
    }

    /// A topic that also keeps its last `history` events for
    /// [subscribers that come late](Self::subscribe_with_history): no more than the rounded `capacity`.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[must_use]
    pub fn with_history(capacity: usize, history: usize) -> Self {
        let channel = broadcast::Builder::new(capacity)
            .replay(history)
            .name(type_name::<E>());
        Self {
            channels: Arc::new(Channels {
                lossy: channel.clone().sender(),
                lossless: channel.lossless().sender(),
                has_history: history > 0,
                turn: tokio::sync::Mutex::new(()),
                published: AtomicU64::new(0),
                subscribers: Mutex::default(),
            }),
        }
    }

    /// Publishes an event, and returns how many subscribers there are: none is no error.
    ///
    /// Waits for those subscribers that [want it](Overflow::Wait). All subscribers get the events of a topic in
    /// the same order.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, nobody gets the event, and it is dropped too.
    pub async fn publish(&self, event: E) -> usize {
        let event = Arc::new(event);
        if self.nobody_is_waited_for() {
            return self.publish_to_the_lossy(event);
        }
        let _turn = self.channels.turn.lock().await;
        let numbered = self.number(event);
        // An error: nobody is waited for.
        let sent = self.channels.lossless.send(numbered.clone()).await;
        sent.unwrap_or(0) + self.finish(numbered)
    }

    /// Publishes an event if that can be done without waiting, and returns how many subscribers there are.
    ///
    /// # Errors
    ///
    /// The event, which nobody got, if a subscriber that is [waited for](Overflow::Wait) has no room, or if
    /// another publisher waits for it or is about to publish.
    pub fn try_publish(&self, event: E) -> Result<usize, Full<E>> {
        if self.nobody_is_waited_for() {
            return Ok(self.publish_to_the_lossy(Arc::new(event)));
        }
        let Ok(_turn) = self.channels.turn.try_lock() else {
            return Err(Full(event));
        };
        let numbered = self.number(Arc::new(event));
        let sent = match self.channels.lossless.try_send(numbered.clone()) {
            Ok(sent) => sent,
            Err(TrySendError::Closed(_)) => 0,
            Err(TrySendError::Full(refused)) => {
                drop(refused);
                return match Arc::into_inner(numbered.event) {
                    Some(event) => Err(Full(event)),
                    None => unreachable!("nobody else got it"),
                };
            }
        };
        Ok(sent + self.finish(numbered))
    }

    /// Whoever subscribes to be waited for after this was asked gets none of the events that are published because of
    /// it.
    fn nobody_is_waited_for(&self) -> bool {
        !self.channels.has_history && self.channels.lossless.receiver_count() == 0
    }

    fn publish_to_the_lossy(&self, event: Arc<E>) -> usize {
        // ORDERING: Relaxed, here and below; the numbers serve to look who is behind, nothing else.
        let number = self.channels.published.fetch_add(1, Ordering::Relaxed);
        let sent = self.channels.lossy.send(Numbered { number, event });
        sent.unwrap_or(0)
    }

    fn number(&self, event: Arc<E>) -> Numbered<E> {
        let number = self.channels.published.load(Ordering::Relaxed);
        Numbered { number, event }
    }

    /// What the lossless channel has got goes into the other one too.
    fn finish(&self, numbered: Numbered<E>) -> usize {
        let published = &self.channels.published;
        published.fetch_max(numbered.number + 1, Ordering::Relaxed);
        self.channels.lossy.send(numbered).unwrap_or(0)
    }

    /// A subscriber of this name, which gets what is published from here on.
    pub fn subscribe(&self, name: &str, overflow: Overflow) -> Subscriber<E> {
        let rx = match overflow {
            Overflow::Lag | Overflow::Disconnect => self.channels.lossy.subscribe(),
            Overflow::Wait => self.channels.lossless.subscribe(),
        };
        self.enter(name, overflow, rx)
    }

    /// A subscriber of this name, which first gets the [history](Self::with_history), then what is published
    /// from here on. No event comes twice or is left out between.
    pub fn subscribe_with_history(&self, name: &str, overflow: Overflow) -> Subscriber<E> {
        let rx = match overflow {
            Overflow::Lag | Overflow::Disconnect => self.channels.lossy.subscribe_from_oldest(),
            Overflow::Wait => self.channels.lossless.subscribe_from_oldest(),
        };
        self.enter(name, overflow, rx)
    }

    fn enter(
        &self,
        name: &str,
        overflow: Overflow,
        rx: broadcast::Receiver<Numbered<E>>,
    ) -> Subscriber<E> {
        // Read after the subscription: no event from before it counts as one to read.
        let published = self.channels.published.load(Ordering::Relaxed);
        let book = Arc::new(Book {
            name: name.to_owned(),
            overflow,
            next: AtomicU64::new(published.saturating_sub(rx.len() as u64)),
            missed: AtomicU64::new(0),
            has_ended: AtomicBool::new(false),
        });
        lock(&self.channels.subscribers).push(&book);
        Subscriber { rx: Ok(rx), book }
    }

    /// Who listens, and how far behind each of them is.
    #[must_use]
    pub fn subscribers(&self) -> Vec<Status> {
        let published = self.channels.published.load(Ordering::Relaxed);
        let subscribers = lock(&self.channels.subscribers);
        subscribers
            .alive()
            .filter(|book| !book.has_ended.load(Ordering::Relaxed))
            .map(|book| Status {
                name: book.name.clone(),
                overflow: book.overflow,
                behind: published.saturating_sub(book.next.load(Ordering::Relaxed)),
                missed: book.missed.load(Ordering::Relaxed),
            })
            .collect()
    }
}

impl<E> Clone for Topic<E> {
    fn clone(&self) -> Self {
        Self {
            channels: Arc::clone(&self.channels),
        }
    }
}

impl<E: Send + Sync + 'static> fmt::Debug for Topic<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic")
            .field("subscribers", &self.subscribers())
            .finish_non_exhaustive()
    }
}

/// How far a subscriber is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its name.
    pub name: String,
    /// What happens if it is too slow.
    pub overflow: Overflow,
    /// How many events were published that it has not read, nor was told that it missed.
    pub behind: u64,
    /// How many events it was told that it has missed.
    pub missed: u64,
}

/// Listens to a topic.
pub struct Subscriber<E> {
    rx: Result<broadcast::Receiver<Numbered<E>>, Ended>,
    book: Arc<Book>,
}

impl<E> Subscriber<E> {
    /// The next event, or how many were missed before it.
    ///
    /// # Errors
    ///
    /// When no more will come, why: again at each call.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it is ready, no event is lost.
    pub async fn recv(&mut self) -> Result<Received<E>, Ended> {
        let rx = self.rx.as_mut().map_err(|ended| *ended)?;
        match rx.recv().await {
            Ok(Numbered { number, event }) => {
                self.book.next.fetch_max(number + 1, Ordering::Relaxed);
                Ok(Received::Event(event))
            }
            Err(RecvError::Lagged(missed)) => {
                self.book.next.fetch_add(missed, Ordering::Relaxed);
                self.book.missed.fetch_add(missed, Ordering::Relaxed);
                if self.book.overflow == Overflow::Disconnect {
                    return self.end(Ended::TooSlow { missed });
                }
                Ok(Received::Missed(missed))
            }
            Err(RecvError::Closed) => self.end(Ended::PublishersGone),
        }
    }

    fn end(&mut self, end: Ended) -> Result<Received<E>, Ended> {
        self.rx = Err(end);
        self.book.has_ended.store(true, Ordering::Relaxed);
        Err(end)
    }
}

impl<E> fmt::Debug for Subscriber<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("name", &self.book.name)
            .field("overflow", &self.book.overflow)
            .finish_non_exhaustive()
    }
}

/// What a subscriber gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<E> {
    /// An event, shared with the other subscribers.
    Event(Arc<E>),
    /// So many events were overwritten before they were read. The next one is the oldest that is left.
    Missed(u64),
}

// By hand, so that the event need not be `Clone`.
impl<E> Clone for Received<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Event(event) => Self::Event(Arc::clone(event)),
            Self::Missed(count) => Self::Missed(*count),
        }
    }
}

/// Why no more events come.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The last handle of the topic is gone, and everything was read.
    #[error("the last publisher is gone")]
    PublishersGone,
    /// The subscriber was [disconnected](Overflow::Disconnect).
    #[error("disconnected: {missed} events were overwritten before they were read")]
    TooSlow {
        /// How many events were overwritten before it read them.
        missed: u64,
    },
}

/// The event was not published, since that would mean to wait. Holds it.
#[derive(Clone, Copy, Error, PartialEq, Eq)]
#[error("the event was not published: a subscriber that is waited for has no room")]
pub struct Full<E>(pub E);

// By hand, so that the event need not be `Debug`.
impl<E> fmt::Debug for Full<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

/// Topics by the type of their events. Clones are handles of the same bus.
///
/// A bus has a handle of each of its topics: their subscribers end when the bus is gone too.
///
/// ```
/// use narrows_patterns::events::{Bus, Overflow, Received, Topic};
///
/// #[derive(Debug, PartialEq)]
/// struct UserLeft(&'static str);
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let bus = Bus::new(64).with(Topic::<String>::with_history(64, 1));
/// let mut listener = bus.topic::<UserLeft>().subscribe("listener", Overflow::Lag);
/// bus.topic().publish("a text".to_owned()).await;
/// bus.topic().publish(UserLeft("Ada")).await;
/// assert_eq!(listener.recv().await, Ok(Received::Event(UserLeft("Ada").into())));
/// # }
/// ```
#[derive(Clone)]
pub struct Bus {
    capacity: usize,
    topics: Arc<Mutex<HashMap<TypeId, Box<dyn Any + Send + Sync>>>>,
}

impl Bus {
    /// A bus whose topics keep `capacity` events, rounded up to a power of two, and no history.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0 or more than `usize::MAX / 2`.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        assert!(
            (1..=usize::MAX / 2).contains(&capacity),
            "a topic cannot keep {capacity} events"
        );
        Self {
            capacity,
            topics: Arc::default(),
        }
    }

    /// Puts a topic on the bus, for instance one with a history, in place of the one that would be made for the
    /// type of its events.
    ///
    /// Whoever has a handle of a topic that is replaced keeps that one.
    #[must_use = "it is the same bus"]
    pub fn with<E: Send + Sync + 'static>(self, topic: Topic<E>) -> Self {
        let replaced = lock(&self.topics).insert(TypeId::of::<E>(), Box::new(topic));
        drop(replaced); // Drops events: not under the lock.
        self
    }

    /// The topic of the events of this type: always the same one.
    #[must_use]
    pub fn topic<E: Send + Sync + 'static>(&self) -> Topic<E> {
        let mut topics = lock(&self.topics);
        let topic = topics
            .entry(TypeId::of::<E>())
            .or_insert_with(|| Box::new(Topic::<E>::new(self.capacity)));
        match topic.downcast_ref::<Topic<E>>() {
            Some(topic) => topic.clone(),
            None => unreachable!("topics are stored under the type of their events"),
        }
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("capacity", &self.capacity)
            .field("topics", &lock(&self.topics).len())
            .finish()
    }
}
