//! A study's results as a report.

use std::cmp::Ordering;

use super::compare::mean;
use super::figures::{figure_4, figure_6};
use super::method::{BASELINE, Method, iso, joint};
use super::paper::{self, PaperTarget, Quoted, SUFFIX, quoted};
use super::sections::{
    by_part, gains, gallery, headed, limbs, mean_and_deviation, metric_cells, metric_columns, quoted_row, row, scored,
};
use super::tables::{ablations, by_action_mm, methods_table, noise_table, times_table};
use super::{Comparison, Noise, Results, Settings};
use crate::adapt::Mode;
use crate::config::{Preset, TrainConfig};
use crate::metrics::{Metrics, Protocol};
use crate::report::{Better, Block, Column, Document, Row, Section, Table};

/// The report of a study: the paper's tables and figures with these numbers, or, of the geometry preset, those that say
/// what adaptation gains there.
#[must_use]
pub fn results_document(results: &Results) -> Document {
    let sections = match results.manifest.settings.preset {
        Preset::Paper => of_the_paper(results),
        Preset::Geometry => of_geometry(results),
    };
    Document {
        title: "Inference Stage Optimization: a study".to_owned(),
        summary: summary(results),
        facts: facts(results),
        commands: vec![results.manifest.command.clone()],
        sections,
    }
}

fn of_the_paper(results: &Results) -> Vec<Section> {
    let comparison = &results.comparison;
    let settings = &results.manifest.settings;
    let paper = settings.paper_target;
    let mut sections = vec![
        section("Does ISO help?", accuracy(results)),
        section("Which self-supervised task?", vec![table_3(comparison, settings), gains(comparison)]),
        section("Sensitivity to T and α", vec![figure_4(&results.sweeps, settings)]),
    ];
    if let Some(pair) = &comparison.pair {
        sections.push(section("Limbs", limbs(pair)));
    }
    sections.push(section("Which scenario do the poses look like?", figure_6(results)));
    if let Some(pair) = &comparison.pair {
        sections.push(section("Body parts, actions and sequences", by_part(pair)));
    }
    sections.push(section("What it costs", vec![table_4(comparison, settings)]));
    sections.push(section("Noisy keypoints", vec![table_5(comparison, &results.noise, paper)]));
    sections.extend(to_look_at(comparison));
    sections
}

fn of_geometry(results: &Results) -> Vec<Section> {
    let comparison = &results.comparison;
    let settings = &results.manifest.settings;
    let mut sections = vec![
        section("Does adaptation help?", accuracy(results)),
        section("What does each method gain?", vec![methods_table(comparison), gains(comparison)]),
    ];
    if let Some(pair) = &comparison.pair {
        sections.push(section("Body parts, actions and sequences", [by_action_mm(pair), by_part(pair)].concat()));
    }
    sections.push(section("Sensitivity to T and α", vec![figure_4(&results.sweeps, settings)]));
    sections.push(section("What is each part worth?", vec![ablations(&results.ablations, settings.sweep_samples)]));
    if let Some(pair) = &comparison.pair {
        sections.push(section("Limbs", limbs(pair)));
    }
    sections.push(section("Which scenario do the poses look like?", figure_6(results)));
    sections.push(section("What it costs", vec![times_table(comparison)]));
    sections.push(section("Noisy keypoints", vec![noise_table(comparison, &results.noise, settings)]));
    sections.extend(to_look_at(comparison));
    sections
}

fn to_look_at(comparison: &Comparison) -> Option<Section> {
    comparison.pair.as_ref().map(|pair| section("Poses to look at", gallery(pair, comparison.joints)))
}

fn section(title: &str, blocks: Vec<Block>) -> Section {
    Section { title: title.to_owned(), blocks }
}

