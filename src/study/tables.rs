//! Tables of the geometry preset's studies, which the paper has not.

use super::compare::{Pair, Scored, mean};
use super::method::{iso, joint};
use super::noise::Pixels;
use super::sections::{headed, mean_and_deviation, metric_cells, metric_columns, row};
use super::{Ablation, Comparison, Noise, Settings};
use crate::adapt::Mode;
use crate::metrics::{Metrics, Protocol};
use crate::report::{Better, Block, Column, Role, Row, Table};

/// The methods with their Procrustes-aligned error beside the usual scores.
pub(super) fn methods_table(comparison: &Comparison) -> Block {
    let of = |method: &Scored| {
        let metrics: Vec<Metrics> = method.under(Protocol::Us).collect();
        let mut cells = metric_cells(&metrics);
        cells.push(mean_and_deviation(method.under(Protocol::Pa).map(|m| m.mpjpe_mm)));
        Row { begins_group: method.role == Role::Vanilla, ..row(&method.name, cells) }
    };
    let mut rows: Vec<Row> = comparison.methods.iter().map(of).collect();
    only_first(&mut rows);
    let mut columns = headed("Method", metric_columns());
    columns.push(number("PA-MPJPE mm", Better::Lower));
    Block::Table(Table {
        caption: "Methods, US".to_owned(),
        columns,
        rows,
        notes: vec![
            "Baseline learns from the labels as recorded, Joint from changed ones too; neither adapts. The others adapt \
             Joint's model: what adaptation is worth is their difference from Joint."
                .to_owned(),
        ],
    })
}

/// A line sets the first of a group apart, not each.
fn only_first(rows: &mut [Row]) {
    let mut begun = false;
    for row in rows {
        row.begins_group &= !begun;
        begun |= row.begins_group;
    }
}

/// What a sample takes in each method.
pub(super) fn times_table(comparison: &Comparison) -> Block {
    let of = |method: &Scored| {
        let metrics: Vec<Metrics> = method.under(Protocol::Us).collect();
        let times: Vec<f64> = method.runs.iter().map(|run| run.ms_per_sample).collect();
        let mut cells = metric_cells(&metrics);
        cells.push(format!("{:.2}", mean(&times)));
        row(&method.name, cells)
    };
    let mut columns = headed("Method", metric_columns());
    columns.push(number("ms a sample", Better::Lower));
    Block::Table(Table {
        caption: "Time of a sample, US".to_owned(),
        columns,
        rows: comparison.methods.iter().map(of).collect(),
        notes: vec!["Time: adaptation and prediction of one sample, the mean over the target.".to_owned()],
    })
}

/// Before adaptation and after, under each noise.
pub(super) fn noise_table(comparison: &Comparison, noise: &[Noise], settings: &Settings) -> Block {
    let shown = [joint(settings.preset), iso(settings.preset)];
    let mut rows = Vec::new();
    let ours = |name: &String| comparison.method(name).map(|method| method.under(Protocol::Us).collect::<Vec<_>>());
    for (name, metrics) in shown.iter().filter_map(|name| Some((name, ours(name)?))) {
        rows.push(row(&format!("{name}, no noise"), metric_cells(&metrics)));
    }
    let mut kinds: Vec<(Pixels, f64)> = Vec::new();
    for Noise { sigma, pixels, .. } in noise {
        if !kinds.contains(&(*pixels, *sigma)) {
            kinds.push((*pixels, *sigma));
        }
    }
    for (pixels, sigma) in kinds {
        let unit = match pixels {
            Pixels::Image => "px of the image",
            Pixels::Person => "px of a person of 200",
        };
        let of_kind = noise.iter().filter(|noise| (noise.pixels, noise.sigma) == (pixels, sigma));
        for (index, Noise { method, runs, .. }) in of_kind.enumerate() {
            let name = format!("{method}, σ = {sigma} {unit}");
            rows.push(Row { begins_group: index == 0, ..row(&name, metric_cells(runs)) });
        }
    }
    Block::Table(Table {
        caption: "Gaussian noise on the keypoints, US".to_owned(),
        columns: headed("Method", metric_columns()),
        rows,
        notes: vec![
            "σ is in pixels: of the data set's own images, or of an image in which the person, standing, is 200 px tall."
                .to_owned(),
        ],
    })
}

