// Adam (Kingma and Ba 2015, with PyTorch's defaults). Needs global: state.
const BETA1: f32 = 0.9;
const ONE_MINUS_BETA1: f32 = 0.1;
const BETA2: f32 = 0.999;
const ONE_MINUS_BETA2: f32 = 0.001;
const EPS: f32 = 1e-8;

// The move of a parameter whose moments are m and v: p += adam_move(m, v).
fn adam_move(m: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
    return -state.step_size * m / (sqrt(v) * state.inverse_sqrt2 + EPS);
}
