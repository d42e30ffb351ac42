//! Configuration: each row of the guide's failure table, by its name.

use std::time::Duration;

use narrows_patterns::config::{Closed, Publisher};
use narrows_test_utils::stress;
use tokio::time::timeout;

const MS: Duration = Duration::from_millis(1);

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "validation borrows the value"
)]
fn even(n: &u64) -> Result<(), String> {
    if n % 2 == 0 {
        Ok(())
    } else {
        Err(format!("{n} is odd"))
    }
}

fn publisher() -> Publisher<u64, String> {
    Publisher::new(0, even).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_new_value_is_bad() {
    let config = publisher();
    let mut worker = config.subscribe("worker");
    let refused = config.update(3).unwrap_err();
    assert_eq!(refused.to_string(), "the update was refused: 3 is odd");
    assert_eq!(refused.value, 3);
    assert_eq!(*config.get(), 0);
    timeout(MS, worker.changed())
        .await
        .expect_err("nobody is woken");
}

#[tokio::test(start_paused = true)]
async fn the_first_value_is_bad() {
    assert_eq!(Publisher::new(1, even).unwrap_err().value, 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_has_read_the_log() {
    let config = publisher();
    let mut errors = config.errors();
    config.update(3).unwrap_err();
    errors.changed().await.unwrap();
    assert_eq!(errors.borrow_and_update().as_deref(), Some("3 is odd"));
    assert_eq!(config.last_error().as_deref(), Some("3 is odd"));
    assert_eq!(config.update(0), Ok(false)); // Equal, and good.
    errors.changed().await.unwrap();
    assert_eq!(config.last_error(), None);
}

#[test]
fn somebody_reads_the_error_while_it_changes() {
    let config = publisher();
    let errors = config.errors();
    let none = errors.borrow();
    config.update(3).unwrap_err();
    let odd = errors.borrow();
    config.refuse("the file is no number".to_owned());
    let no_number = errors.borrow();
    config.update(2).unwrap();
    assert_eq!(none.as_deref(), None);
    assert_eq!(odd.as_deref(), Some("3 is odd"));
    assert_eq!(no_number.as_deref(), Some("the file is no number"));
    assert_eq!(config.last_error(), None);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_value_to_validate() {
    let config = publisher();
    let mut worker = config.subscribe("worker");
    let mut errors = config.errors();
    config.refuse("the file is no number".to_owned());
    errors.changed().await.unwrap();
    assert_eq!(
        config.last_error().as_deref(),
        Some("the file is no number")
    );
    timeout(MS, worker.changed())
        .await
        .expect_err("nobody is woken");
    config.update(2).unwrap();
    assert_eq!(config.last_error(), None);
}

#[tokio::test(start_paused = true)]
async fn the_same_value_comes_again() {
    let config = publisher();
    let mut worker = config.subscribe("worker");
    assert_eq!(config.update(0), Ok(false));
    timeout(MS, worker.changed())
        .await
        .expect_err("nobody is woken");
    assert_eq!(config.update(2), Ok(true));
    assert_eq!(worker.changed().await.as_deref(), Ok(&2));
}

#[tokio::test(start_paused = true)]
async fn somebody_works_with_the_old_value() {
    let config = publisher();
    let (mut quick, mut slow) = (config.subscribe("quick"), config.subscribe("slow"));
    let gone = config.subscribe("gone");
    config.update(2).unwrap();
    drop(gone);
    assert_eq!(config.behind(), ["quick", "slow"]);
    quick.changed().await.unwrap();
    assert_eq!(config.behind(), ["slow"]);
    assert_eq!(*slow.get(), 2);
    assert_eq!(config.behind(), [""; 0]);
    let _late = config.subscribe("late");
    assert_eq!(config.behind(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_value_is_kept_across_an_await() {
    let config = publisher();
    let mut worker = config.subscribe("worker");
    let kept = worker.get();
    assert_eq!(config.update(2), Ok(true));
    assert_eq!((*kept, *config.get()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn the_publisher_is_gone() {
    let config = publisher();
    let mut worker = config.subscribe("worker");
    config.update(2).unwrap();
    drop(config);
    assert_eq!(worker.changed().await.as_deref(), Ok(&2));
    assert_eq!(worker.changed().await, Err(Closed));
}

#[test]
fn the_validation_panics() {
    let config = Publisher::new(0, |n| {
        assert_ne!(*n, 1, "this panic is part of the test");
        Ok::<_, ()>(())
    })
    .unwrap();
    let update = std::panic::AssertUnwindSafe(|| config.update(1));
    std::panic::catch_unwind(update).unwrap_err();
    assert_eq!(*config.get(), 0);
    assert_eq!(config.update(2), Ok(true));
}

/// Updates from several threads, good and bad, and subscribers that give up waiting: nobody sees a bad value,
/// and everybody gets to the last.
#[test]
fn stress_everybody_gets_to_the_last_good_value() {
    stress::rounds("config", 2.0, |rng| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let (config, seed) = (publisher(), rng.u64(..));
        let names: Vec<_> = (0..4).map(|n| n.to_string()).collect();
        runtime.block_on(async {
            let subscribers: Vec<_> = names
                .iter()
                .map(|name| {
                    let mut subscriber = config.subscribe(name);
                    let patience = Duration::from_micros(seed % 50);
                    tokio::spawn(async move {
                        let mut last = *subscriber.get();
                        loop {
                            match timeout(patience, subscriber.changed()).await {
                                Ok(Ok(value)) => last = *value,
                                Ok(Err(Closed)) => return last,
                                Err(_) => {}
                            }
                            assert_eq!(last % 2, 0);
                        }
                    })
                })
                .collect();
            std::thread::scope(|scope| {
                for thread in 0..2 {
                    let config = &config;
                    scope.spawn(move || {
                        let mut rng = fastrand::Rng::with_seed(seed + thread);
                        for _ in 0..50 {
                            let value = rng.u64(..100);
                            assert_eq!(config.update(value).is_ok(), value % 2 == 0);
                        }
                    });
                }
            });
            let last = *config.get();
            drop(config);
            for subscriber in subscribers {
                assert_eq!(subscriber.await.unwrap(), last);
            }
        });
    });
}
