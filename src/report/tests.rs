use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::*;
use crate::pose::Skeleton;

/// Marks up in HTML, SVG, JSON and Markdown, and ends a script.
const NASTY: &str = "a<b> & \"c\" | `d` *e* _f_ </script> [g](h) \\ $i$ #j ~k~";

fn pose(name: &str, role: Role, width: f32) -> (String, Role, Vec<f32>) {
    let joint = |joint: usize| [width * (joint as f32 / 15.0 - 0.4), 0.1 * joint as f32 - 0.8, 0.02 * joint as f32];
    (name.to_owned(), role, (0..16).flat_map(joint).collect())
}

/// One of everything, with text that marks something up wherever there is text.
fn sample() -> Document {
    let named = |name: &str| format!("{name} {NASTY}");
    let example = |name: &str| Example {
        title: named(name),
        note: named("note of it,"),
        keypoints: (0..32).map(|i| 100.0 + i as f32).collect(),
        poses: vec![pose(&named("first"), Role::Baseline, 0.5), pose("second\u{7}", Role::Truth, 0.6)],
    };
    let plot = |title: &str| Plot {
        title: title.into(),
        x: Axis { label: "T".into(), log: false },
        y: Axis { label: "PCK".into(), log: false },
        marks: Marks::Lines {
            series: vec![Series { name: "Online".into(), role: Role::Online, points: vec![[1.0, 2.0], [2.0, 3.0]] }],
            levels: Vec::new(),
        },
    };
    let column = |title: &str, words: bool, better: Better| Column { title: named(title), words, better };
    let table = Table {
        caption: named("Table 1."),
        columns: vec![column("Method", true, Better::Neither), column("PCK", false, Better::Higher)],
        rows: vec![
            Row { cells: vec![named("paper"), "83.6".into()], begins_group: false, quoted: true },
            Row { cells: vec![named("here"), "84.7".into()], begins_group: true, quoted: false },
        ],
        notes: vec![named("A note.")],
    };
    let figure = Figure { id: "hyper".into(), caption: named("Figure 4."), plots: vec![plot("Left"), plot("Right")] };
    let gallery = Gallery {
        caption: named("Poses."),
        skeleton: Skeleton::of(16).unwrap(),
        groups: vec![(named("best"), vec![example("one"), example("two")]), (named("worst"), vec![example("three")])],
    };
    let section = |title: &str, blocks: Vec<Block>| Section { title: title.to_owned(), blocks };
    Document {
        title: named("Study"),
        summary: named("Summary."),
        facts: vec![(named("device"), named("CPU"))],
        commands: vec![format!("isopose study --out '{NASTY}' ```")],
        sections: vec![
            section("Gains & losses", vec![Block::Text(named("- words")), Block::Table(table)]),
            section("Gains, losses", vec![Block::Figure(figure), Block::Gallery(gallery)]),
        ],
    }
}

/// Every text of [`sample`] that a reader must find.
fn texts() -> Vec<String> {
    let names = ["Study", "Summary.", "device", "CPU", "- words", "Table 1.", "Method", "PCK", "paper", "here"];
    let more = ["A note.", "Figure 4.", "Poses.", "best", "worst", "one", "two", "three", "note of it,"];
    names.iter().chain(&more).map(|name| format!("{name} {NASTY}")).collect()
}

/// `text` as it must stand in HTML.
fn in_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn the_page_shows_every_text_and_marks_none_of_it_up() {
    let page = html::page(&sample()).unwrap();
    for text in texts() {
        assert!(page.contains(&in_html(&text)), "{text} is missing");
    }
    assert!(page.contains(&in_html(&sample().commands[0])));
    // The data of the viewer ends where the template ends it, and says what it was given.
    let (_, data) = page.split_once("<script type=\"application/json\">").unwrap();
    let data: serde_json::Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(data["examples"][2]["poses"][0]["name"], format!("first {NASTY}"));
    assert_eq!(data["examples"][2]["note"], format!("note of it, {NASTY}"));
    assert_eq!(data["examples"][0]["poses"][1]["joints"][15], serde_json::json!([360, 700, 300]));
    assert_eq!(data["sides"].as_array().unwrap()[..4], ["middle", "right", "right", "right"]);
    assert_eq!(data["head"], 9);
}

