// Streams of random numbers; a layer's dropout uses its own number, from 0. The same in src/cpu/random.rs.
const STREAM_VIEWS: u32 = 1000u;
const STREAM_FLIP: u32 = 1001u;
const STREAM_ORDER: u32 = 1002u;
const STREAM_TURN: u32 = 1007u;
const STREAM_LIMBS: u32 = 1008u;
const STREAM_NOISE: u32 = 1012u;
const STREAM_REPLAY: u32 = 1020u;
const STREAM_REPLAY_NOISE: u32 = 1021u;
