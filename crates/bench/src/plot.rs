//! The results as a picture: for each kind an SVG, a line for each scenario, a mark for each peer.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use narrows_bench_peers::suite::Section;

use crate::results::{KindResults, OURS, PeerResults, REFERENCE, REFERENCE_AGAIN, Row};

const WIDTH: f64 = 1080.0;
/// Where the scenarios' names end.
const LABELS: f64 = 420.0;
const MARGIN: f64 = 24.0;
const LINE: f64 = 17.0;
/// Legend entries in one line.
const LEGEND_COLUMNS: usize = 5;

/// The marks: a shape and a colour that is legible on light and dark ground.
const MARKS: [(Shape, &str); 14] = [
    (Shape::Circle, "#e8590c"),
    (Shape::Square, "#1c7ed6"),
    (Shape::Up, "#2f9e44"),
    (Shape::Down, "#ae3ec9"),
    (Shape::Circle, "#0c9aa8"),
    (Shape::Square, "#c98a00"),
    (Shape::Up, "#e64980"),
    (Shape::Down, "#5f7f00"),
    (Shape::Cross, "#e8590c"),
    (Shape::Cross, "#1c7ed6"),
    (Shape::Cross, "#2f9e44"),
    (Shape::Cross, "#ae3ec9"),
    (Shape::Circle, "#868e96"),
    (Shape::Square, "#868e96"),
];

#[derive(Clone, Copy)]
enum Shape {
    Circle,
    Square,
    Up,
    Down,
    Cross,
}

const STYLE: &str = "\
svg{font:12px system-ui,sans-serif}\
.ground{fill:#fff}.text{fill:#1f2328}.faint{fill:#59636e}\
.line{stroke:#d1d9e0}.one{stroke:#1f2328;stroke-width:1.5}.band{fill:#818b98;opacity:.22}\
.odd{fill:#818b98;opacity:.07}.ours{fill:#d6002f;stroke:#fff;stroke-width:1}\
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}.text{fill:#f0f6fc}.faint{fill:#9198a1}\
.line{stroke:#3d444d}.one{stroke:#f0f6fc}.ours{fill:#ff5c7c;stroke:#0d1117}}";

/// Writes `KIND.svg`; nothing for a kind without speed.
pub fn write(kind: &KindResults, directory: &Path) -> anyhow::Result<()> {
    let Some(picture) = draw(kind) else {
        return Ok(());
    };
    let path = directory.join(format!("{}.svg", kind.kind));
    fs::write(&path, picture).with_context(|| format!("cannot write {}", path.display()))
}

/// A factor below two to the power of this is drawn at the edge, so that one outlier does not flatten the rest.
const LOWEST: i32 = -3;

/// The horizontal axis: how many times as fast as the reference, on a logarithmic scale.
struct Axis {
    /// Powers of two.
    low: i32,
    high: i32,
}

impl Axis {
    fn around(factors: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (-1, 2);
        for factor in factors {
            low = low.min(factor.log2().floor() as i32).max(LOWEST);
            high = high.max(factor.log2().ceil() as i32);
        }
        Self { low, high }
    }

    fn x(&self, factor: f64) -> f64 {
        let left = LABELS + MARGIN;
        let position = factor.log2().max(f64::from(self.low));
        let share = (position - f64::from(self.low)) / f64::from(self.high - self.low);
        left + share * (WIDTH - left - MARGIN)
    }

    fn ticks(&self) -> impl Iterator<Item = (f64, String)> + use<> {
        (self.low..=self.high).map(|power| {
            let label = if power < 0 {
                format!("1/{}", 1 << -power)
            } else {
                (1 << power).to_string()
            };
            (2_f64.powi(power), label)
        })
    }
}

