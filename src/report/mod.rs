//! Reports to read and to look at: a [`Document`] of tables, plots and poses, written as one HTML file or as Markdown.
//!
//! A document says what a report says, the renderers how it looks. They are functions of the document alone, so that
//! the same study gives the same bytes. The HTML file needs nothing but itself: styles, drawings and the viewer that
//! turns a pose are in it, and its content policy forbids the rest.

mod document;
mod html;
mod markdown;
mod plot;
mod skeleton;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;

pub use document::{
    Axis, Better, Block, Column, Document, Example, Figure, Gallery, Marks, Plot, Role, Row, Section, Series, Table,
};

pub(crate) use skeleton::{head, sides};

use crate::error::{Error, Result};
use crate::format::write_whole;

/// The colours of ink, paper and roles, for light and for dark, as CSS custom properties.
pub(crate) const PALETTE: &str = include_str!("palette.css");
/// How all pages look, with the colours of [`PALETTE`].
pub(crate) const STYLE: &str = include_str!("style.css");
/// Forbids every request, whatever a page may hold.
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
/// Stands under a table with quoted rows.
const QUOTED: &str = "Rows in italics are quoted, not measured here.";
/// Stands under the caption of a gallery.
const VIEWS: &str = "Each 3D pose is drawn as the camera sees it and, to the right, turned by 90 degrees about the \
                     vertical axis. The poses of one example have one scale. Left limbs are lighter.";

/// Writes `document` to `path` as one self-contained HTML file, whole or not at all.
///
/// # Errors
/// When a plot cannot be drawn or the file cannot be written.
pub fn write_html(document: &Document, path: &Path) -> Result<()> {
    write_whole(path, html::page(document)?.as_bytes())
}

/// Writes `document` to `path` as GitHub-flavoured Markdown, after its drawings: one SVG file for each plot and each
/// pose, in the folder `STEM-figures` beside it. Each file appears whole or not at all.
///
/// # Errors
/// When `path` names no file, a plot cannot be drawn, or the folder or a file cannot be written.
pub fn write_markdown(document: &Document, path: &Path) -> Result<()> {
    let mut name = path.file_stem().map(OsString::from).ok_or_else(|| {
        Error::Usage(format!("'{}' names no file to write Markdown to; give a path such as report.md", path.display()))
    })?;
    name.push("-figures");
    let folder = path.with_file_name(&name);
    let (text, figures) = markdown::render(document, &name.to_string_lossy())?;
    std::fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, "write", error))?;
    for (file, svg) in figures {
        write_whole(&folder.join(file), svg.as_bytes())?;
    }
    write_whole(path, text.as_bytes())
}

/// The arrow that says which numbers of a column are good.
fn arrow(better: Better) -> &'static str {
    match better {
        Better::Neither => "",
        Better::Higher => " ↑",
        Better::Lower => " ↓",
    }
}
