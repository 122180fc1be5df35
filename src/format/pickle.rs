//! Python's pickles, protocols 0 to 5, as far as they hold data: numbers, text, lists, dicts and NumPy arrays. A pickle
//! is a program for a stack machine that may call any function of Python. This machine knows the few that make up
//! arrays, and refuses all others by name. <https://docs.python.org/3/library/pickletools.html>

mod globals;
mod graph;

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use super::{Value, npy, stored::Store};
use crate::error::{Error, Result};
use globals::Global;
use graph::{ENTRY, Graph, Item, Node};

/// What a slot of the stack and of the memo counts for, in bytes.
const SLOT: usize = 32;
/// Numbers and names on a line of their own (protocol 0) are shorter.
const MAX_LINE: usize = 1 << 16;

/// Reads the pickle of a file. Sets become lists, and `bytes` become text, a character each.
///
/// # Errors
/// If it cannot be read, is damaged, refers to anything but data, or takes more than [`super::memory_limit`].
pub fn load(path: &Path) -> Result<Value> {
    let file = File::open(path).map_err(|error| Error::io(path, "open", error))?;
    read(file, super::memory_limit()).map_err(|problem| {
        Error::file(path, "pickle", problem, "check that it was copied whole, or save it again as .npz")
    })
}

/// Reads a pickle, the first of a stream. The result and what is needed meanwhile take about `limit` bytes at most.
///
/// # Errors
/// As [`load`]; the text says what is wrong and at which byte.
pub fn read(from: impl Read, limit: usize) -> std::result::Result<Value, String> {
    read_into(from, limit, None)
}

/// The same with a file into which large arrays of numbers go instead of memory.
pub(super) fn read_into(from: impl Read, limit: usize, store: Option<Store>) -> std::result::Result<Value, String> {
    let mut machine = Unpickler {
        from: BufReader::with_capacity(1 << 16, from),
        position: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        graph: Graph::new(limit, store),
    };
    let mut opcode_at = 0;
    let mut run = || {
        loop {
            opcode_at = machine.position;
            let [opcode] = machine.array()?;
            if opcode == b'.' {
                break;
            }
            machine.step(opcode)?;
        }
        // The end of an archive's member, where its checksum is compared.
        machine.from.read(&mut [0]).map_err(|error| error.to_string())?;
        machine.pop()
    };
    let item = run().map_err(|problem| format!("{problem} (at byte {opcode_at})"))?;
    machine.graph.finish(item)
}

type Step<T = ()> = std::result::Result<T, String>;

struct Unpickler<R> {
    from: BufReader<R>,
    position: u64,
    stack: Vec<Item>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, Item>,
    graph: Graph,
}

