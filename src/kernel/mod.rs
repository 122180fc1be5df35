//! What a kernel is: its WGSL, its bindings with symbolic shapes, its grid, and its CPU twin, declared once.
//!
//! A declaration is plain data. [`check`] proves with naga that it agrees with the WGSL; the recorder of
//! [`crate::plan`] unifies its shapes with real tensors; both executors run it.

mod area;
mod check;
mod source;
mod tile;
mod wgsl;

pub use area::{Area, Span};
pub use check::{check, check_tile};
pub(crate) use source::expand_imports;
pub use tile::{Left, Product, RowClass, Tile, Tiling};
pub use wgsl::wgsl;

use arrayvec::ArrayVec;

use crate::named::named_enum;

/// Most storage buffers a kernel may bind: WebGPU's default limit per stage.
pub const MAX_BINDINGS: usize = 8;
/// Most words of uniforms: one 256-byte slot, WebGPU's default offset alignment.
pub const MAX_UNIFORMS: usize = 64;

named_enum! {
    /// What a dispatch does with a tensor.
    pub enum Access {
        /// Reads it.
        Read = "read",
        /// Writes it without reading it (whole, or the rows that its uniforms name).
        Write = "write",
        /// Updates it in place.
        Update = "update",
    }
}

/// How the WGSL sees the 32-bit words of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `array<f32>`
    F32,
    /// `array<vec4<f32>>`: the last dimension is a multiple of 4.
    Vec4,
    /// `array<vec4<f32>>`, or `array<f32>` where columns are read: a linear layer's parameters, or moments of them,
    /// (instances, in + 1, out). The CPU executor keeps them in the order that its products read them in.
    Weight,
    /// `array<u32>`
    U32,
    /// `State` of `shaders/shared/state.wgsl`.
    State,
}

/// One storage buffer of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Name of the WGSL variable.
    pub name: &'static str,
    /// What the kernel does with it.
    pub access: Access,
    /// Its element type in WGSL.
    pub element: Element,
    /// Symbolic dimensions: a name, `name+1`, or a number.
    pub shape: &'static [&'static str],
    /// Rows that it touches, where that is not all or `[row, row + rows)`: [`Binding::area`].
    pub rows: &'static [Span],
    /// Columns that it touches, where that is not all.
    pub columns: Option<Span>,
}

/// A binding that is read.
#[must_use]
pub const fn read(name: &'static str, element: Element, shape: &'static [&'static str]) -> Binding {
    bind(name, Access::Read, element, shape)
}

/// A binding that is written without being read.
#[must_use]
pub const fn write(name: &'static str, element: Element, shape: &'static [&'static str]) -> Binding {
    bind(name, Access::Write, element, shape)
}

/// A binding that is updated in place.
#[must_use]
pub const fn update(name: &'static str, element: Element, shape: &'static [&'static str]) -> Binding {
    bind(name, Access::Update, element, shape)
}

const fn bind(name: &'static str, access: Access, element: Element, shape: &'static [&'static str]) -> Binding {
    Binding { name, access, element, shape, rows: &[], columns: None }
}

/// One member of a kernel's `Dims` struct: a symbolic dimension (filled by unification) or a number
/// given when the dispatch is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniform {
    /// A `u32` member.
    U32(&'static str),
    /// An `f32` member.
    F32(&'static str),
}

impl Uniform {
    /// The member's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::U32(name) | Self::F32(name) => name,
        }
    }
}

/// A number for a uniform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// For a [`Uniform::U32`].
    U32(u32),
    /// For a [`Uniform::F32`].
    F32(f32),
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::U32(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::F32(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::U32(u32::from(value))
    }
}

impl From<usize> for Value {
    /// Saturates: the recorder has checked that every size fits.
    fn from(value: usize) -> Self {
        Self::U32(u32::try_from(value).unwrap_or(u32::MAX))
    }
}

/// The resolved uniforms of one dispatch, word by word as the shader's `Dims` sees them.
#[derive(Clone, Debug)]
pub struct Uniforms {
    members: &'static [Uniform],
    words: ArrayVec<u32, MAX_UNIFORMS>,
}

impl Uniforms {
    pub(crate) fn new(members: &'static [Uniform], words: ArrayVec<u32, MAX_UNIFORMS>) -> Self {
        Self { members, words }
    }

    /// The words to upload.
    #[must_use]
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// Names and values, for listings.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        self.members.iter().zip(&self.words).map(|(member, &word)| match member {
            Uniform::U32(name) => (*name, Value::U32(word)),
            Uniform::F32(name) => (*name, Value::F32(f32::from_bits(word))),
        })
    }

    fn word(&self, name: &str) -> u32 {
        let index = self.members.iter().position(|m| m.name() == name);
        // A twin that asks for an undeclared uniform is a bug that its first test finds.
        self.words[index.unwrap_or_else(|| panic!("uniform `{name}` is not declared"))]
    }

    /// A `u32` uniform.
    #[must_use]
    pub fn u32(&self, name: &str) -> u32 {
        self.word(name)
    }

    /// A `u32` uniform as a size.
    #[must_use]
    pub fn size(&self, name: &str) -> usize {
        self.word(name) as usize
    }

    /// A `u32` uniform as a flag.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.word(name) != 0
    }

    /// An `f32` uniform.
    #[must_use]
    pub fn f32(&self, name: &str) -> f32 {
        f32::from_bits(self.word(name))
    }
}

