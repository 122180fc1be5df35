//! The legend: a sample and a name for each series, in rows above the axes.

use plotters::prelude::{PathElement, Rectangle};
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::px;
use super::look::{self, INK};
use super::scale::drawable;
use super::{Area, Drawn, LABEL, Marks, Plot, Role, Series, words};

/// Between rows.
const LEADING: f64 = 16.0;
/// Between entries.
const GAP: f64 = 14.0;

/// What an entry shows before its name.
#[derive(Clone, Copy)]
enum Sample {
    Line { marked: bool },
    Level,
    Mark,
    Bar,
}

impl Sample {
    fn width(self) -> f64 {
        match self {
            Self::Line { .. } | Self::Level => 26.0,
            Self::Mark | Self::Bar => 10.0,
        }
    }

    /// Draws it with its left end at (`x`, `y`).
    fn draw(self, root: &Area<'_>, x: f64, y: f64, role: Role) -> Drawn {
        let ends = [(px(x), px(y)), (px(x + self.width()), px(y))];
        let middle = (px(x + self.width() / 2.0), px(y));
        match self {
            Self::Line { marked } => {
                root.draw(&PathElement::new(ends, look::line(role)))?;
                if marked { look::mark(root, middle, role, true) } else { Ok(()) }
            }
            Self::Level => root.draw(&PathElement::new(ends, look::level(role))),
            Self::Mark => look::mark(root, middle, role, false),
            Self::Bar => {
                let corners = [(px(x), px(y - 4.5)), (px(x + 9.0), px(y + 4.5))];
                root.draw(&Rectangle::new(corners, look::solid(role).filled()))
            }
        }
    }
}

/// The entries of `plot`: name, role, sample, and whether there is anything to draw.
fn entries(plot: &Plot) -> Vec<(&str, Role, Sample, bool)> {
    let seen = |point: &[f64; 2]| drawable(point[0], plot.x.log) && drawable(point[1], plot.y.log);
    let cloud = |series: &Series| series.points.iter().any(seen);
    match &plot.marks {
        Marks::Lines { series, levels } => {
            let line = |s: &Series| Sample::Line { marked: look::is_marked(s) };
            let lines = series.iter().map(|s| (s.name.as_str(), s.role, line(s), cloud(s)));
            let levels =
                levels.iter().map(|(name, role, y)| (name.as_str(), *role, Sample::Level, drawable(*y, plot.y.log)));
            lines.chain(levels).collect()
        }
        Marks::Scatter(series) => series.iter().map(|s| (s.name.as_str(), s.role, Sample::Mark, cloud(s))).collect(),
        Marks::Bars { series, .. } => {
            let seen = |heights: &[f64]| heights.iter().any(|height| drawable(*height, plot.y.log));
            series.iter().map(|(name, role, heights)| (name.as_str(), *role, Sample::Bar, seen(heights))).collect()
        }
    }
}

/// Draws the legend from `left` to `right` and below `top`. Returns where the axes may begin.
pub(super) fn draw(root: &Area<'_>, plot: &Plot, left: f64, top: f64, right: f64) -> Drawn<f64> {
    let style = words(root, &INK).pos(Pos::new(HPos::Left, VPos::Center));
    let (mut x, mut y) = (left, top + LEADING / 2.0);
    for (name, role, sample, seen) in entries(plot) {
        let name = if seen { name.to_owned() } else { format!("{name} (no data)") };
        let indent = sample.width() + 5.0;
        let name = look::fitted(&name, LABEL, right - left - indent);
        let end = x + indent + look::width(&name, LABEL);
        if end > right && x > left {
            (x, y) = (left, y + LEADING);
        }
        sample.draw(root, x, y, role)?;
        root.draw_text(&name, &style, (px(x + indent), px(y)))?;
        x += indent + look::width(&name, LABEL) + GAP;
    }
    Ok(y + LEADING)
}