fn draw(kind: &KindResults) -> Option<String> {
    let rows: Vec<&Row> = kind
        .section(Section::Speed)
        .filter(|row| row.samples(REFERENCE).is_some())
        .collect();
    if rows.is_empty() {
        return None;
    }
    // Ours comes last, so that no other mark hides it.
    let mut peers: Vec<&PeerResults> = kind
        .peers
        .iter()
        .filter(|peer| ![REFERENCE, REFERENCE_AGAIN].contains(&peer.name.as_str()))
        .collect();
    peers.sort_by_key(|peer| peer.name == OURS);
    let factors = |peer: &PeerResults, row: &Row| row.ratio(REFERENCE, &peer.name);
    let axis = Axis::around(
        rows.iter()
            .flat_map(|row| peers.iter().filter_map(|peer| factors(peer, row))),
    );

    let legend_lines = peers.len().div_ceil(LEGEND_COLUMNS);
    let top = 64.0 + legend_lines as f64 * 20.0 + 26.0;
    let bottom = top + rows.len() as f64 * LINE;
    let height = bottom + 36.0;
    let mut svg = String::new();
    write!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img"><title>{title}</title><style>{STYLE}</style><rect class="ground" width="{WIDTH}" height="{height}"/><text class="text" x="{MARGIN}" y="30" font-size="16" font-weight="600">{title}</text>"#,
        title = format_args!("{}: how many times as fast as tokio", kind.kind),
    )
    .ok()?;
    write!(
        svg,
        r#"<text class="faint" x="{MARGIN}" y="50">Each line is a scenario; right of 1 is faster than tokio. The grey band is the noise: tokio against itself, nine of ten scenarios. A mark on the left edge is slower still.</text>"#
    )
    .ok()?;

    for (index, peer) in peers.iter().enumerate() {
        let column = WIDTH / LEGEND_COLUMNS as f64 - 10.0;
        let x = MARGIN + 8.0 + (index % LEGEND_COLUMNS) as f64 * column;
        let y = 74.0 + (index / LEGEND_COLUMNS) as f64 * 20.0;
        svg.push_str(&mark(peer, index, x, y));
        write!(
            svg,
            r#"<text class="text" x="{}" y="{}">{}</text>"#,
            x + 12.0,
            y + 4.0,
            escaped(&peer.name)
        )
        .ok()?;
    }

    for index in (1..rows.len()).step_by(2) {
        let y = top + index as f64 * LINE;
        write!(
            svg,
            r#"<rect class="odd" x="0" y="{y:.1}" width="{WIDTH}" height="{LINE}"/>"#
        )
        .ok()?;
    }
    if let Some(floor) = kind.noise_floor() {
        let (left, right) = (axis.x(1.0 / floor.nine_tenths), axis.x(floor.nine_tenths));
        write!(
            svg,
            r#"<rect class="band" x="{left:.1}" y="{top}" width="{:.1}" height="{:.1}"/>"#,
            right - left,
            bottom - top
        )
        .ok()?;
    }
    for (factor, label) in axis.ticks() {
        let x = axis.x(factor);
        let class = if factor == 1.0 { "one" } else { "line" };
        write!(
            svg,
            r#"<line class="{class}" x1="{x:.1}" y1="{top}" x2="{x:.1}" y2="{bottom}"/>"#
        )
        .ok()?;
        for y in [top - 8.0, bottom + 18.0] {
            write!(
                svg,
                r#"<text class="faint" x="{x:.1}" y="{y}" text-anchor="middle">{label}</text>"#
            )
            .ok()?;
        }
    }
    for (index, row) in rows.iter().enumerate() {
        let y = top + (index as f64 + 0.5) * LINE;
        write!(
            svg,
            r#"<text class="text" x="{LABELS}" y="{:.1}" text-anchor="end" font-size="11">{}</text>"#,
            y + 4.0,
            escaped(&row.name)
        )
        .ok()?;
        for (index, peer) in peers.iter().enumerate() {
            if let Some(factor) = factors(peer, row) {
                svg.push_str(&mark(peer, index, axis.x(factor), y));
            }
        }
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

fn mark(peer: &PeerResults, index: usize, x: f64, y: f64) -> String {
    if peer.name == OURS {
        return format!(
            r#"<path class="ours" d="M{x:.1} {:.1}l7 7-7 7-7-7z"/>"#,
            y - 7.0
        );
    }
    let (shape, colour) = MARKS[index % MARKS.len()];
    match shape {
        Shape::Circle => format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.6" fill="{colour}"/>"#),
        Shape::Square => {
            format!(
                r#"<path fill="{colour}" d="M{:.1} {:.1}h6.6v6.6h-6.6z"/>"#,
                x - 3.3,
                y - 3.3
            )
        }
        Shape::Up => format!(
            r#"<path fill="{colour}" d="M{x:.1} {:.1}l4.4 7.4h-8.8z"/>"#,
            y - 4.2
        ),
        Shape::Down => format!(
            r#"<path fill="{colour}" d="M{x:.1} {:.1}l4.4-7.4h-8.8z"/>"#,
            y + 4.2
        ),
        Shape::Cross => format!(
            r#"<path stroke="{colour}" stroke-width="2" d="M{:.1} {:.1}l6.4 6.4m0-6.4l-6.4 6.4"/>"#,
            x - 3.2,
            y - 3.2
        ),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_is_logarithmic_and_covers_all_but_the_slowest() {
        let axis = Axis::around([0.2, 5.0].into_iter());
        assert_eq!(axis.x(0.001), axis.x(0.125));
        assert_eq!((axis.low, axis.high), (-3, 3));
        let step = axis.x(2.0) - axis.x(1.0);
        assert!((axis.x(4.0) - axis.x(2.0) - step).abs() < 1e-9);
        assert!((axis.x(1.0) - axis.x(0.5) - step).abs() < 1e-9);
        let labels: Vec<String> = axis.ticks().map(|(_, label)| label).collect();
        assert_eq!(labels, ["1/8", "1/4", "1/2", "1", "2", "4", "8"]);
    }
}
