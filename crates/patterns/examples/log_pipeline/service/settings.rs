//! The settings: what may be in the file, within which limits, and how it is read again.
//!
//! A value that is out of its limits is refused as a whole, and the last good settings stay: that is
//! [`config::Publisher`]. Several may ask for a reload at the same time, by SIGHUP or over the socket. An actor does
//! them all, one after the other: if each caller read the file itself, an older text could be taken after a newer
//! one.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use narrows_patterns::actor::{Actor, ActorError, Running};
use narrows_patterns::config;
use narrows_patterns::request::{Call, Client};
use narrows_patterns::shutdown::Stop;
use serde::{Deserialize, Serialize};
use tokio::signal::unix::Signal;

use super::events::{Event, Events};

/// Follows the settings.
pub(crate) type Subscriber = config::Subscriber<Settings>;
/// Refuses or takes settings.
pub(crate) type Publisher = config::Publisher<Settings, String>;

/// A request to read the file again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reload;

/// What became of it: whether the settings differ from the last, or why they were refused.
pub(crate) type Reloaded = Result<bool, String>;

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Files are followed whose name ends like this,
    pub(crate) suffix: String,
    /// and, if this is set, those with `.` and digits behind it: `app.log.1`.
    pub(crate) rotated_names: bool,
    /// Which word of a line is its key; the first is the time.
    pub(crate) key_field: usize,
    /// From one look at the files to the next.
    pub(crate) poll_ms: u64,
    /// A file that has left the folder, and is silent for so long, has ended.
    pub(crate) settle_ms: u64,
    pub(crate) max_files: usize,
    /// A longer line is rejected.
    pub(crate) max_line_bytes: usize,
    /// Pairs of a key and a minute; lines that would make another are only counted as such.
    pub(crate) max_cells: usize,
    pub(crate) max_connections: usize,
    pub(crate) max_request_bytes: usize,
    /// Rows of one answer.
    pub(crate) max_rows: usize,
    /// A client that sends no request, or takes no answer, for so long is disconnected.
    pub(crate) client_timeout_ms: u64,
    /// From SIGTERM to the end; the one setting that is fixed at the start.
    pub(crate) stop_within_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            suffix: ".log".to_owned(),
            rotated_names: true,
            key_field: 2,
            poll_ms: 200,
            settle_ms: 5_000,
            max_files: 256,
            max_line_bytes: 8_192,
            max_cells: 100_000,
            max_connections: 32,
            max_request_bytes: 256,
            max_rows: 1_000,
            client_timeout_ms: 10_000,
            stop_within_ms: 5_000,
        }
    }
}

impl Settings {
    /// Reads a file, which may leave out what is to be as in the defaults.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let in_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = fs::read_to_string(path).map_err(|error| in_file(&error))?;
        basic_toml::from_str(&text).map_err(|error| in_file(&error))
    }

    /// Settings that are checked, also against the ones with which the service has started.
    pub(crate) fn publisher(self) -> Result<Publisher, String> {
        let stop_within_ms = self.stop_within_ms;
        let validate = move |settings: &Self| {
            if settings.stop_within_ms != stop_within_ms {
                return Err(format!(
                    "stop_within_ms can't change while the service runs: it is {stop_within_ms}"
                ));
            }
            settings.validate()
        };
        Publisher::new(self, validate).map_err(|refused| refused.error)
    }

    fn validate(&self) -> Result<(), String> {
        let limits = [
            ("key_field", self.key_field as u64, 2..=64),
            ("poll_ms", self.poll_ms, 1..=600_000),
            ("settle_ms", self.settle_ms, 10..=600_000),
            ("max_files", self.max_files as u64, 1..=4_096),
            ("max_line_bytes", self.max_line_bytes as u64, 32..=1 << 20),
            ("max_cells", self.max_cells as u64, 1..=10_000_000),
            ("max_connections", self.max_connections as u64, 1..=1_024),
            (
                "max_request_bytes",
                self.max_request_bytes as u64,
                32..=4_096,
            ),
            ("max_rows", self.max_rows as u64, 32..=100_000),
            ("client_timeout_ms", self.client_timeout_ms, 10..=600_000),
            ("stop_within_ms", self.stop_within_ms, 1_000..=600_000),
        ];
        for (name, value, range) in limits {
            if !range.contains(&value) {
                let (from, to) = (range.start(), range.end());
                return Err(format!(
                    "{name} is {value}, and must be from {from} to {to}"
                ));
            }
        }
        Ok(())
    }

    /// Whether a file of this name is followed.
    pub(crate) fn follows(&self, name: &str) -> bool {
        let rotated = || {
            let (name, number) = name.rsplit_once('.')?;
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            Some(is_number && name.ends_with(&self.suffix))
        };
        name.ends_with(&self.suffix) || (self.rotated_names && rotated() == Some(true))
    }

    /// How long a client may take for a request or an answer.
    pub(crate) fn client_timeout(&self) -> Duration {
        Duration::from_millis(self.client_timeout_ms)
    }
}

