//! The page around the data.
//!
//! maud escapes whatever is put into a template. What goes in unescaped is ours, or cannot end the element it is in.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::pack::Packed;
use crate::lift::About;
use crate::report::{PALETTE, POLICY, STYLE};

/// In the order in which they need each other.
const SCRIPTS: [&str; 8] = [
    include_str!("data.js"),
    include_str!("time.js"),
    include_str!("draw.js"),
    include_str!("plot.js"),
    include_str!("play.js"),
    include_str!("page.js"),
    include_str!("controls.js"),
    include_str!("start.js"),
];

/// `1 frame`, `9,000 frames`.
pub(super) fn number(count: usize, one: &str, many: &str) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {}", if count == 1 { one } else { many })
}

pub(super) fn page(about: &About, packed: &Packed) -> String {
    let is_empty = packed.head["frames"] == 0;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Lifted poses, " (about.checkpoint) }
                style { (PreEscaped(PALETTE)) (PreEscaped(STYLE)) (PreEscaped(include_str!("view.css"))) }
            }
            body.lift {
                header {
                    h1 { "Lifted poses" }
                    p.note {
                        span { (about.checkpoint) } span { "mode " (about.mode) } span { (packed.counts) }
                    }
                }
                main {
                    @if is_empty {
                        p #status .status { "No frame was lifted, so there is nothing to play." }
                    } @else {
                        noscript { p.status { "To play the poses needs JavaScript." } }
                        p #status .status role="status" {}
                        div #player hidden { (player(packed)) }
                    }
                }
                @if !is_empty {
                    script #head type="application/json" { (PreEscaped(packed.head.to_string().replace('<', "\\u003c"))) }
                    // The alphabet of base64 ends no element.
                    script #data type="text/plain" { (PreEscaped(&packed.data)) }
                    script { (PreEscaped(SCRIPTS.concat())) }
                }
            }
        }
    }
    .into_string()
}

fn player(packed: &Packed) -> Markup {
    // What was never adapted to is as trained, whatever the mode.
    let (title, role) = match packed.has_adapted {
        true => ("Adapted", "online"),
        false => ("As trained", "baseline"),
    };
    html! {
        div.choose {
            label #recordings hidden { span { "Recording" } select #recording {} }
            div #people role="group" aria-label="Person" hidden {}
        }
        div.panels {
            (panel("input", "2D input", "truth", "img", "The 2D input. Click a person to choose it."))
            @if packed.has_trained && packed.has_adapted {
                (panel("trained", "As trained", "baseline", "application", TURNS))
            }
            (panel("adapted", title, role, "application", TURNS))
        }
        div.transport {
            div.buttons {
                (button("back", "One frame back", "M14 4 6 10l8 6z"))
                (button("play", "Play", "M5 3v14l12-7z"))
                (button("step", "One frame on", "M6 4l8 6-8 6z"))
                label { span { "Speed" }
                    select #speed {
                        @for (value, name) in [("0.25", "¼×"), ("0.5", "½×"), ("1", "1×"), ("1.5", "1½×"), ("2", "2×")] {
                            option value=(value) selected[value == "1"] { (name) }
                        }
                    }
                }
                label #terms hidden { span { "Loss" } select #term {} }
                p #clock {}
                div.views {
                    button #reset type="button" data-turn="reset" { "Camera" }
                    button type="button" data-turn="side" { "Side" }
                    button type="button" data-turn="above" { "Above" }
                }
            }
            input #scrub type="range" min="0" value="0" step="1" aria-label="Frame";
            canvas #plot role="img" aria-label="Losses and latency by frame. Click to go to a frame." {}
        }
        dl #facts {}
        p.keys {
            @for (keys, what) in KEYS {
                span { @for key in keys.iter() { kbd { (key) } } " " (what) }
            }
        }
        p.note {
            "Left limbs are lighter. A joint that the input lacks is a guess: a hollow circle on a dashed bone. "
            "The ring has a radius of 0.5 m, at the height of the lowest joint. Drag a 3D pose to turn it."
        }
    }
}

const TURNS: &str = "Pose, turned by dragging or by the keys a, d, w and s";

/// What the keys do.
const KEYS: &[(&[&str], &str)] = &[
    (&["Space"], "play, pause"),
    (&["←", "→"], "a frame"),
    (&["Shift ←", "Shift →"], "a second"),
    (&["Home", "End"], "first, last"),
    (&["[", "]"], "person"),
    (&["a", "d", "w", "s"], "turn"),
    (&["r"], "view of the camera"),
];

fn panel(name: &str, title: &str, role: &str, aria: &str, label: &str) -> Markup {
    html! {
        figure.panel.(role) data-panel=(name) {
            figcaption { strong { (title) } span.aside {} }
            canvas tabindex=[(aria == "application").then_some("0")] role=(aria) aria-label=(label) {}
        }
    }
}

fn button(id: &str, label: &str, path: &str) -> Markup {
    html! {
        button.icon id=(id) type="button" aria-label=(label) title=(label) {
            svg viewBox="0 0 20 20" aria-hidden="true" { path d=(path) {} }
        }
    }
}