/// What adaptation did, in a sentence or two, be it good or bad.
fn summary(results: &Results) -> String {
    let comparison = &results.comparison;
    let preset = results.manifest.settings.preset;
    let (iso, joint) = (iso(preset), joint(preset));
    let task = match preset {
        Preset::Paper => "cycle",
        Preset::Geometry => "geometry",
    };
    let of = |name: &str| {
        let errors: Vec<f64> = comparison.method(name)?.under(Protocol::Us).map(|m| m.mpjpe_mm).collect();
        Some(mean(&errors))
    };
    let words = |against: &str, what: &str| {
        let gain = comparison.gains.iter().find(|gain| gain.method == iso && gain.against == against)?;
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
        of(&iso),
        words(BASELINE, "than Baseline's"),
        words(&joint, "than that of the same model not adapted"),
    );
    let (Some(baseline), Some(iso), Some(over_baseline), Some(over_joint)) = parts else { return String::new() };
    format!(
        "On {} poses of the target, Baseline has an MPJPE of {baseline:.1} mm and online ISO ({task}) one of {iso:.1} mm, \
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
    let adapting = settings.policy(Mode::ONLINE, &settings.model);
    let mut adaptation = format!("{} random views a step", adapting.copies);
    let mut training = format!(
        "{} steps of {} poses, learning rate {:e}, dropout {}",
        settings.train.steps, settings.train.batch, settings.train.lr, settings.train.dropout
    );
    if settings.preset == Preset::Geometry {
        adaptation += &format!(", {} poses replayed", adapting.replay);
        let TrainConfig { random_views, free_rotation, limb_mixing, .. } = settings.train;
        let percent = |share: f32| format!("{:.0} %", 100.0 * share);
        training += &format!(
            "; random views {}, of them freely turned {}, limbs mixed {}",
            percent(random_views),
            percent(free_rotation),
            percent(limb_mixing)
        );
    }
    let mut facts = vec![
        ("Program", format!("isopose {}", manifest.version)),
        ("Device", manifest.device.clone()),
        ("Source", file(&manifest.source)),
        ("Target", file(&manifest.target)),
        ("Joints", results.comparison.joints.to_string()),
        ("Missing joints", results.guessed_joints.to_string()),
        ("Width", settings.model.width.to_string()),
        ("Training", training),
        ("Adaptation", adaptation),
        ("Seeds", seeds),
    ];
    for method in &results.comparison.methods {
        let count: usize = method.runs.iter().map(|run| run.as_trained).sum();
        if count > 0 {
            facts.push(("Predicted as trained", format!("{count} samples that {} could not adapt to", method.name)));
        }
    }
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What the change of scenario costs, and Tables 1 and 2.
fn accuracy(results: &Results) -> Vec<Block> {
    let (comparison, settings) = (&results.comparison, &results.manifest.settings);
    let (iso, joint) = (iso(settings.preset), joint(settings.preset));
    let shown = match settings.preset {
        Preset::Paper => vec![(BASELINE, BASELINE), (&*iso, "Online ISO")],
        Preset::Geometry => vec![(BASELINE, BASELINE), (&*joint, &*joint), (&*iso, &*iso)],
    };
    let tables = [table_1(comparison, &shown, settings.paper_target)];
    let blocks = shift(results).into_iter().chain(tables);
    blocks.chain(table_2(comparison, &shown, settings.paper_target)).collect()
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

/// Methods by name, and what these tables call them.
type Shown<'a> = [(&'a str, &'a str)];

fn table_1(comparison: &Comparison, methods: &Shown<'_>, paper: Option<PaperTarget>) -> Block {
    let mut rows = quotes(PaperTarget::MpiInf3dhp, paper, paper::TABLE_1);
    for (protocol, label) in
        [(Protocol::Us, "US"), (Protocol::Gs, "GS, a pose"), (Protocol::GsSet, "GS, the set"), (Protocol::Pa, "PA")]
    {
        for &(name, shown) in methods {
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

fn table_2(comparison: &Comparison, methods: &Shown<'_>, paper: Option<PaperTarget>) -> Option<Block> {
    let mut rows: Vec<Row> = quotes(PaperTarget::ThreeDpw, paper, paper::TABLE_2);
    rows.iter_mut().for_each(|row| drop(row.cells.remove(2)));
    for &(name, shown) in methods {
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

fn table_3(comparison: &Comparison, settings: &Settings) -> Block {
    let paper = settings.paper_target;
    let methods: Vec<Method> = settings.methods().into_iter().filter(Method::in_table_3).collect();
    let begins_group = |method: &Method| !method.mode.adapts() && method.name != BASELINE;
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

fn table_4(comparison: &Comparison, settings: &Settings) -> Block {
    let paper = settings.paper_target;
    // What adapts, then what does not.
    let (plain, mut methods): (Vec<Method>, Vec<Method>) =
        settings.methods().into_iter().filter(Method::in_table_4).partition(|method| method.name == BASELINE);
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
    if let Some(metrics) = ours(&iso(Preset::Paper)) {
        rows.push(row("Online ISO", metric_cells(&metrics)));
        rows.extend(quote(0.0));
    }
    for Noise { sigma, runs, .. } in noise {
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
