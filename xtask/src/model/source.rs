//! The orderings as a source file writes them, and the comments that justify them.

/// What a justification begins with: `// UNMODELLED: why no model can notice this ordering`.
const TAG: &str = "// UNMODELLED:";

/// Where an ordering is written. Lines and columns count from 1, as in compiler messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// An ordering in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it stands.
    pub place: Place,
    /// Its name: `Acquire`.
    pub order: String,
}

/// One file.
#[derive(Clone, Debug)]
pub struct Source {
    lines: Vec<String>,
}

impl Source {
    /// The file with this text.
    pub fn new(text: &str) -> Self {
        Self {
            lines: text.lines().map(str::to_owned).collect(),
        }
    }

    /// A line, without its indentation.
    pub fn line(&self, number: usize) -> &str {
        self.lines.get(number - 1).map_or("", |line| line.trim())
    }

    /// Each `Ordering::…` of an atomic operation in the code: not in comments, not in unit tests.
    pub fn orderings(&self) -> Vec<Written> {
        const NAMES: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
        const PATH: &str = "Ordering::";
        let mut found = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            if line.trim() == "#[cfg(test)]" {
                break;
            }
            let code = line.split("//").next().unwrap_or_default();
            for (at, _) in code.match_indices(PATH) {
                let rest = &code[at + PATH.len()..];
                let end = rest.find(|c: char| !c.is_alphanumeric());
                let name = &rest[..end.unwrap_or(rest.len())];
                if NAMES.contains(&name) {
                    let place = Place {
                        line: index + 1,
                        column: code[..at].chars().count() + 1,
                    };
                    let order = name.to_owned();
                    found.push(Written { place, order });
                }
            }
        }
        found
    }

    /// The ordering that the call at `call` is given as its first (`index` 0) or second one.
    pub fn argument(&self, call: Place, index: usize) -> Option<Place> {
        let mut after = self.orderings().into_iter().map(|written| written.place);
        after.by_ref().filter(|place| *place > call).nth(index)
    }

    /// Why no model notices the ordering in this line: from the comment above its statement, with the
    /// line on which the reason begins.
    pub fn justification(&self, line: usize) -> Option<(usize, String)> {
        let is_comment = |line: &str| line.starts_with("//") && !line.starts_with("///");
        let above = |from: usize| (1..from).rev();
        let last = above(line)
            .take_while(|number| {
                let text = self.line(*number);
                is_comment(text) || !(text.is_empty() || text.ends_with([';', '{', '}']))
            })
            .find(|number| is_comment(self.line(*number)))?;
        let first = above(last + 1)
            .take_while(|number| is_comment(self.line(*number)))
            .find(|number| self.line(*number).starts_with(TAG))?;
        let reason: Vec<_> = (first..=last)
            .map(|number| self.line(number).trim_start_matches(TAG))
            .take_while(|text| !begins_with_a_tag(text))
            .map(|text| text.trim_start_matches('/').trim())
            .collect();
        Some((first, reason.join(" ").trim().to_owned()))
    }
}

/// Whether a comment's line begins another remark: `// ORDERING: …`.
fn begins_with_a_tag(comment: &str) -> bool {
    let text = comment.trim_start_matches('/').trim_start();
    comment.starts_with("//")
        && text
            .split_once(':')
            .is_some_and(|(word, _)| !word.is_empty() && word.chars().all(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
fn step(&self) {
    // ORDERING: Release; pairs with the Acquire in `load`.
    // UNMODELLED: the checker's own
    // lock hides it.
    // SAFETY: none needed.
    self.0
        .compare_exchange(1, 2, Ordering::Release, Ordering::Acquire)
        .is_ok();
    // UNMODELLED: another statement's.
    let one = 1;
    self.0.load(Ordering::SeqCst); // Ordering::Acquire
    a.cmp(b) == Ordering::Less;
}
#[cfg(test)]
mod tests { const A: Ordering = Ordering::Acquire; }
";

    #[test]
    fn orderings_are_found_in_code_alone() {
        let orderings = Source::new(TEXT).orderings();
        let found: Vec<_> = orderings
            .iter()
            .map(|written| (written.place.line, written.order.as_str()))
            .collect();
        assert_eq!(found, [(7, "Release"), (7, "Acquire"), (11, "SeqCst")]);
        assert_eq!(orderings[2].place.column, 17);
    }

    #[test]
    fn a_call_is_given_the_orderings_that_follow_it() {
        let source = Source::new(TEXT);
        let column_of = |call: (usize, usize), index| {
            let (line, column) = call;
            let place = source.argument(Place { line, column }, index);
            place.map(|place| (place.line, place.column))
        };
        assert_eq!(column_of((7, 10), 0), Some((7, 33)));
        assert_eq!(column_of((7, 10), 1), Some((7, 52)));
        assert_eq!(column_of((11, 12), 0), Some((11, 17)));
        assert_eq!(column_of((11, 12), 1), None);
    }

    #[test]
    fn a_justification_stands_above_its_own_statement() {
        let source = Source::new(TEXT);
        let reason = "the checker's own lock hides it.".to_owned();
        assert_eq!(source.justification(7), Some((3, reason)));
        assert_eq!(source.justification(11), None);
    }
}