/// The tensors that a twin reads, by binding name.
#[derive(Default)]
pub struct Inputs<'a> {
    slots: ArrayVec<(&'static str, &'a [f32]), MAX_BINDINGS>,
}

impl<'a> Inputs<'a> {
    pub(crate) fn push(&mut self, name: &'static str, words: &'a [f32]) {
        self.slots.push((name, words));
    }

    /// The words of a read binding.
    #[must_use]
    pub fn get(&self, name: &str) -> &'a [f32] {
        let slot = self.slots.iter().find(|slot| slot.0 == name);
        slot.unwrap_or_else(|| panic!("binding `{name}` is not declared as read")).1
    }

    /// The words of a read binding of `u32`.
    #[must_use]
    pub fn get_u32(&self, name: &str) -> &'a [u32] {
        bytemuck::cast_slice(self.get(name))
    }
}

/// The tensors that a twin writes or updates, by binding name.
#[derive(Default)]
pub struct Outputs<'a> {
    slots: ArrayVec<(&'static str, &'a mut [f32]), MAX_BINDINGS>,
}

impl<'a> Outputs<'a> {
    pub(crate) fn push(&mut self, name: &'static str, words: &'a mut [f32]) {
        self.slots.push((name, words));
    }

    /// Hands the words of a written binding over; each can be taken once.
    #[must_use]
    pub fn take(&mut self, name: &str) -> &'a mut [f32] {
        let slot = self.slots.iter_mut().find(|slot| slot.0 == name);
        std::mem::take(&mut slot.unwrap_or_else(|| panic!("binding `{name}` is not declared as written")).1)
    }
}

/// A CPU twin: plain Rust with the shader's name and meaning.
pub type Twin = fn(&Uniforms, &Inputs<'_>, &mut Outputs<'_>);

/// A kernel, declared once.
#[derive(Debug)]
pub struct Kernel {
    /// File name in `shaders/`, name of the twin and name in listings.
    pub name: &'static str,
    /// The WGSL, before `#import`.
    pub source: &'static str,
    /// Storage buffers, at `@binding(1)` and up; the uniforms are at `@binding(0)`.
    pub bindings: &'static [Binding],
    /// Members of `Dims`, in order.
    pub uniforms: &'static [Uniform],
    /// `@workgroup_size`, with the declared [`Tile`] where there are several.
    pub workgroup: [u32; 3],
    /// Workgroups to dispatch, with the declared [`Tile`].
    pub grid: fn(&Uniforms) -> [u32; 3],
    /// What shapes alone cannot say: ranges and multiples. The message names the uniform.
    pub check: fn(&Uniforms) -> Result<(), String>,
    /// The CPU implementation.
    pub twin: Twin,
    /// Floating-point operations of its matrix products, two a multiply-add. What is done once an element, Adam
    /// included, waits for memory and counts as 0.
    pub flops: fn(&Uniforms) -> u64,
}

/// For kernels without a matrix product.
pub(crate) fn no_products(_: &Uniforms) -> u64 {
    0
}

/// For kernels whose shapes say everything.
pub(crate) fn no_check(_: &Uniforms) -> Result<(), String> {
    Ok(())
}

/// Fails with `name` unless `row + rows` fits in each of the row counts.
pub(crate) fn rows_fit(u: &Uniforms, counts: &[&str]) -> Result<(), String> {
    let end = u.size("row") + u.size("rows");
    match counts.iter().find(|&&count| end > u.size(count)) {
        Some(count) => Err(format!("`row` + `rows` is {end}, past `{count}` = {}", u.size(count))),
        None => Ok(()),
    }
}
