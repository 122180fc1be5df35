// Streams of random numbers; a layer's dropout uses its own number, from 0. The same in src/cpu/random.rs.
const STREAM_VIEWS: u32 = 1000u;
const STREAM_FLIP: u32 = 1001u;
const STREAM_ORDER: u32 = 1002u;
