//! A study's results as a report.

use std::cmp::Ordering;

use super::compare::mean;
use super::method::{BASELINE, Method, iso, joint, methods};
use super::paper::{self, PaperTarget, Quoted, SUFFIX, quoted};
use super::sections::{
    by_part, gains, gallery, headed, limbs, mean_and_deviation, metric_cells, metric_columns, quoted_row, row, scored,
};
use super::{Comparison, Noise, Results, Sweep};
use crate::adapt::{MODES, Mode, Policy};
use crate::metrics::{Metrics, Protocol};
use crate::report::{Axis, Better, Block, Column, Document, Figure, Marks, Plot, Role, Row, Section, Series, Table};

/// The report of a study: the paper's tables and figures with these numbers.
#[must_use]
pub fn results_document(results: &Results) -> Document {
    let comparison = &results.comparison;
    let settings = &results.manifest.settings;
    let paper = settings.paper_target;
    let mut sections = vec![
        section(
            "Does ISO help?",
            shift(results).into_iter().chain([table_1(comparison, paper)]).chain(table_2(comparison, paper)).collect(),
        ),
        section("Which self-supervised task?", vec![table_3(comparison, paper), gains(comparison)]),
        section("Sensitivity to T and α", vec![figure_4(&results.sweeps, settings.sweep_samples)]),
    ];
    if let Some(pair) = &comparison.pair {
        sections.push(section("Limbs", limbs(pair)));
    }
    sections.push(section("Which scenario do the poses look like?", figure_6(results)));
    if let Some(pair) = &comparison.pair {
        sections.push(section("Body parts, actions and sequences", by_part(pair)));
    }
    sections.push(section("What it costs", vec![table_4(comparison, paper)]));
    sections.push(section("Noisy keypoints", vec![table_5(comparison, &results.noise, paper)]));
    if let Some(pair) = &comparison.pair {
        sections.push(section("Poses to look at", gallery(pair, comparison.joints)));
    }
    Document {
        title: "Inference Stage Optimization: a study".to_owned(),
        summary: summary(comparison),
        facts: facts(results),
        commands: vec![results.manifest.command.clone()],
        sections,
    }
}

fn section(title: &str, blocks: Vec<Block>) -> Section {
    Section { title: title.to_owned(), blocks }
}

/// What adaptation did, in a sentence or two, be it good or bad.
fn summary(comparison: &Comparison) -> String {
    let of = |name: &str| {
        let errors: Vec<f64> = comparison.method(name)?.under(Protocol::Us).map(|m| m.mpjpe_mm).collect();
        Some(mean(&errors))
    };
    let words = |against: &str, what: &str| {
        let gain = comparison.gains.iter().find(|gain| gain.method == iso() && gain.against == against)?;
        let gained = &gain.mpjpe_mm;
        let change = match gained.mean {
            nothing if nothing.abs() < 0.05 => "changed by less than 0.05 mm".to_owned(),
            lower if lower > 0.0 => format!("lower by {lower:.1} mm"),
            higher => format!("higher by {:.1} mm", -higher),
        };
        let sure = match (gained.interval, gained.sign()) {
            (Some([low, high]), Some(Ordering::Equal)) => {
                format!(" (95 % interval of the gain {low:.1} to {high:.1}: it may be chance)")
            }
            (Some([low, high]), _) => format!(" (95 % interval of the gain {low:.1} to {high:.1})"),
            _ => String::new(),
        };
        Some(format!("{change}{sure} {what}"))
    };
    let parts = (
        of(BASELINE),
        of(&iso()),
        words(BASELINE, "than Baseline's"),
        words(&joint(), "than that of the same model not adapted"),
    );
    let (Some(baseline), Some(iso), Some(over_baseline), Some(over_joint)) = parts else { return String::new() };
    format!(
        "On {} poses of the target, Baseline has an MPJPE of {baseline:.1} mm and online ISO (cycle) one of {iso:.1} mm, \
         unscaled. That is {over_baseline}, and {over_joint}.",
        comparison.samples
    )
}

