//! A document as GitHub-flavoured Markdown and the SVG files that it shows.

use super::document::{Block, Document, Figure, Gallery, Table};
use super::{QUOTED, VIEWS, arrow, plot, skeleton};
use crate::error::Result;

/// A page being written, and the drawings that it refers to.
struct Page {
    text: String,
    /// The folder of the drawings, as links name it.
    folder: String,
    /// Name and content of each drawing.
    files: Vec<(String, String)>,
    galleries: usize,
}

/// The Markdown of `document`, and the name and content of each drawing in `folder` beside it.
pub(super) fn render(document: &Document, folder: &str) -> Result<(String, Vec<(String, String)>)> {
    let mut page = Page { text: String::new(), folder: encoded(folder), files: Vec::new(), galleries: 0 };
    page.paragraph(&format!("# {}", escaped(&document.title)));
    page.paragraph(&escaped(&document.summary));
    if !document.facts.is_empty() {
        page.paragraph("## Setup");
        let facts = document.facts.iter().map(|(name, value)| format!("- {}: {}\n", escaped(name), escaped(value)));
        page.paragraph(&facts.collect::<String>());
    }
    if !document.commands.is_empty() {
        page.paragraph("## Commands");
        let commands = document.commands.join("\n");
        let longest = commands.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        page.paragraph(&format!("{fence}sh\n{commands}\n{fence}"));
    }
    for section in &document.sections {
        page.paragraph(&format!("## {}", escaped(&section.title)));
        for block in &section.blocks {
            match block {
                Block::Text(text) => page.paragraph(&escaped(text)),
                Block::Table(table) => page.table(table),
                Block::Figure(figure) => page.figure(figure)?,
                Block::Gallery(gallery) => page.gallery(gallery),
            }
        }
    }
    Ok((page.text, page.files))
}

impl Page {
    /// Appends a block, apart from the one before.
    fn paragraph(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Appends a table: the heads, the marks that align the columns, and rows of as many cells.
    fn grid(&mut self, heads: &[String], marks: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let marks: Vec<String> = marks.iter().map(|&mark| mark.to_owned()).collect();
        let rows = rows.map(|mut cells| {
            cells.resize(heads.len(), String::new());
            line(&cells)
        });
        self.paragraph(&format!("{}{}{}", line(heads), line(&marks), rows.collect::<String>()));
    }

    fn table(&mut self, table: &Table) {
        self.paragraph(&format!("**{}**", escaped(&table.caption)));
        let heads: Vec<_> = table.columns.iter().map(|column| escaped(&column.title) + arrow(column.better)).collect();
        let marks: Vec<_> = table.columns.iter().map(|column| if column.words { "---" } else { "---:" }).collect();
        let mut rows = Vec::new();
        for row in &table.rows {
            // Markdown has no lines between rows. An empty row sets groups apart.
            if row.begins_group && !rows.is_empty() {
                rows.push(Vec::new());
            }
            let cell = |cell: &String| match escaped(cell) {
                cell if row.quoted && !cell.is_empty() => format!("*{cell}*"),
                cell => cell,
            };
            rows.push(row.cells.iter().map(cell).collect());
        }
        self.grid(&heads, &marks, rows.into_iter());
        if table.rows.iter().any(|row| row.quoted) {
            self.paragraph(QUOTED);
        }
        for note in &table.notes {
            self.paragraph(&escaped(note));
        }
    }

    fn figure(&mut self, figure: &Figure) -> Result<()> {
        let mut images = Vec::new();
        for (number, plot) in (1..).zip(&figure.plots) {
            let id = format!("{}-{number}", figure.id);
            images.push(self.image(&plot.title, &id, plot::standalone(plot, &id)?));
        }
        self.paragraph(&images.join("\n"));
        self.paragraph(&escaped(&figure.caption));
        Ok(())
    }

    fn gallery(&mut self, gallery: &Gallery) {
        self.galleries += 1;
        self.paragraph(&format!("{} {VIEWS}", escaped(&gallery.caption)));
        let mut example = 0;
        for (title, examples) in &gallery.groups {
            self.paragraph(&format!("### {}", escaped(title)));
            let mut rows = Vec::new();
            for sample in examples {
                example += 1;
                let mut cells = vec![format!("**{}** {}", escaped(&sample.title), escaped(&sample.note))];
                for (number, drawing) in skeleton::drawings(sample, gallery.skeleton).iter().enumerate() {
                    let name = format!("gallery-{}-{example}-{number}", self.galleries);
                    cells.push(self.image(&drawing.title, &name, drawing.standalone()));
                }
                rows.push(cells);
            }
            let width = rows.iter().map(Vec::len).max().unwrap_or(1);
            // The drawings bear their titles.
            let heads: Vec<_> = (0..width).map(|column| ["Example", ""][column.min(1)].to_owned()).collect();
            self.grid(&heads, &vec!["---"; width], rows.into_iter());
        }
    }

    /// Keeps the drawing `svg` as `name`.svg and returns the Markdown that shows it.
    fn image(&mut self, title: &str, name: &str, svg: String) -> String {
        let file = format!("{name}.svg");
        let image = format!("![{}]({}/{file})", escaped(title), self.folder);
        self.files.push((file, svg));
        image
    }
}

/// `text` as one line of plain words: nothing in it marks anything up.
fn escaped(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut escaped = String::new();
    for (place, letter) in line.char_indices() {
        // At the start of a line, a word such as `-`, `+` or `1.` would begin a list, and `---` is a rule.
        let before = &line[..place];
        let ends = !line[place + letter.len_utf8()..].starts_with(char::is_alphanumeric);
        let list = match letter {
            '-' | '+' => ends && before.is_empty(),
            '.' | ')' => ends && !before.is_empty() && before.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        if list || "\\`*_[]<>#|~$&@!".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// `name` as a part of an address.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") }).collect()
}
