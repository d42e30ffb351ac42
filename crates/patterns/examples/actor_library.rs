//! An account that one task owns: it stops after what waits, and hands back its balance.
//!
//! Three deposits wait when the account is told to stop. Notice that they are all answered, that the next one
//! is refused and returned, and that the balance comes back to whoever awaits the actor. A second account
//! panics: notice who is told what. The same with bare channels: `oneshot_request_response`.

use std::convert::Infallible;
use std::time::Duration;

use narrows_patterns::actor::{self, Actor};
use narrows_patterns::request::{Call, Client};
use tokio::time::{Instant, sleep};

struct Account {
    balance: u32,
}

impl Actor for Account {
    type Request = u32;
    type Response = u32;
    type Error = Infallible;

    async fn handle(&mut self, call: Call<u32, u32>) -> Result<(), Infallible> {
        sleep(Duration::from_millis(10)).await;
        if call.request == 13 {
            panic!("13 is unlucky");
        }
        self.balance += call.request;
        // An error hands the answer back: its caller has stopped waiting.
        let _ = call.reply.send(self.balance);
        Ok(())
    }
}

async fn deposit(client: Client<u32, u32>, amount: u32, start: Instant) {
    let result = client.call(amount).await;
    let ms = start.elapsed().as_millis();
    match result {
        Ok(balance) => println!("[{ms:5} ms] deposit {amount}: the balance is {balance}"),
        Err(error) => println!("[{ms:5} ms] deposit {amount}: {error}"),
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    std::panic::set_hook(Box::new(|_| {})); // Whoever awaits the actor reports its panic.
    let start = Instant::now();
    for amounts in [[1, 2, 3], [5, 13, 7]] {
        let (client, running) = actor::start(Account { balance: 100 }, 8);
        let mut deposits = Vec::new();
        for amount in amounts {
            deposits.push(tokio::spawn(deposit(client.clone(), amount, start)));
        }
        sleep(Duration::from_millis(5)).await;
        running.stop();
        println!("[{:5} ms] stop", start.elapsed().as_millis());
        sleep(Duration::from_millis(1)).await;
        deposit(client, 4, start).await;

        let end = running.await;
        for deposit in deposits {
            deposit.await.expect("a deposit does not panic");
        }
        let ms = start.elapsed().as_millis();
        match end {
            Ok(account) => println!("[{ms:5} ms] closed with {}", account.balance),
            Err(error) => println!("[{ms:5} ms] {error}"),
        }
    }
}

// Try it:
// - Call `stop_at_once` in place of `stop`. Which deposits are refused, and which of them may be made again?
// - Leave the stop out, and drop the client. When does the actor end?
