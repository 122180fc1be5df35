//! Tests of numbers as text.

use super::number;

fn text(value: f64, digits: usize) -> String {
    let mut text = Vec::new();
    number(&mut text, value, digits);
    String::from_utf8(text).unwrap()
}

#[test]
fn numbers_are_short_and_rounded() {
    for (value, digits, expected) in [
        (0.0, 5, "0"),
        (-0.0, 5, "0"),
        (-0.000_004, 5, "0"),
        (0.000_006, 5, "0.00001"),
        (-1.5, 5, "-1.5"),
        (0.999_999, 5, "1"),
        (12.345_678, 4, "12.3457"),
        (1000.0, 0, "1000"),
        (1_764_362_219.25, 6, "1764362219.25"),
        (0.1f32.into(), 5, "0.1"),
        (0.05, 5, "0.05"),
    ] {
        assert_eq!(text(value, digits), expected, "{value}");
    }
}

#[test]
fn every_finite_number_is_json() {
    for value in [f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e9, 1e10, -123_456_789.123_456, 1e15, f64::from(f32::MAX)] {
        for digits in [4, 5, 6] {
            let read: f64 = serde_json::from_str(&text(value, digits)).unwrap();
            // Half a unit of the last digit; large numbers have what f64 has.
            let limit = (0.5 * 10f64.powi(-(digits as i32))).max(value.abs() * f64::EPSILON) * 1.01;
            assert!((read - value).abs() <= limit, "{value}: {read}");
        }
    }
}
