//! A [`Plot`] as SVG.
//!
//! plotters lays out the axes, the [canvas] writes what it draws in the page's colours.

mod canvas;
mod legend;
mod look;
mod scale;

use std::convert::Infallible;

use maud::{PreEscaped, html};
use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged as _;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::BackendCoord;

use self::canvas::{Canvas, printable, px};
use self::look::{GRID, INK, MUTED};
use self::scale::Scale;
use super::PALETTE;
use super::document::{Marks, Plot, Role, Series};
use crate::error::{Error, Result};

/// Width and least height, CSS pixels at full size.
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 320.0;
/// Height of a row of horizontal bars, at least.
const ROW: f64 = 16.0;
const MARGIN: f64 = 10.0;
/// Font sizes.
const TITLE: f64 = 13.0;
const LABEL: f64 = 11.0;

type Area<'a> = DrawingArea<Canvas<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, Canvas<'b>, Cartesian2d<Scale, Scale>>;
type Drawn<T = ()> = std::result::Result<T, DrawingAreaErrorKind<Infallible>>;

/// `plot` as an SVG element of class `plot`, to stand in a page that defines the colours of `palette.css`. It takes the
/// font of the page.
///
/// It is 460 wide and at least 320 high, and scales with its `viewBox`. `id` must be unique in the page. Points that are
/// not finite, and on logarithmic axes not positive, leave a gap. Where nothing is left the plot says so.
///
/// # Errors
/// When plotters fails.
pub(super) fn svg(plot: &Plot, id: &str) -> Result<String> {
    wrapped(plot, id, "")
}

/// As [`svg`], to be a file of its own: with the colours, a background and a font.
///
/// # Errors
/// When plotters fails.
pub(super) fn standalone(plot: &Plot, id: &str) -> Result<String> {
    let style = html! {
        style { "\n" (PreEscaped(PALETTE)) "svg { font-family: system-ui, sans-serif; }\n" } "\n"
        rect width="100%" height="100%" fill="var(--surface)" {} "\n"
    };
    wrapped(plot, id, &style.into_string())
}

fn wrapped(plot: &Plot, id: &str, head: &str) -> Result<String> {
    let layout = Layout::of(plot);
    let height = layout.as_ref().map_or(HEIGHT, |layout| layout.height);
    let mut body = String::new();
    draw(plot, layout.as_ref(), height, &mut body)
        .map_err(|error| Error::Usage(format!("plot '{}' cannot be drawn: {error}", plot.title)))?;
    let title = format!("{id}-title");
    let element = html! {
        svg xmlns="http://www.w3.org/2000/svg" class="plot" width=(WIDTH) height=(height)
            viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby=(title) fill="none"
            stroke-linejoin="round" {
            "\n" title id=(title) { (printable(&plot.title)) } "\n"
            (PreEscaped(head)) (PreEscaped(body))
        }
    };
    Ok(element.into_string())
}

/// The two axes as they are drawn.
struct Layout<'a> {
    x: Scale,
    y: Scale,
    x_label: &'a str,
    y_label: &'a str,
    /// Whether bars lie, as they do when their names have no room side by side.
    lying: bool,
    height: f64,
}

impl<'a> Layout<'a> {
    /// None where nothing can be drawn.
    fn of(plot: &'a Plot) -> Option<Self> {
        match &plot.marks {
            Marks::Lines { series, levels } => Self::of_points(plot, series, levels),
            Marks::Scatter(series) => Self::of_points(plot, series, &[]),
            Marks::Bars { categories, series } => Self::of_bars(plot, categories, series),
        }
    }

    fn of_points(plot: &'a Plot, series: &[Series], levels: &[(String, Role, f64)]) -> Option<Self> {
        let points = || series.iter().flat_map(|series| &series.points);
        let x = Scale::of(points().map(|point| point[0]), &plot.x, false)?;
        let heights = points().map(|point| point[1]).chain(levels.iter().map(|level| level.2));
        let y = Scale::of(heights, &plot.y, false)?;
        Some(Self { x, y, x_label: &plot.x.label, y_label: &plot.y.label, lying: false, height: HEIGHT })
    }

    fn of_bars(plot: &'a Plot, categories: &[String], series: &[(String, Role, Vec<f64>)]) -> Option<Self> {
        let heights = series.iter().flat_map(|(.., heights)| heights.iter().take(categories.len()));
        let values = Scale::of(heights.copied(), &plot.y, true)?;
        let (x_label, y_label) = (plot.x.label.as_str(), plot.y.label.as_str());
        let room = (WIDTH - 70.0) / categories.len().max(1) as f64;
        if categories.iter().all(|name| look::width(name, LABEL) < room) {
            let x = Scale::of_names(categories);
            return Some(Self { x, y: values, x_label, y_label, lying: false, height: HEIGHT });
        }
        let names: Vec<String> = categories.iter().map(|name| look::fitted(name, LABEL, 0.3 * WIDTH)).collect();
        let height = HEIGHT.max(100.0 + ROW * names.len() as f64);
        let y = Scale::of_names(&names).reversed();
        Some(Self { x: values, y, x_label: y_label, y_label: x_label, lying: true, height })
    }
}

