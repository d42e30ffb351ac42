//! The same five updates through a watch and through a broadcast.
//!
//! Before the first update, a watch already has a value and a broadcast has none. A receiver that
//! reads after five updates finds only the latest in the watch; in the broadcast it gets every one
//! that the channel still keeps, here four, and is told what it missed. Notice that the watch skips
//! updates without a word, while the broadcast counts them.

use narrows_broadcast as broadcast;
use narrows_broadcast::error::TryRecvError;
use narrows_watch as watch;

fn read_all(rx: &mut broadcast::Receiver<i32>) {
    loop {
        match rx.try_recv() {
            Ok(value) => println!("  broadcast: {value}"),
            Err(TryRecvError::Lagged(n)) => println!("  broadcast: missed {n}"),
            Err(error) => {
                println!("  broadcast: {error}");
                break;
            }
        }
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), watch::error::RecvError> {
    let (watch_tx, mut watch_rx) = watch::channel(0);
    let (broadcast_tx, mut broadcast_rx) = broadcast::channel(4);

    println!("Before the first update:");
    println!("  watch:     {}", *watch_rx.borrow_and_update());
    read_all(&mut broadcast_rx);

    for value in 1..=5 {
        watch_tx.send(value).expect("there is a receiver");
        broadcast_tx.send(value).expect("there is a receiver");
    }

    println!("After updates 1 to 5:");
    watch_rx.changed().await?;
    println!("  watch:     {}", *watch_rx.borrow_and_update());
    read_all(&mut broadcast_rx);

    println!("A receiver that subscribes after the updates:");
    println!("  watch:     {}", *watch_tx.subscribe().borrow());
    read_all(&mut broadcast_tx.subscribe());
    Ok(())
}

// Try it:
// - Change the capacity of the broadcast from 4 to 8. Which lines change?
// - Move the four lines from `println!("After` on into the loop. Which differences are left?
