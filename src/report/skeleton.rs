//! Poses as SVG: the 2D input, and each 3D pose from the camera and from the side.

use maud::{Markup, PreEscaped, html};

use super::PALETTE;
use super::document::{Example, Role};
use crate::named::{Named, named_enum};
use crate::pose::Skeleton;

/// How the lines of a drawing look; `--own` is the colour of its role.
pub(super) const STYLE: &str = "\
.pose{--own:var(--ink);fill:none;stroke:var(--own);stroke-width:30;stroke-linecap:round;stroke-linejoin:round}
.pose .left{stroke:color-mix(in srgb,var(--own) 45%,var(--surface))}
.pose .middle{stroke-width:40}
.pose .head{fill:var(--own);stroke:none}
.pose .paper{fill:var(--surface);stroke:none}
.pose text{fill:var(--own);stroke:none;font:600 88px system-ui,sans-serif;text-anchor:middle}
";
/// The box of one view and the room around the pose in it, in units of the drawing.
const WIDTH: f32 = 1000.0;
const HEIGHT: f32 = 1200.0;
const MARGIN: f32 = 60.0;
const HEAD_RADIUS: f32 = 52.0;
/// The room for the title of a drawing that stands alone.
const TITLE: f32 = 150.0;

/// A drawing of one pose.
pub(super) struct Drawing {
    /// Whose pose it is.
    pub(super) title: String,
    /// What it shows, for those who cannot see it.
    label: String,
    /// The CSS colour of its lines.
    colour: &'static str,
    /// Its views, side by side.
    views: Vec<Markup>,
}

/// The custom property that has the colour of a role.
fn colour(role: Role) -> &'static str {
    match role {
        Role::Baseline => "var(--role-baseline)",
        Role::Joint => "var(--role-joint)",
        Role::Vanilla => "var(--role-vanilla)",
        Role::Online => "var(--role-online)",
        Role::Truth => "var(--role-truth)",
        Role::Source => "var(--role-source)",
    }
}

named_enum! {
    /// Left, right, or neither.
    pub(crate) enum Side {
        Left = "left",
        Right = "right",
        Middle = "middle",
    }
}

/// The side of the body that each joint is on, and with it the bone from its parent.
pub(crate) fn sides(skeleton: &Skeleton) -> Vec<Side> {
    let joints = skeleton.names.iter().zip(skeleton.swap).enumerate();
    joints
        .map(|(joint, (name, &other))| match name.starts_with('L') {
            _ if joint == other => Side::Middle,
            true => Side::Left,
            false => Side::Right,
        })
        .collect()
}

/// The joint that is drawn as a head.
pub(crate) fn head(skeleton: &Skeleton) -> Option<usize> {
    skeleton.names.iter().position(|&name| name == "Head")
}

/// The 2D input, then each pose in the order of `example`, all poses at one scale.
pub(super) fn drawings(example: &Example, skeleton: &Skeleton) -> Vec<Drawing> {
    let input: Vec<[f32; 3]> = example.keypoints.as_chunks().0.iter().map(|&[x, y]| [x, y, 0.0]).collect();
    let mut all = vec![Drawing {
        title: "2D input".into(),
        label: format!("{}: 2D input", example.title),
        colour: "var(--ink)",
        views: vec![view(&input, Frame::around(&input), 0, skeleton)],
    }];
    let joints: Vec<[f32; 3]> = example.poses.iter().flat_map(|(.., pose)| pose.as_chunks().0).copied().collect();
    let frame = Frame::around(&joints);
    all.extend(example.poses.iter().map(|(name, role, pose)| Drawing {
        title: name.clone(),
        label: format!("{}: {name}, from the camera and from the side", example.title),
        colour: colour(*role),
        // Turned by 90 degrees, z is what x was.
        views: [0, 2].map(|across| view(pose.as_chunks().0, frame, across, skeleton)).into(),
    }));
    all
}

