//! The results as Markdown.

use std::fmt::Write as _;

use crate::results::{
    KindResults, OURS, Outcome, PeerResults, REFERENCE, REFERENCE_AGAIN, Results, Row,
};
use crate::stats;
use narrows_bench_peers::suite::Section;

/// Above this, pair by pair, one is slower than the other.
pub const SLOWER: f64 = 1.10;

pub fn render(results: &Results) -> String {
    let mut text = String::new();
    let machine = &results.machine;
    writeln!(
        text,
        "{}, {} cores, {}, {}",
        machine.processor, machine.cores, machine.system, machine.compiler
    )
    .expect("writing to a string succeeds");
    for kind in &results.kinds {
        text.push_str(&render_kind(kind));
    }
    text
}

fn render_kind(kind: &KindResults) -> String {
    let mut text = format!("\n## {}\n", kind.kind);
    let (Some(first), Some(last)) = (
        kind.rows.iter().map(|row| &row.date).min(),
        kind.rows.iter().map(|row| &row.date).max(),
    ) else {
        return text;
    };
    text.push_str(&format!("\nMeasured from {first} to {last}.\n"));
    for (section, title) in [
        (Section::Limits, "Limits of this machine (ns)"),
        (Section::Speed, "Speed (ns; the fastest bold)"),
        (Section::Latency, "Latency of single operations (ns)"),
        (Section::Memory, "Memory"),
    ] {
        let rows: Vec<&Row> = kind.section(section).collect();
        if !rows.is_empty() {
            text.push_str(&format!("\n### {title}\n\n"));
            text.push_str(&figures(kind, section, &rows));
        }
    }
    if kind.section(Section::Speed).next().is_some() {
        text.push_str("\n### Summary\n\n");
        text.push_str(&summary(kind));
        text.push_str(&not_first(kind));
    }
    text
}

/// A row for each scenario, a column for each peer.
fn figures(kind: &KindResults, section: Section, rows: &[&Row]) -> String {
    let mut notes = Vec::new();
    let ours = kind.peers.iter().any(|peer| peer.name == OURS);
    let mut header = vec!["scenario".to_owned()];
    let compared = section != Section::Limits;
    if compared {
        header.push("per".to_owned());
    }
    for peer in &kind.peers {
        match peer.name.as_str() {
            REFERENCE if compared => header.extend([peer.name.clone(), "±".to_owned()]),
            REFERENCE_AGAIN => header.push("again ÷ tokio".to_owned()),
            OURS => header.extend([peer.name.clone(), "times as fast".to_owned()]),
            _ => header.push(peer.name.clone()),
        }
    }
    if !ours || section == Section::Memory {
        header.retain(|title| title != "times as fast");
    }

    let mut lines = vec![header];
    for row in rows {
        let best = kind
            .peers
            .iter()
            .filter(|peer| peer.name != REFERENCE_AGAIN)
            .filter_map(|peer| row.median(&peer.name))
            .min_by(f64::total_cmp);
        let mut line = vec![row.name.clone()];
        if compared {
            line.push(
                row.unit
                    .trim_start_matches("ns per ")
                    .replace("ns", "operation"),
            );
        }
        for peer in &kind.peers {
            let name = peer.name.as_str();
            if name == REFERENCE_AGAIN {
                line.push(row.ratio(name, REFERENCE).map_or_else(String::new, factor));
                continue;
            }
            line.push(match row.outcome(name) {
                None | Some(Outcome::Lacks) => "–".to_owned(),
                Some(Outcome::Disqualified(reason)) => {
                    notes.push(format!("{}: {name} is out: {reason}", row.name));
                    format!("out ({})", notes.len())
                }
                Some(Outcome::Samples(samples)) => {
                    let median = stats::median(samples);
                    let bold = section == Section::Speed && Some(median) == best;
                    if bold {
                        format!("**{}**", figure(median))
                    } else {
                        figure(median)
                    }
                }
            });
            if name == REFERENCE && compared {
                line.push(row.samples(name).map_or_else(String::new, |samples| {
                    format!("{:.0} %", stats::spread(samples) * 100.0)
                }));
            }
            if name == OURS && section != Section::Memory {
                line.push(row.ratio(REFERENCE, OURS).map_or_else(String::new, factor));
            }
        }
        lines.push(line);
    }
    let mut text = markdown(&lines);
    for (index, note) in notes.iter().enumerate() {
        text.push_str(&format!("\n({}) {note}\n", index + 1));
    }
    text
}

/// What each peer keeps, and its geometric mean beside ours over the same scenarios.
fn summary(kind: &KindResults) -> String {
    let mut promises: Vec<&str> = Vec::new();
    for promise in kind.peers.iter().flat_map(|peer| &peer.promises) {
        if !promises.contains(&promise.name.as_str()) {
            promises.push(&promise.name);
        }
    }
    let mut header = vec!["peer".to_owned(), "version".to_owned()];
    header.extend(promises.iter().map(|&promise| promise.to_owned()));
    header.extend(
        [
            "times as fast as tokio",
            "narrows, same scenarios",
            "scenarios",
            "faster than tokio",
            "slower",
        ]
        .map(str::to_owned),
    );
    let mut lines = vec![header];
    for peer in &kind.peers {
        let mut line = vec![peer.name.clone(), peer.version.clone()];
        for name in &promises {
            let kept = peer.promises.iter().find(|promise| promise.name == *name);
            line.push(
                kept.map_or("", |promise| if promise.kept { "yes" } else { "no" })
                    .to_owned(),
            );
        }
        let mean = kind.mean(&peer.name, &peer.name);
        line.push(mean.map_or_else(String::new, |(mean, _)| factor(mean)));
        line.push(
            kind.mean(OURS, &peer.name)
                .map_or_else(String::new, |(mean, _)| factor(mean)),
        );
        line.push(mean.map_or_else(String::new, |(_, rows)| rows.to_string()));
        let ratios: Vec<f64> = kind
            .section(Section::Speed)
            .filter_map(|row| row.ratio(&peer.name, REFERENCE))
            .collect();
        line.push(
            ratios
                .iter()
                .filter(|&&ratio| ratio < 1.0 / SLOWER)
                .count()
                .to_string(),
        );
        line.push(
            ratios
                .iter()
                .filter(|&&ratio| ratio > SLOWER)
                .count()
                .to_string(),
        );
        lines.push(line);
    }
    let mut text = markdown(&lines);
    if let Some(floor) = kind.noise_floor() {
        text.push_str(&format!(
            "\nNoise floor: tokio measured twice differs by a factor of {:.2} or less in half of the \
             scenarios, of {:.2} or less in nine tenths.\n",
            floor.half, floor.nine_tenths
        ));
    }
    text
}