fn draw(plot: &Plot, layout: Option<&Layout<'_>>, height: f64, out: &mut String) -> Drawn {
    let root = Canvas::new(out, (px(WIDTH), px(height))).into_drawing_area();
    // Bold letters are wider by an eighth.
    let title = look::fitted(&plot.title, 1.125 * TITLE, WIDTH - 2.0 * MARGIN);
    let bold = ("", 10.0 * TITLE, FontStyle::Bold).into_text_style(&root).color(&INK);
    root.draw_text(&title, &bold, (px(MARGIN), px(8.0)))?;
    let top = legend::draw(&root, plot, MARGIN, 28.0, WIDTH - MARGIN)?;
    let Some(layout) = layout else {
        let style = words(&root, &MUTED).pos(Pos::new(HPos::Center, VPos::Center));
        root.draw_text("no data", &style, (px(WIDTH / 2.0), px((top + height) / 2.0)))?;
        return root.present();
    };
    let chart = axes(&root, layout, top)?;
    let at = |x: f64, y: f64| chart.backend_coord(&(x, y));
    let place = |point: &[f64; 2]| Some(at(layout.x.at(point[0])?, layout.y.at(point[1])?));
    match &plot.marks {
        Marks::Lines { series, levels } => {
            for (_, role, height) in levels {
                let Some(y) = layout.y.at(*height) else { continue };
                let ends = [layout.x.range().start, layout.x.range().end].map(|x| at(x, y));
                root.draw(&PathElement::new(ends, look::level(*role)))?;
            }
            series.iter().try_for_each(|series| line(&root, series, &place))?;
        }
        Marks::Scatter(series) => {
            for cloud in series {
                let mut places = cloud.points.iter().filter_map(place);
                places.try_for_each(|at| look::mark(&root, at, cloud.role, false))?;
            }
        }
        Marks::Bars { series, .. } => bars(&root, layout, series, &at)?,
    }
    root.present()
}

/// A line through the points that have a place, broken at the others. Few points are marked too.
fn line(root: &Area<'_>, series: &Series, place: &impl Fn(&[f64; 2]) -> Option<BackendCoord>) -> Drawn {
    for run in series.points.split(|point| place(point).is_none()).filter(|run| run.len() > 1) {
        let run: Vec<_> = run.iter().filter_map(place).collect();
        root.draw(&PathElement::new(run, look::line(series.role)))?;
    }
    let marked = if look::is_marked(series) { series.points.as_slice() } else { &[] };
    marked.iter().filter_map(place).try_for_each(|at| look::mark(root, at, series.role, true))
}

/// Bars side by side around the middle of their category, and the line they stand on.
fn bars(
    root: &Area<'_>,
    layout: &Layout<'_>,
    series: &[(String, Role, Vec<f64>)],
    at: &impl Fn(f64, f64) -> BackendCoord,
) -> Drawn {
    let at = |along: f64, value: f64| if layout.lying { at(value, along) } else { at(along, value) };
    let (names, values) = if layout.lying { (&layout.y, &layout.x) } else { (&layout.x, &layout.y) };
    let count = names.labels().count();
    let width = 0.8 / series.len() as f64;
    for (i, (_, role, heights)) in series.iter().enumerate() {
        for (category, height) in heights.iter().enumerate().take(count) {
            let Some(height) = values.at(*height) else { continue };
            let from = category as f64 + 0.1 + (i as f64 + 0.05) * width;
            let corners = [at(from, values.foot()), at(from + 0.9 * width, height)];
            root.draw(&Rectangle::new(corners, look::solid(*role).filled()))?;
        }
    }
    let ends = [0.0, count as f64].map(|along| at(along, values.foot()));
    root.draw(&PathElement::new(ends, MUTED.stroke_width(10)))
}

/// The grid, the axes and their labels, below `top`.
fn axes<'a, 'b>(root: &Area<'b>, layout: &Layout<'_>, top: f64) -> Drawn<Chart<'a, 'b>> {
    let Layout { x, y, x_label, y_label, .. } = layout;
    let room = |label: &str, ticks: f64| if label.is_empty() { ticks } else { ticks + 1.5 * LABEL };
    let widest = y.labels().map(|label| look::width(label, LABEL)).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(root)
        .margin_top(px(top))
        .margin_right(px(1.6 * MARGIN))
        .margin_bottom(px(0.6 * MARGIN))
        .margin_left(px(0.6 * MARGIN))
        .set_label_area_size(LabelAreaPosition::Left, px(room(y_label, widest + 10.0)))
        .set_label_area_size(LabelAreaPosition::Bottom, px(room(x_label, 1.5 * LABEL)))
        .build_cartesian_2d(x.clone(), y.clone())?;
    let mut mesh = chart.configure_mesh();
    mesh.max_light_lines(0)
        .bold_line_style(GRID.stroke_width(10))
        .axis_style(MUTED.stroke_width(10))
        .set_all_tick_mark_size(px(3.0))
        .label_style(words(root, &MUTED))
        .axis_desc_style(words(root, &INK));
    if x.is_names() {
        mesh.disable_x_mesh();
    }
    if y.is_names() {
        mesh.disable_y_mesh();
    }
    if !x_label.is_empty() {
        mesh.x_desc(*x_label);
    }
    if !y_label.is_empty() {
        mesh.y_desc(*y_label);
    }
    let bare = x.labels().chain(y.labels()).next().is_none();
    if bare {
        mesh.disable_axes();
    }
    mesh.draw()?;
    if bare {
        let corners = [(x.range().start, y.range().start), (x.range().end, y.range().end)];
        chart.plotting_area().draw(&Rectangle::new(corners, GRID.stroke_width(10)))?;
    }
    Ok(chart)
}

/// Text of the size of labels.
fn words<'a>(root: &Area<'_>, color: &'a RGBColor) -> TextStyle<'a> {
    ("", 10.0 * LABEL).into_text_style(root).color(color)
}

#[cfg(test)]
#[path = "plot_tests.rs"]
mod tests;
