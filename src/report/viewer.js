"use strict";
// Turns the poses of a gallery. Angles are radians, lengths millimetres: x right, y down, z away from the camera.
// Colours are the page's custom properties, so that the drawing follows the theme by itself.
for (const viewer of document.querySelectorAll(".viewer")) {
  const gallery = viewer.parentElement;
  const data = JSON.parse(viewer.querySelector("script").textContent);
  const [stage, select, note, shown, beside] =
    [".stage", "select", ".note", ".shown", ".beside"].map((name) => viewer.querySelector(name));
  const cards = [...gallery.querySelectorAll("[data-example]")];
  const off = new Set(); // The names of the poses not shown.
  const RADIANS_PER_PIXEL = 0.01;
  const STEP = Math.PI / 18;
  const RING = 500;
  let [yaw, pitch] = [0, 0];

  // First about the vertical axis by yaw, then about the horizontal one by pitch.
  function turned([x, y, z]) {
    const across = Math.cos(yaw) * x + Math.sin(yaw) * z;
    const away = Math.cos(yaw) * z - Math.sin(yaw) * x;
    return [across, Math.cos(pitch) * y - Math.sin(pitch) * away, Math.sin(pitch) * y + Math.cos(pitch) * away];
  }

  function element(name, attributes, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  }

  // A ring with a cross on the floor: it tells near from far and how the pose is turned.
  function ring(floor, shift) {
    const corners = Array.from({ length: 48 }, (_, i) => [Math.sin(i * Math.PI / 24), Math.cos(i * Math.PI / 24)]);
    const path = (points) => points.map(([x, z]) => turned([RING * x, floor, RING * z]))
      .map(([x, y]) => `${(x + shift).toFixed(1)} ${y.toFixed(1)}`).join("L");
    const d = `M${path(corners)}ZM${path([[-1, 0], [1, 0]])}M${path([[0, -1], [0, 1]])}`;
    return element("path", { class: "ring", d });
  }

  function draw() {
    const example = data.examples[select.value];
    const poses = example.poses.filter((pose) => !off.has(pose.name));
    const joints = example.poses.flatMap((pose) => pose.joints).filter(Boolean);
    const floor = Math.max(0, ...joints.map((joint) => joint[1]));
    const reach = 1.08 * Math.max(Math.hypot(RING, floor), ...joints.map((joint) => Math.hypot(...joint)));
    const width = 1.08 * Math.max(RING, ...joints.map(([x, , z]) => Math.hypot(x, z)));
    const apart = beside.checked ? 2 * width : 0;
    const thick = reach / 40;
    const half = beside.checked ? width * Math.max(poses.length, 1) : reach;
    stage.setAttribute("viewBox", [-half, -reach, 2 * half, 2 * reach].map(Math.round).join(" "));
    const [back, front, titles] = [[], [], []];
    poses.forEach((pose, place) => {
      const shift = (place - (poses.length - 1) / 2) * apart;
      const seen = pose.joints.map((joint) => joint && turned(joint));
      const style = `--own: var(--role-${pose.role})`;
      if (apart || place === 0) back.push(ring(floor, shift));
      const add = (name, depth, attributes) => front.push({ depth, drawn: element(name, { style, ...attributes }) });
      // Near lines are thicker, and a seam of the page's colour lets them pass before far ones.
      const breadth = (depth) => thick * (1 - 0.4 * depth / reach);
      data.parents.forEach((parent, joint) => {
        const [a, b] = [seen[joint], seen[parent]];
        if (joint === 0 || !a || !b) return;
        const depth = (a[2] + b[2]) / 2;
        const ends = { x1: a[0] + shift, y1: a[1], x2: b[0] + shift, y2: b[1] };
        add("line", depth + 1, { ...ends, class: "seam", "stroke-width": 1.8 * breadth(depth) });
        const key = `${pose.role} ${joint}`;
        add("line", depth, { ...ends, class: data.sides[joint], "data-bone": key, "stroke-width": breadth(depth) });
      });
      const head = seen[data.head];
      if (head) add("circle", head[2], { cx: head[0] + shift, cy: head[1], r: 2.2 * breadth(head[2]), class: "head" });
      const title = { x: shift, y: 4 * thick - reach, style, "font-size": 4 * thick };
      if (apart) titles.push(element("text", title, pose.name));
    });
    front.sort((one, other) => other.depth - one.depth);
    stage.replaceChildren(...back, ...front.map(({ drawn }) => drawn), ...titles);
  }

  function turn(byYaw, byPitch) {
    yaw += byYaw;
    pitch = Math.min(Math.max(pitch + byPitch, -Math.PI / 2), Math.PI / 2);
    draw();
  }

  function choose(number) {
    select.value = number;
    const example = data.examples[number];
    note.textContent = example.note;
    shown.replaceChildren(shown.firstElementChild, ...example.poses.map((pose) => {
      const [label, box] = [document.createElement("label"), document.createElement("input")];
      box.type = "checkbox";
      box.checked = !off.has(pose.name);
      box.addEventListener("change", () => {
        off[box.checked ? "delete" : "add"](pose.name);
        draw();
      });
      label.style.setProperty("--own", `var(--role-${pose.role})`);
      label.append(box, pose.name);
      return label;
    }));
    for (const card of cards) card.setAttribute("aria-pressed", card.dataset.example === String(number));
    draw();
  }

  let held = null;
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    held = [event.clientX, event.clientY];
  });
  stage.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [x, y] = [event.clientX - held[0], event.clientY - held[1]];
    held = [event.clientX, event.clientY];
    turn(-x * RADIANS_PER_PIXEL, y * RADIANS_PER_PIXEL);
  });
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => { held = null; });
  const keys = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  stage.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    turn(...keys[event.key]);
  });
  for (const button of viewer.querySelectorAll("[data-turn]")) {
    button.addEventListener("click", () => {
      [yaw, pitch] = button.dataset.turn.split(" ").map((degrees) => degrees * Math.PI / 180);
      draw();
    });
  }
  beside.addEventListener("change", draw);
  select.addEventListener("change", () => choose(select.value));
  for (const card of cards) {
    card.addEventListener("click", () => {
      choose(card.dataset.example);
      viewer.scrollIntoView({ block: "nearest" });
    });
  }
  viewer.hidden = false;
  if (data.examples.length > 0) choose(0);
}
