//! From bytes to lines.
//!
//! Bytes come in pieces that end anywhere. The [`Splitter`] of a file keeps the part of a line whose end has not
//! come, and no more of it than a line may have: of a line that is too long it keeps nothing, and waits for its
//! end.
//!
//! | rest without an end | becomes | because |
//! |---|---|---|
//! | more bytes come | part of a longer line | |
//! | the file has ended: [`finish`](Splitter::finish) | a line | nobody can add to it |
//! | the file was truncated: [`cut`](Splitter::cut) | rejected, as cut off | the rest of it is gone |

/// Whole lines, one behind the other in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    /// Lines that were longer than the limit, and are not among the others.
    pub(crate) too_long: u64,
    /// Lines that were cut off by a truncation, and are not among the others.
    pub(crate) cut_off: u64,
}

impl Lines {
    /// The lines, without their ends.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.bytes[start..end])
    }

    /// How many there are, with those that were rejected.
    pub(crate) fn count(&self) -> u64 {
        self.ends.len() as u64 + self.too_long + self.cut_off
    }

    fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }
}

/// The part of a line whose end has not come.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    part: Vec<u8>,
    /// How long that part is, also if it is not kept.
    length: u64,
    too_long: bool,
}

impl Splitter {
    /// Takes the next bytes, and puts the lines that end in them into `lines`.
    pub(crate) fn feed(&mut self, bytes: &[u8], max_line_bytes: usize, lines: &mut Lines) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            self.length += text.len() as u64;
            if self.length > max_line_bytes as u64 {
                self.too_long = true;
                self.part = Vec::new();
            }
            if !self.too_long {
                self.part.extend_from_slice(text);
            }
            if ends {
                self.end_line(lines);
            }
        }
    }

    /// No more bytes will come: what is left is a line.
    pub(crate) fn finish(&mut self, lines: &mut Lines) {
        if self.length > 0 {
            self.end_line(lines);
        }
    }

    /// What is left has lost its end.
    pub(crate) fn cut(&mut self, lines: &mut Lines) {
        lines.cut_off += u64::from(self.length > 0);
        *self = Self::default();
    }

    /// How many bytes wait for the end of their line.
    pub(crate) fn unfinished(&self) -> u64 {
        self.length
    }

    fn end_line(&mut self, lines: &mut Lines) {
        if self.too_long {
            lines.too_long += 1;
        } else {
            lines.push(&self.part);
        }
        self.part.clear();
        self.length = 0;
        self.too_long = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 5;

    /// Feeds the text in pieces of each length; whatever the pieces, the lines are the same.
    fn split(text: &[u8], end: fn(&mut Splitter, &mut Lines)) -> Lines {
        let in_pieces = |length: usize| {
            let (mut splitter, mut lines) = (Splitter::default(), Lines::default());
            for piece in text.chunks(length) {
                splitter.feed(piece, MAX, &mut lines);
            }
            end(&mut splitter, &mut lines);
            assert_eq!(splitter.unfinished(), 0);
            lines
        };
        let lines = in_pieces(text.len());
        for length in 1..text.len() {
            assert_eq!(in_pieces(length), lines, "pieces of {length}");
        }
        lines
    }

    #[test]
    fn lines_do_not_depend_on_the_pieces() {
        let lines = split(b"one\n\ntwo\nfive5\nsix666\n\xff\n", Splitter::finish);
        let whole: Vec<_> = lines.iter().collect();
        assert_eq!(whole, [&b"one"[..], b"", b"two", b"five5", b"\xff"]);
        assert_eq!((lines.too_long, lines.cut_off, lines.count()), (1, 0, 6));
    }

    #[test]
    fn the_rest_of_a_file_that_has_ended_is_a_line() {
        let lines = split(b"one\nrest", Splitter::finish);
        assert_eq!(lines.iter().last(), Some(&b"rest"[..]));
        assert_eq!(split(b"one\nlonger", Splitter::finish).too_long, 1);
        assert_eq!(split(b"one\n", Splitter::finish).count(), 1);
    }

    #[test]
    fn the_rest_of_a_truncated_file_is_cut_off() {
        let lines = split(b"one\nrest", Splitter::cut);
        assert_eq!((lines.iter().count(), lines.cut_off), (1, 1));
        assert_eq!(split(b"one\nlonger", Splitter::cut).cut_off, 1);
        assert_eq!(split(b"one\n", Splitter::cut).cut_off, 0);
    }

    #[test]
    fn of_a_line_that_is_too_long_nothing_is_kept() {
        let (mut splitter, mut lines) = (Splitter::default(), Lines::default());
        for _ in 0..100 {
            splitter.feed(&[b'x'; 1000], MAX, &mut lines);
        }
        assert_eq!(
            (splitter.part.capacity(), splitter.unfinished()),
            (0, 100_000)
        );
    }
}