impl<R: Read> Unpickler<R> {
    #[rustfmt::skip] // A line for each opcode.
    fn step(&mut self, opcode: u8) -> Step {
        match opcode {
            // Protocol and frames: nothing to do.
            0x80 => { let [version] = self.array()?; if version > 5 { return Err(format!("its protocol {version} is unknown")); } }
            0x95 => { self.array::<8>()?; }
            // Small values.
            b'N' => self.push(Item::None)?,
            0x88 => self.push(Item::Bool(true))?,
            0x89 => self.push(Item::Bool(false))?,
            b'K' => { let [value] = self.array()?; self.push(Item::Integer(value.into()))? }
            b'M' => { let value = u16::from_le_bytes(self.array()?); self.push(Item::Integer(value.into()))? }
            b'J' => { let value = i32::from_le_bytes(self.array()?); self.push(Item::Integer(value.into()))? }
            0x8a => { let [size] = self.array()?; let bytes = self.bytes(size.into())?; self.push(integer(&bytes))? }
            0x8b => { let size = self.size4()?; let bytes = self.bytes(size)?; self.push(integer(&bytes))? }
            b'G' => { let value = f64::from_be_bytes(self.array()?); self.push(Item::Float(value))? }
            b'I' | b'L' | b'F' => { let line = self.line(MAX_LINE)?; self.push(number(&line)?)? }
            // Text and bytes.
            b'S' => { let line = self.line(usize::MAX)?; self.push_bytes(unquote(&line)?)? }
            b'V' => { let line = self.line(usize::MAX)?; self.push_node(Node::Text(unescape_unicode(&line)))? }
            b'U' | b'C' => { let [size] = self.array()?; let bytes = self.bytes(size.into())?; self.push_bytes(bytes)? }
            b'T' | b'B' => { let size = self.size4()?; let bytes = self.bytes(size)?; self.push_bytes(bytes)? }
            0x8e | 0x96 => { let size = u64::from_le_bytes(self.array()?); let bytes = self.bytes(size)?; self.push_bytes(bytes)? }
            0x8c => { let [size] = self.array()?; self.text(size.into())? }
            b'X' => { let size = self.size4()?; self.text(size)? }
            0x8d => { let size = u64::from_le_bytes(self.array()?); self.text(size)? }
            // Lists, tuples and sets; dicts.
            b']' | b')' | 0x8f => self.push_node(Node::List(Vec::new()))?,
            b'l' | b't' | 0x91 => { let items = self.pop_mark()?; self.push_list(items)? }
            0x85..=0x87 => { let items = self.pop_many(usize::from(opcode - 0x84))?; self.push_list(items)? }
            b'a' => { let item = self.pop()?; self.extend(vec![item])? }
            b'e' | 0x90 => { let items = self.pop_mark()?; self.extend(items)? }
            b'}' => self.push_node(Node::Dict(Vec::new()))?,
            b'd' => { let items = self.pop_mark()?; self.push_node(Node::Dict(Vec::new()))?; self.insert(&items)? }
            b's' => { let items = self.pop_many(2)?; self.insert(&items)? }
            b'u' => { let items = self.pop_mark()?; self.insert(&items)? }
            // The stack and the memo.
            b'(' => { self.marks.push(self.stack.len()); self.check_stack()? }
            b'0' => { self.pop()?; }
            b'1' => { self.pop_mark()?; }
            b'2' => { let top = self.top()?; self.push(top)? }
            b'p' => { let slot = self.slot()?; self.put(slot)? }
            b'q' => { let [slot] = self.array()?; self.put(slot.into())? }
            b'r' => { let slot = self.size4()?; self.put(slot)? }
            0x94 => self.put(self.memo.len() as u64)?,
            b'g' => { let slot = self.slot()?; self.get(slot)? }
            b'h' => { let [slot] = self.array()?; self.get(slot.into())? }
            b'j' => { let slot = self.size4()?; self.get(slot)? }
            // Classes, functions and objects.
            b'c' | b'i' => {
                let (module, name) = (self.line(MAX_LINE)?, self.line(MAX_LINE)?);
                let global = Global::of(&String::from_utf8_lossy(&module), &String::from_utf8_lossy(&name))?;
                if opcode == b'i' { return Err("it makes an object of a class, which is not supported".into()); }
                self.push(Item::Global(global))?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Some(module), Some(name)) = (self.graph.name(module), self.graph.name(name)) else {
                    return Err("a function has no name".into());
                };
                self.push(Item::Global(Global::of(&module, &name)?))?;
            }
            b'R' | 0x81 => {
                let (arguments, global) = (self.pop()?, self.pop()?);
                let made = self.graph.call(global, arguments)?;
                self.push(made)?;
            }
            b'b' => { let state = self.pop()?; let object = self.top()?; self.graph.build(object, state)? }
            b'P' | b'Q' => return Err("it refers to an object outside of it (a persistent id)".into()),
            0x97 | 0x98 => return Err("its arrays are outside of it (out-of-band buffers)".into()),
            b'o' | 0x92 | 0x82..=0x84 => return Err("it makes an object of a class, which is not supported".into()),
            other => return Err(format!("opcode 0x{other:02x} is unknown: it is no pickle, or is damaged")),
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(|error| format!("it cannot be read further ({error})"))?;
        self.position += N as u64;
        Ok(bytes)
    }

    fn size4(&mut self) -> Step<u64> {
        Ok(u32::from_le_bytes(self.array()?).into())
    }

    /// Exactly `size` bytes. They count for the limit before they are read.
    fn bytes(&mut self, size: u64) -> Step<Vec<u8>> {
        self.graph.charge(usize::try_from(size).unwrap_or(usize::MAX))?;
        let mut bytes = Vec::new();
        let read = (&mut self.from).take(size).read_to_end(&mut bytes);
        let held = read.map_err(|error| format!("it cannot be read further ({error})"))? as u64;
        self.position += held;
        if held < size {
            return Err(format!("it ends after {held} of {size} bytes of text or numbers"));
        }
        Ok(bytes)
    }

