//! Calls that say what became of them.
//!
//! One server, four fates: answered, too late, refused, never taken. Notice which of the errors return the
//! request, so that the caller may send it again, and that the server stops working on "slow" at the
//! moment its caller gives up. The same with bare channels: `oneshot_request_response`.

use std::time::Duration;

use narrows_patterns::request::{self, Call, CallError, Client, Server};
use tokio::time::{Instant, sleep};

async fn serve(mut server: Server<&'static str, String>, start: Instant) {
    while let Some(Call { request, mut reply }) = server.recv().await {
        match request {
            "quick" => drop(reply.send("done".to_owned())),
            "slow" => tokio::select! {
                () = sleep(Duration::from_secs(60)) => drop(reply.send("done at last".to_owned())),
                () = reply.abandoned() => {
                    println!("[{:5} ms] Server: nobody waits for \"slow\"", start.elapsed().as_millis());
                }
            },
            "stop" => return, // Drops this call, and hands back the ones behind it.
            _ => drop(reply.refuse(request)),
        }
    }
}

async fn call(client: &Client<&'static str, String>, request: &'static str, start: Instant) {
    let result = client.call(request).await;
    let ms = start.elapsed().as_millis();
    match result {
        Ok(response) => println!("[{ms:5} ms] {request}: {response}"),
        Err(error @ (CallError::NoReply | CallError::TimedOut)) => {
            println!("[{ms:5} ms] {request}: {error}");
        }
        Err(error) => println!("[{ms:5} ms] {request}: {error}; it may be sent again"),
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let (client, server) = request::channel(8);
    let client = client.with_timeout(Duration::from_millis(100));
    tokio::spawn(serve(server, start));

    call(&client, "quick", start).await;
    call(&client, "slow", start).await;
    call(&client, "odd", start).await;
    tokio::join!(
        call(&client, "stop", start),
        call(&client, "behind it", start),
    );
    call(&client, "after it", start).await;
}

// Try it:
// - Let the server ignore `reply.abandoned()`. When is "odd" answered, and what is it told?
// - Answer "slow" in a task of its own. Does "odd" wait for it?
