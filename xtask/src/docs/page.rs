//! A page: its markers and what stands below them, its links, its headings, its blocks of code.

use std::fmt;

use crate::choose::print::slug;

const MARKER: &str = "<!-- include: ";
const END: &str = "<!-- end -->";

/// Something wrong on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The page, relative to the workspace.
    pub page: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.page, self.line, self.text)
    }
}

/// A page whose markers were followed.
#[derive(Debug)]
pub struct Renewed {
    /// The page as it should be.
    pub text: String,
    /// Where a text differs from that of its marker: the first such line, and how it differs.
    pub changed: Vec<(usize, String)>,
    /// What could not be followed: the line, and why.
    pub failed: Vec<(usize, String)>,
}

/// Puts below each marker what `text_for` gives for it.
pub fn renew(page: &str, text_for: impl Fn(&str) -> anyhow::Result<String>) -> Renewed {
    let lines: Vec<_> = page.split_inclusive('\n').collect();
    let mut renewed = Renewed {
        text: String::new(),
        changed: Vec::new(),
        failed: Vec::new(),
    };
    let mut index = 0;
    let mut in_code = false;
    while index < lines.len() {
        let line = lines[index];
        renewed.text.push_str(line);
        index += 1;
        in_code ^= is_fence(line);
        if in_code {
            continue;
        }
        let Some(marker) = line
            .trim()
            .strip_prefix(MARKER)
            .and_then(|it| it.strip_suffix("-->"))
        else {
            continue;
        };
        let length = lines[index..]
            .iter()
            .take_while(|line| line.trim() != END)
            .count();
        let before = lines[index..index + length].concat();
        if index + length == lines.len() || before.contains(MARKER) {
            renewed
                .failed
                .push((index, format!("there is no {END} below this marker")));
            continue;
        }
        match text_for(marker.trim()) {
            Ok(text) => {
                if text != before {
                    let (down, why) = first_difference(&before, &text);
                    renewed.changed.push((index + down, why));
                }
                renewed.text.push_str(&text);
                index += length;
            }
            Err(error) => renewed.failed.push((index, format!("{error:#}"))),
        }
    }
    renewed
}

/// The first line that differs: how far down, and in words.
fn first_difference(page: &str, file: &str) -> (usize, String) {
    let same = page
        .lines()
        .zip(file.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let line = |text: &str| match text.lines().nth(same) {
        Some(line) => format!("`{line}`"),
        None => "nothing".to_owned(),
    };
    let text = format!("the page says {}, the file {}", line(page), line(file));
    (same + 1, text)
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// The lines outside blocks of code, each with its number.
fn prose(page: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    page.lines().enumerate().filter_map(move |(index, line)| {
        let fence = is_fence(line);
        in_code ^= fence;
        (!in_code && !fence).then_some((index + 1, line))
    })
}

/// The targets of the links and pictures, each with its line.
pub fn links(page: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(page) {
        // What stands in backquotes is no link.
        let line: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (open, close) in [
            ("](", ')'),
            ("src=\"", '"'),
            ("srcset=\"", '"'),
            ("href=\"", '"'),
        ] {
            for rest in line.split(open).skip(1) {
                if let Some((target, _)) = rest.split_once(close) {
                    links.push((number, target.to_owned()));
                }
            }
        }
    }
    links
}

/// The anchors of the headings.
pub fn anchors(page: &str) -> Vec<String> {
    prose(page)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| slug(line.trim_start_matches('#').trim()))
        .collect()
}

/// The language of each block of code, with its line.
pub fn languages(page: &str) -> Vec<(usize, String)> {
    let fences = page.lines().enumerate().filter_map(|(index, line)| {
        let language = line.trim_start().strip_prefix("```")?;
        Some((index + 1, language.trim().to_owned()))
    });
    fences.step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn text_for(marker: &str) -> anyhow::Result<String> {
        match marker {
            "code a" => Ok("```rs\na();\n```\n".to_owned()),
            _ => bail!("there is no demo"),
        }
    }

    #[test]
    fn text_below_a_marker_is_renewed_and_the_rest_is_left_alone() {
        let page = "# A\n<!-- include: code a -->\nold\n<!-- end -->\nrest";
        let renewed = renew(page, text_for);
        let expected = "# A\n<!-- include: code a -->\n```rs\na();\n```\n<!-- end -->\nrest";
        assert_eq!(renewed.text, expected);
        let why = "the page says `old`, the file ````rs`";
        assert_eq!(renewed.changed, [(3, why.to_owned())]);
        assert!(renew(expected, text_for).changed.is_empty());
    }

    #[test]
    fn markers_in_blocks_of_code_are_only_shown() {
        let page = "```text\n<!-- include: gone -->\n```\n";
        let renewed = renew(page, text_for);
        assert_eq!(renewed.text, page);
        assert!(renewed.failed.is_empty());
    }

    #[test]
    fn markers_that_lead_nowhere_are_reported() {
        let page = "<!-- include: code a -->\nno end\n<!-- include: gone -->\n<!-- end -->\n";
        let renewed = renew(page, text_for);
        assert_eq!(renewed.text, page);
        let lines: Vec<_> = renewed.failed.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3]);
    }

    #[test]
    fn links_and_anchors_in_code_do_not_count() {
        let page = "# The `a` of B!\n[a](x.md#y) `[b](z.md)` <img src=\"p.svg\">\n```sh\n# c\n[d](e)\n```\n";
        assert_eq!(
            links(page),
            [(2, "x.md#y".to_owned()), (2, "p.svg".to_owned())]
        );
        assert_eq!(anchors(page), ["the-a-of-b"]);
        assert_eq!(languages(page), [(3, "sh".to_owned())]);
    }
}
