//! Several demos at a time: each worker takes the next that nobody has taken.
//!
//! Demos are taken in order. When one of them says to stop, those that run go on to their end and
//! no other is started; so what has run is always a beginning of the list.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// What happens to the item with this index.
#[derive(Debug)]
pub enum Event<R> {
    /// A worker took it.
    Started(usize),
    /// It is done, with this result.
    Finished(usize, R),
}

/// Calls `work` for each item on up to `jobs` threads, and `on_event` on this one.
///
/// No item is started after a result for which `stop` is true, nor after `work` or `on_event`
/// failed; their error is returned when all running work has ended.
pub fn run<T: Sync, R: Send>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T) -> anyhow::Result<R> + Sync,
    stop: impl Fn(&R) -> bool + Sync,
    mut on_event: impl FnMut(Event<R>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // ORDERING: Relaxed; a number and a flag that guard no other data.
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let (events, incoming) = mpsc::channel();
    let worker = |events: mpsc::Sender<anyhow::Result<Event<R>>>| {
        while !stopped.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            // The receiver outlives the workers.
            let _ = events.send(Ok(Event::Started(index)));
            let result = work(item);
            if result.as_ref().map_or(true, &stop) {
                stopped.store(true, Ordering::Relaxed);
            }
            let _ = events.send(result.map(|result| Event::Finished(index, result)));
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            let events = events.clone();
            scope.spawn(|| worker(events));
        }
        drop(events);
        let mut outcome = Ok(());
        for event in incoming {
            if outcome.is_ok() {
                outcome = event.and_then(&mut on_event);
            }
            if outcome.is_err() {
                stopped.store(true, Ordering::Relaxed);
            }
        }
        outcome
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(jobs: usize, stop_at: usize) -> Vec<usize> {
        let items: Vec<usize> = (0..50).collect();
        let mut done = Vec::new();
        run(
            &items,
            jobs,
            |item| Ok(*item),
            |item| *item == stop_at,
            |event| {
                if let Event::Finished(index, item) = event {
                    assert_eq!(index, item);
                    done.push(index);
                }
                Ok(())
            },
        )
        .unwrap();
        done.sort_unstable();
        done
    }

    #[test]
    fn every_item_is_done_once() {
        for jobs in [1, 3, 100] {
            assert_eq!(finished(jobs, usize::MAX), (0..50).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_ran_before_a_stop_is_a_beginning_of_the_list() {
        assert_eq!(finished(1, 4), [0, 1, 2, 3, 4]);
        let done = finished(3, 4);
        assert!(done.len() >= 5);
        assert_eq!(done, (0..done.len()).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_ends_the_run_and_is_returned() {
        let items: Vec<usize> = (0..50).collect();
        let fail = |item: &usize| {
            if *item == 2 {
                anyhow::bail!("no")
            } else {
                Ok(*item)
            }
        };
        let error = run(&items, 1, fail, |_| false, |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "no");
    }

    #[test]
    fn no_items_need_no_worker() {
        run(
            &[(); 0],
            4,
            |()| Ok(()),
            |()| false,
            |_| panic!("nothing happens"),
        )
        .unwrap();
    }
}