#[test]
fn the_page_is_built_as_the_document_is() {
    let page = html::page(&sample()).unwrap();
    let count = |text: &str| page.matches(text).count();
    for (link, id) in [
        ("#section-gains-losses\"", "id=\"section-gains-losses\""),
        ("#section-gains-losses-2\"", "id=\"section-gains-losses-2\""),
    ] {
        assert_eq!((count(link), count(id)), (2, 1), "{link}");
    }
    assert_eq!((count("<table>"), count("class=\"plot\""), count("<article")), (1, 2, 3));
    // Three examples of an input and two poses.
    assert_eq!(count("<svg class=\"pose\""), 9);
    assert!(page.contains("<tr class=\"quoted\">") && page.contains("<tr class=\"group\">"));
    assert!(page.contains(" ↑</th>") && !page.contains(" ↓</th>"));
    assert_eq!((count("<td class=\"words\">"), count("<td>84.7</td>")), (2, 1));
    assert_eq!(count(QUOTED), 1);
    for number in 0..3 {
        let (button, option) = (format!("data-example=\"{number}\""), format!("<option value=\"{number}\">"));
        assert_eq!((count(&button), count(&option)), (1, 1), "{number}");
    }
    assert_eq!(count("<figure id=\"hyper\">"), 1);
}

#[test]
fn nothing_reaches_for_the_network() {
    let page = html::page(&sample()).unwrap().replace("http://www.w3.org/2000/svg", "");
    assert!(page.contains("content=\"default-src 'none';"));
    for address in ["http:", "https:", "//cdn", "url(", "@import", "src=", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(address), "{address}");
    }
    let links: Vec<_> = page.split("href=\"").skip(1).collect();
    assert!(!links.is_empty() && links.iter().all(|link| link.starts_with('#')));
    let (_, files) = markdown::render(&sample(), "report-figures").unwrap();
    for (name, svg) in files {
        roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        let svg = svg.replace("http://www.w3.org/2000/svg", "");
        assert!(!svg.contains("http") && !svg.contains("href"), "{name}");
    }
}

/// The plain words of each block and cell, and the targets of images, as a CommonMark parser reads them.
fn read(markdown: &str) -> (Vec<String>, Vec<String>) {
    let (mut blocks, mut images) = (vec![String::new()], Vec::new());
    for event in
        Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_MATH)
    {
        match event {
            Event::Start(Tag::Image { dest_url, .. }) => images.push(dest_url.into_string()),
            Event::Text(text) | Event::Code(text) => blocks.last_mut().unwrap().push_str(&text),
            Event::SoftBreak => blocks.last_mut().unwrap().push(' '),
            Event::End(
                TagEnd::TableCell | TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock,
            ) => {
                blocks.push(String::new());
            }
            Event::Html(_) | Event::InlineHtml(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {
                panic!("text became markup: {event:?}")
            }
            _ => {}
        }
    }
    (blocks, images)
}

#[test]
fn a_parser_reads_from_the_markdown_what_was_written() {
    let document = sample();
    let (text, files) = markdown::render(&document, "my report-figures").unwrap();
    let (blocks, images) = read(&text);
    for text in texts() {
        assert!(blocks.iter().any(|block| block.contains(&text)), "{text} is missing from {blocks:#?}");
    }
    assert!(blocks.contains(&format!("{}\n", document.commands[0])));
    assert!(blocks.contains(&"83.6".to_owned()) && text.contains("| *83.6* |") && text.contains("| --- | ---: |"));
    // Every drawing is shown, and every image is there: two plots, and three examples of an input and two poses.
    let names: Vec<_> = files.iter().map(|(name, _)| format!("my%20report-figures/{name}")).collect();
    assert_eq!((names.len(), &names), (11, &images));
}

