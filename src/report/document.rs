//! What a report says, apart from how it looks: sections of text, tables, figures and poses.

use crate::{named::named_enum, pose::Skeleton};

/// A report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// What was done and what came out, a sentence or two.
    pub summary: String,
    /// What was run on what: device, versions, data, seeds; names and values.
    pub facts: Vec<(String, String)>,
    /// The command lines that made it.
    pub commands: Vec<String>,
    /// Its sections, in order.
    pub sections: Vec<Section>,
}

/// A part of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// What it holds, in order.
    pub blocks: Vec<Block>,
}

impl Section {
    /// Its tables, in order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        })
    }
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph of plain text.
    Text(String),
    /// A table.
    Table(Table),
    /// Plots side by side under one caption.
    Figure(Figure),
    /// Poses to look at; the viewer turns any of them.
    Gallery(Gallery),
}

/// A table: rows of cells under a header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What it shows, with its source in the paper.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
    /// What a reader must know to read it, below it.
    pub notes: Vec<String>,
}

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// Its head.
    pub title: String,
    /// Whether its cells are words, set to the left; numbers are set to the right.
    pub words: bool,
    /// Which numbers are good, shown as an arrow.
    pub better: Better,
}

/// Which numbers are good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Better {
    /// Neither.
    #[default]
    Neither,
    /// Large ones.
    Higher,
    /// Small ones.
    Lower,
}

/// A row of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// As many cells as there are columns.
    pub cells: Vec<String>,
    /// Whether a line sets it apart from the row above.
    pub begins_group: bool,
    /// Whether it is quoted from elsewhere, the paper mostly, and not measured here.
    pub quoted: bool,
}

/// Plots under one caption.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// A name for files and links: lower-case letters, digits and `-`.
    pub id: String,
    /// What it shows, with its source in the paper.
    pub caption: String,
    /// The plots, side by side where there is room.
    pub plots: Vec<Plot>,
}

/// One plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Its title, short.
    pub title: String,
    /// The x axis.
    pub x: Axis,
    /// The y axis.
    pub y: Axis,
    /// The data.
    pub marks: Marks,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// Its quantity and unit. Empty axes bear no numbers, as in a map.
    pub label: String,
    /// Whether it is logarithmic.
    pub log: bool,
}

/// What a plot draws.
#[derive(Clone, Debug, PartialEq)]
pub enum Marks {
    /// Lines through points, in order of x; the level lines are dashed and have one y each.
    Lines {
        /// Name, role and points (x, y).
        series: Vec<Series>,
        /// Name, role and height of what does not depend on x.
        levels: Vec<(String, Role, f64)>,
    },
    /// Clouds of points.
    Scatter(Vec<Series>),
    /// Groups of bars: the categories along x, one bar a series in each.
    Bars {
        /// The names of the groups.
        categories: Vec<String>,
        /// Name, role and one height a category; NaN where there is none.
        series: Vec<(String, Role, Vec<f64>)>,
    },
}

/// A named series of points.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Whose numbers these are.
    pub role: Role,
    /// Points (x, y), finite.
    pub points: Vec<[f64; 2]>,
}

named_enum! {
    /// Whose numbers or poses these are: one colour throughout a report, and one dash or shape, so that colour alone never
    /// tells.
    #[derive(Hash)]
    pub enum Role {
        /// The model without self-supervision.
        Baseline = "baseline",
        /// Trained with self-supervision, not adapted.
        Joint = "joint",
        /// Vanilla ISO.
        Vanilla = "vanilla",
        /// Online ISO.
        Online = "online",
        /// Ground truth of the target.
        Truth = "truth",
        /// The source data.
        Source = "source",
    }
}

/// Poses to look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Gallery {
    /// What they show.
    pub caption: String,
    /// The skeleton of all of them.
    pub skeleton: &'static Skeleton,
    /// The poses, under a heading for each group.
    pub groups: Vec<(String, Vec<Example>)>,
}

/// One sample: its 2D input and its 3D poses.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Which sample, in words.
    pub title: String,
    /// What is to be seen, with numbers.
    pub note: String,
    /// The input (J, 2), pixels: x right, y down.
    pub keypoints: Vec<f32>,
    /// Names, roles and root-centred poses (J, 3), metres, camera axes: x right, y down, z away from the camera.
    pub poses: Vec<(String, Role, Vec<f32>)>,
}