/// MPJPE by action, and whether any of them loses.
pub(super) fn by_action_mm(pair: &Pair) -> Vec<Block> {
    let [first, second] = &pair.names;
    let gain = |[before, after]: [f64; 2]| before - after;
    let worst = pair.actions.iter().min_by(|a, b| gain(a.mpjpe_mm).total_cmp(&gain(b.mpjpe_mm)));
    let Some(worst) = worst else { return Vec::new() };
    let losing = pair.actions.iter().filter(|part| gain(part.mpjpe_mm) < 0.0).count();
    let words = match losing {
        0 => format!(
            "No action loses: the least that {second} lowers the error of one against {first} is {:.1} mm ({}).",
            gain(worst.mpjpe_mm),
            worst.name
        ),
        _ => format!(
            "Of {} actions {losing} lose: the most that {second} raises the error of one against {first} is {:.1} mm ({}).",
            pair.actions.len(),
            -gain(worst.mpjpe_mm),
            worst.name
        ),
    };
    let rows = pair.actions.iter().map(|part| {
        let [before, after] = part.mpjpe_mm;
        let cells = [part.samples.to_string(), format!("{before:.1}"), format!("{after:.1}")];
        row(&part.name, [&cells[..], &[format!("{:+.1}", gain(part.mpjpe_mm))]].concat())
    });
    let columns = vec![
        number("samples", Better::Neither),
        number(first, Better::Lower),
        number(second, Better::Lower),
        number("gain", Better::Higher),
    ];
    let table = Table {
        caption: "MPJPE by action, mm, US".to_owned(),
        columns: headed("Action", columns),
        rows: rows.collect(),
        notes: vec!["The mean over the seeds. Gain: how much lower it is.".to_owned()],
    };
    vec![Block::Text(words), Block::Table(table)]
}

/// What each part of the preset is worth.
pub(super) fn ablations(ablations: &[Ablation], samples: usize) -> Block {
    let score = |of: &Option<Metrics>| match of {
        Some(metrics) => [metrics.pck, metrics.mpjpe_mm].map(|number| format!("{number:.1}")),
        None => ["diverged", "diverged"].map(str::to_owned),
    };
    let mut rows: Vec<Row> = ablations
        .iter()
        .map(|Ablation { change, trained, joint, online }| Row {
            begins_group: *trained,
            ..row(change, [score(joint), score(online)].concat())
        })
        .collect();
    only_first(&mut rows);
    let columns = ["Joint", "Online"].map(|name| {
        [number(&format!("{name} PCK"), Better::Higher), number(&format!("{name} MPJPE mm"), Better::Lower)]
    });
    Block::Table(Table {
        caption: "Ablations, US".to_owned(),
        columns: headed("Changed", columns.concat()),
        rows,
        notes: vec![format!(
            "Of the first seed, on up to {samples} samples of the target, evenly spread and taken as one stream: a thinner \
             stream than the target itself, from which {} learns less than in the tables above. Joint: the model as \
             trained. Below the line each model was trained anew with the change; above it the study's own adapts with it.",
            Mode::ONLINE
        )],
    })
}

fn number(title: &str, better: Better) -> Column {
    Column { title: title.to_owned(), words: false, better }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::compare::Part;

    fn text(blocks: &[Block]) -> String {
        format!("{blocks:?}")
    }

    #[test]
    fn diverged_ablations_say_so() {
        let scored = |pck| Some(Metrics { pck, mpjpe_mm: 100.0 - pck, auc: 1.0 });
        let ablation =
            |change: &str, trained, joint, online| Ablation { change: change.to_owned(), trained, joint, online };
        let rows = [
            ablation("nothing", false, scored(80.0), scored(82.0)),
            ablation("without replay (R = 0)", false, scored(80.0), None),
            ablation("free lift", true, None, None),
            ablation("without rays", true, scored(70.0), scored(71.0)),
        ];
        let Block::Table(table) = ablations(&rows, 500) else { panic!("it is a table") };
        let cells: Vec<String> = table.rows.iter().map(|row| row.cells.join("|")).collect();
        assert_eq!(cells[0], "nothing|80.0|20.0|82.0|18.0");
        assert_eq!(cells[1], "without replay (R = 0)|80.0|20.0|diverged|diverged");
        assert_eq!(cells[2], "free lift|diverged|diverged|diverged|diverged");
        assert_eq!(table.rows.iter().map(|row| row.begins_group).collect::<Vec<_>>(), [false, false, true, false]);
        assert!(table.rows.iter().all(|row| row.cells.len() == table.columns.len()));
        assert!(table.notes[0].contains("thinner"));
    }

    #[test]
    fn the_worst_action_is_named_be_it_gain_or_loss() {
        let part = |name: &str, mpjpe_mm| Part { name: name.to_owned(), samples: 3, pck: [0.0; 2], mpjpe_mm };
        let pair = |actions| Pair {
            names: ["Joint", "Online"].map(str::to_owned),
            roles: [Role::Joint, Role::Online],
            limbs: Vec::new(),
            asymmetry: Vec::new(),
            parts: Vec::new(),
            actions,
            sequences: Vec::new(),
            gallery: Vec::new(),
        };
        let good = text(&by_action_mm(&pair(vec![part("walk", [90.0, 80.0]), part("sit", [90.0, 88.0])])));
        assert!(good.contains("No action loses") && good.contains("2.0 mm (sit)"), "{good}");
        let bad = text(&by_action_mm(&pair(vec![part("walk", [90.0, 80.0]), part("lie", [90.0, 97.5])])));
        assert!(bad.contains("Of 2 actions 1 lose") && bad.contains("7.5 mm (lie)"), "{bad}");
        assert!(bad.contains("-7.5") && bad.contains("+10.0"), "{bad}");
        assert!(by_action_mm(&pair(Vec::new())).is_empty());
    }
}
