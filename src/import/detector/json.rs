//! JSON files record by record, without trust; and what a record says, in the words of its form.

use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read, Take},
    path::{Path, PathBuf},
};

use serde::de::{DeserializeOwned, Deserializer as _, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, value::RawValue};

use crate::{
    error::{Error, Result},
    format::memory_limit,
};

/// How many times its text a file may take in memory. The worst are short records: `{"id":1},`, 9 bytes, takes up to 140
/// with what vectors and maps reserve.
pub(super) const RECORDS: usize = 16;

/// The same for one record, all of whose values are kept while it is read: the two bytes of `1,` take 32 or more.
const RECORD: usize = 64;

/// An open JSON file.
pub(super) struct Json {
    path: PathBuf,
    reader: BufReader<Take<File>>,
}

impl Json {
    /// Opens a file that is not too large for the memory.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let failed = |error| Error::io(path, "read", error);
        let file = File::open(path).map_err(|error| Error::io(path, "open", error))?;
        let bytes = file.metadata().map_err(failed)?.len();
        let most = (memory_limit() / RECORDS) as u64;
        if bytes > most {
            let problem = format!("{} MiB; there is memory for {} MiB", bytes >> 20, most >> 20);
            return Err(Error::file(path, "size", problem, "split it into smaller files"));
        }
        // A pipe does not say how much is to come.
        let mut reader = BufReader::new(file.take(most));
        // Windows' editors begin a file with the mark of UTF-8.
        let mark = reader.fill_buf().map_err(failed)?.starts_with(b"\xEF\xBB\xBF");
        reader.consume(if mark { 3 } else { 0 });
        if reader.fill_buf().map_err(failed)?.is_empty() {
            return Err(empty(path));
        }
        Ok(Self { path: path.to_owned(), reader })
    }

    /// Reads the whole content; `form` says what it should be, for the message.
    pub(super) fn parse<T: DeserializeOwned>(self, form: &str) -> Result<T> {
        serde_json::from_reader(self.reader).map_err(|error| wrong(&self.path, &error, form))
    }

    /// Hands over record after record: those of a list; or of an object its values that are no lists of records, then those
    /// of its lists.
    ///
    /// # Errors
    /// If it is no JSON, or the first error of `take`, which ends the reading.
    pub(super) fn records(mut self, form: &str, take: &mut dyn FnMut(Record<'_>) -> Result<()>) -> Result<()> {
        let mut text = String::new();
        self.reader.read_to_string(&mut text).map_err(|error| Error::io(&self.path, "read", error))?;
        if text.trim().is_empty() {
            return Err(empty(&self.path));
        }
        let most = memory_limit() / RECORD;
        let mut walk = Walk { path: &self.path, most, list: "", take, failure: None };
        let read = walk.read(&text);
        match walk.failure {
            Some(failure) => Err(failure),
            None => read.map_err(|error| {
                // A number or a word that is cut off is no JSON, but at the end of the file it tells of a cut.
                let (lines, last) = (text.lines().count(), text.lines().last().map_or(0, str::len));
                let is_cut = error.is_syntax()
                    && error.line() == lines
                    && error.column() >= last
                    && !text.trim_end().ends_with([']', '}']);
                if is_cut { cut(&self.path, &error) } else { wrong(&self.path, &error, form) }
            }),
        }
    }
}

fn empty(path: &Path) -> Error {
    Error::file(path, "content", "it is empty", "write it again")
}

fn cut(path: &Path, error: &serde_json::Error) -> Error {
    Error::file(path, "content", format!("it ends too early ({error})"), "copy or write it again")
}

fn wrong(path: &Path, error: &serde_json::Error, form: &str) -> Error {
    let file = |problem: String, fix: String| Error::file(path, "content", problem, fix);
    match error.classify() {
        serde_json::error::Category::Io => Error::io(path, "read", std::io::Error::other(error.to_string())),
        serde_json::error::Category::Eof => cut(path, error),
        _ => {
            let fix = "no comma after the last value, no NaN (null is a missing number), no text around it";
            file(format!("it is not the JSON that is needed: {error}"), format!("give the JSON of {form}: {fix}"))
        }
    }
}

