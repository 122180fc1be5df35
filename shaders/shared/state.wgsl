// The program's own state, advanced on the device: nothing per step comes from the host.
struct State {
    seed: u32,
    step: u32,              // optimisation steps so far
    sample: u32,            // target samples so far
    chunk: u32,             // sample that row 0 of the resident chunk holds
    correction1: f32,       // 1 - beta1^t, by recurrence: no cancellation
    correction2: f32,       // 1 - beta2^t
    step_size: f32,         // lr_t / correction1
    inverse_sqrt2: f32,     // 1 / sqrt(correction2)
}
