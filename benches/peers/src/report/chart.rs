//! A bar chart as SVG: a panel for each figure, a bar for each engine. Written by hand, for it is rectangles and text;
//! text stays text, so that it can be searched and read aloud.

use std::fmt::{self, Write};

use crate::comparison::{Comparison, Reached};
use crate::engines::Engine;

const COLUMNS: usize = 3;
const PANEL_WIDTH: usize = 340;
const BAR_HEIGHT: usize = 16;
const BAR_GAP: usize = 4;
const TITLE_HEIGHT: usize = 34;
const PANEL_GAP: usize = 18;
const HEAD_HEIGHT: usize = 56;
const MARGIN: usize = 16;
const NAME_WIDTH: usize = 76;
/// The longest bar; the value stands to its right.
const BAR_WIDTH: f64 = 169.0;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}.head{font-size:18px;font-weight:600}\
    .title{font-weight:600}.note{fill:#57606a}.rival{fill:#b6bec7}.bare{fill:#dfe3e8}.drystone{fill:#c2571a}\
    .name{text-anchor:end}";

/// The chart of all figures; `note` says what was run.
pub(crate) fn draw(comparisons: &[Comparison], note: &str) -> Result<String, fmt::Error> {
    let bars = comparisons
        .iter()
        .map(|comparison| comparison.reached.len());
    let panel_height = TITLE_HEIGHT + bars.max().unwrap_or(0) * (BAR_HEIGHT + BAR_GAP) + PANEL_GAP;
    let rows = comparisons.len().div_ceil(COLUMNS);
    let width = 2 * MARGIN + COLUMNS * PANEL_WIDTH;
    let height = HEAD_HEIGHT + rows * panel_height + MARGIN;
    let mut svg = String::new();
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">"#
    )?;
    writeln!(svg, "<style>{STYLE}</style>")?;
    writeln!(
        svg,
        r##"<rect width="{width}" height="{height}" fill="#ffffff"/>"##
    )?;
    text(&mut svg, "head", MARGIN, 26, "Drystone beside other stores")?;
    text(&mut svg, "note", MARGIN, 44, note)?;
    for (idx, comparison) in comparisons.iter().enumerate() {
        let left = MARGIN + idx % COLUMNS * PANEL_WIDTH;
        let top = HEAD_HEIGHT + idx / COLUMNS * panel_height;
        writeln!(svg, r#"<g transform="translate({left} {top})">"#)?;
        panel(&mut svg, comparison)?;
        writeln!(svg, "</g>")?;
    }
    writeln!(svg, "</svg>")?;
    Ok(svg)
}

fn panel(svg: &mut String, comparison: &Comparison) -> fmt::Result {
    let unit = comparison.figure.unit;
    let direction = match unit.is_higher_better() {
        true => "more is better",
        false => "less is better",
    };
    let title = format!("{}, {}", comparison.figure.name, unit.name());
    text(svg, "title", 0, 14, &title)?;
    text(svg, "note", 0, 28, direction)?;
    let most = comparison.reached.iter().map(|reached| reached.median);
    let most = most.fold(f64::MIN_POSITIVE, f64::max);
    for (idx, reached) in comparison.reached.iter().enumerate() {
        let top = TITLE_HEIGHT + idx * (BAR_HEIGHT + BAR_GAP);
        bar(svg, top, reached, most, &unit.show(reached.median))?;
    }
    Ok(())
}

fn bar(svg: &mut String, top: usize, reached: &Reached, most: f64, shown: &str) -> fmt::Result {
    let baseline = top + BAR_HEIGHT - 4;
    let left = NAME_WIDTH + 6;
    let width = BAR_WIDTH * (reached.median / most).max(0.0);
    let class = match reached.engine {
        Engine::Drystone | Engine::DrystoneLz4 => "drystone",
        Engine::Bare => "bare",
        _ => "rival",
    };
    text(svg, "name", NAME_WIDTH, baseline, reached.engine.name())?;
    writeln!(
        svg,
        r#"<rect class="{class}" x="{left}" y="{top}" width="{width:.1}" height="{BAR_HEIGHT}"/>"#
    )?;
    let right = left_of_value(width);
    writeln!(
        svg,
        r#"<text x="{right:.1}" y="{baseline}">{}</text>"#,
        escape(shown)
    )
}

fn left_of_value(bar_width: f64) -> f64 {
    // The name, a gap on each side of the bar.
    82.0 + bar_width + 5.0
}

fn text(svg: &mut String, class: &str, x: usize, y: usize, shown: &str) -> fmt::Result {
    let shown = escape(shown);
    writeln!(
        svg,
        r#"<text class="{class}" x="{x}" y="{y}">{shown}</text>"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
