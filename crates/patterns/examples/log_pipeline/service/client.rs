//! One client's connection: a task that reads a request, has it answered, and writes the answer.
//!
//! A client can't stop the service, nor make it use more than its share:
//!
//! | it | gets |
//! |---|---|
//! | sends a request that is too long | an error, and is disconnected |
//! | sends nothing, or no end of a line | the same after `client_timeout_ms` |
//! | takes no answers | disconnected after `client_timeout_ms`; until then it holds one answer |
//! | sends many requests at once | one answer after the other; at most one waits at the owner of the counts |
//! | hangs up in the middle | its call is given up |

use std::sync::Arc;
use std::time::Duration;

use narrows_patterns::pipeline;
use narrows_patterns::request::Client;
use narrows_patterns::shutdown::Stop;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{sleep, timeout};

use super::events::{Events, Listener};
use super::protocol::{self, HELP, Request};
use super::settings::{Publisher, Reload, Reloaded, Settings};
use super::store::{Answer, Query};
use super::tally::CatchUp;

/// How long a client may still take for the answer that it is getting when the service stops.
const LAST_ANSWER: Duration = Duration::from_millis(200);

/// Whom a connection asks.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) queries: Client<Query, Answer>,
    pub(crate) catch_ups: Client<CatchUp, ()>,
    pub(crate) reloads: Client<Reload, Reloaded>,
    pub(crate) settings: Arc<Publisher>,
    pub(crate) progress: pipeline::Progress,
    pub(crate) events: Events,
}

struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    stop: Stop<String>,
}

/// The connection is over.
struct Over;

/// What was read instead of a request.
enum NoRequest {
    Over,
    TooLong,
}

/// Serves a client until it leaves, is disconnected, or the service stops.
pub(crate) async fn serve(stream: UnixStream, desk: Desk, stop: Stop<String>) {
    let (reader, writer) = stream.into_split();
    let mut connection = Connection {
        reader: BufReader::new(reader),
        writer,
        stop,
    };
    // The one way out: there is nobody to tell.
    while let Ok(()) = connection.serve_one(&desk).await {}
}

impl Connection {
    async fn serve_one(&mut self, desk: &Desk) -> Result<(), Over> {
        let settings = desk.settings.get();
        let limit = settings.client_timeout();
        let line = match self.request(&settings).await {
            Ok(line) => line,
            Err(Some(why)) => {
                self.write(&protocol::answer(&Err(why)), limit).await?;
                return Err(Over);
            }
            Err(None) => return Err(Over),
        };
        let result = match Request::parse(&line) {
            Ok(Request::Quit) => return Err(Over),
            Ok(Request::Watch) => return self.watch(desk).await,
            Ok(request) => desk.answer(request, &settings).await,
            Err(error) => Err(error),
        };
        self.write(&protocol::answer(&result), limit).await
    }

    /// The next request without the end of its line, or why the connection ends, if the client is to know.
    async fn request(&mut self, settings: &Settings) -> Result<Vec<u8>, Option<String>> {
        let (max, limit) = (settings.max_request_bytes, settings.client_timeout());
        let line = tokio::select! {
            _ = self.stop.requested() => return Err(Some("the service stops".to_owned())),
            line = timeout(limit, read_line(&mut self.reader, max)) => line,
        };
        match line {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(NoRequest::Over)) => Err(None),
            Ok(Err(NoRequest::TooLong)) => {
                Err(Some(format!("a request is longer than {max} bytes")))
            }
            Err(_) => Err(Some(format!("no request within {} ms", limit.as_millis()))),
        }
    }

    async fn write(&mut self, text: &str, limit: Duration) -> Result<(), Over> {
        let stopped = async {
            self.stop.requested().await;
            sleep(LAST_ANSWER).await;
        };
        tokio::select! {
            written = timeout(limit, self.writer.write_all(text.as_bytes())) => match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(Over),
            },
            () = stopped => Err(Over),
        }
    }

    /// Sends events. Whatever the client sends meanwhile ends it, and so does its hanging up.
    async fn watch(&mut self, desk: &Desk) -> Result<(), Over> {
        let mut events = Listener::new(&desk.events, "client");
        let limit = desk.settings.get().client_timeout();
        self.write(&protocol::answer(&Ok(Answer::default())), limit)
            .await?;
        loop {
            let notice = tokio::select! {
                // The last events, such as why it stops, come first.
                biased;
                notice = events.next() => notice.ok_or(Over)?,
                _ = self.stop.requested() => return Err(Over),
                _ = self.reader.fill_buf() => return Err(Over),
            };
            self.write(&format!("event {notice}\n"), limit).await?;
        }
    }
}

/// Reads a line of no more than so many bytes. Not cancel safe: what it has read is lost.
async fn read_line(
    reader: &mut BufReader<OwnedReadHalf>,
    max: usize,
) -> Result<Vec<u8>, NoRequest> {
    let mut line = Vec::new();
    let mut limited = reader.take(max as u64 + 1);
    match limited.read_until(b'\n', &mut line).await {
        Ok(_) if line.last() == Some(&b'\n') => {
            line.pop();
            Ok(line)
        }
        Ok(read) if read > max => Err(NoRequest::TooLong),
        Ok(_) | Err(_) => Err(NoRequest::Over),
    }
}

impl Desk {
    async fn answer(&self, request: Request, settings: &Settings) -> Result<Answer, String> {
        let limit = settings.client_timeout();
        let rows = match request {
            Request::Query(query) => {
                let answer = self.queries.with_timeout(limit).call(query).await;
                return answer.map_err(|error| error.to_string());
            }
            Request::Sync => {
                let done = self.catch_ups.with_timeout(limit).call(CatchUp).await;
                done.map_err(|error| error.to_string())?;
                Vec::new()
            }
            Request::Reload => {
                let reloaded = self.reloads.with_timeout(limit).call(Reload).await;
                let is_new = reloaded.map_err(|error| error.to_string())??;
                vec![if is_new { "taken" } else { "unchanged" }.to_owned()]
            }
            Request::Stages => self.stages(),
            Request::Settings => self.settings()?,
            Request::Help => HELP.iter().map(|row| (*row).to_owned()).collect(),
            Request::Watch | Request::Quit => Vec::new(),
        };
        Ok(Answer::first(settings.max_rows, rows))
    }

    fn stages(&self) -> Vec<String> {
        let stages = self.progress.stages();
        let row = |it: &pipeline::StageProgress| {
            format!("{} {} {} {}", it.name, it.queued, it.in_work, it.done)
        };
        stages.iter().map(row).collect()
    }

    /// The settings as they stand in a file, and as comments what else there is to know.
    fn settings(&self) -> Result<Vec<String>, String> {
        let text = basic_toml::to_string(&*self.settings.get()).map_err(|e| e.to_string())?;
        let mut rows: Vec<_> = text.lines().map(str::to_owned).collect();
        let behind = self.settings.behind();
        if !behind.is_empty() {
            rows.push(format!("# not yet seen by: {}", behind.join(", ")));
        }
        if let Some(error) = self.settings.last_error() {
            rows.push(format!("# last error: {error}"));
        }
        Ok(rows)
    }
}
