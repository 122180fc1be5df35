//! What a pickle or a MATLAB file holds, once read.

use std::io::{ErrorKind, Result};

use super::{
    Array,
    stored::{Stored, range},
};

/// A value of a file that names and nests its content. Numbers are rounded to f32, all that poses need.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text, or Python 2's `str`.
    Text(String),
    /// A list or a tuple.
    List(Vec<Self>),
    /// A dict, in the file's order; a MATLAB struct of size 1.
    Dict(Vec<(Self, Self)>),
    /// A numeric array in C order.
    Numbers(Array<f32>),
    /// The same in a temporary file, if the reader was given one.
    Stored(Stored),
    /// An array of objects, a MATLAB cell or struct array; in C order.
    Objects(Array<Self>),
}

impl Value {
    /// The entry of a dict whose key is this text; `None` if there is none or this is no dict.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The entries of a dict; none for anything else.
    #[must_use]
    pub fn entries(&self) -> &[(Self, Self)] {
        if let Self::Dict(entries) = self { entries } else { &[] }
    }

    /// The elements of a list, or of an array of objects in C order; none for anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Objects(array) => &array.values,
            _ => &[],
        }
    }

    /// The text, if this is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The shape, if this is an array of numbers, in memory or in a file.
    #[must_use]
    pub fn shape(&self) -> Option<&[usize]> {
        match self {
            Self::Numbers(array) => Some(&array.shape),
            Self::Stored(array) => Some(&array.shape),
            _ => None,
        }
    }

    /// Rows `first` to `first + count` of an array of numbers, in memory or in a file.
    ///
    /// # Errors
    /// If this is none, there are not as many rows, or the file cannot be read.
    pub fn rows(&self, first: usize, count: usize) -> Result<Array<f32>> {
        match self {
            Self::Numbers(array) => {
                let (range, shape) = range(&array.shape, first, count)?;
                Ok(Array { shape, values: array.values[range].to_vec() })
            }
            Self::Stored(array) => array.rows(first, count),
            _ => Err(ErrorKind::InvalidInput.into()),
        }
    }

    /// The array, if this is one of numbers in memory.
    #[must_use]
    pub fn numbers(&self) -> Option<&Array<f32>> {
        if let Self::Numbers(array) = self { Some(array) } else { None }
    }

    /// The number, if this is one: a scalar or an array of one element.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Integer(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Numbers(array) if array.values.len() == 1 => Some(f64::from(array.values[0])),
            _ => None,
        }
    }

    /// What this is, for messages: `array (4, 3)`, `text`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::None => "None".into(),
            Self::Bool(_) => "a truth value".into(),
            Self::Integer(_) | Self::Float(_) => "a number".into(),
            Self::Text(_) => "text".into(),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Dict(entries) => format!("a dict of {}", entries.len()),
            Self::Numbers(Array { shape, .. }) | Self::Stored(Stored { shape, .. }) => format!("array {shape:?}"),
            Self::Objects(array) => format!("objects {:?}", array.shape),
        }
    }
}
