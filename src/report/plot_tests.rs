use std::collections::HashSet;

use roxmltree::{Document, Node};

use super::*;
use crate::named::Named;
use crate::report::document::Axis;

fn axis(label: &str, log: bool) -> Axis {
    Axis { label: label.to_owned(), log }
}

fn series(role: Role, points: &[[f64; 2]]) -> Series {
    Series { name: format!("{role:?}"), role, points: points.to_vec() }
}

fn lines(x: Axis, y: Axis, series: Vec<Series>, levels: &[(&str, Role, f64)]) -> Plot {
    let levels = levels.iter().map(|(name, role, y)| ((*name).to_owned(), *role, *y)).collect();
    Plot { title: "Lines".to_owned(), x, y, marks: Marks::Lines { series, levels } }
}

fn bar_plot(categories: &[&str], heights: &[(Role, &[f64])]) -> Plot {
    let series = heights.iter().map(|(role, heights)| (format!("{role:?}"), *role, heights.to_vec())).collect();
    let categories = categories.iter().map(|&name| name.to_owned()).collect();
    let (x, y) = (axis("", false), axis("PCK (%)", false));
    Plot { title: "Bars".to_owned(), x, y, marks: Marks::Bars { categories, series } }
}

fn scatter(series: Vec<Series>) -> Plot {
    Plot { title: "Map".to_owned(), x: axis("", false), y: axis("", false), marks: Marks::Scatter(series) }
}

/// Every kind of plot.
fn examples() -> Vec<Plot> {
    let sweep = [1.0, 2.0, 5.0, 20.0, 50.0].map(|t: f64| [t, 75.0 + t.ln()]);
    let cloud = |shift: f64| (0..40).map(|i| [f64::from(i % 7) + shift, f64::from(i * i % 11)]).collect::<Vec<_>>();
    vec![
        lines(
            axis("T", true),
            axis("PCK (%)", false),
            vec![series(Role::Vanilla, &sweep), series(Role::Online, &sweep.map(|[t, pck]| [t, pck + t.sqrt()]))],
            &[("No ISO", Role::Baseline, 76.5)],
        ),
        lines(axis("Ratio", false), axis("Density", false), vec![series(Role::Truth, &cloud(0.0))], &[]),
        bar_plot(&["Hip", "Knee"], &[(Role::Baseline, &[80.0, 70.5]), (Role::Joint, &[81.0, f64::NAN])]),
        bar_plot(&["A rather long name of an action"; 12], &[(Role::Source, &[50.0; 12]), (Role::Online, &[-5.0; 12])]),
        scatter(Role::ALL.iter().map(|&role| series(role, &cloud(f64::from(role as u8)))).collect()),
    ]
}

fn texts<'a>(svg: &'a Document<'_>) -> Vec<&'a str> {
    svg.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).collect()
}

/// The paths in a colour, those of the legend first.
fn path<'a, 'b>(svg: &'a Document<'b>, paint: &str) -> Vec<Node<'a, 'b>> {
    let color = format!("var(--{paint})");
    let is_painted = |node: &Node| ["fill", "stroke"].iter().any(|name| node.attribute(*name) == Some(&color));
    svg.descendants().filter(|node| node.has_tag_name("path") && is_painted(node)).collect()
}

fn moves(path: &Node) -> usize {
    path.attribute("d").unwrap().matches('M').count()
}

/// All numbers of a path.
fn numbers(data: &str) -> Vec<f64> {
    let split = data.split(|c: char| c.is_ascii_alphabetic() || c == ' ').filter(|number| !number.is_empty());
    split.map(|number| number.parse().unwrap()).collect()
}