    /// A line without its end.
    fn line(&mut self, most: usize) -> Step<Vec<u8>> {
        let most = most.min(self.graph.limit.saturating_sub(self.graph.kept)) as u64;
        let mut line = Vec::new();
        let read = (&mut self.from).take(most).read_until(b'\n', &mut line);
        self.position += read.map_err(|error| format!("it cannot be read further ({error})"))? as u64;
        self.graph.charge(line.len())?;
        if line.pop() != Some(b'\n') {
            return Err("it ends within a line, or the line is too long".into());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }

    fn slot(&mut self) -> Step<u64> {
        let line = self.line(MAX_LINE)?;
        String::from_utf8_lossy(&line).parse().map_err(|_| "a number of the memo is not understood".into())
    }

    fn check_stack(&self) -> Step {
        let slots = (self.stack.len() + self.marks.len()).saturating_mul(SLOT);
        if slots > self.graph.limit - self.graph.kept.min(self.graph.limit) {
            return Err(format!("it needs more than {} bytes of memory, the limit", self.graph.limit));
        }
        Ok(())
    }

    fn push(&mut self, item: Item) -> Step {
        self.stack.push(item);
        self.check_stack()
    }

    fn push_node(&mut self, node: Node) -> Step {
        let item = self.graph.add(node)?;
        self.push(item)
    }

    fn push_bytes(&mut self, bytes: Vec<u8>) -> Step {
        self.push_node(Node::Bytes(bytes))
    }

    fn text(&mut self, size: u64) -> Step {
        let text = String::from_utf8(self.bytes(size)?).map_err(|_| "a text is not valid UTF-8")?;
        self.push_node(Node::Text(text))
    }

    fn push_list(&mut self, items: Vec<Item>) -> Step {
        self.graph.charge(ENTRY * items.len())?;
        self.push_node(Node::List(items))
    }

    fn top(&self) -> Step<Item> {
        // What is below a mark belongs to what was begun before it.
        let bottom = self.marks.last().copied().unwrap_or(0);
        self.stack.get(bottom..).and_then(<[Item]>::last).copied().ok_or_else(|| "its stack is empty".into())
    }

    fn pop(&mut self) -> Step<Item> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Step<Vec<Item>> {
        let mut items: Vec<Item> = (0..count).map(|_| self.pop()).collect::<Step<_>>()?;
        items.reverse();
        Ok(items)
    }

    fn pop_mark(&mut self) -> Step<Vec<Item>> {
        let mark = self.marks.pop().ok_or("a mark is missing on its stack")?;
        Ok(self.stack.split_off(mark))
    }

    fn extend(&mut self, items: Vec<Item>) -> Step {
        self.graph.charge(ENTRY * items.len())?;
        let list = self.top()?;
        self.graph.list(list).ok_or("it appends to what is no list")?.extend(items);
        Ok(())
    }

    fn insert(&mut self, items: &[Item]) -> Step {
        self.graph.charge(ENTRY * items.len())?;
        let dict = self.top()?;
        let (pairs, []) = items.as_chunks() else { return Err("a key without a value".into()) };
        let Some(Node::Dict(entries)) = self.graph.node(dict) else {
            return Err("it sets an entry of what is no dict".into());
        };
        entries.extend(pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    fn put(&mut self, slot: u64) -> Step {
        self.graph.charge(SLOT)?;
        let top = self.top()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn get(&mut self, slot: u64) -> Step {
        let item = self.memo.get(&slot).copied();
        self.push(item.ok_or_else(|| format!("number {slot} of its memo is missing"))?)
    }
}

/// A whole number in two's complement, least byte first. Beyond 64 bits it is rounded.
fn integer(bytes: &[u8]) -> Item {
    let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
    let mut padded = [if negative { 0xff } else { 0 }; 8];
    if let Some(start) = padded.get_mut(..bytes.len()) {
        start.copy_from_slice(bytes);
        return Item::Integer(i64::from_le_bytes(padded));
    }
    let flip = if negative { 0xff } else { 0 };
    let size = bytes.iter().rev().fold(0.0, |size, &byte| size * 256.0 + f64::from(byte ^ flip));
    Item::Float(if negative { -size - 1.0 } else { size })
}

/// A number as Python writes it; `01` and `00` are truth values.
fn number(line: &[u8]) -> Step<Item> {
    let text = String::from_utf8_lossy(line);
    let text = text.strip_suffix('L').unwrap_or(&text);
    Ok(match (text, text.parse::<i64>()) {
        ("01", _) => Item::Bool(true),
        ("00", _) => Item::Bool(false),
        (_, Ok(value)) => Item::Integer(value),
        _ => Item::Float(text.parse().map_err(|_| "a number is not understood")?),
    })
}

/// The bytes of a string as Python 2 prints it: `'a\x00\n'`.
fn unquote(line: &[u8]) -> Step<Vec<u8>> {
    let wrong = || "a quoted string is not understood".to_owned();
    let (quote, inside) = match line {
        [first, inside @ .., last] if first == last && matches!(first, b'\'' | b'"') => (*first, inside),
        _ => return Err(wrong()),
    };
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next().ok_or_else(wrong)? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => {
                    let digits = [rest.next(), rest.next()].map(|digit| char::from(digit.unwrap_or(0)).to_digit(16));
                    let [Some(high), Some(low)] = digits else { return Err(wrong()) };
                    (16 * high + low) as u8
                }
                other @ (b'\\' | b'\'' | b'"') => other,
                _ => return Err(wrong()),
            },
            byte if byte == quote => return Err(wrong()),
            byte => byte,
        });
    }
    Ok(bytes)
}

/// Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
fn unescape_unicode(line: &[u8]) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let [byte, after @ ..] = rest {
        let digits = match rest {
            [b'\\', b'u', ..] => 4,
            [b'\\', b'U', ..] => 8,
            _ => 0,
        };
        let code = rest.get(2..2 + digits).filter(|code| !code.is_empty()).and_then(|code| {
            let code = u32::from_str_radix(&npy::latin1(code), 16).ok()?;
            Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
        });
        text.push(code.unwrap_or(char::from(*byte)));
        rest = if code.is_some() { rest.get(2 + digits..).unwrap_or_default() } else { after };
    }
    text
}

#[cfg(test)]
#[path = "pickle_tests.rs"]
mod tests;