#[test]
fn no_text_begins_a_list() {
    for text in ["- a", "+ a", "1. a", "12) a", "=== a", "# a", "> a", "* a", "a\n\n- b"] {
        let section = Section { title: String::new(), blocks: vec![Block::Text(text.into())] };
        let (markdown, _) = markdown::render(&Document { sections: vec![section], ..Default::default() }, "f").unwrap();
        let events: Vec<_> =
            Parser::new(&markdown).filter(|event| matches!(event, Event::Start(Tag::Paragraph))).collect();
        assert_eq!(events.len(), 1, "{markdown}");
        assert!(read(&markdown).0.contains(&text.replace("\n\n", " ")), "{markdown}");
    }
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let bytes = |path: &Path| std::fs::read(path).unwrap();
    for (name, other) in [("a.html", "b.html"), ("a.md", "again.md")] {
        for path in [path(name), path(other)] {
            match path.extension().unwrap().to_str().unwrap() {
                "md" => write_markdown(&sample(), &path).unwrap(),
                _ => write_html(&sample(), &path).unwrap(),
            }
        }
    }
    assert_eq!(bytes(&path("a.html")), bytes(&path("b.html")));
    let again = String::from_utf8(bytes(&path("again.md"))).unwrap();
    assert_eq!(bytes(&path("a.md")), again.replace("again-figures", "a-figures").into_bytes());
    let (_, images) = read(&again);
    for image in images {
        let twin = image.replace("again-figures", "a-figures");
        assert_eq!(bytes(&path(&image)), bytes(&path(&twin)), "{image}");
    }
    assert_eq!(write_markdown(&sample(), Path::new("/")).unwrap_err().exit_code(), 2);
}

/// The numbers of the paths of an SVG.
fn numbers(svg: &str) -> Vec<f32> {
    let paths = svg.split(" d=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    paths.flat_map(|path| path.split(['M', ' ']).filter_map(|number| number.parse().ok()).collect::<Vec<_>>()).collect()
}

#[test]
fn poses_fit_their_box_and_share_a_scale() {
    let skeleton = Skeleton::of(16).unwrap();
    let (small, large) = (pose("small", Role::Online, 0.5), pose("large", Role::Truth, 1.5));
    let keypoints: Vec<f32> = (0..32).map(|i| (37 * i % 101) as f32).collect();
    let example = Example { title: "t".into(), note: String::new(), keypoints, poses: vec![small, large] };
    let drawings = skeleton::drawings(&example, skeleton);
    let drawn: Vec<_> = drawings.iter().map(|drawing| numbers(&drawing.inline().into_string())).collect();
    // Two ends of 15 bones, once for the input and twice for a pose.
    assert_eq!(drawn.iter().map(Vec::len).collect::<Vec<_>>(), [60, 120, 120]);
    for (x, y) in drawn.iter().flat_map(|pose| pose.chunks(2).map(|at| (at[0], at[1]))) {
        assert!((0.0..=1000.0).contains(&x) && (0.0..=1200.0).contains(&y), "{x} {y}");
    }
    let width = |pose: &[f32]| {
        let across = || pose[..60].iter().step_by(2).copied();
        across().fold(f32::MIN, f32::max) - across().fold(f32::MAX, f32::min)
    };
    // Rounding moves each end by half a unit at most.
    assert!((3.0 * width(&drawn[1]) - width(&drawn[2])).abs() <= 4.0);
    // From the side both have the same z, and they are as tall.
    assert_eq!(drawn[1][60..], drawn[2][60..]);
}

#[test]
fn missing_joints_leave_their_bones_out() {
    let skeleton = Skeleton::of(16).unwrap();
    let mut broken = pose("broken", Role::Online, 0.5);
    broken.2[3 * 3] = f32::NAN;
    let example = Example { title: "t".into(), note: String::new(), keypoints: vec![5.0; 3], poses: vec![broken] };
    let drawn: Vec<_> = skeleton::drawings(&example, skeleton).iter().map(|d| d.inline().into_string()).collect();
    assert!(drawn.iter().all(|svg| !svg.contains("NaN") && !svg.contains("inf")), "{drawn:?}");
    assert!(numbers(&drawn[0]).is_empty());
    // The right foot lacks x, which the view from the side does not draw.
    assert_eq!(numbers(&drawn[1]).len(), 56 + 60);
}
