//! Each kernel against its twin, plans on both executors, gradients, recorded PyTorch states, bad input.

mod command_line;
mod declarations;
