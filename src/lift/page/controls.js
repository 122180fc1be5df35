// Buttons, pointers and keys.
function wire(does) {
  const { data, scrub, plot } = does;
  byId("back").addEventListener("click", () => does.step(-1));
  byId("step").addEventListener("click", () => does.step(1));
  byId("play").addEventListener("click", does.toggle);
  byId("speed").addEventListener("change", (event) => { state.speed = Number(event.target.value); });
  byId("recording").addEventListener("change", (event) => does.record(Number(event.target.value)));
  byId("term").addEventListener("change", (event) => {
    state.term = event.target.value;
    does.lanes();
    does.redraw();
  });
  scrub.addEventListener("input", () => does.seek(Number(scrub.value)));
  for (const button of document.querySelectorAll("[data-turn]")) {
    button.addEventListener("click", () => does.view(button.dataset.turn));
  }
  does.list.addEventListener("click", (event) => {
    const chip = event.target.closest("button");
    if (chip) does.choose(Number(chip.dataset.person));
  });

  // Tells `move` how far a pointer went that is held on an element.
  function held(element, down, move) {
    let at = null;
    element.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      element.setPointerCapture(event.pointerId);
      at = [event.clientX, event.clientY];
      down(event);
    });
    element.addEventListener("pointermove", (event) => {
      if (!at) return;
      const [x, y] = [event.clientX - at[0], event.clientY - at[1]];
      at = [event.clientX, event.clientY];
      move(event, x, y);
    });
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => { at = null; });
  }

  const toPlace = (event) => does.seek(plot.place(event.clientX - plot.canvas.getBoundingClientRect().left));
  held(plot.canvas, toPlace, toPlace);
  for (const panel of ["trained", "adapted"]) {
    if (!panels[panel]) continue;
    held(panels[panel].canvas, () => {}, (_, x, y) => does.turn(-x * RADIANS_PER_PIXEL, y * RADIANS_PER_PIXEL));
  }
  const rowAt = (event) => {
    const { left, top } = panels.input.canvas.getBoundingClientRect();
    return nearest(data, drawn.input, event.clientX - left, event.clientY - top);
  };
  panels.input.canvas.addEventListener("click", (event) => {
    const row = rowAt(event);
    if (row >= 0) does.choose(data.person[row]);
  });
  panels.input.canvas.addEventListener("pointermove", (event) => {
    const row = rowAt(event);
    panels.input.canvas.style.cursor = row >= 0 && data.person[row] !== state.person ? "pointer" : "";
  });

  const keys = {
    " ": does.toggle,
    ArrowLeft: () => does.step(-1),
    ArrowRight: () => does.step(1),
    "Shift ArrowLeft": () => does.second(-1),
    "Shift ArrowRight": () => does.second(1),
    Home: () => does.seek(0),
    End: () => does.seek(Infinity),
    a: () => does.turn(STEP, 0),
    d: () => does.turn(-STEP, 0),
    w: () => does.turn(0, -STEP),
    s: () => does.turn(0, STEP),
    r: () => does.view("reset"),
    "[": () => does.otherPerson(-1),
    "]": () => does.otherPerson(1),
  };
  // With one person these keys are left to the page, which they scroll.
  const people = { ArrowUp: keys["["], ArrowDown: keys["]"] };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.("select")) return;
    // A focused button is pressed by the space bar, as everywhere.
    if (event.key === " " && event.target.closest?.("button")) return;
    const isArrow = event.key.startsWith("Arrow");
    const name = (event.shiftKey && isArrow ? "Shift " : "") + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
    const does_ = keys[name] ?? (does.list.hidden ? null : people[name]);
    if (!does_) {
      // The slider's own steps would not be ours.
      if (event.target === scrub && isArrow) event.preventDefault();
      return;
    }
    event.preventDefault();
    does_();
  });
  // After a click the keys are the player's again.
  document.addEventListener("click", (event) => {
    if (event.detail > 0) event.target.closest?.("button")?.blur();
  });

  const again = () => {
    does.lanes();
    does.redraw();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new ResizeObserver(again).observe(byId("player"));
}
