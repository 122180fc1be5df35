//! Pieces of a report that every comparison of methods can have: tables of scores and gains, limbs, parts, poses.

use std::cmp::Ordering;

use super::compare::{Difference, Gain, LimbShape, MIN_RECORDINGS, Pair, Part, mean};
use super::method::Method;
use super::paper::SUFFIX;
use super::{Comparison, Sample};
use crate::analysis::ratios::{Limb, RATIO_BINS};
use crate::analysis::seeds::Spread;
use crate::metrics::{Metrics, Protocol};
use crate::named::Named;
use crate::pose::Skeleton;
use crate::report::{
    Axis, Better, Block, Column, Document, Example, Figure, Gallery, Marks, Plot, Role, Row, Section, Series, Table,
};

/// The report on some methods that predicted one set; `facts` and `commands` say how.
#[must_use]
pub fn comparison_document(
    title: &str,
    comparison: &Comparison,
    facts: Vec<(String, String)>,
    commands: Vec<String>,
) -> Document {
    let scores = comparison.methods.iter().filter_map(|method| {
        let metrics = method.under(Protocol::Us).next()?;
        Some(format!("{} {:.1} mm", method.name, metrics.mpjpe_mm))
    });
    let scores = scores.collect::<Vec<_>>().join(", ");
    Document {
        title: title.to_owned(),
        summary: format!("MPJPE on {} samples, unscaled: {scores}.", comparison.samples),
        facts,
        commands,
        sections: comparison_sections(comparison),
    }
}

fn comparison_sections(comparison: &Comparison) -> Vec<Section> {
    let section = |title: &str, blocks| Section { title: title.to_owned(), blocks };
    let mut first = vec![all_scores(comparison)];
    if !comparison.gains.is_empty() {
        first.push(gains(comparison));
    }
    let mut sections = vec![section("Accuracy", first)];
    if let Some(pair) = &comparison.pair {
        sections.push(section("Limbs", limbs(pair)));
        sections.push(section("Body parts, actions and sequences", by_part(pair)));
        sections.push(section("Poses to look at", gallery(pair, comparison.joints)));
    }
    sections
}

/// Every method under every protocol, with its time.
fn all_scores(comparison: &Comparison) -> Block {
    let mut rows = Vec::new();
    for &protocol in Protocol::ALL {
        for (index, method) in comparison.methods.iter().enumerate() {
            let metrics: Vec<Metrics> = method.under(protocol).collect();
            let times: Vec<f64> = method.runs.iter().map(|run| run.ms_per_sample).collect();
            let mut cells = vec![method.name.clone(), protocol.to_string().to_uppercase()];
            cells.extend(metric_cells(&metrics));
            cells.push(format!("{:.2}", mean(&times)));
            rows.push(Row { cells, begins_group: index == 0, quoted: false });
        }
    }
    let words = |title: &str| Column { title: title.to_owned(), words: true, better: Better::Neither };
    let mut columns = vec![words("Method"), words("Protocol")];
    columns.extend(metric_columns());
    columns.push(Column { title: "ms a sample".to_owned(), words: false, better: Better::Lower });
    let notes = vec![
        "US: unscaled. GS: globally scaled, by one factor for each pose, or for the whole set (GS-SET). PA: \
         Procrustes-aligned. PCK at 150 mm."
            .to_owned(),
    ];
    Block::Table(Table { caption: format!("Accuracy on {} samples", comparison.samples), columns, rows, notes })
}

/// What adaptation gained, and how sure that is.
pub(super) fn gains(comparison: &Comparison) -> Block {
    let row = |gain: &Gain| {
        let (mm, pck) = (&gain.mpjpe_mm, &gain.pck);
        let verdict = match mm.sign() {
            Some(Ordering::Greater) => "gain",
            Some(Ordering::Less) => "loss",
            _ => "cannot tell",
        };
        let interval = |of: &Difference| {
            of.interval.map_or_else(|| "-".to_owned(), |[low, high]| format!("{low:+.1} to {high:+.1}"))
        };
        let between = Spread::of(&gain.mpjpe_mm_of_seeds).and_then(|spread| spread.deviation);
        let between = between.map_or_else(|| "-".to_owned(), |deviation| format!("{deviation:.1}"));
        let cells = [
            gain.method.clone(),
            gain.against.clone(),
            verdict.to_owned(),
            format!("{:+.1}", mm.mean),
            interval(mm),
            between,
            format!("{:+.1}", pck.mean),
            interval(pck),
        ];
        Row { cells: cells.to_vec(), ..Row::default() }
    };
    let titles = ["Method", "against", "MPJPE", "mm", "95 % interval", "± seeds", "PCK", "95 % interval"];
    let columns = titles.iter().enumerate().map(|(index, title)| Column {
        title: (*title).to_owned(),
        words: index < 3,
        better: if matches!(index, 3 | 6) { Better::Higher } else { Better::Neither },
    });
    Block::Table(Table {
        caption: "Gains, US: how much lower MPJPE is, how much higher PCK".to_owned(),
        columns: columns.collect(),
        rows: comparison.gains.iter().map(row).collect(),
        notes: vec![match comparison.recordings {
            Some(count) if count >= MIN_RECORDINGS => format!(
                "Intervals: paired bootstrap of the samples' differences, averaged over the seeds, by the {count} recordings. \
                 A gain or loss is one whose interval for MPJPE leaves out 0; it is of these seeds. ± seeds: standard \
                 deviation of the gain between seeds."
            ),
            known => format!(
                "No intervals: {}, and it takes {MIN_RECORDINGS} recordings to tell a gain from chance. ± seeds: standard \
                 deviation of the gain between seeds.",
                known.map_or_else(|| "the recordings are not known".to_owned(), |count| format!("{count} recordings"))
            ),
        }],
    })
}