/// A value of a file: an element of a list, or what an object has under a name.
pub(super) struct Record<'a> {
    /// The name of its list; empty in a file that is one list.
    pub(super) list: &'a str,
    /// Its number in the list; `None` for an object of one of the other values of the file, by its name.
    pub(super) index: Option<usize>,
    path: &'a Path,
    value: Value,
}

impl Record<'_> {
    /// What it says.
    pub(super) fn node(&self) -> Node<'_> {
        let step = self.index.map_or(Step::Key(""), Step::Index);
        Node { path: self.path, list: self.list, parent: None, step, value: &self.value }
    }
}

/// A value in a record, and where it is.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) path: &'a Path,
    list: &'a str,
    parent: Option<&'a Self>,
    step: Step<'a>,
    pub(super) value: &'a Value,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Node<'a> {
    /// A value of no list.
    pub(super) fn root(path: &'a Path, value: &'a Value) -> Self {
        Self { path, list: "", parent: None, step: Step::Key(""), value }
    }

    /// Its place in the file: `annotations[3].keypoints`.
    pub(super) fn field(&self) -> String {
        let before = self.parent.map_or(self.list.to_owned(), Node::field);
        match self.step {
            Step::Index(number) => format!("{before}[{number}]"),
            Step::Key("") => before,
            Step::Key(key) if before.is_empty() => key.to_owned(),
            Step::Key(key) => format!("{before}.{key}"),
        }
    }

    /// An error that names it.
    pub(super) fn error(&self, problem: impl Into<String>, fix: impl Into<String>) -> Error {
        let field = self.field();
        Error::file(self.path, if field.is_empty() { "content".to_owned() } else { field }, problem, fix)
    }

    /// The error of a value that is not `what` is needed.
    pub(super) fn expected(&self, what: &str) -> Error {
        self.error(format!("it is {}, not {what}", found(self.value)), format!("give {what}"))
    }

    /// What it has under this name; null is nothing.
    pub(super) fn get<'s>(&'s self, key: &'s str) -> Option<Node<'s>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Node { parent: Some(self), step: Step::Key(key), value, ..*self })
    }

    /// The first of these names that it has.
    pub(super) fn any<'s>(&'s self, keys: &[&'s str]) -> Option<Node<'s>> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// What it has to have.
    pub(super) fn need<'s>(&'s self, key: &'s str, what: &str) -> Result<Node<'s>> {
        let missing = || {
            let problem = if self.value.get(key).is_some() { "is null" } else { "is missing" };
            self.error(format!("`{key}` {problem}; it is {}", found(self.value)), format!("give {key}: {what}"))
        };
        self.get(key).ok_or_else(missing)
    }

    /// The names of what it has.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a String> + use<'a> {
        self.value.as_object().into_iter().flat_map(|object| object.keys())
    }

    /// The elements of a list.
    pub(super) fn items<'s>(&'s self, what: &str) -> Result<impl Iterator<Item = Node<'s>> + use<'s, 'a>> {
        let list = self.value.as_array().ok_or_else(|| self.expected(what))?;
        let node = |(i, value)| Node { parent: Some(self), step: Step::Index(i), value, ..*self };
        Ok(list.iter().enumerate().map(node))
    }

    /// A whole number, also as `12.0` or `"0012"`.
    pub(super) fn whole(&self) -> Result<i64> {
        let float = |v: f64| (v.fract() == 0.0 && v.abs() < 9e15).then_some(v as i64);
        let number = match self.value {
            Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(float)),
            Value::String(text) => text.trim().parse().ok().or_else(|| text.trim().parse().ok().and_then(float)),
            _ => None,
        };
        number.ok_or_else(|| self.expected("a whole number"))
    }

    /// A number, also as text.
    pub(super) fn number(&self) -> Result<f64> {
        let number = match self.value {
            Value::String(text) => text.trim().parse().ok(),
            value => value.as_f64(),
        };
        number.ok_or_else(|| self.expected("a number"))
    }

    /// A number that may be missing: null is not finite.
    pub(super) fn float(&self) -> Result<f32> {
        match self.value {
            Value::Null => Ok(f32::NAN),
            value => value.as_f64().map(|v| v as f32).ok_or_else(|| self.expected("a number")),
        }
    }

    /// A list of such.
    pub(super) fn floats(&self, what: &str) -> Result<Vec<f32>> {
        self.items(what)?.map(|item| item.float()).collect()
    }
}

