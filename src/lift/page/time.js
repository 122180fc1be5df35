// When frames are due.
const USUAL_RATE = 30; // Frames a second, where nothing says.
const LONGEST = 2; // Seconds: longer waits between frames are cut to this.

// Seconds from the start of a recording for each of its frames: by their times, else by their numbers and the rate.
function timeline(data, { start, count }) {
  const rate = data.fps ?? USUAL_RATE;
  const due = new Float64Array(count);
  for (let i = 1; i < count; i++) {
    const [before, now] = [start + i - 1, start + i];
    const byTime = data.time[now] - data.time[before];
    const byNumber = (data.number[now] - data.number[before]) / rate;
    const wait = byTime > 0 ? byTime : byNumber > 0 ? byNumber : 1 / rate;
    due[i] = due[i - 1] + Math.min(wait, LONGEST);
  }
  return due;
}

// The last place whose value is at most `value`, or 0.
function lastUpTo(values, value) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = low + high >> 1;
    if (values[middle] <= value) low = middle + 1; else high = middle;
  }
  return Math.max(low - 1, 0);
}

function clock(seconds) {
  const whole = Math.floor(Math.max(seconds, 0) * 1000 + 0.5);
  const [minutes, rest] = [Math.floor(whole / 60000), whole % 60000];
  return `${minutes}:${String(Math.floor(rest / 1000)).padStart(2, "0")}.${String(rest % 1000).padStart(3, "0")}`;
}
