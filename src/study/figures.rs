//! The figures of a study: what T and α do, and what a domain classifier sees.

use super::method::iso;
use super::paper::{self, PaperTarget, SUFFIX};
use super::sections::{headed, mean_and_deviation, row};
use super::{Results, Settings, Sweep};
use crate::adapt::{MODES, Mode, Policy, Start};
use crate::config::ModelConfig;
use crate::report::{Axis, Better, Block, Column, Figure, Marks, Plot, Role, Row, Series, Table};

/// PCK against T and α.
pub(super) fn figure_4(sweeps: &[Sweep], settings: &Settings) -> Block {
    let plot = |setting: &str, title: &str, label: &str| {
        let of_setting: Vec<&Sweep> = sweeps.iter().filter(|sweep| sweep.setting == setting).collect();
        let series = of_setting.iter().map(|sweep| Series {
            name: sweep.mode.to_string(),
            role: if sweep.mode.start() == Start::Source { Role::Vanilla } else { Role::Online },
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
            "Figure 4: PCK (US) against the number of steps and against the learning rate, on up to {} evenly spread \
             samples, first seed. The other setting is the mode's own: {}.",
            settings.sweep_samples,
            own_settings(&settings.model)
        ),
        plots: vec![plot("T", "Steps on a sample", "T"), plot("alpha", "Learning rate", "α")],
    })
}

/// T and α of the modes that Fig. 4 varies.
fn own_settings(model: &ModelConfig) -> String {
    let varied = MODES.iter().filter(|mode| mode.every_task && mode.adapts());
    let setting = |mode: &Mode| {
        let Policy { iterations, alpha, .. } = mode.policy(model);
        format!("T = {iterations}, α = {} for {mode}", rounded(alpha))
    };
    varied.map(setting).collect::<Vec<_>>().join("; ")
}

/// With no more than two digits: α of a width has many.
fn rounded(alpha: f32) -> String {
    let two = format!("{alpha:.1e}");
    two.parse::<f32>().map_or(two, |alpha| format!("{alpha:e}"))
}

/// What the domain classifier sees.
pub(super) fn figure_6(results: &Results) -> Vec<Block> {
    let domain = &results.domain;
    let iso = iso(results.manifest.settings.preset);
    let quoted = results.manifest.settings.paper_target == Some(PaperTarget::MpiInf3dhp);
    let paper = |name: &str| {
        paper::DOMAIN_SHARES.iter().find(|(row, _)| quoted && *row == name).map(|(_, share)| format!("{share:.1}"))
    };
    let mut rows = Vec::new();
    for (name, shares) in &domain.shares {
        let shown = if *name == iso { "ISO" } else { name };
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
