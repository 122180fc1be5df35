//! Gradients against finite differences of the CPU executor, each in the middle of a graph.
//!
//! A direction is a unit vector, random or the gradient with random coordinates left out; the derivative along it is a
//! central difference over a relative step of [`STEP`]. In float32 that leaves about 1e-7 / STEP of rounding and STEP²
//! of truncation, together below 3e-4. Where a direction crosses a kink (leaky ReLU, clamped depth) the difference
//! depends on the step, or the slope jumps in the middle: such directions are passed over, whatever the gradient says,
//! and too few of the others fail.

mod geometry;
mod geometry_task;
mod networks;
mod whole;

use crate::models::draws;

/// The step along a direction, relative to the tensor's norm.
const STEP: f64 = 1e-3;
/// Largest error of a derivative, relative to the gradient's norm: several times rounding and what remains of kinks.
const LIMIT: f64 = 2e-3;
/// Differences of two steps that are farther apart have met a kink.
const SMOOTH: f64 = 5e-4;
/// Enough for four smooth ones wherever the order of a sum moves the kinks.
const DIRECTIONS: u32 = 48;

fn norm(v: &[f32]) -> f64 {
    v.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "as many numbers on both sides");
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Fails unless `gradient` is that of `objective` at `at`.
fn check(what: &str, at: &[f32], gradient: &[f32], mut objective: impl FnMut(&[f32]) -> f64) {
    let size = norm(gradient);
    assert!(size > 0.0 && size.is_finite(), "{what}: a gradient of norm {size} checks nothing");
    assert_eq!(at.len(), gradient.len(), "{what}: as many coordinates");
    let mut smooth = 0;
    for k in 0..DIRECTIONS {
        let mut v = draws(900 + k, at.len());
        if k % 2 == 0 {
            v.iter_mut().zip(gradient).for_each(|(v, g)| *v = if *v > 0.0 { *g } else { 0.0 });
        }
        let length = norm(&v).max(f64::MIN_POSITIVE);
        let step = STEP * norm(at).max(0.1);
        // As float32 holds the two points, not as they were meant.
        let mut value = |h: f64| {
            let moved = at.iter().zip(&v).map(|(x, v)| (f64::from(*x) + h * f64::from(*v) / length) as f32);
            objective(&moved.collect::<Vec<_>>())
        };
        let middle = value(0.0);
        // The derivative, and the change of slope across the middle.
        let mut difference = |h: f64| {
            let (plus, minus) = (value(h), value(-h));
            ((plus - minus) / (2.0 * h), (plus - 2.0 * middle + minus) / h)
        };
        let ((wide, wide_bend), (narrow, bend)) = (difference(step), difference(0.5 * step));
        // Curvature bends half as much over half the step; a kink right in the middle bends as much.
        if (wide - narrow).abs() > SMOOTH * size || (2.0 * bend - wide_bend).abs() > LIMIT * size {
            continue;
        }
        smooth += 1;
        let expected = dot(gradient, &v) / length;
        let error = (narrow - expected).abs() / size;
        assert!(error <= LIMIT, "{what}, direction {k}: difference {narrow}, gradient {expected}, error {error:.2e}");
    }
    assert!(smooth >= 4, "{what}: only {smooth} of {DIRECTIONS} directions are smooth; the difference tells nothing");
}

#[test]
#[should_panic(expected = "direction")]
fn a_wrong_gradient_is_found() {
    let at = draws(1, 50);
    // Half the true gradient.
    check("squares", &at, &at, |x| x.iter().map(|&x| f64::from(x).powi(2)).sum());
}

#[test]
fn a_right_gradient_passes() {
    let at = draws(1, 50);
    let gradient: Vec<f32> = at.iter().map(|x| 2.0 * x).collect();
    check("squares", &at, &gradient, |x| x.iter().map(|&x| f64::from(x).powi(2)).sum());
}
