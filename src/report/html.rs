//! A document as one HTML page that needs nothing but itself.
//!
//! maud compiles the templates and escapes whatever is put into them. What goes in unescaped is marked so.

use std::collections::HashSet;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::json;

use super::document::{Block, Document, Example, Figure, Gallery, Role, Row, Table};
use super::skeleton::{self, Side};
use super::{PALETTE, POLICY, QUOTED, STYLE, VIEWS, arrow, plot};
use crate::error::Result;
use crate::named::Named;
use crate::pose::Skeleton;

/// The page of `document`.
pub(super) fn page(document: &Document) -> Result<String> {
    let names = section_names(document);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (document.title) }
                style { (PreEscaped(PALETTE)) (PreEscaped(skeleton::STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (document.title) }
                    p.summary { (document.summary) }
                    nav aria-label="Contents" {
                        ol {
                            @for (section, name) in document.sections.iter().zip(&names) {
                                li { a href={ "#" (name) } { (section.title) } }
                            }
                        }
                    }
                }
                main {
                    @if !document.facts.is_empty() {
                        section.made id="setup" {
                            h2 { "Setup" }
                            dl { @for (name, value) in &document.facts { div { dt { (name) } dd { (value) } } } }
                        }
                    }
                    @if !document.commands.is_empty() {
                        section.made id="commands" {
                            h2 { "Commands" }
                            @for command in &document.commands { pre tabindex="0" { code { (command) } } }
                        }
                    }
                    @for (section, name) in document.sections.iter().zip(&names) {
                        section id=(name) {
                            h2 { a href={ "#" (name) } { (section.title) } }
                            @for block in &section.blocks { (self::block(block)?) }
                        }
                    }
                }
                script { (PreEscaped(include_str!("viewer.js"))) }
            }
        }
    };
    Ok(page.into_string())
}

/// A name for the link to each section: `section-` and the words of its title, told apart by a number where need be.
fn section_names(document: &Document) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut names = Vec::new();
    for section in &document.sections {
        let words = section.title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let name = words.fold("section".to_owned(), |name, word| name + "-" + &word.to_lowercase());
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
        let name = free.unwrap_or(name);
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

fn block(block: &Block) -> Result<Markup> {
    Ok(match block {
        Block::Text(text) => html! { p { (text) } },
        Block::Table(table) => self::table(table),
        Block::Figure(figure) => self::figure(figure)?,
        Block::Gallery(gallery) => self::gallery(gallery),
    })
}

fn table(table: &Table) -> Markup {
    let words = |place: usize| table.columns.get(place).and_then(|column| column.words.then_some("words"));
    let row = |row: &Row| {
        let class = match (row.begins_group, row.quoted) {
            (true, true) => Some("group quoted"),
            (true, false) => Some("group"),
            (false, true) => Some("quoted"),
            (false, false) => None,
        };
        html! {
            tr class=[class] {
                @for (place, cell) in row.cells.iter().enumerate() { td class=[words(place)] { (cell) } }
            }
        }
    };
    html! {
        figure.table {
            figcaption { (table.caption) }
            div.scroll tabindex="0" role="region" aria-label=(table.caption) {
                table {
                    thead {
                        tr {
                            @for (place, column) in table.columns.iter().enumerate() {
                                th class=[words(place)] scope="col" { (column.title) (arrow(column.better)) }
                            }
                        }
                    }
                    tbody { @for line in &table.rows { (row(line)) } }
                }
            }
            @if table.rows.iter().any(|row| row.quoted) { p.note { em { (QUOTED) } } }
            @for note in &table.notes { p.note { (note) } }
        }
    }
}

fn figure(figure: &Figure) -> Result<Markup> {
    Ok(html! {
        figure id=(figure.id) {
            div.plots {
                @for (number, plot) in (1..).zip(&figure.plots) {
                    div { (PreEscaped(plot::svg(plot, &format!("{}-{number}", figure.id))?)) }
                }
            }
            figcaption { (figure.caption) }
        }
    })
}

/// The poses as cards beside the viewer that turns one of them. Without scripts there are the cards alone.
fn gallery(gallery: &Gallery) -> Markup {
    let mut number = 0..;
    let mut groups: Vec<(&str, Vec<(&Example, usize)>)> = Vec::new();
    for (title, examples) in &gallery.groups {
        groups.push((title, examples.iter().zip(number.by_ref()).collect()));
    }
    html! {
        figure.gallery {
            figcaption { (gallery.caption) " " (VIEWS) }
            noscript { p.note { "The viewer that turns a pose needs JavaScript. The drawings do not." } }
            div.viewer hidden {
                label.example {
                    span { "Example" }
                    select {
                        @for (title, examples) in &groups {
                            optgroup label=(title) {
                                @for (example, number) in examples { option value=(number) { (example.title) } }
                            }
                        }
                    }
                }
                svg.stage tabindex="0" role="application" aria-label="Pose, turned by dragging or by the arrow keys" {}
                p.note aria-live="polite" {}
                fieldset.shown { legend { "Shown" } }
                div.buttons {
                    button type="button" data-turn="0 0" { "Reset" }
                    button type="button" data-turn="90 0" { "Side" }
                    button type="button" data-turn="0 90" { "Above" }
                    label { input.beside type="checkbox"; "Side by side" }
                }
                p.hint { "Drag or use the arrow keys to turn. The ring around the feet has a radius of 0.5 m." }
                script type="application/json" { (PreEscaped(data(gallery))) }
            }
            div.cards {
                @for (title, examples) in &groups {
                    h3 { (title) }
                    @for (example, number) in examples { (card(example, *number, gallery.skeleton)) }
                }
            }
        }
    }
}

fn card(example: &Example, number: usize, skeleton: &Skeleton) -> Markup {
    html! {
        article.card {
            h4 { button type="button" data-example=(number) title="Turn this pose" { (example.title) } }
            p.note { (example.note) }
            div.poses {
                @for drawing in skeleton::drawings(example, skeleton) {
                    figure { (drawing.inline()) figcaption { (drawing.title) } }
                }
            }
        }
    }
}

/// What the viewer reads: whole millimetres, null for what is missing. It is JSON that cannot end the element it is in.
fn data(gallery: &Gallery) -> String {
    let millimetres = |joint: &[f32; 3]| {
        joint.iter().all(|value| value.is_finite()).then(|| joint.map(|value| (1000.0 * value).round() as i32))
    };
    let pose = |(name, role, joints): &(String, Role, Vec<f32>)| {
        let joints: Vec<_> = joints.as_chunks().0.iter().map(millimetres).collect();
        json!({ "name": name, "role": role, "joints": joints })
    };
    let example = |example: &Example| {
        let poses: Vec<_> = example.poses.iter().map(pose).collect();
        json!({ "note": example.note, "poses": poses })
    };
    let data = json!({
        "parents": gallery.skeleton.parents,
        "sides": skeleton::sides(gallery.skeleton).into_iter().map(Side::name).collect::<Vec<_>>(),
        "head": skeleton::head(gallery.skeleton),
        "examples": gallery.groups.iter().flat_map(|(_, examples)| examples).map(example).collect::<Vec<_>>(),
    });
    data.to_string().replace('<', "\\u003c")
}
