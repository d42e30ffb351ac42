//! What is wrong with a run: its end, its stderr, and its stdout against the transcript.

use std::fs;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context;

use super::find::Demo;
use super::run::Run;

/// One thing that is wrong with a demo.
#[derive(Debug)]
pub enum Problem {
    /// Cargo built no program for it.
    NotBuilt,
    /// It did not end in time and was killed.
    Hangs {
        /// When it was killed.
        after: Duration,
        /// What it had printed.
        stdout: String,
    },
    /// It did not end with exit status 0.
    Status(ExitStatus),
    /// It wrote this to stderr.
    Stderr(String),
    /// A process that it started still runs and could print more.
    HeldOpen,
    /// It printed more than is looked at.
    TooMuch,
    /// The transcript is missing.
    NoTranscript,
    /// Without the carriage returns, both are the same.
    LineEndings {
        /// Which of the two has carriage returns.
        carriage_returns_in: Side,
    },
    /// They differ only in how many line ends stand at the end.
    FinalNewlines {
        /// Line ends at the end of the transcript.
        transcript: usize,
        /// Line ends at the end of the output.
        printed: usize,
    },
    /// They differ, but only in spaces at the ends of lines.
    TrailingSpaces {
        /// The number of the first such line.
        line: usize,
    },
    /// They differ, but only in bytes that are no valid UTF-8.
    Bytes,
    /// They differ.
    Text {
        /// The transcript.
        transcript: String,
        /// The output.
        printed: String,
    },
}

/// One of the two texts that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The file.
    Transcript,
    /// What the program printed.
    Printed,
}

impl Problem {
    /// Whether a different transcript would solve it.
    pub fn is_in_transcript(&self) -> bool {
        match self {
            Self::NoTranscript
            | Self::LineEndings {
                carriage_returns_in: Side::Transcript,
            }
            | Self::FinalNewlines { .. }
            | Self::TrailingSpaces { .. }
            | Self::Bytes
            | Self::Text { .. } => true,
            Self::NotBuilt
            | Self::Hangs { .. }
            | Self::Status(_)
            | Self::Stderr(_)
            | Self::HeldOpen
            | Self::TooMuch
            | Self::LineEndings {
                carriage_returns_in: Side::Printed,
            } => false,
        }
    }
}

/// Reads a demo's transcript; `None` if there is no such file.
pub fn transcript(demo: &Demo) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(&demo.transcript) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("cannot read {}", demo.transcript.display()))
        }
    }
}

/// Everything that is wrong with a run.
pub fn check(demo: &Demo, run: &Run, transcript: Option<&[u8]>) -> Vec<Problem> {
    let mut problems = Vec::new();
    match run.status {
        None => problems.push(Problem::Hangs {
            after: run.elapsed,
            stdout: lossy(&run.stdout),
        }),
        Some(status) if !status.success() => problems.push(Problem::Status(status)),
        Some(_) => {}
    }
    if run.cut {
        problems.push(Problem::TooMuch);
    }
    // What was killed or cut is incomplete: comparing it would only distract.
    let complete = problems
        .iter()
        .all(|problem| matches!(problem, Problem::Status(_)));
    if complete && run.held_open {
        problems.push(Problem::HeldOpen);
    }
    if complete && demo.checked {
        problems.extend(match transcript {
            None => Some(Problem::NoTranscript),
            Some(transcript) => difference(transcript, &run.stdout),
        });
    }
    // A program that is no lesson may write its log there.
    if demo.checked && !run.stderr.is_empty() {
        problems.push(Problem::Stderr(lossy(&run.stderr)));
    }
    problems
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// How two texts differ, by the simplest description that holds.
fn difference(transcript: &[u8], printed: &[u8]) -> Option<Problem> {
    if transcript == printed {
        return None;
    }
    let (transcript, printed) = (lossy(transcript), lossy(printed));
    if transcript == printed {
        return Some(Problem::Bytes);
    }
    if transcript.replace("\r\n", "\n") == printed.replace("\r\n", "\n") {
        let in_transcript = transcript.matches("\r\n").count() > printed.matches("\r\n").count();
        let carriage_returns_in = if in_transcript {
            Side::Transcript
        } else {
            Side::Printed
        };
        return Some(Problem::LineEndings {
            carriage_returns_in,
        });
    }
    let (without, printed_without) = (
        transcript.trim_end_matches('\n'),
        printed.trim_end_matches('\n'),
    );
    if without == printed_without {
        return Some(Problem::FinalNewlines {
            transcript: transcript.len() - without.len(),
            printed: printed.len() - printed_without.len(),
        });
    }
    if transcript
        .lines()
        .map(str::trim_end)
        .eq(printed.lines().map(str::trim_end))
    {
        let differs = |(left, right)| left != right;
        let line = transcript
            .lines()
            .zip(printed.lines())
            .position(differs)
            .map_or(1, |at| at + 1);
        return Some(Problem::TrailingSpaces { line });
    }
    Some(Problem::Text {
        transcript,
        printed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_no_difference() {
        assert!(difference(b"a\n\xff", b"a\n\xff").is_none());
    }

    #[test]
    fn each_kind_of_difference_has_its_name() {
        assert!(matches!(
            difference(b"a\xff\n", b"a\xfe\n"),
            Some(Problem::Bytes)
        ));
        assert!(matches!(
            difference(b"a\r\nb\r\n", b"a\nb\n"),
            Some(Problem::LineEndings {
                carriage_returns_in: Side::Transcript
            })
        ));
        assert!(matches!(
            difference(b"a\nb\n", b"a\nb\r\n"),
            Some(Problem::LineEndings {
                carriage_returns_in: Side::Printed
            })
        ));
        assert!(matches!(
            difference(b"a", b"a\n"),
            Some(Problem::FinalNewlines {
                transcript: 0,
                printed: 1
            })
        ));
        assert!(matches!(
            difference(b"a\nb \n", b"a\nb\n"),
            Some(Problem::TrailingSpaces { line: 2 })
        ));
        assert!(matches!(
            difference(b"a\n", b"b\n"),
            Some(Problem::Text { .. })
        ));
        assert!(matches!(
            difference(b"a\n", b""),
            Some(Problem::Text { .. })
        ));
    }
}