#[test]
fn every_kind_is_well_formed_and_names_its_series() {
    for plot in examples() {
        let text = svg(&plot, "some-id").unwrap();
        assert_eq!(text, svg(&plot, "some-id").unwrap());
        let svg = Document::parse(&text).unwrap();
        let root = svg.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        let title = root.first_element_child().unwrap();
        assert_eq!((title.tag_name().name(), title.text()), ("title", Some(plot.title.as_str())));
        assert_eq!(title.attribute("id"), root.attribute("aria-labelledby"));
        let texts = texts(&svg);
        let names: Vec<&str> = match &plot.marks {
            Marks::Lines { series, levels } => {
                series.iter().map(|s| s.name.as_str()).chain(levels.iter().map(|l| l.0.as_str())).collect()
            }
            Marks::Scatter(series) => series.iter().map(|s| s.name.as_str()).collect(),
            Marks::Bars { series, .. } => series.iter().map(|s| s.0.as_str()).collect(),
        };
        for wanted in names.into_iter().chain([plot.title.as_str(), &plot.x.label, &plot.y.label]) {
            assert!(wanted.is_empty() || texts.contains(&wanted), "{wanted} is not among {texts:?}");
        }
    }
}

#[test]
fn colours_are_those_of_the_palette() {
    for plot in examples() {
        let text = svg(&plot, "id").unwrap();
        assert!(!text.contains('#') && !text.contains("rgb") && !text.contains("<style"), "{text}");
        for name in text.split("var(").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert_eq!(PALETTE.matches(&format!("{name}: #")).count(), 2, "{name}: once for light, once for dark");
        }
        let file = standalone(&plot, "id").unwrap();
        let file = Document::parse(&file).unwrap();
        let style = file.descendants().find(|node| node.has_tag_name("style")).and_then(|node| node.text()).unwrap();
        assert!(style.contains(PALETTE));
        assert!(file.descendants().any(|node| node.attribute("fill") == Some("var(--surface)")));
    }
}

#[test]
fn names_are_escaped() {
    let name = "a<b & \"c\" 'd'>\u{1}";
    let mut plot = lines(axis(name, false), axis("y", false), vec![series(Role::Joint, &[[1.0, 2.0]])], &[]);
    plot.title = name.to_owned();
    let text = standalone(&plot, "\"id&").unwrap();
    let svg = Document::parse(&text).unwrap();
    assert_eq!(texts(&svg).iter().filter(|text| **text == name.replace('\u{1}', " ")).count(), 2);
}

#[test]
fn marks_stand_at_their_ticks() {
    let points = [[2e-6, 10.0], [2e-5, 30.0], [2e-3, 20.0]];
    let plot = lines(axis("α", true), axis("PCK (%)", false), vec![series(Role::Online, &points)], &[]);
    let text = svg(&plot, "id").unwrap();
    let svg = Document::parse(&text).unwrap();
    let label = |text: &str, side: &str| -> f64 {
        let node = svg.descendants().find(|node| node.has_tag_name("text") && node.text() == Some(text)).unwrap();
        node.attribute(side).unwrap().parse().unwrap()
    };
    let paths = path(&svg, "role-online");
    let line = paths.iter().rfind(|path| path.attribute("stroke").is_some()).unwrap();
    let line = numbers(line.attribute("d").unwrap());
    // The legend's line may share the path: two points.
    let line = &line[line.len() - 6..];
    for (i, (x, y)) in [("2e-6", "10"), ("2e-5", "30"), ("2e-3", "20")].into_iter().enumerate() {
        // Coordinates have one decimal; a label hangs 0.35 of its size below its tick.
        assert!((line[2 * i] - label(x, "x")).abs() < 0.2, "{x}: {line:?}");
        assert!((line[2 * i + 1] - label(y, "y") + 0.35 * LABEL).abs() < 0.2, "{y}: {line:?}");
    }
}

