//! An SVG drawing backend of plotters: colours are custom properties of the page, and marks of one style share a path,
//! which keeps the files small.

use std::convert::Infallible;
use std::fmt::{Arguments, Write as _};

use maud::html;
use plotters::prelude::DrawingBackend;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind, FontStyle, FontTransform,
};

use super::look;

type Drawn = std::result::Result<(), DrawingErrorKind<Infallible>>;

/// `length` in the pixels of plotters. It counts whole ones, so there are ten to a CSS pixel.
pub(super) fn px(length: f64) -> i32 {
    (10.0 * length).round() as i32
}

/// `pixels` of plotters as a length in the SVG.
fn length(pixels: i32) -> f64 {
    f64::from(pixels) / 10.0
}

/// `text` without control characters, which XML cannot write.
pub(super) fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Writes SVG elements to a string.
pub(super) struct Canvas<'a> {
    out: &'a mut String,
    size: (u32, u32),
    /// The attributes of the path being written. Empty between paths.
    open: String,
}

impl<'a> Canvas<'a> {
    /// A canvas of `size` pixels of plotters that appends to `out`.
    pub(super) fn new(out: &'a mut String, size: (i32, i32)) -> Self {
        Self { out, size: (size.0.unsigned_abs(), size.1.unsigned_abs()), open: String::new() }
    }

    /// Adds `data` to the path with the attributes `style`.
    fn path(&mut self, style: String, data: Arguments<'_>) {
        if self.open != style {
            self.close();
            let _ = write!(self.out, "<path {style} d=\"");
            self.open = style;
        }
        let _ = self.out.write_fmt(data);
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.out.push_str("\"/>\n");
            self.open.clear();
        }
    }

    fn polygon(&mut self, style: String, points: impl IntoIterator<Item = BackendCoord>, end: &str) {
        for (i, (x, y)) in points.into_iter().enumerate() {
            let command = if i == 0 { "M" } else { "L" };
            self.path(style.clone(), format_args!("{command}{} {}", length(x), length(y)));
        }
        self.path(style, format_args!("{end}"));
    }
}

fn filled(color: BackendColor) -> String {
    format!("fill=\"var(--{})\"", look::name(color))
}

fn stroked(style: &impl BackendStyle) -> String {
    let (color, width) = (look::name(style.color()), f64::from(style.stroke_width()) / 10.0);
    match look::dash(style.color()) {
        "" => format!("stroke=\"var(--{color})\" stroke-width=\"{width}\""),
        dash => format!("stroke=\"var(--{color})\" stroke-width=\"{width}\" stroke-dasharray=\"{dash}\""),
    }
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        self.close();
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.path(filled(color), format_args!("M{} {}h.1v.1h-.1z", length(x), length(y)));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, a: BackendCoord, b: BackendCoord, style: &S, fill: bool) -> Drawn {
        let style = if fill { filled(style.color()) } else { stroked(style) };
        let (x, y, w, h) = (length(a.0), length(a.1), length(b.0 - a.0), length(b.1 - a.1));
        self.path(style, format_args!("M{x} {y}h{w}v{h}h{}z", -w));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.polygon(stroked(style), path, "");
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.polygon(filled(style.color()), path, "z");
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, at: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        let style = if fill { filled(style.color()) } else { stroked(style) };
        let (x, y, r) = (length(at.0), length(at.1), f64::from(radius) / 10.0);
        let d = 2.0 * r;
        self.path(style, format_args!("M{} {y}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0", length(px(x - r))));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        self.close();
        let size = style.size() / 10.0;
        let anchor = match style.anchor().h_pos {
            HPos::Left => None,
            HPos::Center => Some("middle"),
            HPos::Right => Some("end"),
        };
        // From the wanted edge of the line to the base of its letters.
        let drop = match style.anchor().v_pos {
            VPos::Top => 0.8,
            VPos::Center => 0.35,
            VPos::Bottom => -0.2,
        };
        let (x, y, base) = (length(x), length(y), length(y + px(drop * size)));
        let turn = match style.transform() {
            FontTransform::None => None,
            FontTransform::Rotate90 => Some(format!("rotate(90 {x} {y})")),
            FontTransform::Rotate180 => Some(format!("rotate(180 {x} {y})")),
            FontTransform::Rotate270 => Some(format!("rotate(-90 {x} {y})")),
        };
        let weight = matches!(style.style(), FontStyle::Bold).then_some("600");
        let fill = format!("var(--{})", look::name(style.color()));
        let element = html! {
            text x=(x) y=(base) font-size=(size) fill=(fill) text-anchor=[anchor] font-weight=[weight]
                transform=[turn] { (printable(text)) }
        };
        self.out.push_str(&element.into_string());
        self.out.push('\n');
        Ok(())
    }
}
