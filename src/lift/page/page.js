// Joins controls, keys and drawings.
const byId = (id) => document.getElementById(id);
const panels = Object.fromEntries([...document.querySelectorAll(".panel")].map((panel) => {
  return [panel.dataset.panel, { canvas: panel.querySelector("canvas"), aside: panel.querySelector(".aside") }];
}));
const drawn = { input: [] }; // What the panels show: keypoints by row, joints as turned.
const STEP = Math.PI / 18;
const RADIANS_PER_PIXEL = 0.01;
const MOST_PEOPLE = 200; // As many are listed, those with the most frames.
const PAUSE = "M5 3h4v14H5zM11 3h4v14h-4z";
const PLAY = "M5 3v14l12-7z";

function run(data) {
  const [scrub, plot, facts, list, clockText] = [byId("scrub"), new Plot(byId("plot")), byId("facts"), byId("people"),
    byId("clock")];
  const player = new Player(arrive, ended);
  const reaches = new Map();
  let due = null;
  let dirty = false;

  const recording = () => data.sequences[state.sequence];
  const frame = () => recording().start + state.place;
  const name = ({ name: own }, place) => own ?? `Recording ${place + 1}`;

  // Draws once before the next picture, however often it is asked for.
  function redraw() {
    if (dirty) return;
    dirty = true;
    requestAnimationFrame(() => dirty && draw());
  }

  function draw() {
    dirty = false;
    const row = rowOf(data, frame(), state.person);
    drawn.input = drawInput(panels.input.canvas, data, frame(), state.person);
    const poses = [["trained", data.asTrained], ["adapted", data.adapted]].filter(([panel]) => panels[panel]);
    const shown = poses.map(([panel, values]) => [panel, row < 0 || !values ? [] : poseOf(data, values, row)]);
    const floor = Math.max(0, ...shown.flatMap(([, pose]) => pose).filter(Boolean).map((joint) => joint[1]));
    for (const [panel, pose] of shown) {
      drawn[panel] = [];
      if (pose.some(Boolean)) {
        if (!reaches.has(state.person)) reaches.set(state.person, reachOf(data, state.person));
        const reach = reaches.get(state.person);
        drawn[panel] = drawPose(panels[panel].canvas, data, { pose, guessed: data.guessed[row], floor, reach, view: state });
      } else {
        drawWords(panels[panel].canvas, row < 0 ? "not in this frame" : "no pose");
      }
    }
    plot.draw(state.place);
    tell(row);
  }

  // The frame in words.
  function tell(row) {
    const at = frame();
    const seconds = due[state.place];
    const guesses = row < 0 ? [] : data.names.filter((_, joint) => has(data.guessed[row], joint));
    const adapted = row >= 0 && (data.flags[row] & ADAPTED) !== 0;
    if (panels.adapted.aside && panels.trained) {
      panels.adapted.aside.textContent = row < 0 ? "" : adapted ? "adapted to this frame" : "not adapted to this frame";
    }
    const people = rowsOf(data, at).length;
    panels.input.aside.textContent = people === 1 ? "" : `${people} people`;
    clockText.textContent = `${clock(seconds)} / ${clock(due[due.length - 1])}`;
    scrub.value = state.place;
    scrub.setAttribute("aria-valuetext", `Frame ${data.number[at]}, ${clock(seconds)}`);
    const lines = [
      ["Frame", `${data.number[at]}`],
      ["Time", Number.isNaN(data.time[at]) ? "not known" : `${data.time[at].toFixed(3)} s`],
      ["Person", state.person < 0 ? "nobody" : data.people[state.person].id],
      ["Latency", `${short(data.ms[at])} ms`],
      ["Adapted to", row < 0 ? "–" : adapted ? "yes" : "no"],
      ["Guessed", row < 0 ? "–" : guesses.join(", ") || "no joint"],
      ...data.terms.map((term, i) => [`Loss ${term}`, row < 0 ? "–" : short(data.losses[i][row])]),
    ];
    if (data.sequences.length > 1) lines.unshift(["Recording", name(recording(), state.sequence)]);
    lines.forEach(([title, text], i) => {
      if (!facts.children[i]) {
        const group = document.createElement("div");
        group.append(document.createElement("dt"), document.createElement("dd"));
        group.classList.toggle("loss", title.startsWith("Loss "));
        facts.append(group);
      }
      const [dt, dd] = facts.children[i].children;
      if (dt.textContent !== title) dt.textContent = title;
      if (dd.textContent !== text) dd.textContent = text;
    });
    for (const chip of list.children) {
      chip.classList.toggle("away", !rowsOf(data, at).some((other) => data.person[other] === Number(chip.dataset.person)));
    }
  }

  function show(place) {
    state.place = Math.min(Math.max(place, 0), recording().count - 1);
    redraw();
  }

  // While playing, the picture is due at once.
  function arrive(place) {
    if (place === state.place && !dirty) return;
    state.place = place;
    draw();
  }

  // Goes to a place by hand: playing goes on from there.
  function seek(place) {
    show(place);
    player.set(due, state.place);
  }

  function lanes() {
    const { start, count } = recording();
    const strip = new Uint8Array(count);
    const rows = new Int32Array(count).fill(-1);
    if (state.person >= 0) {
      const person = data.people[state.person];
      for (let row = person.start; row < person.start + person.count; row++) {
        rows[data.frame[row] - start] = row;
        strip[data.frame[row] - start] = data.flags[row] & ADAPTED ? 2 : 1;
      }
    }
    const { accent, muted } = palette(byId("plot"));
    const shown = [];
    const term = data.terms.indexOf(state.term);
    if (term >= 0) {
      const values = Float32Array.from(rows, (row) => row < 0 ? NaN : data.losses[term][row]);
      shown.push({ title: `Loss ${state.term}`, values, colour: accent, height: LANE.loss });
    }
    const ms = data.ms.subarray(start, start + count);
    shown.push({ title: "Latency of a frame, ms", values: ms, colour: muted, height: LANE.ms });
    const name = state.person < 0 ? "nobody" : `person ${data.people[state.person].id}`;
    const words = strip.includes(2) ? ", frames adapted to in colour" : "";
    plot.set(shown, `Frames with ${name}${words}`, strip);
  }

  function choose(person) {
    state.person = person;
    for (const chip of list.children) chip.setAttribute("aria-pressed", chip.dataset.person === String(person));
    list.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
    lanes();
    redraw();
  }

  // The person so many on in the list.
  function otherPerson(by) {
    const chips = [...list.children];
    if (chips.length < 2) return;
    const at = chips.findIndex((chip) => chip.dataset.person === String(state.person));
    choose(Number(chips[(at + by + chips.length) % chips.length].dataset.person));
  }

  function record(sequence) {
    state.sequence = sequence;
    byId("recording").value = sequence;
    due = timeline(data, recording());
    scrub.max = recording().count - 1;
    const people = data.people.map((person, place) => ({ ...person, place })).filter((p) => p.sequence === sequence);
    const listed = [...people].sort((a, b) => b.count - a.count).slice(0, MOST_PEOPLE).sort((a, b) => a.place - b.place);
    list.replaceChildren(...listed.map(({ id, place, count }) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.dataset.person = place;
      chip.textContent = `Person ${id}`;
      chip.title = `in ${count} of ${recording().count} frames`;
      return chip;
    }));
    list.hidden = listed.length < 2;
    choose(personOf(data, sequence, state.person));
    seek(0);
  }

  function ended() {
    if (state.sequence + 1 < data.sequences.length) record(state.sequence + 1); else pause();
  }

  function label() {
    const [play, words] = [byId("play"), state.playing ? "Pause" : "Play"];
    play.title = words;
    play.setAttribute("aria-label", words);
    play.querySelector("path").setAttribute("d", state.playing ? PAUSE : PLAY);
  }

  function pause() {
    player.stop();
    label();
  }

  function toggle() {
    if (state.playing) return pause();
    if (state.place === recording().count - 1) {
      if (state.sequence === data.sequences.length - 1 && state.sequence > 0) record(0); else seek(0);
    }
    player.set(due, state.place);
    player.start();
    label();
  }

  function step(by) {
    pause();
    seek(state.place + by);
  }

  function second(by) {
    const place = lastUpTo(due, due[state.place] + by + 1e-9);
    seek(place === state.place ? place + by : place);
  }

  function turn(byYaw, byPitch) {
    state.yaw += byYaw;
    state.pitch = Math.min(Math.max(state.pitch + byPitch, -Math.PI / 2), Math.PI / 2);
    redraw();
  }

  function view(to) {
    [state.yaw, state.pitch] = VIEWS[to];
    redraw();
  }

  wire({ data, scrub, plot, list, pause, toggle, step, seek, second, turn, view, choose, otherPerson, record, lanes, redraw });
  const names = data.sequences.map((sequence, place) => new Option(name(sequence, place), place));
  byId("recording").replaceChildren(...names);
  byId("recordings").hidden = names.length < 2;
  byId("term").replaceChildren(...data.terms.map((term) => new Option(term, term)));
  byId("terms").hidden = data.terms.length < 2;
  state.term = ["total", "g_ssl"].find((term) => data.terms.includes(term)) ?? data.terms[0] ?? "";
  byId("term").value = state.term;
  byId("player").hidden = false;
  record(0);
  draw();
}
