//! The protocol: one line is a request, a first line and rows are its answer.
//!
//! ```text
//! > keys
//! ok 2
//! db 17
//! web 40
//! > key
//! error unknown request "key"; try help
//! ```
//!
//! `ok N` is followed by N rows. `ok N more` says that there are more rows than an answer may have.

use std::fmt::Write;

use super::record::Minute;
use super::store::{Answer, Query};

/// What `help` answers.
pub(crate) const HELP: &[&str] = &[
    "totals                 how many lines were counted, and rejected for which reason",
    "keys [AFTER]           keys and their totals, in order, from the one after AFTER",
    "count KEY [FROM [TO]]  a key's count for each minute, such as 2026-10-03T14:05",
    "files                  inode, position, unfinished bytes, lines and name of each file",
    "sync                   answers when everything that the files hold is counted",
    "stages                 name, queued, in work and done of each stage of the pipeline",
    "settings               the settings, who has yet to see them, and the last error",
    "reload                 reads the settings again",
    "watch                  events, from the last ones on, until the client hangs up",
    "help                   this",
    "quit                   ends the connection",
];

/// What a client can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Query(Query),
    Sync,
    Stages,
    Settings,
    Reload,
    Watch,
    Help,
    Quit,
}

impl Request {
    /// Reads a line without its end. The error is for the client to read.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, String> {
        let line = std::str::from_utf8(line).map_err(|_| "the request is not UTF-8".to_owned())?;
        let mut words = line.split_ascii_whitespace();
        let Some(name) = words.next() else {
            return Err("an empty request; try help".to_owned());
        };
        let arguments: Vec<&str> = words.collect();
        let most = match name {
            "totals" | "files" | "sync" | "stages" | "settings" | "reload" | "watch" | "help"
            | "quit" => 0,
            "keys" => 1,
            "count" => 3,
            _ => return Err(format!("unknown request {name:?}; try help")),
        };
        if arguments.len() > most {
            return Err(format!("{name} takes no more than {most} words"));
        }
        let minute = |at: usize| match arguments.get(at) {
            None => Ok(None),
            Some(text) => match text.parse::<Minute>() {
                Ok(minute) => Ok(Some(minute)),
                Err(_) => Err(format!("{text:?} is no minute such as 2026-10-03T14:05")),
            },
        };
        let first = arguments.first().map(|word| (*word).to_owned());
        Ok(match name {
            "totals" => Self::Query(Query::Totals),
            "keys" => Self::Query(Query::Keys { after: first }),
            "count" => Self::Query(Query::Count {
                key: first.ok_or("count takes a key")?,
                from: minute(1)?,
                to: minute(2)?,
            }),
            "files" => Self::Query(Query::Files),
            "sync" => Self::Sync,
            "stages" => Self::Stages,
            "settings" => Self::Settings,
            "reload" => Self::Reload,
            "watch" => Self::Watch,
            "help" => Self::Help,
            _ => Self::Quit,
        })
    }
}

/// An answer as it is sent.
pub(crate) fn answer(result: &Result<Answer, String>) -> String {
    match result {
        Ok(Answer { rows, more }) => {
            let more = if *more { " more" } else { "" };
            let mut text = format!("ok {}{more}\n", rows.len());
            for row in rows {
                line(&mut text, row);
            }
            text
        }
        Err(error) => {
            let mut text = "error ".to_owned();
            line(&mut text, error);
            text
        }
    }
}

/// A text may have several lines, such as an error of the TOML parser; in an answer it is one.
fn line(text: &mut String, row: &str) {
    for (number, part) in row.lines().enumerate() {
        let gap = if number > 0 { "; " } else { "" };
        // Writing to a string does not fail.
        let _ = write!(text, "{gap}{part}");
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read() {
        let minute = |text: &str| text.parse().ok();
        for (line, request) in [
            ("totals", Request::Query(Query::Totals)),
            (" keys\r", Request::Query(Query::Keys { after: None })),
            (
                "count web 2026-10-03T14:05",
                Request::Query(Query::Count {
                    key: "web".to_owned(),
                    from: minute("2026-10-03T14:05"),
                    to: None,
                }),
            ),
            ("quit", Request::Quit),
        ] {
            assert_eq!(Request::parse(line.as_bytes()), Ok(request), "{line}");
        }
    }

    #[test]
    fn help_names_every_request_and_no_other() {
        for row in HELP {
            let name = row.split(' ').next().unwrap_or_default();
            let line = if name == "count" { "count web" } else { name };
            Request::parse(line.as_bytes()).expect(line);
        }
    }

    #[test]
    fn bad_input_gets_a_clear_error() {
        for (line, error) in [
            (&b"\xff"[..], "the request is not UTF-8"),
            (b"", "an empty request; try help"),
            (b"total\x1b", "unknown request \"total\\u{1b}\"; try help"),
            (b"sync now", "sync takes no more than 0 words"),
            (b"count", "count takes a key"),
            (
                b"count web noon",
                "\"noon\" is no minute such as 2026-10-03T14:05",
            ),
        ] {
            assert_eq!(Request::parse(line), Err(error.to_owned()));
        }
    }

    #[test]
    fn an_answer_has_as_many_lines_as_it_says() {
        let rows = Answer {
            rows: vec!["a 1".to_owned(), String::new()],
            more: true,
        };
        assert_eq!(answer(&Ok(rows)), "ok 2 more\na 1\n\n");
        let error = Err("two\nlines".to_owned());
        assert_eq!(answer(&error), "error two; lines\n");
    }
}