fn facts(results: &Results) -> Vec<(String, String)> {
    let manifest = &results.manifest;
    let settings = &manifest.settings;
    let file = |file: &super::DataFile| format!("{}, {} poses, CRC-32 {:08x}", file.path, file.poses, file.crc32);
    let first = settings.train.seed;
    let seeds = match settings.seeds {
        1 => first.to_string(),
        count => format!("{first} to {}", first.wrapping_add(count - 1)),
    };
    [
        ("Program", format!("isopose {}", manifest.version)),
        ("Device", manifest.device.clone()),
        ("Source", file(&manifest.source)),
        ("Target", file(&manifest.target)),
        ("Joints", results.comparison.joints.to_string()),
        ("Missing joints", results.guessed_joints.to_string()),
        ("Width", settings.model.width.to_string()),
        (
            "Training",
            format!(
                "{} steps of {} poses, learning rate {:e}, dropout {}",
                settings.train.steps, settings.train.batch, settings.train.lr, settings.train.dropout
            ),
        ),
        ("Adaptation", format!("{} random views a step", settings.copies)),
        ("Seeds", seeds),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// What the change of scenario costs.
fn shift(results: &Results) -> Option<Block> {
    let baseline = results.comparison.method(BASELINE)?;
    let target: Vec<Metrics> = baseline.under(Protocol::Us).collect();
    let here = |pick: fn(&Metrics) -> f64| mean(&results.held_back.iter().map(pick).collect::<Vec<_>>());
    let there = |pick: fn(&Metrics) -> f64| mean(&target.iter().map(pick).collect::<Vec<_>>());
    (!results.held_back.is_empty()).then(|| {
        Block::Text(format!(
            "The change of scenario: on poses of the source that no model was trained on, Baseline has a PCK of {:.1} and \
             an MPJPE of {:.1} mm; on the target, {:.1} and {:.1} mm.",
            here(|m| m.pck),
            here(|m| m.mpjpe_mm),
            there(|m| m.pck),
            there(|m| m.mpjpe_mm)
        ))
    })
}

/// The paper's rows, where the target is what its table is about.
fn quotes(of: PaperTarget, target: Option<PaperTarget>, table: &[Quoted]) -> Vec<Row> {
    if target == Some(of) {
        table.iter().map(|(name, numbers)| quoted_row(name, *numbers)).collect()
    } else {
        Vec::new()
    }
}

fn table_1(comparison: &Comparison, paper: Option<PaperTarget>) -> Block {
    let mut rows = quotes(PaperTarget::MpiInf3dhp, paper, paper::TABLE_1);
    for (protocol, label) in
        [(Protocol::Us, "US"), (Protocol::Gs, "GS, a pose"), (Protocol::GsSet, "GS, the set"), (Protocol::Pa, "PA")]
    {
        for (name, shown) in [(BASELINE, BASELINE), (&iso(), "Online ISO")] {
            let Some(method) = comparison.method(name) else { continue };
            let metrics: Vec<Metrics> = method.under(protocol).collect();
            rows.push(Row {
                begins_group: name == BASELINE,
                ..row(&format!("{shown} ({label})"), metric_cells(&metrics))
            });
        }
    }
    Block::Table(Table {
        caption: "Table 1: accuracy on the target".to_owned(),
        columns: headed("Method", metric_columns()),
        rows,
        notes: vec![
            "US: unscaled. GS: globally scaled, by one factor for each pose or for the whole set; the paper does not say \
             which. PA: Procrustes-aligned. PCK at 150 mm."
                .to_owned(),
        ],
    })
}

fn table_2(comparison: &Comparison, paper: Option<PaperTarget>) -> Option<Block> {
    let mut rows: Vec<Row> = quotes(PaperTarget::ThreeDpw, paper, paper::TABLE_2);
    rows.iter_mut().for_each(|row| drop(row.cells.remove(2)));
    for (name, shown) in [(BASELINE, BASELINE), (&iso(), "Online ISO")] {
        let runs = &comparison.method(name)?.runs;
        let of = |pick: fn(&Metrics) -> f64| {
            mean_and_deviation(runs.iter().filter_map(|run| run.fourteen_pa.as_ref()).map(pick))
        };
        rows.push(Row { begins_group: name == BASELINE, ..row(shown, vec![of(|m| m.pck), of(|m| m.mpjpe_mm)]) });
    }
    let better = |title: &str, better| Column { title: title.to_owned(), words: false, better };
    Some(Block::Table(Table {
        caption: "Table 2: the 14 joints of 3DPW's evaluation, Procrustes-aligned".to_owned(),
        columns: headed("Method", vec![better("PCK", Better::Higher), better("PA-MPJPE mm", Better::Lower)]),
        rows,
        notes: Vec::new(),
    }))
}

fn table_3(comparison: &Comparison, paper: Option<PaperTarget>) -> Block {
    let methods: Vec<Method> = methods().into_iter().filter(Method::in_table_3).collect();
    let begins_group = |method: &Method| !method.mode.policy.adapts() && method.name != BASELINE;
    Block::Table(Table {
        caption: "Table 3: self-supervised tasks, US".to_owned(),
        columns: headed("Method", metric_columns()),
        rows: scored(comparison, &methods, begins_group, own_numbers(paper)),
        notes: vec!["Adv: random projection adversary. Cyc: with geometric cycle consistency.".to_owned()],
    })
}

/// The paper's number of a method of Tables 3 and 4.
fn own_numbers(paper: Option<PaperTarget>) -> impl Fn(&str) -> Option<[Option<f64>; 3]> {
    move |name| (paper == Some(PaperTarget::MpiInf3dhp)).then(|| quoted(paper::TABLES_3_AND_4, name)).flatten()
}

fn table_4(comparison: &Comparison, paper: Option<PaperTarget>) -> Block {
    // What adapts, then what does not.
    let (plain, mut methods): (Vec<Method>, Vec<Method>) =
        methods().into_iter().filter(Method::in_table_4).partition(|method| method.name == BASELINE);
    methods.extend(plain);
    let begins_group = |method: &Method| method.is_iso() || method.name == BASELINE;
    let mut rows = scored(comparison, &methods, begins_group, own_numbers(paper));
    for row in &mut rows {
        let name = row.cells.first().map(|name| name.trim_end_matches(SUFFIX).to_owned()).unwrap_or_default();
        row.cells.push(match (row.quoted, comparison.method(&name)) {
            (false, Some(method)) => {
                let times: Vec<f64> = method.runs.iter().map(|run| run.ms_per_sample).collect();
                format!("{:.2}", mean(&times))
            }
            _ => paper::TIMES_MS
                .iter()
                .find(|(row, _)| *row == name)
                .map_or_else(String::new, |(_, ms)| format!("{ms:.0}")),
        });
    }
    let mut columns = headed("Method", metric_columns());
    columns.push(Column { title: "ms a sample".to_owned(), words: false, better: Better::Lower });
    Block::Table(Table {
        caption: "Table 4: time of a sample, US".to_owned(),
        columns,
        rows,
        notes: vec![format!(
            "Time: adaptation and prediction of one sample, the mean over the target.{}",
            match paper {
                Some(PaperTarget::MpiInf3dhp) => " The paper's: a TITAN X and a Core i7-5820K.",
                _ => "",
            }
        )],
    })
}

fn table_5(comparison: &Comparison, noise: &[Noise], paper: Option<PaperTarget>) -> Block {
    let ours = |name: &str| comparison.method(name).map(|method| method.under(Protocol::Us).collect::<Vec<_>>());
    let mut rows = Vec::new();
    let quote = |sigma: f64| {
        let found = paper::TABLE_5.iter().find(|(s, _)| *s == sigma && paper == Some(PaperTarget::MpiInf3dhp));
        found.map(|(_, (name, numbers))| quoted_row(&format!("{name}{SUFFIX}"), *numbers))
    };
    if let Some(metrics) = ours(&iso()) {
        rows.push(row("Online ISO", metric_cells(&metrics)));
        rows.extend(quote(0.0));
    }
    for Noise { sigma, runs } in noise {
        rows.push(row(&format!("Online ISO, σ = {sigma} px"), metric_cells(runs)));
        rows.extend(quote(*sigma));
    }
    if let Some(metrics) = ours(BASELINE) {
        rows.push(Row { begins_group: true, ..row("Baseline, no noise", metric_cells(&metrics)) });
    }
    Block::Table(Table {
        caption: "Table 5: Gaussian noise on the keypoints, US".to_owned(),
        columns: headed("Method", metric_columns()),
        rows,
        notes: vec!["σ is in pixels of an image in which the person, standing, is 200 px tall.".to_owned()],
    })
}

fn figure_4(sweeps: &[Sweep], samples: usize) -> Block {
    let plot = |setting: &str, title: &str, label: &str| {
        let of_setting: Vec<&Sweep> = sweeps.iter().filter(|sweep| sweep.setting == setting).collect();
        let series = of_setting.iter().map(|sweep| Series {
            name: sweep.mode.to_string(),
            role: if sweep.mode.policy.forgets() { Role::Vanilla } else { Role::Online },
            points: sweep.points.iter().filter_map(|(value, metrics)| Some([*value, metrics.as_ref()?.pck])).collect(),
        });
        let level = of_setting.first().map(|sweep| ("joint, not adapted".to_owned(), Role::Joint, sweep.joint.pck));
        Plot {
            title: title.to_owned(),
            x: Axis { label: label.to_owned(), log: true },
            y: Axis { label: "PCK (%)".to_owned(), log: false },
            marks: Marks::Lines { series: series.collect(), levels: level.into_iter().collect() },
        }
    };
    Block::Figure(Figure {
        id: "figure-4".to_owned(),
        caption: format!(
            "Figure 4: PCK (US) against the number of steps and against the learning rate, on up to {samples} evenly spread \
             samples, first seed. The other setting is the mode's own: {}.",
            own_settings()
        ),
        plots: vec![plot("T", "Steps on a sample", "T"), plot("alpha", "Learning rate", "α")],
    })
}

/// T and α of the modes that Fig. 4 varies.
fn own_settings() -> String {
    let varied = MODES.iter().filter(|mode| mode.every_task && mode.policy.adapts());
    let setting = |mode: &Mode| {
        let Policy { iterations, alpha, .. } = mode.policy;
        format!("T = {iterations}, α = {alpha:e} for {mode}")
    };
    varied.map(setting).collect::<Vec<_>>().join("; ")
}

fn figure_6(results: &Results) -> Vec<Block> {
    let domain = &results.domain;
    let quoted = results.manifest.settings.paper_target == Some(PaperTarget::MpiInf3dhp);
    let paper = |name: &str| {
        paper::DOMAIN_SHARES.iter().find(|(row, _)| quoted && *row == name).map(|(_, share)| format!("{share:.1}"))
    };
    let mut rows = Vec::new();
    for (name, shares) in &domain.shares {
        let shown = if *name == iso() { "ISO" } else { name };
        rows.push(row(shown, vec![mean_and_deviation(shares.iter().copied())]));
        rows.extend(paper(shown).map(|share| Row { quoted: true, ..row(&format!("{shown}{SUFFIX}"), vec![share]) }));
    }
    let named = |role: Role| match role {
        Role::Source => "source, true",
        Role::Truth => "target, true",
        Role::Baseline => "target, Baseline",
        _ => "target, ISO",
    };
    let clouds = domain.map.iter().map(|(role, points)| Series {
        name: named(*role).to_owned(),
        role: *role,
        points: points.clone(),
    });
    vec![
        Block::Table(Table {
            caption: "Poses that a domain classifier takes for the target's".to_owned(),
            columns: headed(
                "Poses",
                vec![Column { title: "share %".to_owned(), words: false, better: Better::Higher }],
            ),
            rows,
            notes: vec![format!(
                "The classifier has the discriminator's architecture on root-centred 3D poses and was trained on true poses \
                 of both scenarios. On {} other poses of the source and {} of the target it is right in {:.1} % of the \
                 cases (mean of both); the shares are of predictions for the latter. {}",
                domain.unseen[0],
                domain.unseen[1],
                domain.accuracy,
                match domain.unseen_recordings {
                    Some([source, target]) =>
                        format!("They come from {source} and {target} recordings of which it was trained on no pose."),
                    None => "Some of them come from recordings that it was trained on.".to_owned(),
                }
            )],
        }),
        Block::Figure(Figure {
            id: "figure-6".to_owned(),
            caption: "Figure 6: t-SNE of the classifier's last features, first seed".to_owned(),
            plots: vec![Plot {
                title: "What the classifier sees".to_owned(),
                x: Axis::default(),
                y: Axis::default(),
                marks: Marks::Scatter(clouds.collect()),
            }],
        }),
    ]
}