/// The rows of `methods`, each followed by its numbers in the paper where `own` has them.
pub(super) fn scored(
    comparison: &Comparison,
    methods: &[Method],
    begins_group: impl Fn(&Method) -> bool,
    own: impl Fn(&str) -> Option<[Option<f64>; 3]>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for method in methods {
        let name = &*method.name;
        let Some(scored) = comparison.method(name) else { continue };
        let metrics: Vec<Metrics> = scored.under(Protocol::Us).collect();
        rows.push(Row { begins_group: begins_group(method), ..row(name, metric_cells(&metrics)) });
        rows.extend(own(name).map(|numbers| quoted_row(&format!("{name}{SUFFIX}"), numbers)));
    }
    rows
}

pub(super) fn metric_columns() -> Vec<Column> {
    [("PCK", Better::Higher), ("AUC", Better::Higher), ("MPJPE mm", Better::Lower)]
        .map(|(title, better)| Column { title: title.to_owned(), words: false, better })
        .to_vec()
}

/// PCK, AUC and MPJPE, the mean over seeds with its standard deviation.
pub(super) fn metric_cells(runs: &[Metrics]) -> Vec<String> {
    let picks: [fn(&Metrics) -> f64; 3] = [|m| m.pck, |m| m.auc, |m| m.mpjpe_mm];
    picks.map(|pick| mean_and_deviation(runs.iter().map(pick))).to_vec()
}

/// `mean ± standard deviation`, or the number where there is but one.
pub(super) fn mean_and_deviation(values: impl Iterator<Item = f64>) -> String {
    spread(&values.collect::<Vec<_>>(), 1)
}

/// As [`mean_and_deviation`] with so many digits.
fn spread(values: &[f64], digits: usize) -> String {
    match Spread::of(values) {
        None => "-".to_owned(),
        Some(Spread { mean, deviation: None }) => format!("{mean:.digits$}"),
        Some(Spread { mean, deviation: Some(deviation) }) => format!("{mean:.digits$} ± {deviation:.digits$}"),
    }
}

/// A first column of words, and the others.
pub(super) fn headed(first: &str, others: Vec<Column>) -> Vec<Column> {
    let first = Column { title: first.to_owned(), words: true, better: Better::Neither };
    std::iter::once(first).chain(others).collect()
}

pub(super) fn row(name: &str, numbers: Vec<String>) -> Row {
    Row { cells: std::iter::once(name.to_owned()).chain(numbers).collect(), ..Row::default() }
}

pub(super) fn quoted_row(name: &str, numbers: [Option<f64>; 3]) -> Row {
    let cell = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.1}"));
    Row { quoted: true, ..row(name, numbers.map(cell).to_vec()) }
}

