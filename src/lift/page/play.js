// What is shown, and the clock that moves it. `state` is all that a drawing follows from.
const state = {
  sequence: 0, // The recording.
  place: 0, // The frame's place in it.
  person: -1, // Its place in data.people, -1 for none.
  yaw: 0,
  pitch: 0,
  speed: 1,
  term: "", // The loss that is plotted.
  playing: false,
};
const VIEWS = { reset: [0, 0.2], side: [Math.PI / 2, 0.2], above: [0, Math.PI / 2] };
[state.yaw, state.pitch] = VIEWS.reset;
const LAST = 1 / 30; // Seconds that the last frame of a recording stands.
const LATE = 0.25; // Seconds: a page that was not drawn for longer goes on, it does not leap.

// Plays `due` seconds of frames. `arrive` is told a place, `end` that there are no more.
class Player {
  constructor(arrive, end) {
    this.arrive = arrive;
    this.end = end;
    this.due = new Float64Array(1);
    this.seconds = 0;
    this.asked = 0;
  }

  // At a place of a recording, from where it goes on.
  set(due, place) {
    this.due = due;
    this.seconds = due[place];
  }

  start() {
    let before = null;
    const tick = (now) => {
      if (before !== null) {
        this.seconds += state.speed * Math.min((now - before) / 1000, LATE);
        const last = this.due.length - 1;
        this.arrive(lastUpTo(this.due, this.seconds));
        if (this.seconds >= this.due[last] + LAST) this.end();
      }
      before = now;
      if (state.playing) this.asked = requestAnimationFrame(tick);
    };
    state.playing = true;
    this.asked = requestAnimationFrame(tick);
  }

  stop() {
    state.playing = false;
    cancelAnimationFrame(this.asked);
  }
}

// The person of a recording with the most frames, or of the same name as the one before.
function personOf(data, sequence, before) {
  const inside = data.people.map((_, person) => person).filter((person) => data.people[person].sequence === sequence);
  const same = inside.find((person) => data.people[person].id === data.people[before]?.id);
  return same ?? inside.reduce((one, other) => {
    return one < 0 || data.people[other].count > data.people[one].count ? other : one;
  }, -1);
}
