//! A client of the service.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use crate::harness::WATCHDOG;

/// A connection.
pub(crate) struct Client {
    reader: BufReader<UnixStream>,
}

/// The rows of an answer, and whether there are more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<String>,
    pub(crate) more: bool,
}

impl Client {
    pub(crate) fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(WATCHDOG)).expect("a timeout");
        stream.set_write_timeout(Some(WATCHDOG)).expect("a timeout");
        Self {
            reader: BufReader::new(stream),
        }
    }

    pub(crate) fn stream(&self) -> &UnixStream {
        self.reader.get_ref()
    }

    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.stream().write_all(bytes)
    }

    /// The next line, without its end; `None` when the service has hung up.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end_matches('\n').to_owned()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no line from the service: {error}"),
        }
    }

    pub(crate) fn ask(&mut self, request: &str) -> Result<Answer, String> {
        // An error: the service has hung up, and has perhaps said why.
        let _ = self.send(format!("{request}\n").as_bytes());
        self.answer()
    }

    pub(crate) fn answer(&mut self) -> Result<Answer, String> {
        let first = self.line().unwrap_or("error hung up".to_owned());
        let mut words = first.split(' ');
        match words.next() {
            Some("ok") => {
                let count = words.next().and_then(|count| count.parse().ok());
                let count: usize = count.expect("a number of rows");
                let more = words.next() == Some("more");
                let rows = (0..count).map(|_| self.line().expect("a row")).collect();
                Ok(Answer { rows, more })
            }
            Some("error") => Err(first["error ".len()..].to_owned()),
            _ => panic!("no answer: {first:?}"),
        }
    }

    /// Reads events until one is as wanted.
    pub(crate) fn wait_for_event(&mut self, wanted: &str) {
        let wanted = format!("event {wanted}");
        let mut others = Vec::new();
        loop {
            match self.line() {
                Some(line) if line.starts_with(&wanted) => return,
                Some(line) => others.push(line),
                None => panic!("no {wanted:?} among {others:?}"),
            }
        }
    }

    /// What is left, up to the end of the connection.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}"),
        }
        String::from_utf8_lossy(&rest).into_owned()
    }
}
