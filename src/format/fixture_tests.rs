//! What the fixtures of `kernels-tests/fixtures/formats` hold, for the tests of the readers.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::{Array, Value};

pub(super) fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "kernels-tests/fixtures/formats", name].iter().collect()
}

pub(super) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

/// A part of `expected.json`, which the generator computed.
pub(super) fn expected(part: &str) -> Json {
    let mut json: Json = serde_json::from_slice(&bytes("expected.json")).unwrap();
    json[part].take()
}

/// Whether a value is the expected one: numbers as f32, the entries of a dict in any order.
pub(super) fn same(value: &Value, json: &Json) -> bool {
    let all = |values: &[Value], json: &[Json]| {
        values.len() == json.len() && values.iter().zip(json).all(|(value, json)| same(value, json))
    };
    let array = |shape: &[usize]| json["array"] == Json::from(shape.to_vec());
    let listed = |name: &str| json[name].as_array().map(Vec::as_slice).unwrap_or_default();
    match value {
        Value::None => json.is_null(),
        Value::Bool(value) => json == value,
        Value::Integer(value) => json == value,
        Value::Float(value) if value.is_infinite() => json == "inf",
        // serde_json rounds the last digit as it likes.
        Value::Float(value) => json.as_f64().is_some_and(|json| (json - value).abs() <= 1e-15 * value.abs()),
        Value::Text(text) => json == text,
        Value::List(values) => json.as_array().is_some_and(|json| all(values, json)),
        Value::Dict(entries) => {
            let find = |key: &Value| listed("dict").iter().find(|pair| same(key, &pair[0]));
            entries.len() == listed("dict").len()
                && entries.iter().all(|(key, value)| find(key).is_some_and(|pair| same(value, &pair[1])))
        }
        Value::Numbers(Array { shape, values }) => array(shape) && same_numbers(values, &json["values"]),
        Value::Stored(stored) => same(&Value::Numbers(stored.rows(0, stored.shape[0]).unwrap()), json),
        Value::Objects(Array { shape, values }) => array(shape) && all(values, listed("values")),
    }
}

pub(super) fn same_numbers(values: &[f32], json: &Json) -> bool {
    let json = json.as_array().unwrap();
    let number = |json: &Json| json.as_bool().map_or_else(|| json.as_f64(), |b| Some(f64::from(u8::from(b))));
    values.len() == json.len() && values.iter().zip(json).all(|(&v, json)| number(json).map(|n| n as f32) == Some(v))
}
