//! Pieces of source files: the code of a demo, a statement or an item in it, a function's body.

use anyhow::{Context, bail};

/// A demo's program without the comment at its top and the prompts at its end.
pub fn program(source: &str) -> String {
    let code: Vec<_> = source
        .lines()
        .skip_while(|line| line.starts_with("//!") || line.is_empty())
        .take_while(|line| *line != "// Try it:")
        .collect();
    code.join("\n").trim_end().to_owned()
}

/// The statement or item whose first line contains `from`, with everything indented below it. With
/// `to`, everything through the end of the statement that contains `to`.
pub fn part(source: &str, from: &str, to: Option<&str>) -> anyhow::Result<String> {
    let program = program(source);
    let lines: Vec<_> = program.lines().collect();
    let find = |text: &str, start: usize| {
        let found = lines[start..].iter().position(|line| line.contains(text));
        found
            .map(|index| start + index)
            .with_context(|| format!("no line of the program contains \"{text}\""))
    };
    let first = find(from, 0)?;
    let last_begins = match to {
        None => first,
        Some(to) => find(to, first)?,
    };
    let last = end_of_statement(&lines, last_begins);
    Ok(dedented(&lines[first..=last]))
}

/// What stands between the braces of a function.
pub fn body(source: &str, function: &str) -> anyhow::Result<String> {
    let lines: Vec<_> = source.lines().collect();
    let head = format!("fn {function}(");
    let Some(first) = lines.iter().position(|line| line.contains(&head)) else {
        bail!("there is no `{head}`");
    };
    let last = end_of_statement(&lines, first);
    Ok(dedented(&lines[first + 1..last]))
}

/// The index of the last line of the statement that begins at `first`: deeper lines belong to it,
/// and lines at its own depth that begin with a closing bracket or a dot.
fn end_of_statement(lines: &[&str], first: usize) -> usize {
    let depth = indent(lines[first]);
    let mut last = first;
    for (index, line) in lines.iter().enumerate().skip(first + 1) {
        let text = line.trim_start();
        let belongs = indent(line) > depth
            || (indent(line) == depth && text.starts_with(['}', ')', ']', '.']));
        if text.is_empty() {
            continue;
        }
        if !belongs {
            break;
        }
        last = index;
    }
    last
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn dedented(lines: &[&str]) -> String {
    let filled = lines.iter().filter(|line| !line.trim().is_empty());
    let depth = filled.map(|line| indent(line)).min().unwrap_or(0);
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.get(depth..).unwrap_or(""))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
//! What it shows.

use a::b;

fn one() {
    let a = call(
        1,
    )
    .await;

    if a {
        b();
    } else {
        c();
    }
    d();
}

fn two() {}

// Try it:
// - Nothing.
";

    #[test]
    fn a_program_has_no_words_around_it() {
        assert!(program(SOURCE).starts_with("use a::b;\n\nfn one()"));
        assert!(program(SOURCE).ends_with("fn two() {}"));
    }

    #[test]
    fn a_part_ends_where_its_statement_ends() {
        let part = |from, to| part(SOURCE, from, to).expect("it is there");
        assert_eq!(part("let a", None), "let a = call(\n    1,\n)\n.await;");
        assert_eq!(
            part("if a", None),
            "if a {\n    b();\n} else {\n    c();\n}"
        );
        assert_eq!(part("d();", None), "d();");
        assert_eq!(part("if a", Some("d();")).lines().last(), Some("d();"));
        assert_eq!(part("fn two", None), "fn two() {}");
    }

    #[test]
    fn a_part_that_is_not_there_is_named() {
        let error = part(SOURCE, "gone", None).expect_err("it is not there");
        assert_eq!(
            error.to_string(),
            "no line of the program contains \"gone\""
        );
    }

    #[test]
    fn a_body_is_what_stands_between_the_braces() {
        assert!(
            body(SOURCE, "one")
                .expect("it is there")
                .starts_with("let a = call(")
        );
        assert!(
            body(SOURCE, "one")
                .expect("it is there")
                .ends_with("\nd();")
        );
        assert!(body(SOURCE, "three").is_err());
    }
}
