"use strict";
// Unpacks what the page carries. The columns and their order are those of pack.rs.
const MISSING = -32768; // Stands for a coordinate that is not there.
const NO_TIME = -2147483648;
const ADAPTED = 1;

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Numbers lie in planes: the first byte of each, then the second of each.
class Columns {
  constructor(bytes) {
    this.bytes = bytes;
    this.start = 0;
  }

  planes(count, width) {
    const planes = Array.from({ length: width }, (_, i) => {
      return this.bytes.subarray(this.start + i * count, this.start + (i + 1) * count);
    });
    this.start += count * width;
    return planes;
  }

  // Differences of 16 bits to `into`, one number in `stride`.
  shorts(count, into, first, stride) {
    const [low, high] = this.planes(count, 2);
    for (let i = 0, at = first, value = 0; i < count; i++, at += stride) {
      const coded = low[i] | high[i] << 8;
      value = value + (coded >>> 1 ^ -(coded & 1)) << 16 >> 16;
      into[at] = value;
    }
  }

  // A matrix of 16 bits with a row for each row: each of its columns is a column here.
  matrix(rows, columns) {
    const values = new Int16Array(rows * columns);
    for (let column = 0; column < columns; column++) this.shorts(rows, values, column, columns);
    return values;
  }

  bits(count) {
    const [a, b, c, d] = this.planes(count, 4);
    return Uint32Array.from({ length: count }, (_, i) => a[i] | b[i] << 8 | c[i] << 16 | d[i] << 24);
  }

  wholes(count) {
    let value = 0;
    return Int32Array.from(this.bits(count), (coded) => value = value + (coded >>> 1 ^ -(coded & 1)) | 0);
  }

  floats(count) {
    return new Float32Array(this.bits(count).buffer);
  }
}

// What is in the page, by frame and by row: a row is a person in a frame.
function unpacked(head, bytes) {
  const { frames, rows, joints } = head;
  const columns = new Columns(bytes);
  const number = columns.wholes(frames);
  const tenths = columns.wholes(frames);
  const data = {
    ...head,
    number,
    time: new Float64Array(frames).fill(NaN),
    ms: columns.floats(frames),
    frame: columns.wholes(rows),
    flags: columns.planes(rows, 1)[0],
    found: columns.bits(rows),
    guessed: columns.bits(rows),
    keypoints: columns.matrix(rows, 2 * joints),
    adapted: columns.matrix(rows, 3 * joints),
    asTrained: null,
    losses: null,
  };
  if (head.trained) {
    const more = columns.matrix(rows, 3 * joints);
    data.asTrained = more.map((value, i) => value + data.adapted[i] << 16 >> 16);
  }
  data.losses = head.terms.map(() => columns.floats(rows));
  for (const { start, count, base } of head.sequences) {
    for (let i = start; i < start + count; i++) if (tenths[i] !== NO_TIME) data.time[i] = base + tenths[i] / 1e4;
  }
  // The person of each row, and the rows of each frame: those from first[frame] to first[frame + 1] in `inFrame`.
  data.person = new Int32Array(rows);
  head.people.forEach(({ start, count }, person) => data.person.fill(person, start, start + count));
  data.first = new Int32Array(frames + 1);
  for (const frame of data.frame) data.first[frame + 1]++;
  for (let i = 0; i < frames; i++) data.first[i + 1] += data.first[i];
  data.inFrame = new Int32Array(rows);
  const next = data.first.slice();
  data.frame.forEach((frame, row) => { data.inFrame[next[frame]++] = row; });
  return data;
}

function rowsOf(data, frame) {
  return data.inFrame.subarray(data.first[frame], data.first[frame + 1]);
}

// The row of a person in a frame, or -1.
function rowOf(data, frame, person) {
  return rowsOf(data, frame).find((row) => data.person[row] === person) ?? -1;
}

function has(bits, joint) {
  return (bits >>> joint & 1) === 1;
}

// The points of a pose in millimetres, null for one that is not there.
function poseOf(data, values, row) {
  return Array.from({ length: data.joints }, (_, joint) => {
    const at = 3 * (row * data.joints + joint);
    return values[at] === MISSING ? null : [values[at], values[at + 1], values[at + 2]];
  });
}

// The keypoints of a row in pixels, null for one that was not found.
function keypointsOf(data, row) {
  return Array.from({ length: data.joints }, (_, joint) => {
    const at = 2 * (row * data.joints + joint);
    return has(data.found[row], joint) ? [data.keypoints[at] * data.step, data.keypoints[at + 1] * data.step] : null;
  });
}