/// Fig. 5 and its numbers.
pub(super) fn limbs(pair: &Pair) -> Vec<Block> {
    let edges = RATIO_BINS.edges();
    let centre = |bin: usize| f64::midpoint(edges[bin], edges[bin + 1]);
    let plot = |shape: &LimbShape| {
        let whose = [(&*pair.names[0], pair.roles[0]), (&*pair.names[1], pair.roles[1]), ("truth", Role::Truth)];
        let series = whose.into_iter().zip(&shape.histograms).map(|((name, role), histogram)| {
            let points = histogram.iter().enumerate().map(|(bin, share)| [centre(bin), *share]).collect();
            Series { name: name.to_owned(), role, points }
        });
        Plot {
            title: capitalised(&in_words(shape.limb)),
            x: Axis { label: "upper length / lower length".to_owned(), log: false },
            y: Axis { label: "poses (%)".to_owned(), log: false },
            marks: Marks::Lines { series: series.collect(), levels: Vec::new() },
        }
    };
    let figure = Figure {
        id: "figure-5".to_owned(),
        caption: "Figure 5: ratio of upper to lower limb lengths, first seed".to_owned(),
        plots: pair.limbs.iter().map(plot).collect(),
    };
    let distances = pair.limbs.iter().map(|shape: &LimbShape| {
        row(&in_words(shape.limb), shape.distances.iter().map(|runs| spread(runs, 3)).collect())
    });
    let asymmetry = pair.asymmetry.iter().map(|(limb, methods, truth)| {
        let mut cells: Vec<String> = methods.iter().map(|runs| mean_and_deviation(runs.iter().copied())).collect();
        cells.push(format!("{truth:.1}"));
        row(limb, cells)
    });
    let lower = |title: &str| Column { title: title.to_owned(), words: false, better: Better::Lower };
    let names = || pair.names.iter().map(|name| lower(name));
    vec![
        Block::Figure(figure),
        Block::Table(Table {
            caption: "Distance of the ratios' distribution from the truth's".to_owned(),
            columns: headed("Limb", names().collect()),
            rows: distances.collect(),
            notes: vec!["1-Wasserstein distance, in the ratio's unit.".to_owned()],
        }),
        Block::Table(Table {
            caption: "Left-right asymmetry, percent".to_owned(),
            columns: headed("Limb", names().chain([lower("truth")]).collect()),
            rows: asymmetry.collect(),
            notes: vec![
                "The mean over poses and the limb's two bones of the difference between left and right over their mean."
                    .to_owned(),
            ],
        }),
    ]
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn in_words(limb: Limb) -> String {
    limb.name().replace('-', " ")
}

/// Sequences shown from each end where there are many.
const SEQUENCES: usize = 10;

/// Fig. 7, and PCK by action and sequence.
pub(super) fn by_part(pair: &Pair) -> Vec<Block> {
    let bars = |title: &str, parts: &[Part]| Plot {
        title: title.to_owned(),
        x: Axis::default(),
        y: Axis { label: "PCK (%)".to_owned(), log: false },
        marks: Marks::Bars {
            categories: parts.iter().map(|part| part.name.clone()).collect(),
            series: [0, 1]
                .map(|k| (pair.names[k].clone(), pair.roles[k], parts.iter().map(|part| part.pck[k]).collect()))
                .to_vec(),
        },
    };
    let mut plots = vec![bars("By body part", &pair.parts)];
    if !pair.actions.is_empty() {
        plots.push(bars("By action", &pair.actions));
    }
    let mut blocks = vec![Block::Figure(Figure {
        id: "figure-7".to_owned(),
        caption: "Figure 7: PCK (US) by body part and by action, mean over the seeds".to_owned(),
        plots,
    })];
    let table = |caption: String, parts: &[Part], what: &str| {
        let cells = |part: &Part| {
            let [a, b] = part.pck;
            vec![part.samples.to_string(), format!("{a:.1}"), format!("{b:.1}"), format!("{:+.1}", b - a)]
        };
        let column = |title: &str, better| Column { title: title.to_owned(), words: false, better };
        let columns = vec![
            column("samples", Better::Neither),
            column(&pair.names[0], Better::Higher),
            column(&pair.names[1], Better::Higher),
            column("difference", Better::Higher),
        ];
        let rows = parts.iter().map(|part| row(&part.name, cells(part))).collect();
        Block::Table(Table { caption, columns: headed(what, columns), rows, notes: Vec::new() })
    };
    blocks.push(table("PCK by body part".to_owned(), &pair.parts, "Part"));
    if !pair.actions.is_empty() {
        blocks.push(table("PCK by action".to_owned(), &pair.actions, "Action"));
    }
    let mut sequences = pair.sequences.clone();
    if sequences.len() > 1 {
        let gain = |part: &Part| part.pck[1] - part.pck[0];
        sequences.sort_by(|a, b| gain(b).total_cmp(&gain(a)));
        let count = sequences.len();
        let caption = if count > 2 * SEQUENCES {
            sequences.drain(SEQUENCES..count - SEQUENCES);
            format!("PCK by sequence: the {SEQUENCES} best and the {SEQUENCES} worst differences, of {count} sequences")
        } else {
            "PCK by sequence".to_owned()
        };
        blocks.push(table(caption, &sequences, "Sequence"));
    }
    blocks
}

/// The samples to look at.
pub(super) fn gallery(pair: &Pair, joints: usize) -> Vec<Block> {
    let Some(skeleton) = Skeleton::of(joints) else { return Vec::new() };
    let [first, second] = &pair.names;
    let example = |sample: &Sample| {
        let [before, after] = sample.errors_mm;
        let names =
            [(first.clone(), pair.roles[0]), (second.clone(), pair.roles[1]), ("truth".to_owned(), Role::Truth)];
        Example {
            title: sample.title.clone(),
            note: match (after - before).round() as i64 {
                0 => format!("MPJPE {before:.0} mm in both"),
                change => format!("MPJPE {before:.0} mm, then {after:.0} mm ({change:+})"),
            },
            keypoints: sample.keypoints.clone(),
            poses: names
                .into_iter()
                .zip(&sample.poses)
                .map(|((name, role), pose)| (name, role, pose.clone()))
                .collect(),
        }
    };
    let groups = pair.gallery.iter().filter(|group| !group.samples.is_empty());
    let groups = groups.map(|group| (group.title.clone(), group.samples.iter().map(example).collect()));
    vec![Block::Gallery(Gallery {
        caption: format!(
            "Samples that {second} changed against {first}, from different recordings where there are enough."
        ),
        skeleton,
        groups: groups.collect(),
    })]
}