/// The scenarios in which a peer is ahead of us.
fn not_first(kind: &KindResults) -> String {
    let mut lines = vec![
        [
            "scenario",
            "narrows (ns)",
            "takes so many times as long as peers that keep the whole contract",
            "as peers that keep part of it",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for row in kind.section(Section::Speed) {
        let Some(ours) = row.median(OURS) else {
            continue;
        };
        let mut ahead: Vec<(&PeerResults, f64)> = kind
            .peers
            .iter()
            .filter(|peer| peer.name != REFERENCE_AGAIN && !peer.name.starts_with(OURS))
            .filter_map(|peer| Some((peer, row.ratio(OURS, &peer.name)?)))
            .filter(|&(_, ratio)| ratio > SLOWER)
            .collect();
        ahead.sort_by(|left, right| right.1.total_cmp(&left.1));
        if ahead.is_empty() {
            continue;
        }
        let list = |whole: bool| {
            let names: Vec<String> = ahead
                .iter()
                .filter(|(peer, _)| peer.keeps_all() == whole)
                .map(|(peer, ratio)| format!("{} {}", peer.name, factor(*ratio)))
                .collect();
            names.join(", ")
        };
        lines.push(vec![
            row.name.clone(),
            figure(ours),
            list(true),
            list(false),
        ]);
    }
    if kind.peers.iter().all(|peer| peer.name != OURS) {
        return String::new();
    }
    if lines.len() == 1 {
        return format!(
            "\nNo peer is ahead of narrows by more than a factor of {SLOWER:.2} anywhere.\n"
        );
    }
    format!(
        "\nScenarios in which a peer is ahead of narrows by more than a factor of {SLOWER:.2} \
         (median of the pairs):\n\n{}",
        markdown(&lines)
    )
}

/// Columns of equal width, so that the source reads as a table too; all but the first to the right.
fn markdown(lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|column| width(column).max(3))
        .collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            if column == 0 {
                text.push_str(&format!("| {cell:<width$} "));
            } else {
                text.push_str(&format!("| {cell:>width$} "));
            }
        }
        text.push_str("|\n");
        if index == 0 {
            for (column, &width) in widths.iter().enumerate() {
                let rule = "-".repeat(width);
                text.push_str(&if column == 0 {
                    format!("| {rule} ")
                } else {
                    format!("| {rule}:")
                });
            }
            text.push_str("|\n");
        }
    }
    text
}

fn figure(value: f64) -> String {
    if value == 0.0 || value >= 99.95 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

fn factor(value: f64) -> String {
    format!("{value:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Cell;

    fn peer(name: &str, kept: bool) -> PeerResults {
        PeerResults {
            name: name.to_owned(),
            version: String::new(),
            promises: vec![narrows_bench_peers::suite::Promise::new("permits", kept)],
        }
    }

    fn cell(peer: &str, samples: &[f64]) -> Cell {
        Cell {
            peer: peer.to_owned(),
            outcome: Outcome::Samples(samples.to_vec()),
        }
    }

    fn kind() -> KindResults {
        KindResults {
            kind: "mpsc".to_owned(),
            peers: vec![
                peer(REFERENCE, true),
                peer(OURS, true),
                peer("swift", false),
            ],
            rows: vec![Row {
                name: "1 producer".to_owned(),
                section: Section::Speed,
                unit: "ns per message".to_owned(),
                date: String::new(),
                cells: vec![
                    cell(REFERENCE, &[40.0, 42.0]),
                    cell(OURS, &[20.0, 21.0]),
                    cell("swift", &[10.0, 10.5]),
                ],
            }],
        }
    }

    #[test]
    fn a_peer_ahead_is_named_in_the_column_of_what_it_keeps() {
        let text = not_first(&kind());
        assert!(
            text.lines().last().unwrap().ends_with("|  | swift 2.00 |")
                || text.contains("swift 2.00")
        );
        let columns: Vec<&str> = text
            .lines()
            .last()
            .unwrap()
            .split('|')
            .map(str::trim)
            .collect();
        assert_eq!(columns[1..5], ["1 producer", "20.5", "", "swift 2.00"]);
    }

    #[test]
    fn within_the_limit_nobody_is_ahead() {
        let mut kind = kind();
        kind.rows[0].cells[2] = cell("swift", &[19.0, 20.0]);
        assert!(not_first(&kind).starts_with("\nNo peer is ahead"));
    }

    #[test]
    fn the_fastest_is_bold_and_the_disqualified_are_out() {
        let mut kind = kind();
        kind.rows[0].cells[0].outcome = Outcome::Disqualified("messages were lost".to_owned());
        let text = render_kind(&kind);
        assert!(text.contains("**10.2**"), "{text}");
        assert!(
            text.contains("(1) 1 producer: tokio is out: messages were lost"),
            "{text}"
        );
    }
}
