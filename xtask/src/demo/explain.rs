//! What is wrong with a demo, in words: a few for its line, and all that helps to understand it.

use std::path::Path;
use std::process::ExitStatus;

use pretty_assertions::StrComparison;
use yansi::Paint;

use super::check::{Problem, Side};

/// Texts with more lines are not compared line by line, which would take too long.
const MOST_DIFF_LINES: usize = 1_000;

/// Longer excerpts are shortened in the middle.
const MOST_EXCERPT_LINES: usize = 60;

impl Problem {
    /// A few words for the demo's line.
    pub fn name(&self) -> String {
        match self {
            Self::NotBuilt => "not built".to_owned(),
            Self::Hangs { .. } => "hangs".to_owned(),
            Self::Status(status) => ending(*status),
            Self::Stderr(_) => "output on stderr".to_owned(),
            Self::HeldOpen => "left a process behind".to_owned(),
            Self::TooMuch => "prints too much".to_owned(),
            Self::NoTranscript => "no transcript".to_owned(),
            Self::LineEndings { .. } => "different line endings".to_owned(),
            Self::FinalNewlines { .. } => "different final line end".to_owned(),
            Self::TrailingSpaces { .. } => "different trailing spaces".to_owned(),
            Self::Bytes => "different bytes".to_owned(),
            Self::Text { .. } => "different output".to_owned(),
        }
    }
}

/// A problem with everything that helps to understand it.
pub fn explain(problem: &Problem, transcript: &Path, output_was_shown: bool) -> String {
    let transcript = transcript.display();
    match problem {
        Problem::NotBuilt => "cargo built no program for it: see its required-features".to_owned(),
        Problem::Hangs { after, stdout } => {
            let killed = format!(
                "did not end, and was killed after {:.1} s",
                after.as_secs_f64()
            );
            match stdout.as_str() {
                "" => format!("{killed}; it had printed nothing"),
                _ if output_was_shown => killed,
                _ => format!("{killed}; it had printed:\n{}", excerpt(stdout)),
            }
        }
        Problem::Status(status) => format!("ended with {} instead of 0", ending(*status)),
        Problem::Stderr(_) if output_was_shown => {
            "wrote to stderr, where a demo writes nothing".to_owned()
        }
        Problem::Stderr(text) => {
            format!(
                "wrote to stderr, where a demo writes nothing:\n{}",
                excerpt(text)
            )
        }
        Problem::HeldOpen => {
            "a process that it started goes on after its end and holds its output".to_owned()
        }
        Problem::TooMuch => "printed more than 1 MiB".to_owned(),
        Problem::NoTranscript => format!("has no transcript {transcript}"),
        Problem::LineEndings {
            carriage_returns_in: Side::Transcript,
        } => format!(
            "differs only in line endings: the transcript {transcript} has CRLF, the program prints LF"
        ),
        Problem::LineEndings {
            carriage_returns_in: Side::Printed,
        } => format!(
            "differs only in line endings: the program prints CRLF, the transcript {transcript} has LF; print LF"
        ),
        Problem::FinalNewlines {
            transcript: in_file,
            printed,
        } => format!(
            "differs only at the end: the transcript {transcript} ends with {}, the output with {}",
            line_ends(*in_file),
            line_ends(*printed),
        ),
        Problem::TrailingSpaces { line } => format!(
            "differs only in spaces at the end of a line, first in line {line} of {transcript}"
        ),
        Problem::Bytes => {
            format!("differs from {transcript} only in bytes that are not UTF-8")
        }
        Problem::Text {
            transcript: expected,
            printed,
        } => format!(
            "does not print what {transcript} says\n{}",
            difference("transcript", expected, "printed", printed),
        ),
    }
}

/// The same words on every system.
fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => status.to_string(),
    }
}

fn line_ends(count: usize) -> String {
    match count {
        0 => "no line end".to_owned(),
        1 => "one line end".to_owned(),
        many => format!("{many} line ends"),
    }
}

/// The differences between two texts, line by line.
pub fn difference(left_name: &str, left: &str, right_name: &str, right: &str) -> String {
    let lines = left.lines().count().max(right.lines().count());
    if lines > MOST_DIFF_LINES {
        let same = left
            .lines()
            .zip(right.lines())
            .take_while(|(a, b)| a == b)
            .count();
        let line = |text: &str| text.lines().nth(same).unwrap_or("(nothing)").to_owned();
        return format!(
            "too long to compare; the first difference is in line {}\n<{}\n>{}",
            same + 1,
            line(left),
            line(right),
        );
    }
    let heading = format!(
        "{}   {}",
        format!("< {left_name}").red(),
        format!("> {right_name}").green()
    );
    format!("{heading}\n{}", compared(left, right))
}

/// The lines of both texts: `<` marks those of the left, `>` those of the right.
fn compared(left: &str, right: &str) -> String {
    let all = |mark: char, text: &str| -> String {
        text.split_inclusive('\n')
            .map(|line| format!("{mark}{line}"))
            .collect()
    };
    if left.is_empty() {
        return all('>', right).green().to_string();
    }
    if right.is_empty() {
        return all('<', left).red().to_string();
    }
    // A final line end in both would show as an empty line.
    let (left, right) = match (left.strip_suffix('\n'), right.strip_suffix('\n')) {
        (Some(left), Some(right)) => (left, right),
        _ => (left, right),
    };
    let compared = StrComparison::new(left, right).to_string();
    // Its own heading says "left" and "right".
    let body = compared.split_once('\n').map_or("", |(_, body)| body);
    let body = body.strip_suffix('\n').unwrap_or(body);
    // It paints parts of lines even where colours are off.
    if yansi::is_enabled() {
        body.to_owned()
    } else {
        without_colours(body)
    }
}

/// A text without the sequences that switch colours (`ESC [ … m`).
fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once('m') {
            Some((codes, rest)) if codes.bytes().all(|b| b.is_ascii_digit() || b == b';') => {
                plain.push_str(rest);
            }
            _ => plain.extend(["\x1b[", piece]),
        }
    }
    plain
}

/// A text, indented, without its middle if it is long.
fn excerpt(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let indented = |lines: &[&str]| -> String {
        let lines: Vec<_> = lines.iter().map(|line| format!("    {line}")).collect();
        lines.join("\n")
    };
    if lines.len() <= MOST_EXCERPT_LINES {
        return indented(&lines);
    }
    let half = MOST_EXCERPT_LINES / 2;
    let (first, last) = (&lines[..half], &lines[lines.len() - half..]);
    let left_out = lines.len() - 2 * half;
    format!(
        "{}\n    … {left_out} lines …\n{}",
        indented(first),
        indented(last)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sequences_for_colours_are_removed() {
        assert_eq!(without_colours("a\x1b[1;31mb\x1b[0mc"), "abc");
        assert_eq!(without_colours("\x1b[2K me"), "\x1b[2K me");
    }

    #[test]
    fn an_excerpt_of_many_lines_has_no_middle() {
        let text: String = (1..=100).map(|line| format!("{line}\n")).collect();
        let short = excerpt(&text);
        assert!(short.starts_with("    1\n    2\n") && short.ends_with("    99\n    100"));
        assert!(short.contains("\n    30\n    … 40 lines …\n    71\n"));
    }

    #[test]
    fn texts_that_are_too_long_show_their_first_difference() {
        let text = "same\n".repeat(MOST_DIFF_LINES + 1);
        let short = difference("a", &text, "b", &format!("{text}more\n"));
        assert_eq!(
            short,
            "too long to compare; the first difference is in line 1002\n<(nothing)\n>more"
        );
    }
}
