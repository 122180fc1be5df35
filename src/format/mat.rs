//! MATLAB's `.mat` files of versions 5, 6 and 7 ("Level 5"). Version 7.3 is HDF5.
//! MathWorks: MAT-File Format, <https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf>

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use flate2::read::ZlibDecoder;

use super::{
    Array, Value,
    npy::{self, ElementType},
};
use crate::error::{Error, Result};

/// Cells in structs in cells: deeper is refused.
const MAX_DEPTH: usize = 100;
/// What a value counts for, in bytes.
const ENTRY: usize = size_of::<Value>();
const HDF5: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

// Kinds of data elements.
const INT8: u32 = 1;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const UTF8: u32 = 16;

// Classes of arrays. What is between char and function is numeric, but for sparse.
const CELL: u8 = 1;
const STRUCT: u8 = 2;
const CHAR: u8 = 4;
/// Classes that are no plain data.
const REFUSED: &[(u8, &str)] =
    &[(3, "an object"), (5, "a sparse matrix"), (16, "a function handle"), (17, "an object of a newer MATLAB")];
const COMPLEX: u8 = 0x08;

/// Whether a file is of MATLAB 7.3 (HDF5), or any HDF5 file.
///
/// # Errors
/// If it cannot be read.
pub fn is_v73(path: &Path) -> Result<bool> {
    let failed = |error| Error::io(path, "read", error);
    let mut file = File::open(path).map_err(|error| Error::io(path, "open", error))?;
    for start in [0, 512] {
        let mut signature = Vec::new();
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        (&mut file).take(8).read_to_end(&mut signature).map_err(failed)?;
        if signature == HDF5 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads the variables of a file: a dict by name. A cell is an array of objects, a struct of size 1 a dict, any other
/// an array of dicts. Numeric and logical arrays have MATLAB's shape, in C order. Text with several rows has a line for
/// each. Variables that are sparse, objects or functions are left out.
///
/// # Errors
/// If it cannot be read, is damaged, of another version, or takes more than [`super::memory_limit`].
pub fn load(path: &Path) -> Result<Value> {
    if is_v73(path)? {
        let problem = "it is of MATLAB 7.3 (HDF5), which is not read here";
        return Err(Error::file(path, "header", problem, "save it again in MATLAB with save(..., '-v7')"));
    }
    let file = File::open(path).map_err(|error| Error::io(path, "open", error))?;
    read(file, super::memory_limit()).map_err(|(variable, problem)| {
        Error::file(path, variable, problem, "check that it was copied whole, or save it again in MATLAB with '-v7'")
    })
}

/// Reads the variables of a file as [`load`] does. The result and what is needed meanwhile take about `limit` bytes at
/// most.
///
/// # Errors
/// As [`load`]: the variable, and what is wrong with it.
pub fn read(from: impl Read, limit: usize) -> std::result::Result<Value, (String, String)> {
    let header_error = |problem: String| ("header".to_owned(), problem);
    let mut from = BufReader::new(from);
    let mut header = [0; 128];
    from.read_exact(&mut header).map_err(|error| header_error(format!("it cannot be read ({error})")))?;
    let big_endian = match header {
        [.., b'I', b'M'] => false,
        [.., b'M', b'I'] => true,
        _ => return Err(header_error("it is no MATLAB file of version 5 to 7".into())),
    };
    let mut reader = Reader { big_endian, limit, kept: 0 };
    let mut variables = Vec::new();
    loop {
        let before = reader.kept;
        let mut body = Vec::new();
        let whole = reader.variable(&mut from, &mut body);
        // The name is known even where the content is not whole.
        let head = reader.head(&mut &body[..]);
        let name = match &head {
            Ok(head) if !head.name.is_empty() => head.name.clone(),
            _ => format!("variable {}", variables.len() + 1),
        };
        if !whole.map_err(|problem| (name.clone(), problem))? {
            return Ok(Value::Dict(variables));
        }
        // What has no name belongs to objects.
        let plain = head.as_ref().map_or(true, |head| head.refused().is_none() && !head.name.is_empty());
        let kept = reader.kept;
        if !body.is_empty() && plain {
            let value = reader.matrix(&body, 0).map_err(|problem| (name.clone(), problem))?;
            variables.push((Value::Text(name), value));
        }
        // The bytes are given back, the values are not.
        reader.kept = before + (reader.kept - kept);
    }
}

/// How an array starts.
struct Head {
    class: u8,
    flags: u8,
    shape: Vec<usize>,
    name: String,
}

impl Head {
    fn refused(&self) -> Option<&'static str> {
        REFUSED.iter().find(|known| known.0 == self.class).map(|known| known.1)
    }
}

type Step<T = ()> = std::result::Result<T, String>;

struct Reader {
    big_endian: bool,
    limit: usize,
    kept: usize,
}

impl Reader {
    fn charge(&mut self, bytes: usize) -> Step {
        self.kept = self.kept.saturating_add(bytes);
        if self.kept > self.limit {
            return Err(format!("it needs more than {} bytes of memory, the limit", self.limit));
        }
        Ok(())
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// Kind and size of the next element of a stream; `None` at its end.
    fn tag(&self, from: &mut impl Read) -> Step<Option<(u32, u32)>> {
        let mut tag = Vec::new();
        from.take(8).read_to_end(&mut tag).map_err(|error| error.to_string())?;
        match tag.as_chunks().0 {
            [kind, size] => Ok(Some((self.u32(*kind), self.u32(*size)))),
            _ if tag.is_empty() => Ok(None),
            _ => Err("the file ends where another variable should start".into()),
        }
    }

    /// The bytes of the next variable; none for an element that is no variable. False at the end of the file.
    fn variable(&mut self, from: &mut impl Read, body: &mut Vec<u8>) -> Step<bool> {
        let Some((kind, size)) = self.tag(from)? else { return Ok(false) };
        if kind != COMPRESSED {
            self.content(from, size, body)?;
            let padding = u64::from(size.wrapping_neg() % 8);
            std::io::copy(&mut from.take(padding), &mut std::io::sink()).map_err(|error| error.to_string())?;
            if kind != MATRIX {
                body.clear();
            }
            return Ok(true);
        }
        let mut compressed = from.take(size.into());
        let mut inside = ZlibDecoder::new(&mut compressed);
        match self.tag(&mut inside)? {
            Some((MATRIX, size)) => self.content(&mut inside, size, body)?,
            _ => return Err("its compressed content is no array".into()),
        }
        std::io::copy(&mut compressed, &mut std::io::sink()).map_err(|error| error.to_string())?;
        Ok(true)
    }

    fn content(&mut self, from: &mut impl Read, size: u32, body: &mut Vec<u8>) -> Step {
        self.charge(size as usize)?;
        from.take(size.into()).read_to_end(body).map_err(|error| format!("its content cannot be read ({error})"))?;
        if body.len() < size as usize {
            return Err(format!("it ends after {} of {size} bytes", body.len()));
        }
        Ok(())
    }

    /// Kind and bytes of the element at the start of `rest`, which then begins after it.
    fn element<'a>(&self, rest: &mut &'a [u8]) -> Step<(u32, &'a [u8])> {
        let ends = || "it ends within an element".to_owned();
        let (&first, after) = rest.split_first_chunk().ok_or_else(ends)?;
        let (&second, after) = after.split_first_chunk::<4>().ok_or_else(ends)?;
        let first = self.u32(first);
        // Up to 4 bytes are in the tag itself.
        if first >> 16 != 0 {
            let (_, tag) = rest.split_at_checked(4).ok_or_else(ends)?;
            let bytes = tag.get(..4).and_then(|bytes| bytes.get(..(first >> 16) as usize)).ok_or_else(ends)?;
            *rest = after;
            return Ok((first & 0xffff, bytes));
        }
        let size = self.u32(second) as usize;
        let bytes = after.get(..size).ok_or_else(ends)?;
        *rest = after.get(size.next_multiple_of(8)..).unwrap_or_default();
        Ok((first, bytes))
    }

    fn words(&self, (kind, bytes): (u32, &[u8]), expected: u32, what: &str) -> Step<Vec<u32>> {
        let (words, []) = bytes.as_chunks() else { return Err(format!("its {what} are not whole numbers")) };
        if kind != expected || words.len() > 100 {
            return Err(format!("its {what} are not understood"));
        }
        Ok(words.iter().map(|&word| self.u32(word)).collect())
    }

    fn head(&self, rest: &mut &[u8]) -> Step<Head> {
        let flags = self.words(self.element(rest)?, UINT32, "flags")?;
        let &[flags, _] = &flags[..] else { return Err("its flags are not understood".into()) };
        let shape = self.words(self.element(rest)?, INT32, "sizes")?.into_iter().map(|size| size as usize).collect();
        let (kind, name) = self.element(rest)?;
        if kind != INT8 {
            return Err("its name is not understood".into());
        }
        Ok(Head { class: flags as u8, flags: (flags >> 8) as u8, shape, name: npy::latin1(name) })
    }

    /// The array of these bytes.
    fn matrix(&mut self, bytes: &[u8], depth: usize) -> Step<Value> {
        self.charge(ENTRY)?;
        if bytes.is_empty() {
            return Ok(Value::Numbers(Array { shape: vec![0, 0], values: Vec::new() }));
        }
        if depth == MAX_DEPTH {
            return Err(format!("it nests more than {MAX_DEPTH} deep"));
        }
        let mut rest = bytes;
        let head = self.head(&mut rest)?;
        let count = npy::elements(&head.shape)?;
        if let Some(class) = head.refused() {
            return Err(format!("it is {class}, which is not supported"));
        }
        if head.flags & COMPLEX != 0 {
            return Err("it has complex numbers, which are not supported".into());
        }
        match head.class {
            CELL => {
                let mut values = Vec::new();
                for i in 0..count {
                    let value = self.inside(&mut rest, depth);
                    values.push(value.map_err(|problem| format!("cell {} of {count}: {problem}", i + 1))?);
                }
                Ok(Value::Objects(in_c_order(values, head.shape)))
            }
            STRUCT => self.structs(rest, head, count, depth),
            CHAR => self.text(rest, &head.shape, count),
            6..=15 => self.numbers(rest, head, count),
            class => Err(format!("its class {class} is unknown")),
        }
    }

    /// The next array of a cell or struct.
    fn inside(&mut self, rest: &mut &[u8], depth: usize) -> Step<Value> {
        match self.element(rest)? {
            (MATRIX, bytes) => self.matrix(bytes, depth + 1),
            (kind, _) => Err(format!("an element of kind {kind} is no array")),
        }
    }

    fn structs(&mut self, mut rest: &[u8], head: Head, count: usize, depth: usize) -> Step<Value> {
        let length = self.words(self.element(&mut rest)?, INT32, "fields")?;
        let (_, names) = self.element(&mut rest)?;
        let &[length @ 1..=1024] = &length[..] else { return Err("its fields are not understood".into()) };
        let name = |name: &[u8]| npy::latin1(name.split(|&byte| byte == 0).next().unwrap_or_default());
        let names: Vec<String> = names.chunks_exact(length as usize).map(name).collect();
        // Without fields, nothing of the file would bound the count.
        if names.is_empty() && count > 1 {
            return Ok(Value::Objects(Array { shape: vec![0], values: Vec::new() }));
        }
        let mut values = Vec::new();
        for i in 0..count {
            let mut entries = Vec::new();
            for name in &names {
                self.charge(2 * ENTRY + name.len())?;
                let value = self.inside(&mut rest, depth);
                let value = value.map_err(|problem| format!("({}).{name}: {problem}", i + 1))?;
                entries.push((Value::Text(name.clone()), value));
            }
            values.push(Value::Dict(entries));
        }
        if count == 1 {
            return Ok(values.pop().unwrap_or(Value::None));
        }
        Ok(Value::Objects(in_c_order(values, head.shape)))
    }

    fn text(&mut self, mut rest: &[u8], shape: &[usize], count: usize) -> Step<Value> {
        // scipy leaves the data out where there is none.
        if count == 0 {
            return Ok(Value::Text(String::new()));
        }
        let (kind, bytes) = self.element(&mut rest)?;
        self.charge(4 * bytes.len())?;
        let wide = |pair: [u8; 2]| if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
        let text: String = match kind {
            UTF8 => String::from_utf8_lossy(bytes).into_owned(),
            1 | 2 => npy::latin1(bytes),
            4 | 17 => String::from_utf16_lossy(&bytes.as_chunks().0.iter().map(|&pair| wide(pair)).collect::<Vec<_>>()),
            _ => return Err(format!("its characters are of an unknown kind ({kind})")),
        };
        let rows = shape.first().copied().unwrap_or(1);
        if rows <= 1 {
            return Ok(Value::Text(text));
        }
        // The first character of each row, then the second of each.
        let characters: Vec<char> = text.chars().collect();
        if characters.len() != count {
            return Err(format!("it holds {} characters instead of {count}", characters.len()));
        }
        let line = |row: usize| characters.iter().skip(row).step_by(rows).collect::<String>().trim_end().to_owned();
        Ok(Value::Text((0..rows).map(line).collect::<Vec<_>>().join("\n")))
    }

    fn numbers(&mut self, mut rest: &[u8], head: Head, count: usize) -> Step<Value> {
        let (kind, bytes) = self.element(&mut rest)?;
        // Whatever the class, MATLAB stores the narrowest type that holds the numbers.
        let code = match kind {
            1 => "i1",
            2 => "u1",
            3 => "i2",
            4 => "u2",
            5 => "i4",
            6 => "u4",
            7 => "f4",
            9 => "f8",
            12 => "i8",
            13 => "u8",
            _ => return Err(format!("its numbers are of an unknown kind ({kind})")),
        };
        let element = ElementType::parse(&format!("{}{code}", if self.big_endian { '>' } else { '<' }))?;
        if Some(bytes.len()) != count.checked_mul(element.width) {
            return Err(format!("it holds {} bytes where shape {:?} needs {count} numbers", bytes.len(), head.shape));
        }
        self.charge(2 * size_of::<f32>() * count)?;
        let values = npy::fortran_to_c(&element.f32(bytes), &head.shape);
        self.kept -= size_of::<f32>() * count;
        Ok(Value::Numbers(Array { shape: head.shape, values }))
    }
}

/// MATLAB's order, the first index fastest, to C order.
fn in_c_order(mut values: Vec<Value>, shape: Vec<usize>) -> Array<Value> {
    let order = npy::fortran_to_c(&(0..values.len()).collect::<Vec<_>>(), &shape);
    let take = |i: usize| values.get_mut(i).map_or(Value::None, |value| std::mem::replace(value, Value::None));
    let values = order.into_iter().map(take).collect();
    Array { shape, values }
}

#[cfg(test)]
#[path = "mat_tests.rs"]
mod tests;
