//! A kernel's WGSL as compilers get it.

use super::{Kernel, Tile, expand_imports};

/// The WGSL of `kernel` with all that it imports; a linear kernel's product is cut by `tile`.
///
/// # Errors
/// One sentence that names the kernel and the import that does not exist: `tile`, if a linear kernel is given none.
pub fn wgsl(kernel: &Kernel, tile: Option<&Tile>) -> Result<String, String> {
    expand_imports(kernel.source, tile).map_err(|e| format!("{}: {e}", kernel.name))
}