impl Drawing {
    /// The drawing for a page that has [`STYLE`] and the palette.
    pub(super) fn inline(&self) -> Markup {
        html! {
            svg.pose viewBox=(format_args!("0 0 {} {HEIGHT}", self.width())) role="img" aria-label=(self.label)
                style=(format_args!("--own:{}", self.colour)) { (self.lines()) }
        }
    }

    /// The drawing as a file of its own, under its title.
    pub(super) fn standalone(&self) -> String {
        let (width, height) = (self.width(), HEIGHT + TITLE);
        html! {
            svg.pose xmlns="http://www.w3.org/2000/svg" width=(width / 8.0) height=(height / 8.0)
                viewBox=(format_args!("0 {} {width} {height}", -TITLE)) style=(format_args!("--own:{}", self.colour)) {
                title { (self.label) }
                style { (PreEscaped(PALETTE)) (PreEscaped(STYLE)) }
                rect.paper y=(-TITLE) width=(width) height=(height) {}
                text x=(width / 2.0) y=(-TITLE / 3.0) { (self.title) }
                (self.lines())
            }
        }
        .into_string()
        // XML has no way to write control characters.
        .replace(|letter: char| letter.is_control() && letter != '\n', "")
    }

    fn width(&self) -> f32 {
        WIDTH * self.views.len() as f32
    }

    fn lines(&self) -> Markup {
        html! {
            @for (column, view) in self.views.iter().enumerate() {
                g transform=[(column > 0).then(|| format!("translate({})", WIDTH * column as f32))] { (view) }
            }
        }
    }
}

/// Where a set of points lies in the box of a view.
#[derive(Clone, Copy)]
struct Frame {
    middle: [f32; 3],
    scale: f32,
}

impl Frame {
    /// The largest scale at which the points fit into the box, both from the camera and from the side.
    fn around(points: &[[f32; 3]]) -> Self {
        let room = [WIDTH, HEIGHT, WIDTH].map(|side| side - 2.0 * MARGIN);
        let ranges = [0, 1, 2].map(|axis| {
            let values = points.iter().map(|point| point[axis]).filter(|value| value.is_finite());
            values.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], value| [low.min(value), high.max(value)])
        });
        let scales = ranges.iter().zip(room).map(|([low, high], room)| room / (high - low).max(f32::MIN_POSITIVE));
        Self { middle: ranges.map(|[low, high]| low.midpoint(high)), scale: scales.fold(f32::INFINITY, f32::min) }
    }

    /// The place of a point, `across` being the axis that runs to the right. `None` if it is not finite.
    fn place(&self, point: [f32; 3], across: usize) -> Option<[f32; 2]> {
        let place = |axis: usize, side: f32| ((point[axis] - self.middle[axis]) * self.scale + side / 2.0).round();
        let [x, y] = [place(across, WIDTH), place(1, HEIGHT)];
        (x.is_finite() && y.is_finite()).then_some([x, y])
    }
}

/// A view of a pose: one path for each side of the body, and the head. Bones that lack an end are left out.
fn view(pose: &[[f32; 3]], frame: Frame, across: usize, skeleton: &Skeleton) -> Markup {
    let place = |joint: usize| pose.get(joint).and_then(|&point| frame.place(point, across));
    let sides = sides(skeleton);
    let path = |side: Side| {
        let bones = skeleton.bones().filter(|&(joint, _)| sides.get(joint) == Some(&side));
        let ends = bones.filter_map(|(joint, parent)| Some((place(parent)?, place(joint)?)));
        ends.fold(String::new(), |path, ([a, b], [c, d])| format!("{path}M{a} {b} {c} {d}"))
    };
    html! {
        @for &side in Side::ALL { path class=(side.name()) d=(path(side)) {} }
        @if let Some([x, y]) = head(skeleton).and_then(place) { circle.head cx=(x) cy=(y) r=(HEAD_RADIUS) {} }
    }
}
