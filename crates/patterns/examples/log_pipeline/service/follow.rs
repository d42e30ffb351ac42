//! The follower: the task that takes lines in.
//!
//! It is the service's intake, so a stop asks it first. It then reads the files once more, each up to the length
//! that it has at that moment: every line that was in a file when the signal came is handed on, and a busy writer
//! can't keep the service from stopping. The same is done for a `sync` request, followed by a barrier.
//!
//! Reads block, so each is a job on a thread for blocking work; [`fan_out`] does a few of them at a time and
//! returns the results in order. The channel to the pipeline is bounded: if the rest of the service is slow, no
//! more is read.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use narrows_mpsc as mpsc;
use narrows_patterns::fan::fan_out;
use narrows_patterns::request::Server;
use narrows_patterns::shutdown::Stop;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::events::{Event, Events};
use super::folder::Folder;
use super::settings::Subscriber;
use super::tail::{Read, Tail};
use super::tally::{CatchUp, Item};

/// How many files are read at a time.
const READERS: usize = 4;

/// Follows the files of a folder, and sends their lines.
#[derive(Debug)]
pub(crate) struct Follower {
    /// `None` only while a look at it runs.
    pub(crate) folder: Option<Folder>,
    pub(crate) settings: Subscriber,
    pub(crate) events: Events,
    pub(crate) out: mpsc::Sender<Item>,
}

impl Follower {
    /// Follows until it is to stop. Dropping `out` at the end is what ends the pipeline.
    pub(crate) async fn run(
        mut self,
        mut calls: Server<CatchUp, ()>,
        stop: Stop<String>,
    ) -> anyhow::Result<()> {
        let mut caught_up = false;
        let mut last_look = Instant::now();
        loop {
            let poll = Duration::from_millis(self.settings.get().poll_ms);
            let pause = if caught_up { poll } else { Duration::ZERO };
            tokio::select! {
                cause = stop.requested() => {
                    self.events.publish(Event::Stopping(cause.to_string())).await;
                    return self.catch_up().await;
                }
                Some(call) = calls.recv() => {
                    self.catch_up().await?;
                    self.send(Item::Barrier(call.reply)).await?;
                    caught_up = true;
                }
                // The new settings may have a shorter pause.
                Ok(_) = self.settings.changed() => continue,
                () = sleep_until(last_look + pause) => {
                    self.look().await?;
                    caught_up = self.read().await?;
                }
            }
            last_look = Instant::now();
        }
    }

    /// Reads everything that the files hold at this moment.
    async fn catch_up(&mut self) -> anyhow::Result<()> {
        self.look().await?;
        for tail in self.tails()? {
            tail.until = tail.length().ok();
        }
        while !self.read().await? {}
        for tail in self.tails()? {
            tail.until = None;
        }
        Ok(())
    }

    fn tails(&mut self) -> anyhow::Result<&mut Vec<Tail>> {
        let folder = self
            .folder
            .as_mut()
            .context("a look at the folder failed")?;
        Ok(&mut folder.tails)
    }

    /// Looks which files there are.
    async fn look(&mut self) -> anyhow::Result<()> {
        let mut folder = self.folder.take().context("a look at the folder failed")?;
        let settings = self.settings.get();
        let look = spawn_blocking(move || {
            let look = folder.look(&settings);
            (folder, look)
        });
        let (folder, look) = look.await.context("the look at the folder")?;
        self.folder = Some(folder);
        for event in look.events {
            self.events.publish(event).await;
        }
        for mut tail in look.ended {
            let lines = tail.finish();
            let progress = tail.progress(true);
            let event = Event::Ended(Arc::clone(&progress.name), progress.position);
            self.send(Item::Lines(progress, lines)).await?;
            self.events.publish(event).await;
        }
        Ok(())
    }

    /// Reads the next piece of each file. Returns whether that was all there is.
    async fn read(&mut self) -> anyhow::Result<bool> {
        let max_line_bytes = self.settings.get().max_line_bytes;
        let tails = std::mem::take(self.tails()?);
        let job = move |mut tail: Tail| async move {
            let read = spawn_blocking(move || (tail.read(max_line_bytes), tail));
            read.await.expect("a read does not panic")
        };
        let mut all_caught_up = true;
        for done in fan_out(READERS, tails, job).await {
            let (read, mut tail) = done.map_err(|panic| anyhow!("reading a file: {panic}"))?;
            all_caught_up &= self.hand_on(read, &mut tail).await?;
            self.tails()?.push(tail);
        }
        Ok(all_caught_up)
    }

    /// Sends what was read. Returns whether the file has nothing more.
    async fn hand_on(&mut self, read: io::Result<Read>, tail: &mut Tail) -> anyhow::Result<bool> {
        let read = match read {
            Ok(read) => read,
            // The next pass tries again; the lines stay in the file.
            Err(error) => {
                let problem = format!("{}: {error}", tail.name);
                if tail.problem.as_ref() != Some(&problem) {
                    self.events.publish(Event::Problem(problem.clone())).await;
                    tail.problem = Some(problem);
                }
                return Ok(true);
            }
        };
        tail.problem = None;
        if let Some(position) = read.truncated {
            let event = Event::Truncated(Arc::clone(&tail.name), position);
            self.events.publish(event).await;
        }
        if let Some(progress) = tail.news() {
            self.send(Item::Lines(progress, read.lines)).await?;
        }
        Ok(read.caught_up)
    }

    async fn send(&self, item: Item) -> anyhow::Result<()> {
        let sent = self.out.send(item).await;
        sent.map_err(|_| anyhow!("nobody takes the lines any more"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::super::{events, settings::Settings};
    use super::*;

    /// The writer adds as many lines as come out: what it adds can wait, and nobody waits for an end that never
    /// comes.
    #[tokio::test]
    async fn a_writer_is_as_fast_as_the_reader() {
        let name = format!("narrows-follow-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a temporary folder");
        let file = path.join("app.log");
        // More than is read at a time.
        fs::write(&file, "a line\n".repeat(100_000)).expect("a file");
        let (out, mut items) = mpsc::channel(1);
        let settings = Settings::default().publisher().expect("the defaults");
        let mut follower = Follower {
            folder: Some(Folder::new(path.clone())),
            settings: settings.subscribe("test"),
            events: events::topic(),
            out,
        };
        let writer = tokio::spawn(async move {
            let mut file = OpenOptions::new().append(true).open(file).unwrap();
            let mut lines = 0;
            while let Some(Item::Lines(_, piece)) = items.recv().await {
                lines += piece.count();
                if lines < 1_000_000 {
                    let more = "a line\n".repeat(piece.count() as usize);
                    file.write_all(more.as_bytes()).unwrap();
                }
            }
            lines
        });
        follower.catch_up().await.expect("nothing fails");
        drop(follower);
        let lines = writer.await.expect("it does not panic");
        fs::remove_dir_all(path).expect("it can be removed");
        assert_eq!(lines, 100_000);
    }
}
