//! The answers as the command prints them and as docs/choosing.md shows them.

use std::fmt::Write;

use super::data::{Answer, Choices, SNIPPETS};

/// Where running text is wrapped on the terminal.
const WIDTH: usize = 88;

/// The table of all answers for the terminal.
pub fn table(choices: &Choices) -> String {
    let width = |of: fn(&Answer) -> &str| {
        let longest = choices
            .answers
            .iter()
            .map(|answer| of(answer).chars().count());
        longest.max().unwrap_or(0)
    };
    let (needs, takes) = (width(|it| &it.need), width(|it| &it.take));
    let mut out = String::new();
    let mut rows = |title: &str, is_channel: bool| {
        line(
            &mut out,
            format_args!("{title:needs$}  {:takes$}  demo", "take"),
        );
        for it in choices
            .answers
            .iter()
            .filter(|it| it.is_channel == is_channel)
        {
            let (need, take, demo) = (&it.need, &it.take, &it.demo);
            line(
                &mut out,
                format_args!("{need:needs$}  {take:takes$}  {demo}"),
            );
        }
        out.push('\n');
    };
    rows("YOU NEED", true);
    rows("WHERE NONE OF THE FOUR FITS", false);
    out.push_str("More on one of them: cargo xtask choose WORDS…, for instance `slow consumer`\n");
    out
}

/// Answers in full for the terminal.
pub fn answers(found: &[&Answer]) -> String {
    let mut out = String::new();
    for (index, it) in found.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        line(&mut out, format_args!("{}: {}\n", it.need, it.take));
        for code in it.snippet.lines() {
            line(&mut out, format_args!("    {code}"));
        }
        line(&mut out, format_args!("\n  package  {}", it.package));
        for (index, text) in wrapped(&it.warning, WIDTH - 11).iter().enumerate() {
            let label = if index == 0 { "beware" } else { "" };
            line(&mut out, format_args!("  {label:7}  {text}"));
        }
        line(
            &mut out,
            format_args!("  demo     cargo xtask demo {}", it.demo),
        );
        line(&mut out, format_args!("  page     docs/{}", it.page));
    }
    out
}

/// The table of all answers, or of those without a channel, for the page.
pub fn page_table(choices: &Choices, is_channel: bool) -> String {
    let mut out = String::from("| you need | take | demo |\n|---|---|---|\n");
    for it in choices
        .answers
        .iter()
        .filter(|it| it.is_channel == is_channel)
    {
        let (need, anchor, take, demo) = (&it.need, slug(&it.need), &it.take, &it.demo);
        line(
            &mut out,
            format_args!("| [{need}](#{anchor}) | {take} | `{demo}` |"),
        );
    }
    out
}

/// Answers in full, each under its own heading, for the page.
pub fn page_answers(choices: &Choices, is_channel: bool) -> String {
    let mut out = String::new();
    for it in choices
        .answers
        .iter()
        .filter(|it| it.is_channel == is_channel)
    {
        line(&mut out, format_args!("### {}\n", it.need));
        line(
            &mut out,
            format_args!("Take **{}** (`{}`).\n", it.take, it.package),
        );
        line(&mut out, format_args!("```rs\n{}\n```\n", it.snippet));
        line(&mut out, format_args!("Beware: {}\n", it.warning));
        line(
            &mut out,
            format_args!(
                "Run: `cargo xtask demo {}` · Read: [{}]({})\n",
                it.demo, it.page, it.page
            ),
        );
    }
    line(
        &mut out,
        format_args!("The code is from [{SNIPPETS}](../{SNIPPETS}), where it is compiled and run."),
    );
    out
}

/// The anchor that a heading gets on a rendered page.
pub fn slug(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a first line");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes everything");
}
