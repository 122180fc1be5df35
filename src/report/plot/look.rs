//! What each role looks like: its colour, its dash and its marker, so that colour alone never tells.

use plotters::prelude::{Circle, Color, PathElement, Polygon, RGBColor, ShapeStyle};
use plotters_backend::{BackendColor, BackendCoord};

use super::{Area, Drawn, Role, Series};

// plotters knows colours by number and no dashes. Here red is a place in NAMES and green one in DASHES.
const NAMES: [&str; 9] =
    ["ink", "muted", "grid", "role-baseline", "role-joint", "role-vanilla", "role-online", "role-truth", "role-source"];
/// None, then one for each role, then that of the levels whose role has none.
const DASHES: [&str; 8] = ["", "4 3", "10 3 2 3", "12 4", "", "1.5 2.5", "8 3 2 3 2 3", "7 5"];

/// Text.
pub(super) const INK: RGBColor = RGBColor(0, 0, 0);
/// Lesser text and axes.
pub(super) const MUTED: RGBColor = RGBColor(1, 0, 0);
/// Lines of the grid.
pub(super) const GRID: RGBColor = RGBColor(2, 0, 0);

/// The custom property that `color` stands for.
pub(super) fn name(color: BackendColor) -> &'static str {
    NAMES.get(usize::from(color.rgb.0)).unwrap_or(&"ink")
}

/// The dash that `color` stands for, as `stroke-dasharray` has it. Empty for none.
pub(super) fn dash(color: BackendColor) -> &'static str {
    DASHES.get(usize::from(color.rgb.1)).unwrap_or(&"")
}

/// The colour of a role.
pub(super) fn solid(role: Role) -> RGBColor {
    RGBColor(3 + role as u8, 0, 0)
}

/// A line through the points of a role.
pub(super) fn line(role: Role) -> ShapeStyle {
    RGBColor(3 + role as u8, 1 + role as u8, 0).stroke_width(20)
}

/// A level line of a role: thinner, and dashed whatever the role.
pub(super) fn level(role: Role) -> ShapeStyle {
    let dash = if role == Role::Online { 7 } else { 1 + role as u8 };
    RGBColor(3 + role as u8, dash, 0).stroke_width(15)
}

/// Whether each point of a line has a marker: many would hide it.
pub(super) fn is_marked(line: &Series) -> bool {
    line.points.len() <= 16
}

/// Draws the marker of a role. Those on lines are filled, those of clouds hollow, since clouds overlap.
pub(super) fn mark(root: &Area<'_>, at: BackendCoord, role: Role, fill: bool) -> Drawn {
    let shape: &[(i32, i32)] = match role {
        Role::Online if fill => return root.draw(&Circle::new(at, 32, solid(role).filled())),
        Role::Online => return root.draw(&Circle::new(at, 26, solid(role).stroke_width(11))),
        Role::Baseline => {
            for side in [1, -1] {
                let ends = [(at.0 - 26, at.1 - 26 * side), (at.0 + 26, at.1 + 26 * side)];
                root.draw(&PathElement::new(ends, solid(role).stroke_width(if fill { 18 } else { 11 })))?;
            }
            return Ok(());
        }
        Role::Vanilla => &[(0, -36), (34, 24), (-34, 24), (0, -36)],
        Role::Joint => &[(0, -38), (38, 0), (0, 38), (-38, 0), (0, -38)],
        Role::Truth => &[(-26, -26), (26, -26), (26, 26), (-26, 26), (-26, -26)],
        Role::Source => &[(0, 36), (34, -24), (-34, -24), (0, 36)],
    };
    let corners: Vec<_> = shape.iter().map(|(x, y)| (at.0 + x, at.1 + y)).collect();
    if fill {
        root.draw(&Polygon::new(corners, solid(role).filled()))
    } else {
        root.draw(&PathElement::new(corners, solid(role).stroke_width(11)))
    }
}

/// How wide `text` is about, in the units of `size`: SVG cannot measure. The widths are those of DejaVu Sans, the widest
/// of the fonts that pages commonly use.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let em = |letter: char| match letter {
        'f' | 'i' | 'j' | 'l' | 'r' | 't' | 'I' | ' ' | '!' | '"' | '\'' | '('..=')' | ','..='/' | ':'..=';' => 0.37,
        'm' | 'w' | 'M' | 'W' | 'O' | 'Q' | 'G' | 'D' => 0.85,
        'A'..='Z' => 0.68,
        '\0'..='\u{2e7f}' => 0.62,
        // East Asian letters fill a square.
        _ => 1.0,
    };
    size * text.chars().map(em).sum::<f64>()
}

/// `text`, cut short with an ellipsis where it is wider than `room`.
pub(super) fn fitted(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let cut: String = kept.iter().chain(&['…']).collect();
        if width(&cut, size) <= room {
            return cut;
        }
    }
    String::new()
}
