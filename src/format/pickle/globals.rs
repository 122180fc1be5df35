//! The functions and classes that a pickle may name.

/// What a pickle may call. None of these runs code of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    Reconstruct,
    FromBuffer,
    Scalar,
    Ndarray,
    Dtype,
    Encode,
    Bytes,
    List,
    OrderedDict,
}

/// Their names. NumPy 2 renamed `numpy.core`, Python 3 `__builtin__`.
const GLOBALS: &[(&str, &str, Global)] = &[
    ("numpy.core.multiarray", "_reconstruct", Global::Reconstruct),
    ("numpy._core.multiarray", "_reconstruct", Global::Reconstruct),
    ("numpy.core.numeric", "_frombuffer", Global::FromBuffer),
    ("numpy._core.numeric", "_frombuffer", Global::FromBuffer),
    ("numpy.core.multiarray", "scalar", Global::Scalar),
    ("numpy._core.multiarray", "scalar", Global::Scalar),
    ("numpy", "ndarray", Global::Ndarray),
    ("numpy", "dtype", Global::Dtype),
    ("_codecs", "encode", Global::Encode),
    ("builtins", "bytes", Global::Bytes),
    ("__builtin__", "bytes", Global::Bytes),
    ("builtins", "bytearray", Global::Bytes),
    ("__builtin__", "bytearray", Global::Bytes),
    ("builtins", "set", Global::List),
    ("__builtin__", "set", Global::List),
    ("builtins", "frozenset", Global::List),
    ("__builtin__", "frozenset", Global::List),
    ("collections", "OrderedDict", Global::OrderedDict),
];

impl Global {
    pub(super) fn of(module: &str, name: &str) -> Result<Self, String> {
        let found = GLOBALS.iter().find(|known| (known.0, known.1) == (module, name));
        found.map(|known| known.2).ok_or_else(|| format!("it refers to `{module}.{name}`, which is never loaded"))
    }
}
