//! The range of an axis and its ticks: few, at round numbers.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;

use super::super::document::Axis;

/// The most intervals between ticks.
const INTERVALS: f64 = 7.0;
/// What an axis has beyond its data on either side, as a part of their range.
const PADDING: f64 = 0.04;
/// Larger numbers are as good as infinite: ranges of them overflow.
const LARGEST: f64 = 1e100;

/// Whether `value` has a place on an axis.
pub(super) fn drawable(value: f64, log: bool) -> bool {
    value.abs() < LARGEST && (!log || value > 1.0 / LARGEST)
}

/// An axis: what it shows and its ticks. Logarithmic axes count in decades.
#[derive(Clone)]
pub(super) struct Scale {
    log: bool,
    names: bool,
    range: Range<f64>,
    ticks: Vec<(f64, String)>,
}

impl Scale {
    /// The axis of `values`, without ticks where `axis` has no label; `bars` stand on zero. None if no value is drawable.
    pub(super) fn of(values: impl Iterator<Item = f64>, axis: &Axis, bars: bool) -> Option<Self> {
        let log = axis.log;
        let zero = (bars && !log).then_some(0.0);
        let mut values = values.filter(|value| drawable(*value, log)).peekable();
        values.peek()?;
        let bounds = (f64::INFINITY, f64::NEG_INFINITY);
        let (least, most) = values.chain(zero).fold(bounds, |(lo, hi), value| (lo.min(value), hi.max(value)));
        let (lo, hi) = if log { (least.log10(), most.log10()) } else { (least, most) };
        // A single value, but for rounding, gets some room on either side.
        let size = least.abs().max(most.abs());
        let size = if log || size < 1.0 / LARGEST { 1.0 } else { size };
        let padding = if hi - lo > 1e-9 * size { PADDING * (hi - lo) } else { 0.1 * size };
        let mut range = lo - padding..hi + padding;
        if !log && least >= 0.0 {
            range.start = range.start.max(0.0);
        }
        if bars && !log && most <= 0.0 && least < 0.0 {
            range.end = 0.0;
        }
        let ticks = match (axis.label.is_empty(), log) {
            (true, _) => Vec::new(),
            (false, true) => log_ticks(&range, least),
            (false, false) => ticks(&range),
        };
        Some(Self { log, names: false, range, ticks })
    }

    /// An axis with a place of width 1 for each name.
    pub(super) fn of_names(names: &[String]) -> Self {
        let ticks = names.iter().enumerate().map(|(i, name)| (i as f64 + 0.5, name.clone())).collect();
        Self { log: false, names: true, range: 0.0..names.len().max(1) as f64, ticks }
    }

    /// The other way round.
    pub(super) fn reversed(mut self) -> Self {
        self.range = self.range.end..self.range.start;
        self
    }

    /// Where `value` is, in the units of the axis. None if it is not drawable.
    pub(super) fn at(&self, value: f64) -> Option<f64> {
        drawable(value, self.log).then(|| if self.log { value.log10() } else { value })
    }

    /// Where bars stand.
    pub(super) fn foot(&self) -> f64 {
        if self.log { self.range.start } else { 0.0 }
    }

    /// Whether it has names for ticks.
    pub(super) fn is_names(&self) -> bool {
        self.names
    }

    /// The labels of the ticks.
    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        self.ticks.iter().map(|(_, label)| label.as_str())
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.range.clone()).map(place, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.iter().map(|tick| tick.0).collect() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Scale {
    /// The label of the tick at `place`.
    fn format_ext(&self, place: &f64) -> String {
        self.ticks.iter().find(|tick| tick.0 == *place).map(|tick| tick.1.clone()).unwrap_or_default()
    }
}

/// The power of ten at or below `value`. Rounding must not take 0.001 for less than itself.
fn exponent(value: f64) -> i32 {
    (value.log10() + 1e-9).floor() as i32
}

/// Ticks at multiples of 1, 2 or 5 times a power of ten, with as many decimals as they need.
fn ticks(range: &Range<f64>) -> Vec<(f64, String)> {
    let least = (range.end - range.start) / INTERVALS;
    let decade = 10f64.powi(exponent(least));
    let step = [1.0, 2.0, 5.0].map(|m| m * decade).into_iter().find(|step| *step >= least).unwrap_or(10.0 * decade);
    let (first, last) = ((range.start / step).ceil(), (range.end / step).floor());
    let size = range.start.abs().max(range.end.abs());
    let label = |value: f64| match usize::try_from(-exponent(step)) {
        _ if value == 0.0 => "0".to_owned(),
        _ if !(1e-3..1e6).contains(&size) => {
            let digits = exponent(value.abs()) - exponent(step);
            format!("{value:.*e}", usize::try_from(digits).unwrap_or(0))
        }
        Ok(decimals) => format!("{value:.decimals$}"),
        Err(_) => format!("{value:.0}"),
    };
    let count = (last - first) as usize;
    (0..=count).map(|i| (first + i as f64) * step).map(|value| (value, label(value))).collect()
}

/// Ticks of a logarithmic axis over `range` decades whose data begin at `least`.
///
/// Within a decade they are those of a linear axis, within a few 1, 2 and 5, and beyond powers of ten, times the leading
/// digit of `least` where it has no other: a sweep from 2e-7 by factors of ten has its ticks at 2e-7, 2e-6 and so on.
fn log_ticks(range: &Range<f64>, least: f64) -> Vec<(f64, String)> {
    let decades = range.end - range.start;
    if decades < 1.0 {
        let linear = ticks(&(10f64.powf(range.start)..10f64.powf(range.end)));
        return linear.into_iter().map(|(value, label)| (value.log10(), label)).collect();
    }
    let digit = least / 10f64.powi(exponent(least));
    let lead = if (digit - digit.round()).abs() < 1e-6 { digit.round() } else { 1.0 };
    let (digits, stride) =
        if decades < 2.5 { (vec![1.0, 2.0, 5.0], 1) } else { (vec![lead], (decades / INTERVALS).ceil() as usize) };
    let powers = exponent(least) - 1..=range.end.ceil() as i32;
    let powers = powers.filter(|k| (k - exponent(least)).rem_euclid(stride as i32) == 0);
    let places: Vec<_> = powers
        .flat_map(|k| digits.iter().map(move |digit| (f64::from(k) + digit.log10(), *digit, k)))
        .filter(|(place, ..)| range.contains(place))
        .collect();
    let plain = places.iter().all(|(.., k)| (-3..5).contains(k));
    let label = |digit: f64, k: i32| match usize::try_from(-k) {
        _ if !plain => format!("{digit}e{k}"),
        Ok(decimals) => format!("{:.decimals$}", digit * 10f64.powi(k)),
        Err(_) => format!("{}", digit * 10f64.powi(k)),
    };
    places.iter().map(|(place, digit, k)| (*place, label(*digit, *k))).collect()
}
