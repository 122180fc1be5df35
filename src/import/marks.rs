//! Marks of the frames that count.

use std::path::Path;

use crate::{
    error::{Error, Result},
    format::{Array, Value},
};

/// Whether each of `frames` is marked: of an array (N), (N, 1) or (1, N) of truth values, or of 0 and 1.
///
/// # Errors
/// If there is not one value for each frame, or another than 0 and 1.
pub(super) fn marks(path: &Path, field: &str, array: &Array<f32>, frames: usize) -> Result<Vec<bool>> {
    let wrong =
        |problem: String| Error::file(path, field, problem, "give 0 or 1 for each frame, as the data set has it");
    match array.shape[..] {
        [n] | [n, 1] | [1, n] if n == frames => {}
        ref shape => return Err(wrong(format!("its shape is {shape:?}, for {frames} frames"))),
    }
    if let Some(frame) = array.values.iter().position(|mark| ![0.0, 1.0].contains(mark)) {
        return Err(wrong(format!("frame {frame} has {}, neither 0 nor 1", array.values[frame])));
    }
    Ok(array.values.iter().map(|mark| *mark == 1.0).collect())
}

/// The numbers of an array, or of a list of numbers or truth values.
///
/// # Errors
/// If they are none, or the temporary file cannot be read.
pub(super) fn numbers(path: &Path, field: &str, value: &Value) -> Result<Array<f32>> {
    if let Some(first) = value.shape().and_then(|shape| shape.first()) {
        return value.rows(0, *first).map_err(|error| Error::io(path, "read", error));
    }
    let values: Option<Vec<f32>> = value.items().iter().map(|item| item.number().map(|v| v as f32)).collect();
    match values.filter(|values| !values.is_empty()) {
        Some(values) => Ok(Array { shape: vec![values.len()], values }),
        None => {
            let problem = format!("it is {}, not numbers", value.describe());
            Err(Error::file(path, field, problem, "give 0 or 1 for each frame"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_for_each_frame() {
        let read = |shape: &[usize], values: &[f32]| {
            let array = Array { shape: shape.to_vec(), values: values.to_vec() };
            marks(Path::new("f"), "valid", &array, 3).map_err(|error| error.to_string())
        };
        for shape in [&[3][..], &[3, 1], &[1, 3]] {
            assert_eq!(read(shape, &[1.0, 0.0, 1.0]), Ok(vec![true, false, true]));
        }
        for shape in [&[2][..], &[4, 1], &[3, 2], &[]] {
            assert!(read(shape, &[1.0; 6]).unwrap_err().contains("f: valid: its shape is"), "{shape:?}");
        }
        let error = read(&[3], &[1.0, 0.5, 0.0]).unwrap_err();
        assert!(error.contains("frame 1 has 0.5, neither 0 nor 1"), "{error}");
    }

    #[test]
    fn lists_are_read_too() {
        let path = Path::new("f");
        let list = Value::List(vec![Value::Bool(true), Value::Integer(0), Value::Float(1.0)]);
        assert_eq!(numbers(path, "valid", &list).unwrap().values, [1.0, 0.0, 1.0]);
        for value in [Value::None, Value::List(vec![]), Value::List(vec![Value::None])] {
            let error = numbers(path, "valid", &value).unwrap_err().to_string();
            assert!(error.contains("f: valid: it is") && error.contains("not numbers"), "{error}");
        }
    }
}