#[test]
fn ticks_are_few_round_and_true() {
    let labels = |values: &[f64], log: bool| -> Vec<String> {
        let scale = Scale::of(values.iter().copied(), &axis("x", log), false).unwrap();
        scale.labels().map(str::to_owned).collect()
    };
    assert_eq!(labels(&[1.0, 50.0], true), ["1", "2", "5", "10", "20", "50"]);
    assert_eq!(labels(&[2e-7, 2e-3], true), ["2e-7", "2e-6", "2e-5", "2e-4", "2e-3"]);
    assert_eq!(labels(&[0.013, 40.0], true), ["0.01", "0.1", "1", "10"]);
    assert_eq!(labels(&[1e-9, 1e9], true), ["1e-9", "1e-6", "1e-3", "1e0", "1e3", "1e6", "1e9"]);
    assert_eq!(labels(&[20.0, 90.0], true), ["20", "40", "60", "80"]);
    assert_eq!(labels(&[0.61, 1.79], false), ["0.6", "0.8", "1.0", "1.2", "1.4", "1.6", "1.8"]);
    assert_eq!(labels(&[-3.0, 90.0], false), ["0", "20", "40", "60", "80"]);
    assert_eq!(labels(&[1e-7, 5e-7], false), ["1e-7", "2e-7", "3e-7", "4e-7", "5e-7"]);
    for exponent in -99..99 {
        for factor in [1.0, 1.0001, 1.3, 3.0, 9.99, 77.0, 1e4] {
            for log in [false, true] {
                let least = 1.7 * 10f64.powi(exponent);
                let most = (least * factor).min(1e99);
                let labels = labels(&[least, most], log);
                assert!((2..=10).contains(&labels.len()), "{least} {most} {log}: {labels:?}");
                let values: Vec<f64> = labels.iter().map(|label| label.parse().unwrap()).collect();
                assert!(values.is_sorted_by(|a, b| a < b), "{labels:?}");
                let room = (WIDTH - 70.0) / labels.len() as f64;
                let widest = labels.iter().map(|label| look::width(label, LABEL)).fold(0.0, f64::max);
                assert!(widest < room, "{labels:?} overlap");
            }
        }
    }
}

#[test]
fn what_has_no_place_leaves_a_gap() {
    let points = [[1.0, 1.0], [2.0, 2.0], [3.0, f64::NAN], [4.0, 1.0], [5.0, f64::INFINITY], [6.0, 1.0], [7.0, 3.0]];
    let text = svg(&lines(axis("x", false), axis("y", false), vec![series(Role::Joint, &points)], &[]), "id").unwrap();
    let parsed = Document::parse(&text).unwrap();
    let paths = path(&parsed, "role-joint");
    // Two runs of more than a point. Five markers, and one more in the legend.
    let strokes: usize = paths.iter().filter(|path| path.attribute("stroke-dasharray").is_some()).map(moves).sum();
    let marks: usize = paths.iter().filter(|path| path.attribute("fill").is_some()).map(moves).sum();
    assert_eq!((strokes, marks), (2 + 1, 5 + 1));

    let plot = bar_plot(&["a", "b", "c", "d"], &[(Role::Vanilla, &[1.0, f64::NAN, -1.0]), (Role::Truth, &[2.0; 9])]);
    let text = svg(&plot, "id").unwrap();
    let svg = Document::parse(&text).unwrap();
    for (role, bars) in [("role-vanilla", 2), ("role-truth", 4)] {
        assert_eq!(path(&svg, role).iter().map(moves).sum::<usize>(), bars + 1, "{role}, with the legend");
    }
}

#[test]
fn bars_stand_on_zero() {
    for categories in [["a", "b"], ["a name that makes the bars lie down, since it is long", "b"]] {
        let text = svg(&bar_plot(&categories, &[(Role::Vanilla, &[60.0, 90.0])]), "id").unwrap();
        let svg = Document::parse(&text).unwrap();
        let paths = path(&svg, "role-vanilla");
        // The last two rectangles, as x, y, width, height, minus width.
        let all = numbers(paths.last().unwrap().attribute("d").unwrap());
        let (a, b) = (&all[all.len() - 10..all.len() - 5], &all[all.len() - 5..]);
        let upright = categories[0] == "a";
        let foot = |bar: &[f64]| if upright { bar[1] + bar[3] } else { bar[0] };
        let size = if upright { 3 } else { 2 };
        assert!((foot(a) - foot(b)).abs() < 1e-9, "{a:?} {b:?}");
        // A tenth of a pixel in at least 150.
        assert!((a[size] / b[size] - 60.0 / 90.0).abs() < 1e-3, "{a:?} {b:?}");
    }
}

