//! A frame as one line of JSON. Written into a buffer that is used again: every frame waits for it.

use std::io::Write;

use super::{Lifted, LiftedPerson, Up};

/// Digits after the point: a hundredth of a millimetre.
const METRES: usize = 5;
const CONFIDENCE: usize = 4;
/// A microsecond.
const SECONDS: usize = 6;

/// Appends the frame, without an end of line. Its numbers are finite.
pub(super) fn write_frame(line: &mut Vec<u8>, frame: &Lifted, up: Up) {
    line.extend_from_slice(b"{\"frame\":");
    whole(line, frame.frame.into());
    line.extend_from_slice(b",\"time\":");
    match frame.time {
        Some(time) => number(line, time, SECONDS),
        None => line.extend_from_slice(b"null"),
    }
    if let Some(sequence) = &frame.sequence {
        line.extend_from_slice(b",\"sequence\":");
        text(line, sequence);
    }
    line.extend_from_slice(b",\"people\":");
    list(line, &frame.people, |line, person| write_person(line, person, up));
    line.push(b'}');
}

fn write_person(line: &mut Vec<u8>, person: &LiftedPerson, up: Up) {
    let point = |line: &mut Vec<u8>, point: &[f32; 3]| {
        list(line, &up.of(*point), |line, metres| number(line, (*metres).into(), METRES));
    };
    line.extend_from_slice(b"{\"id\":");
    whole(line, person.id);
    line.extend_from_slice(b",\"joints\":");
    list(line, &person.joints, point);
    line.extend_from_slice(b",\"confidence\":");
    list(line, &person.confidence, |line, confidence| number(line, (*confidence).into(), CONFIDENCE));
    line.extend_from_slice(b",\"guessed\":");
    list(line, &person.guessed, |line, guessed| boolean(line, *guessed));
    line.extend_from_slice(b",\"root\":");
    match &person.root {
        Some(root) => point(line, root),
        None => line.extend_from_slice(b"null"),
    }
    line.extend_from_slice(b",\"adapted\":");
    boolean(line, person.adapted);
    line.extend_from_slice(b",\"losses\":");
    match &person.losses {
        Some(losses) => {
            line.push(b'{');
            for (k, term) in losses.terms().iter().enumerate() {
                if k > 0 {
                    line.push(b',');
                }
                text(line, term.name);
                line.push(b':');
                json(line, &term.value);
            }
            line.push(b'}');
        }
        None => line.extend_from_slice(b"null"),
    }
    line.push(b'}');
}

fn list<T>(line: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    line.push(b'[');
    for (k, item) in items.iter().enumerate() {
        if k > 0 {
            line.push(b',');
        }
        write(line, item);
    }
    line.push(b']');
}

fn boolean(line: &mut Vec<u8>, value: bool) {
    line.extend_from_slice(if value { b"true" } else { b"false" });
}

fn text(line: &mut Vec<u8>, text: &str) {
    json(line, text);
}

fn json<T: serde::Serialize + ?Sized>(line: &mut Vec<u8>, value: &T) {
    let written = serde_json::to_writer(line, value);
    debug_assert!(written.is_ok(), "text and numbers are JSON, and a Vec takes all");
}

fn whole(line: &mut Vec<u8>, value: i64) {
    let written = write!(line, "{value}");
    debug_assert!(written.is_ok(), "a Vec takes all");
}

/// Appends a finite number, rounded to at most so many digits after the point; 0 has no sign.
pub(super) fn number(line: &mut Vec<u8>, value: f64, digits: usize) {
    const POWERS: [u64; 7] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
    let power = POWERS[digits.min(POWERS.len() - 1)];
    let scaled = (value.abs() * power as f64).round();
    // Above it, f64 does not count by ones.
    if scaled >= 9e15 {
        let written = write!(line, "{value:e}");
        debug_assert!(written.is_ok(), "a Vec takes all");
        return;
    }
    let scaled = scaled as u64;
    if value < 0.0 && scaled > 0 {
        line.push(b'-');
    }
    // Backwards: the digits behind the point without zeros at the end, then those before.
    let (mut before, mut behind) = (scaled / power, scaled % power);
    let mut buffer = [0u8; 32];
    let mut at = buffer.len();
    let mut push = |byte: u8| {
        at -= 1;
        buffer[at] = byte;
    };
    if behind > 0 {
        let mut left = power;
        let mut is_end = true;
        while left > 1 {
            let digit = (behind % 10) as u8;
            is_end &= digit == 0;
            if !is_end {
                push(b'0' + digit);
            }
            behind /= 10;
            left /= 10;
        }
        push(b'.');
    }
    loop {
        push(b'0' + (before % 10) as u8);
        before /= 10;
        if before == 0 {
            break;
        }
    }
    line.extend_from_slice(&buffer[at..]);
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
