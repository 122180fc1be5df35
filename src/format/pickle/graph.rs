//! The objects of a pickle while it is read. They are a graph: the memo may refer to any of them any number of times,
//! and an object may hold itself. Here they are built, and at the end become a tree of values.

use super::{
    super::{
        Array, Value,
        npy::{self, ElementType, Kind},
        stored::{Store, Stored},
    },
    globals::Global,
};

/// Values in values: deeper is refused.
const MAX_DEPTH: usize = 100;
/// What an entry of a list counts for, in bytes.
pub(super) const ENTRY: usize = size_of::<Value>();
/// Bytes and texts up to this size may be used again after an array was made of them: Python shares the shortest.
const SHORT: usize = 256;
/// More arguments than any of the functions takes.
const MAX_ARGUMENTS: usize = 16;

/// A small value, or the number of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Item {
    None,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Global(Global),
    Node(usize),
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(String),
    /// `bytes`, or Python 2's `str`.
    Bytes(Vec<u8>),
    /// A list, tuple or set.
    List(Vec<Item>),
    Dict(Vec<(Item, Item)>),
    /// A NumPy type, such as `<f4`.
    Type(String),
    /// An array whose content is still to come.
    Blank,
    Numbers(Array<f32>),
    Stored(Stored),
    Objects(Array<Item>),
    /// Its content went into an array.
    Spent,
}

impl Node {
    /// What a copy of it counts for.
    fn bytes(&self) -> usize {
        ENTRY
            + match self {
                Self::Text(text) => text.len(),
                Self::Bytes(bytes) => bytes.len(),
                Self::List(items) => ENTRY * items.len(),
                Self::Dict(entries) => 2 * ENTRY * entries.len(),
                Self::Numbers(array) => size_of_val(&array.values[..]),
                // It takes none, but who reads them all has to.
                Self::Stored(array) => size_of::<f32>() * array.shape.iter().product::<usize>(),
                Self::Objects(array) => ENTRY * array.values.len(),
                Self::Type(_) | Self::Blank | Self::Spent => 0,
            }
    }

    fn children(&self) -> Vec<Item> {
        match self {
            Self::List(items) => items.clone(),
            Self::Dict(entries) => entries.iter().flat_map(|&(key, value)| [key, value]).collect(),
            Self::Objects(array) => array.values.clone(),
            _ => Vec::new(),
        }
    }
}

/// The nodes, and what they count for of the limit.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) limit: usize,
    pub(super) kept: usize,
    /// For each node, how many others refer to it; for the end.
    uses: Vec<usize>,
    store: Option<Store>,
}

impl Graph {
    pub(super) fn new(limit: usize, store: Option<Store>) -> Self {
        Self { nodes: Vec::new(), limit, kept: 0, uses: Vec::new(), store }
    }

