//! What the recorder refuses, and in which words; replays that pile up.

use isopose::kernel::Value;
use isopose::kernels::{ADD, LINEAR_FORWARD};
use isopose::plan::{Init, Recorder, TensorId, prepare};

use crate::device::devices;

const ROWS: [(&str, Value); 2] = [("row", Value::U32(0)), ("rows", Value::U32(2))];

/// Records LINEAR_FORWARD from x (1, 2, 6) with parameters (1, 7, 8) to y (1, 2, 8), after `change`.
fn linear(change: impl FnOnce(&mut [Vec<usize>; 3], &mut Vec<(&'static str, Value)>)) -> Result<(), String> {
    let (mut shapes, mut values) = ([vec![1, 2, 6], vec![1, 7, 8], vec![1, 2, 8]], ROWS.to_vec());
    change(&mut shapes, &mut values);
    let mut rec = Recorder::new();
    rec.section("s");
    let [x, w, y] = [0, 1, 2].map(|i| rec.tensor(["input", "weights", "output"][i], &shapes[i]));
    let tensors = [("x", x), ("parameters", w), ("y", y)];
    rec.dispatch(&LINEAR_FORWARD, "layer", &tensors, &values).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(result: Result<(), String>, words: &[&str]) {
    let error = result.expect_err("this must not record");
    for word in words {
        assert!(error.contains(word), "`{error}` does not mention `{word}`");
    }
}

#[test]
fn shapes_that_do_not_unify_are_named() {
    linear(|_, _| {}).expect("the shapes fit");
    refused(
        linear(|s, _| s[1][1] = 8),
        &["layer", "linear_forward", "`in_features`", "`parameters`", "`weights`", "`input`"],
    );
    refused(linear(|s, _| s[2][2] = 4), &["`out_features` is 8", "4 in `y`", "`output` [1, 2, 4]"]);
    refused(linear(|s, _| s[0] = vec![2, 6]), &["`x`", "`input`", "2 dimensions"]);
    refused(linear(|s, _| (s[1][2], s[2][2]) = (6, 6)), &["`parameters`", "`weights`", "multiple of 4"]);
    refused(linear(|s, _| s[0][1] = 0), &["`input`", "empty"]);
    refused(linear(|s, _| s[1][1] = 0), &["`weights`", "empty"]);
    refused(linear(|s, _| s[0][0] = 2), &["`instances`", "`input`", "`output`"]);
}

#[test]
fn numbers_that_do_not_fit_are_named() {
    refused(linear(|_, v| v[1].1 = 3u32.into()), &["`row` + `rows` is 3", "past `x_rows` = 2"]);
    refused(linear(|_, v| v[0].1 = 1u32.into()), &["`row` + `rows` is 3"]);
    refused(linear(|_, v| v[1].1 = 2.0.into()), &["`rows`", "another type"]);
    refused(linear(|_, v| v.truncate(1)), &["uniform `rows` is not given"]);
    refused(linear(|_, v| v.push(("slope", 0.1.into()))), &["has no uniform `slope`"]);
    refused(linear(|_, v| v.push(("x_rows", 2u32.into()))), &["`x_rows` comes from shapes"]);
}

fn add(tensors: impl FnOnce(TensorId, TensorId) -> Vec<(&'static str, TensorId)>) -> Result<(), String> {
    let mut rec = Recorder::new();
    rec.section("s");
    let [a, b] = ["a", "b"].map(|name| rec.tensor(name, &[1, 2, 4]));
    rec.dispatch(&ADD, "sum", &tensors(a, b), &ROWS).map_err(|error| error.to_string())
}

#[test]
fn bindings_that_do_not_fit_are_named() {
    add(|a, b| vec![("x", a), ("y", b)]).expect("the tensors fit");
    refused(add(|a, _| vec![("x", a), ("y", a)]), &["tensor `a` is both `x` and `y`", "written"]);
    refused(add(|a, _| vec![("x", a)]), &["`y` is not given"]);
    refused(add(|a, b| vec![("x", a), ("y", b), ("z", b)]), &["has no binding `z`"]);
    refused(add(|a, b| vec![("x", a), ("y", b), ("x", b)]), &["`x` is given twice"]);
}

#[test]
fn a_dispatch_needs_a_section() {
    let mut rec = Recorder::new();
    let [a, b] = ["a", "b"].map(|name| rec.tensor(name, &[1, 2, 4]));
    let result = rec.dispatch(&ADD, "sum", &[("x", a), ("y", b)], &ROWS);
    refused(result.map_err(|error| error.to_string()), &["sum", "before any section"]);
}

#[test]
fn a_hundred_replays_queue_in_order() {
    for device in devices() {
        let mut rec = Recorder::new();
        let section = rec.section("count");
        let one = rec.tensor_with("one", &[1, 2, 4], Init::Fill(1.0));
        let sum = rec.tensor("sum", &[1, 2, 4]);
        rec.dispatch(&ADD, "sum", &[("x", one), ("y", sum)], &ROWS).unwrap();
        let mut executor = prepare(rec.finish(), &device).unwrap();
        let mut early = None;
        for replay in 0..100 {
            executor.replay(section).unwrap();
            if replay == 49 {
                early = Some(executor.begin_read(sum).unwrap());
            }
        }
        let last = executor.read(sum).unwrap();
        assert_eq!(last, [100.0; 8], "on {}", device.name());
        let early = executor.finish_read(early.unwrap()).unwrap();
        assert_eq!(early, [50.0; 8], "a read sees the replays before it only, on {}", device.name());
    }
}