/// What a value is, for messages.
pub(super) fn found(value: &Value) -> String {
    const SHOWN: usize = 8;
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the text '{}'", text.chars().take(40).collect::<String>()),
        Value::Array(list) => match list.first() {
            Some(Value::Array(inner)) => format!("a list of {} lists, the first of {}", list.len(), inner.len()),
            Some(Value::Object(_)) => format!("a list of {} objects", list.len()),
            _ => format!("a list of {}", list.len()),
        },
        Value::Object(object) => {
            let names: Vec<&str> = object.keys().map(String::as_str).take(SHOWN).collect();
            format!("an object of {}{}", names.join(", "), if object.len() > SHOWN { ", ..." } else { "" })
        }
    }
}

/// Whether a value is a list of more than text and of more than nothing.
fn is_list_of_records(text: &str) -> bool {
    text.strip_prefix('[').is_some_and(|inside| !inside.trim_start().starts_with(['"', ']']))
}

/// A walk through a text that makes one record at a time.
struct Walk<'a> {
    path: &'a Path,
    /// Bytes that a record's text may have; asking the system for it takes longer than reading a record.
    most: usize,
    list: &'a str,
    take: &'a mut dyn FnMut(Record<'_>) -> Result<()>,
    failure: Option<Error>,
}

impl Walk<'_> {
    fn read(&mut self, text: &str) -> serde_json::Result<()> {
        let mut json = serde_json::Deserializer::from_str(text);
        json.deserialize_any(&mut *self)?;
        json.end()
    }

    /// Keeps an error of ours, which serde's cannot hold.
    fn check<T>(&mut self, result: Result<T>) -> serde_json::Result<T> {
        result.map_err(|error| {
            self.failure = Some(error);
            serde_json::Error::custom("")
        })
    }

    /// Hands over a value, if it is not too large for what its parts may take.
    fn take(&mut self, index: Option<usize>, text: &str) -> serde_json::Result<()> {
        let (most, path, list) = (self.most, self.path, self.list);
        if text.len() > most {
            let field = index.map_or(list.to_owned(), |index| format!("{list}[{index}]"));
            let problem = format!("it has more than {most} bytes");
            return self.check(Err(Error::file(path, field, problem, "split the file into records")));
        }
        let value = serde_json::from_str(text)?;
        let taken = (self.take)(Record { list, index, path, value });
        self.check(taken)
    }
}

impl<'de> Visitor<'de> for &mut Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<(), A::Error> {
        let mut index = 0;
        while let Some(text) = list.next_element::<&RawValue>()? {
            self.take(Some(index), text.get()).map_err(A::Error::custom)?;
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> std::result::Result<(), A::Error> {
        // What a file says of itself may stand behind its records.
        let mut lists = Vec::new();
        while let Some(key) = object.next_key::<String>()? {
            let text = object.next_value::<&RawValue>()?.get();
            if is_list_of_records(text) {
                lists.push((key, text));
            } else {
                let name = serde_json::to_string(&key).map_err(A::Error::custom)?;
                self.take(None, &format!("{{{name}:{text}}}")).map_err(A::Error::custom)?;
            }
        }
        for (key, text) in lists {
            let (path, most) = (self.path, self.most);
            let mut walk = Walk { path, most, list: &key, take: &mut *self.take, failure: None };
            let read = walk.read(text);
            self.failure = walk.failure;
            read.map_err(A::Error::custom)?;
        }
        Ok(())
    }
}