    /// Counts bytes that will be kept.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), String> {
        self.kept = self.kept.saturating_add(bytes);
        if self.kept > self.limit {
            return Err(format!("it needs more than {} bytes of memory, the limit", self.limit));
        }
        Ok(())
    }

    /// A new node. Its content has been counted.
    pub(super) fn add(&mut self, node: Node) -> Result<Item, String> {
        self.charge(size_of::<Node>())?;
        self.nodes.push(node);
        Ok(Item::Node(self.nodes.len() - 1))
    }

    pub(super) fn node(&mut self, item: Item) -> Option<&mut Node> {
        if let Item::Node(node) = item { self.nodes.get_mut(node) } else { None }
    }

    /// A short text, or Python 2's `str`, such as a name.
    pub(super) fn name(&mut self, item: Item) -> Option<String> {
        match self.node(item)? {
            Node::Text(text) if text.len() <= SHORT => Some(text.clone()),
            Node::Bytes(bytes) if bytes.len() <= SHORT => Some(npy::latin1(bytes)),
            _ => None,
        }
    }

    pub(super) fn list(&mut self, item: Item) -> Option<&mut Vec<Item>> {
        if let Node::List(items) = self.node(item)? { Some(items) } else { None }
    }

    /// Takes the content of a node to make another of it. Only a short one is still there afterwards.
    fn take(&mut self, item: Item) -> Option<Node> {
        let size = self.node(item)?.bytes();
        if size <= SHORT {
            return self.node(item).cloned();
        }
        self.kept = self.kept.saturating_sub(size - ENTRY);
        self.node(item).map(|node| std::mem::replace(node, Node::Spent))
    }

    /// What Python would make of calling `global`.
    pub(super) fn call(&mut self, global: Item, arguments: Item) -> Result<Item, String> {
        let Item::Global(global) = global else { return Err("it calls what is no function".into()) };
        let wrong = || format!("the arguments of {global:?} are not understood");
        let arguments = self.list(arguments).filter(|list| list.len() <= MAX_ARGUMENTS).ok_or_else(wrong)?.clone();
        match (global, &arguments[..]) {
            (Global::Reconstruct, [Item::Global(Global::Ndarray), ..]) => self.add(Node::Blank),
            (Global::Dtype, &[code, ..]) => {
                let code = self.name(code).ok_or_else(wrong)?;
                self.add(Node::Type(format!("|{code}")))
            }
            (Global::Scalar, &[kind, data]) => self.scalar(kind, data),
            (Global::FromBuffer, &[data, kind, shape, order, ref axes @ ..]) => {
                let order = self.name(order).ok_or_else(wrong)?;
                let axes = if order == "K" { axes.first().map(|&axes| self.sizes(axes)).transpose()? } else { None };
                let array = self.array(shape, kind, order == "F", axes, data)?;
                self.add(array)
            }
            (Global::Encode, &[text, encoding]) => {
                let latin1 = matches!(self.name(encoding).as_deref(), Some("latin1" | "latin-1"));
                let Some(Node::Text(text)) = self.take(text).filter(|_| latin1) else { return Err(wrong()) };
                let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
                let bytes = bytes.ok_or_else(wrong)?;
                self.charge(bytes.len())?;
                self.add(Node::Bytes(bytes))
            }
            (Global::Bytes, []) => self.add(Node::Bytes(Vec::new())),
            (Global::Bytes, &[bytes]) if matches!(self.node(bytes), Some(Node::Bytes(_))) => Ok(bytes),
            (Global::Bytes, &[text, _]) => {
                let encode = self.add(Node::List(arguments.clone()))?;
                self.node(text).ok_or_else(wrong)?;
                self.call(Item::Global(Global::Encode), encode)
            }
            (Global::List, []) => self.add(Node::List(Vec::new())),
            (Global::List, &[list]) if self.list(list).is_some() => Ok(list),
            (Global::OrderedDict, []) => self.add(Node::Dict(Vec::new())),
            (Global::OrderedDict, &[pairs]) => {
                let pairs = self.list(pairs).ok_or_else(wrong)?.len();
                self.charge(2 * ENTRY * pairs)?;
                let Some(pairs) = self.list(arguments[0]).cloned() else { return Err(wrong()) };
                let pair = |&pair: &Item| match self.list(pair).as_deref().map(Vec::as_slice) {
                    Some(&[key, value]) => Some((key, value)),
                    _ => None,
                };
                let entries: Option<Vec<_>> = pairs.iter().map(pair).collect();
                self.add(Node::Dict(entries.ok_or_else(wrong)?))
            }
            _ => Err(wrong()),
        }
    }

    /// Gives an object its state.
    pub(super) fn build(&mut self, object: Item, state: Item) -> Result<(), String> {
        let wrong = || "the state of an object is not understood".to_owned();
        let state = self.list(state).filter(|list| list.len() <= MAX_ARGUMENTS).ok_or_else(wrong)?.clone();
        let built = match (self.node(object).ok_or_else(wrong)?, &state[..]) {
            (Node::Blank, &[shape, kind, Item::Bool(fortran), data] | &[_, shape, kind, Item::Bool(fortran), data]) => {
                self.array(shape, kind, fortran, None, data)?
            }
            // Version, byte order, then what only records have.
            (Node::Type(code), &[_, order, Item::None, Item::None, Item::None, ..]) => {
                let code = code.get(1..).unwrap_or_default().to_owned();
                Node::Type(self.name(order).ok_or_else(wrong)? + &code)
            }
            (Node::Type(_), _) => return Err("an array has a structured type (a record array)".into()),
            _ => return Err(wrong()),
        };
        if let Some(node) = self.node(object) {
            *node = built;
        }
        Ok(())
    }

    fn kind(&mut self, kind: Item) -> Result<String, String> {
        match self.node(kind) {
            Some(Node::Type(kind)) => Ok(kind.clone()),
            _ => Err("a NumPy type is missing".into()),
        }
    }

    fn sizes(&mut self, shape: Item) -> Result<Vec<usize>, String> {
        let size = |item: &Item| if let Item::Integer(size) = item { usize::try_from(*size).ok() } else { None };
        // `npy::elements` refuses what is longer.
        let sizes = self.list(shape).and_then(|sizes| sizes.iter().take(100).map(size).collect());
        sizes.ok_or_else(|| "an array's shape is no tuple of whole numbers".into())
    }

    fn scalar(&mut self, kind: Item, data: Item) -> Result<Item, String> {
        let kind = self.kind(kind)?;
        if kind.get(1..2) == Some("O") {
            return Ok(data);
        }
        let element = ElementType::parse(&kind).map_err(|problem| format!("a NumPy scalar: {problem}"))?;
        let Some(Node::Bytes(bytes)) = self.take(data).filter(|node| node.bytes() == ENTRY + element.width) else {
            return Err(format!("a NumPy scalar of type '{kind}' does not hold {} bytes", element.width));
        };
        if element.is_text() {
            let text = element.string(&bytes).ok_or("a string is not valid Unicode")?;
            self.charge(text.len())?;
            return self.add(Node::Text(text));
        }
        Ok(match element.number(&bytes) {
            npy::Number::Integer(value) if element.kind == Kind::Bool => Item::Bool(value != 0),
            npy::Number::Integer(value) => Item::Integer(value),
            npy::Number::Float(value) => Item::Float(value),
        })
    }

    /// An array of `shape` in C order. Its bytes are in C or Fortran order, or those of the array whose transpose,
    /// with these `axes`, it is.
    fn array(
        &mut self,
        shape: Item,
        kind: Item,
        fortran: bool,
        axes: Option<Vec<usize>>,
        data: Item,
    ) -> Result<Node, String> {
        let mut shape = self.sizes(shape)?;
        let kind = self.kind(kind)?;
        let problem = |problem: String| format!("an array of shape {shape:?}: {problem}");
        let count = npy::elements(&shape)?;
        let content = self.take(data);
        if kind.get(1..2) == Some("O") {
            // The list is in C order, whatever the array's order was.
            let Some(Node::List(values)) = content.filter(|list| list.bytes() == ENTRY * (1 + count)) else {
                return Err(problem("it holds another number of objects".into()));
            };
            self.charge(ENTRY * count)?;
            return Ok(Node::Objects(Array { shape, values }));
        }
        let element = ElementType::parse(&kind).map_err(problem)?;
        let Some(Node::Bytes(bytes)) = content.filter(|c| Some(c.bytes() - ENTRY) == count.checked_mul(element.width))
        else {
            return Err(problem(format!("its bytes are not {count} elements of type '{kind}'")));
        };
        let sorted = axes.as_ref().map(|axes| {
            let mut sorted = axes.clone();
            sorted.sort_unstable();
            sorted
        });
        if sorted.is_some_and(|sorted| !sorted.into_iter().eq(0..shape.len())) {
            return Err(problem("its axes are not understood".into()));
        }
        if element.is_text() {
            let mut values = Vec::new();
            for text in bytes.chunks_exact(element.width) {
                let text = element.string(text).ok_or("a string is not valid Unicode")?;
                self.charge(ENTRY + text.len())?;
                values.push(self.add(Node::Text(text))?);
            }
            let values = in_c_order(values, &mut shape, fortran, axes);
            return Ok(Node::Objects(Array { shape, values }));
        }
        self.charge(count.saturating_mul(size_of::<f32>()))?;
        let values = element.f32(&bytes);
        drop(bytes);
        let values = in_c_order(values, &mut shape, fortran, axes);
        let (array, bytes) = (Array { shape, values }, count * size_of::<f32>());
        let Some(store) = self.store.as_mut().filter(|store| bytes >= store.least) else {
            return Ok(Node::Numbers(array));
        };
        self.kept -= bytes;
        store.keep(array).map(Node::Stored).map_err(|error| format!("a temporary file cannot be written ({error})"))
    }

    /// The value of an item, at the end of the pickle.
    pub(super) fn finish(mut self, item: Item) -> Result<Value, String> {
        // Counted from here on: what refers to an object and is itself of no use would cost a copy.
        self.uses = vec![0; self.nodes.len()];
        let mut reached = vec![item];
        while let Some(item) = reached.pop() {
            let Item::Node(node) = item else { continue };
            self.uses[node] += 1;
            if self.uses[node] == 1 {
                reached.extend(self.nodes[node].children());
            }
        }
        self.value(item, 0, false)
    }

    /// Moves an object out of the graph where nothing else refers to it, or to what it is in; else copies it, and
    /// counts the copy.
    fn value(&mut self, item: Item, depth: usize, in_copy: bool) -> Result<Value, String> {
        let node = match item {
            Item::None => return Ok(Value::None),
            Item::Bool(value) => return Ok(Value::Bool(value)),
            Item::Integer(value) => return Ok(Value::Integer(value)),
            Item::Float(value) => return Ok(Value::Float(value)),
            Item::Global(global) => return Err(format!("it holds {global:?} where a value is expected")),
            Item::Node(node) => node,
        };
        if depth == MAX_DEPTH {
            return Err(format!("it nests more than {MAX_DEPTH} deep, or holds itself"));
        }
        let copy = in_copy || self.uses[node] > 1;
        if !in_copy {
            self.uses[node] -= 1;
        }
        let node = if copy {
            self.charge(self.nodes[node].bytes())?;
            self.nodes[node].clone()
        } else {
            std::mem::replace(&mut self.nodes[node], Node::Spent)
        };
        let mut value = |item| self.value(item, depth + 1, copy);
        Ok(match node {
            Node::Text(text) | Node::Type(text) => Value::Text(text),
            Node::Bytes(bytes) => {
                self.charge(bytes.len())?;
                Value::Text(npy::latin1(&bytes))
            }
            Node::List(items) => Value::List(items.into_iter().map(value).collect::<Result<_, _>>()?),
            Node::Dict(entries) => {
                let entries = entries.into_iter().map(|(key, held)| Ok((value(key)?, value(held)?)));
                Value::Dict(entries.collect::<Result<_, String>>()?)
            }
            Node::Numbers(array) => Value::Numbers(array),
            Node::Stored(array) => Value::Stored(array),
            Node::Objects(Array { shape, values }) => {
                Value::Objects(Array { shape, values: values.into_iter().map(value).collect::<Result<_, _>>()? })
            }
            Node::Blank => return Err("it holds an array without content".into()),
            Node::Spent => return Err("it uses the bytes of an array for something else, too".into()),
        })
    }
}

fn in_c_order<T: Clone>(values: Vec<T>, shape: &mut Vec<usize>, fortran: bool, axes: Option<Vec<usize>>) -> Vec<T> {
    if let Some(axes) = axes {
        let values = npy::transpose(&values, shape, &axes);
        *shape = axes.iter().filter_map(|&axis| shape.get(axis).copied()).collect();
        values
    } else if fortran {
        npy::fortran_to_c(&values, shape)
    } else {
        values
    }
}