#[test]
fn nothing_to_draw_says_so() {
    let none = |series: Vec<Series>| lines(axis("T", true), axis("PCK", false), series, &[("level", Role::Joint, 1.0)]);
    for plot in [
        none(vec![]),
        none(vec![series(Role::Online, &[])]),
        none(vec![series(Role::Online, &[[0.0, 1.0], [-1.0, 2.0], [f64::NAN, 1.0]])]),
        scatter(vec![]),
        bar_plot(&[], &[]),
        bar_plot(&["a"], &[(Role::Joint, &[f64::NAN])]),
        bar_plot(&[], &[(Role::Joint, &[1.0])]),
    ] {
        let text = svg(&plot, "id").unwrap();
        assert!(texts(&Document::parse(&text).unwrap()).contains(&"no data"), "{plot:?}");
    }
    let text = svg(&none(vec![series(Role::Online, &[]), series(Role::Vanilla, &[[1.0, 1.0]])]), "id").unwrap();
    assert!(text.contains("Online (no data)") && !text.contains("Vanilla (no data)") && !text.contains(">no data"));
}

#[test]
fn odd_numbers_stay_in_the_picture() {
    let odd = [0.0, -0.0, 5e-324, 1e-101, 1e-99, 0.1, 0.1 + 1e-17, 1.0, -1.0, 1e16, 1e16 + 2.0, 9e99, -9e99, f64::MAX];
    for a in odd {
        for b in odd.into_iter().chain([f64::NAN, f64::INFINITY]) {
            for log in [false, true] {
                let points = vec![series(Role::Online, &[[a, b], [b, a]])];
                let cloud = lines(axis("x", log), axis("y", log), points, &[("level", Role::Truth, b)]);
                let mut bars = bar_plot(&["a", "b"], &[(Role::Online, &[a, b])]);
                bars.y.log = log;
                for plot in [cloud, bars] {
                    let text = svg(&plot, "id").unwrap();
                    let svg = Document::parse(&text).unwrap();
                    for path in svg.descendants().filter(|node| node.has_tag_name("path")) {
                        let numbers = numbers(path.attribute("d").unwrap());
                        assert!(numbers.iter().all(|n| n.abs() <= WIDTH), "{a} {b} {log}: {numbers:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn colour_alone_never_tells() {
    let (mut dashes, mut levels, mut shapes) = (HashSet::new(), HashSet::new(), HashSet::new());
    for &role in Role::ALL {
        let color = format!("role-{}", format!("{role:?}").to_lowercase());
        let points: Vec<_> = (0..40).map(|i| [f64::from(i), 1.0]).collect();
        let dash = |plot: Plot| {
            let text = svg(&plot, "id").unwrap();
            let svg = Document::parse(&text).unwrap();
            path(&svg, &color).first().and_then(|path| path.attribute("stroke-dasharray")).map(str::to_owned)
        };
        dashes.insert(dash(lines(axis("x", false), axis("y", false), vec![series(role, &points)], &[])));
        let other = if role == Role::Joint { Role::Truth } else { Role::Joint };
        let level = dash(lines(axis("x", false), axis("y", false), vec![series(other, &points)], &[("", role, 1.0)]));
        assert!(levels.insert(level.unwrap()), "{role:?}");
        let text = svg(&scatter(vec![series(role, &points)]), "id").unwrap();
        let svg = Document::parse(&text).unwrap();
        shapes.insert(path(&svg, &color).last().and_then(|path| path.attribute("d")).map(str::to_owned));
    }
    assert_eq!((dashes.len(), shapes.len()), (6, 6));
}

#[test]
fn files_are_small() {
    let cloud = |role: Role| {
        let place = |i: u32, turn: f64| 100.0 * (f64::from(i) * turn + f64::from(role as u8)).sin();
        series(role, &(0..375).map(|i| [place(i, 1.1), place(i, 0.7)]).collect::<Vec<_>>())
    };
    let plot = scatter([Role::Source, Role::Truth, Role::Baseline, Role::Online].map(cloud).to_vec());
    assert!(standalone(&plot, "id").unwrap().len() < 120_000);
}
