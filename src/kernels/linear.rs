//! Linear layers: forward, with frozen-norm epilogues, input gradient, weight gradient with Adam.

use crate::cpu::{linear, linear_adam};
use crate::kernel::Uniform::{F32, U32};
use crate::kernel::{Element, Kernel, Product, Uniforms, read, rows_fit, update, write};

/// y = x W + b.
pub static LINEAR_FORWARD: Kernel = Kernel {
    name: "linear_forward",
    source: include_str!("../../shaders/linear_forward.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "x_rows", "in_features"]),
        read("parameters", Element::Weight, &["weight_instances", "in_features+1", "out_features"]),
        write("y", Element::Vec4, &["instances", "y_rows", "out_features"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("weight_instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
    ],
    workgroup: [256, 1, 1],
    grid: forward_tiles,
    check: rows_and_weights,
    twin: linear::linear_forward,
    flops: products,
};

/// y = leaky_relu((x W + b) * scale + shift).
pub static LINEAR_BATCH_NORM_LEAKY_RELU_FORWARD: Kernel = Kernel {
    name: "linear_batch_norm_leaky_relu_forward",
    source: include_str!("../../shaders/linear_batch_norm_leaky_relu_forward.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "x_rows", "in_features"]),
        read("parameters", Element::Weight, &["weight_instances", "in_features+1", "out_features"]),
        read("scale_shift", Element::Vec4, &["2", "out_features"]),
        write("y", Element::Vec4, &["instances", "y_rows", "out_features"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("weight_instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
        F32("slope"),
    ],
    workgroup: [256, 1, 1],
    grid: forward_tiles,
    check: rows_and_weights,
    twin: linear::linear_batch_norm_leaky_relu_forward,
    flops: products,
};

/// a = leaky_relu((x W + b) * scale + shift); y = residual + a.
pub static LINEAR_BATCH_NORM_LEAKY_RELU_RESIDUAL_FORWARD: Kernel = Kernel {
    name: "linear_batch_norm_leaky_relu_residual_forward",
    source: include_str!("../../shaders/linear_batch_norm_leaky_relu_residual_forward.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "x_rows", "in_features"]),
        read("parameters", Element::Weight, &["weight_instances", "in_features+1", "out_features"]),
        read("scale_shift", Element::Vec4, &["2", "out_features"]),
        read("residual", Element::Vec4, &["instances", "y_rows", "out_features"]),
        write("a", Element::Vec4, &["instances", "y_rows", "out_features"]),
        write("y", Element::Vec4, &["instances", "y_rows", "out_features"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("weight_instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
        F32("slope"),
    ],
    workgroup: [256, 1, 1],
    grid: forward_tiles,
    check: rows_and_weights,
    twin: linear::linear_batch_norm_leaky_relu_residual_forward,
    flops: products,
};

/// dx = dy W^T.
pub static LINEAR_BACKWARD_INPUT: Kernel = Kernel {
    name: "linear_backward_input",
    source: include_str!("../../shaders/linear_backward_input.wgsl"),
    bindings: &[
        read("dy", Element::F32, &["instances", "y_rows", "out_features"]),
        read("parameters", Element::Weight, &["weight_instances", "in_features+1", "out_features"]),
        write("dx", Element::F32, &["instances", "x_rows", "in_features"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("weight_instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
    ],
    workgroup: [128, 1, 1],
    grid: backward_input_tiles,
    check: rows_and_weights,
    twin: linear::linear_backward_input,
    flops: products,
};

/// dx = dy W^T + dresidual.
pub static LINEAR_BACKWARD_INPUT_RESIDUAL: Kernel = Kernel {
    name: "linear_backward_input_residual",
    source: include_str!("../../shaders/linear_backward_input_residual.wgsl"),
    bindings: &[
        read("dy", Element::F32, &["instances", "y_rows", "out_features"]),
        read("parameters", Element::Weight, &["weight_instances", "in_features+1", "out_features"]),
        read("dresidual", Element::F32, &["instances", "x_rows", "in_features"]),
        write("dx", Element::F32, &["instances", "x_rows", "in_features"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("weight_instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
    ],
    workgroup: [128, 1, 1],
    grid: backward_input_tiles,
    check: rows_and_weights,
    twin: linear::linear_backward_input_residual,
    flops: products,
};

/// dz = (dy W^T) * leaky_relu'(a) * scale.
pub static LINEAR_BACKWARD_INPUT_SCALE_SHIFT_LEAKY_RELU: Kernel = Kernel {
    name: "linear_backward_input_scale_shift_leaky_relu",
    source: include_str!("../../shaders/linear_backward_input_scale_shift_leaky_relu.wgsl"),
    bindings: &[
        read("dy", Element::F32, &["instances", "y_rows", "out_features"]),
        read("parameters", Element::Weight, &["weight_instances", "in_features+1", "out_features"]),
        read("a", Element::F32, &["instances", "x_rows", "in_features"]),
        read("scale_shift", Element::F32, &["2", "in_features"]),
        write("dz", Element::F32, &["instances", "x_rows", "in_features"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("weight_instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
        F32("slope"),
    ],
    workgroup: [128, 1, 1],
    grid: backward_input_tiles,
    check: rows_and_weights,
    twin: linear::linear_backward_input_scale_shift_leaky_relu,
    flops: products,
};

/// dx = dy W^T; dz = dx * leaky_relu'(a) * scale.
pub static LINEAR_BACKWARD_INPUT_AND_SCALE_SHIFT_LEAKY_RELU: Kernel = Kernel {
    name: "linear_backward_input_and_scale_shift_leaky_relu",
    source: include_str!("../../shaders/linear_backward_input_and_scale_shift_leaky_relu.wgsl"),
    bindings: &[
        read("dy", Element::F32, &["instances", "y_rows", "out_features"]),
        read("parameters", Element::Weight, &["weight_instances", "in_features+1", "out_features"]),
        read("a", Element::F32, &["instances", "x_rows", "in_features"]),
        read("scale_shift", Element::F32, &["2", "in_features"]),
        write("dx", Element::F32, &["instances", "x_rows", "in_features"]),
        write("dz", Element::F32, &["instances", "x_rows", "in_features"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("weight_instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
        F32("slope"),
    ],
    workgroup: [128, 1, 1],
    grid: backward_input_tiles,
    check: rows_and_weights,
    twin: linear::linear_backward_input_and_scale_shift_leaky_relu,
    flops: products,
};

/// dx = dy W^T + dresidual; dz = dx * leaky_relu'(a) * scale.
pub static LINEAR_BACKWARD_INPUT_RESIDUAL_AND_SCALE_SHIFT_LEAKY_RELU: Kernel = Kernel {
    name: "linear_backward_input_residual_and_scale_shift_leaky_relu",
    source: include_str!("../../shaders/linear_backward_input_residual_and_scale_shift_leaky_relu.wgsl"),
    bindings: &[
        read("dy", Element::F32, &["instances", "y_rows", "out_features"]),
        read("parameters", Element::Weight, &["weight_instances", "in_features+1", "out_features"]),
        read("dresidual", Element::F32, &["instances", "x_rows", "in_features"]),
        read("a", Element::F32, &["instances", "x_rows", "in_features"]),
        read("scale_shift", Element::F32, &["2", "in_features"]),
        write("dx", Element::F32, &["instances", "x_rows", "in_features"]),
        write("dz", Element::F32, &["instances", "x_rows", "in_features"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("weight_instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
        F32("slope"),
    ],
    workgroup: [128, 1, 1],
    grid: backward_input_tiles,
    check: rows_and_weights,
    twin: linear::linear_backward_input_residual_and_scale_shift_leaky_relu,
    flops: products,
};

/// Weight gradient and Adam in one pass, in place.
pub static LINEAR_BACKWARD_WEIGHT_ADAM: Kernel = Kernel {
    name: "linear_backward_weight_adam",
    source: include_str!("../../shaders/linear_backward_weight_adam.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "x_rows", "in_features"]),
        read("dy", Element::Vec4, &["instances", "y_rows", "out_features"]),
        read("row_scale", Element::F32, &["instances", "y_rows"]),
        update("parameters", Element::Weight, &["instances", "in_features+1", "out_features"]),
        update("exp_avg", Element::Weight, &["instances", "in_features+1", "out_features"]),
        update("exp_avg_sq", Element::Weight, &["instances", "in_features+1", "out_features"]),
        read("state", Element::State, &["8"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
        F32("bias_input"),
    ],
    workgroup: [64, 1, 1],
    grid: gradient_tiles,
    check: rows_inside,
    twin: linear_adam::linear_backward_weight_adam,
    flops: products,
};

/// The same for a fresh Adam's first step: from the source parameters to the working ones.
pub static LINEAR_BACKWARD_WEIGHT_ADAM_FIRST: Kernel = Kernel {
    name: "linear_backward_weight_adam_first",
    source: include_str!("../../shaders/linear_backward_weight_adam_first.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "x_rows", "in_features"]),
        read("dy", Element::Vec4, &["instances", "y_rows", "out_features"]),
        read("row_scale", Element::F32, &["instances", "y_rows"]),
        read("source", Element::Weight, &["source_instances", "in_features+1", "out_features"]),
        write("parameters", Element::Weight, &["instances", "in_features+1", "out_features"]),
        write("exp_avg", Element::Weight, &["instances", "in_features+1", "out_features"]),
        write("exp_avg_sq", Element::Weight, &["instances", "in_features+1", "out_features"]),
        read("state", Element::State, &["8"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("source_instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
        F32("bias_input"),
    ],
    workgroup: [64, 1, 1],
    grid: gradient_tiles,
    check: rows_and_source,
    twin: linear_adam::linear_backward_weight_adam_first,
    flops: products,
};

/// The same for a last step: the moments are not written.
pub static LINEAR_BACKWARD_WEIGHT_ADAM_LAST: Kernel = Kernel {
    name: "linear_backward_weight_adam_last",
    source: include_str!("../../shaders/linear_backward_weight_adam_last.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "x_rows", "in_features"]),
        read("dy", Element::Vec4, &["instances", "y_rows", "out_features"]),
        read("row_scale", Element::F32, &["instances", "y_rows"]),
        read("exp_avg", Element::Weight, &["instances", "in_features+1", "out_features"]),
        read("exp_avg_sq", Element::Weight, &["instances", "in_features+1", "out_features"]),
        update("parameters", Element::Weight, &["instances", "in_features+1", "out_features"]),
        read("state", Element::State, &["8"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
        F32("bias_input"),
    ],
    workgroup: [64, 1, 1],
    grid: gradient_tiles,
    check: rows_inside,
    twin: linear_adam::linear_backward_weight_adam_last,
    flops: products,
};

/// The same for a first step that is also the last.
pub static LINEAR_BACKWARD_WEIGHT_ADAM_ONLY: Kernel = Kernel {
    name: "linear_backward_weight_adam_only",
    source: include_str!("../../shaders/linear_backward_weight_adam_only.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "x_rows", "in_features"]),
        read("dy", Element::Vec4, &["instances", "y_rows", "out_features"]),
        read("row_scale", Element::F32, &["instances", "y_rows"]),
        read("source", Element::Weight, &["source_instances", "in_features+1", "out_features"]),
        write("parameters", Element::Weight, &["instances", "in_features+1", "out_features"]),
        read("state", Element::State, &["8"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("source_instances"),
        U32("x_rows"),
        U32("y_rows"),
        U32("row"),
        U32("rows"),
        U32("in_features"),
        U32("out_features"),
        F32("bias_input"),
    ],
    workgroup: [64, 1, 1],
    grid: gradient_tiles,
    check: rows_and_source,
    twin: linear_adam::linear_backward_weight_adam_only,
    flops: products,
};

fn forward_tiles(u: &Uniforms) -> [u32; 3] {
    Product::Forward.declared().grid(Product::Forward, u)
}

fn backward_input_tiles(u: &Uniforms) -> [u32; 3] {
    Product::BackwardInput.declared().grid(Product::BackwardInput, u)
}

fn gradient_tiles(u: &Uniforms) -> [u32; 3] {
    Product::Gradient.declared().grid(Product::Gradient, u)
}

fn rows_inside(u: &Uniforms) -> Result<(), String> {
    rows_fit(u, &["x_rows", "y_rows"])
}

fn rows_and_weights(u: &Uniforms) -> Result<(), String> {
    shared_or_own(u, "weight_instances")?;
    rows_inside(u)
}

fn rows_and_source(u: &Uniforms) -> Result<(), String> {
    shared_or_own(u, "source_instances")?;
    rows_inside(u)
}

/// Parameters are one for all instances, or one each.
fn shared_or_own(u: &Uniforms, name: &str) -> Result<(), String> {
    let (count, instances) = (u.u32(name), u.u32("instances"));
    if count == 1 || count == instances { Ok(()) } else { Err(format!("`{name}` is {count}, not 1 or {instances}")) }
}

/// A multiply-add for each row and each weight.
fn products(u: &Uniforms) -> u64 {
    2 * ["instances", "rows", "in_features", "out_features"].map(|name| u64::from(u.u32(name))).iter().product::<u64>()
}