/// Reads the file again when asked to.
pub(crate) struct Reloader {
    pub(crate) path: PathBuf,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) events: Events,
}

impl Actor for Reloader {
    type Request = Reload;
    type Response = Reloaded;
    type Error = Infallible;

    async fn handle(&mut self, call: Call<Reload, Reloaded>) -> Result<(), Infallible> {
        let reloaded = reload_once(self.path.clone(), &self.publisher).await;
        let event = match &reloaded {
            Ok(true) => Event::SettingsTaken,
            Ok(false) => Event::SettingsUnchanged,
            Err(error) => Event::SettingsRefused(error.clone()),
        };
        self.events.publish(event).await;
        // An error: the client is gone. The settings count all the same.
        let _ = call.reply.send(reloaded);
        Ok(())
    }
}

/// Has the file read again at each SIGHUP, until the service stops. An error: the reloader has failed.
pub(crate) async fn reload_on_hangup(
    reloads: Client<Reload, Reloaded>,
    mut reloader: Running<Reloader>,
    mut hangup: Signal,
    stop: Stop<String>,
) -> Result<(), ActorError<Reloader, Infallible>> {
    loop {
        tokio::select! {
            _ = stop.requested() => break,
            ended = &mut reloader => return ended.map(drop),
            // What has become of it is among the events.
            Some(()) = hangup.recv() => drop(reloads.call(Reload).await),
        }
    }
    reloader.stop();
    reloader.await.map(drop)
}

async fn reload_once(path: PathBuf, publisher: &Publisher) -> Reloaded {
    let read = tokio::task::spawn_blocking(move || Settings::read(&path)).await;
    let settings = read
        .map_err(|panic| panic.to_string())
        .and_then(|settings| settings)
        .inspect_err(|error| publisher.refuse(error.clone()))?;
    publisher.update(settings).map_err(|refused| refused.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_names_are_followed_if_wanted() {
        let settings = Settings::default();
        for name in ["app.log", ".log", "app.log.1", "app.log.20261003"] {
            assert!(settings.follows(name), "{name}");
        }
        for name in ["app.txt", "app.log.gz", "app.log.1.gz", "app.log.", "app.1"] {
            assert!(!settings.follows(name), "{name}");
        }
        let settings = Settings {
            rotated_names: false,
            ..settings
        };
        assert!(settings.follows("app.log") && !settings.follows("app.log.1"));
    }

    #[test]
    fn settings_out_of_their_limits_are_refused() {
        let publisher = Settings::default().publisher().expect("the defaults");
        let with = |text: &str| basic_toml::from_str::<Settings>(text).expect("settings");
        let refused = publisher.update(with("poll_ms = 0")).unwrap_err();
        assert_eq!(refused.error, "poll_ms is 0, and must be from 1 to 600000");
        let refused = publisher.update(with("stop_within_ms = 9000")).unwrap_err();
        assert!(refused.error.starts_with("stop_within_ms can't change"));
        assert_eq!(publisher.update(with("poll_ms = 100")), Ok(true));
    }

    #[test]
    fn a_setting_with_a_typing_error_is_not_ignored() {
        let error = basic_toml::from_str::<Settings>("pol_ms = 100").unwrap_err();
        assert!(error.to_string().contains("unknown field `pol_ms`"));
    }
}
