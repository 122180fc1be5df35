// Draws a frame. Lengths are millimetres and pixels: x right, y down, z away from the camera.
const RING = 500;
const NEAR = 48; // Pixels within which a click is meant for a person.

// The page's colours, which follow the theme.
function palette(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  return { surface: colour("--surface"), ink: colour("--ink"), muted: colour("--muted"), grid: colour("--grid"),
    own: colour("--own") || colour("--ink"), accent: colour("--role-online") };
}

// A share of one colour in the other: canvases of older browsers know no color-mix.
function mixed(colour, share, other) {
  const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const [one, two] = [parts(colour), parts(other)];
  return `rgb(${one.map((value, i) => Math.round(share * value + (1 - share) * two[i])).join(",")})`;
}

// A canvas as sharp as the screen, empty.
function prepared(canvas) {
  const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio || 1];
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.lineCap = context.lineJoin = "round";
  return { context, width, height };
}

// First about the vertical axis by yaw, then about the horizontal one by pitch.
function turned([x, y, z], { yaw, pitch }) {
  const across = Math.cos(yaw) * x + Math.sin(yaw) * z;
  const away = Math.cos(yaw) * z - Math.sin(yaw) * x;
  return [across, Math.cos(pitch) * y - Math.sin(pitch) * away, Math.sin(pitch) * y + Math.cos(pitch) * away];
}

function line(context, from, to, colour, breadth) {
  context.strokeStyle = colour;
  context.lineWidth = breadth;
  context.beginPath();
  context.moveTo(from[0], from[1]);
  context.lineTo(to[0], to[1]);
  context.stroke();
}

function dot(context, [x, y], radius, fill, stroke, breadth) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = stroke;
  context.lineWidth = breadth;
  context.stroke();
}

// The bones of points on the canvas, far ones first: `depth` of a point is 0 near the middle, 1 at the far end.
function skeleton(context, data, points, guessed, own, surface, thick) {
  const left = mixed(own, 0.45, surface);
  const breadth = (depth) => thick * (1 - 0.4 * depth);
  const parts = [];
  const add = (depth, draw) => parts.push({ depth, draw });
  data.parents.forEach((parent, joint) => {
    const [a, b] = [points[joint], points[parent]];
    if (joint === 0 || !a || !b) return;
    const depth = (a[2] + b[2]) / 2;
    const colour = data.sides[joint] === "left" ? left : own;
    const isGuess = has(guessed, joint) || has(guessed, parent);
    // A seam of the page's colour lets near bones pass before far ones. It spares the ends, where bones meet.
    add(depth + 0.001, () => {
      const between = (share) => [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
      context.lineCap = "butt";
      line(context, between(0.15), between(0.85), surface, 1.9 * breadth(depth));
    });
    add(depth, () => {
      context.lineCap = isGuess ? "butt" : "round";
      context.setLineDash(isGuess ? [1.4 * thick, thick] : []);
      line(context, a, b, colour, (isGuess ? 0.6 : 1) * breadth(depth));
      context.setLineDash([]);
    });
  });
  points.forEach((point, joint) => {
    if (!point) return;
    const radius = (joint === data.head ? 2.1 : 1.1) * breadth(point[2]);
    const colour = data.sides[joint] === "left" ? left : own;
    if (has(guessed, joint)) {
      add(point[2] - 0.02, () => dot(context, point, radius, surface, colour, 0.5 * thick));
    } else if (joint === data.head) {
      add(point[2], () => dot(context, point, radius, own, surface, 0.4 * thick));
    }
  });
  parts.sort((one, other) => other.depth - one.depth).forEach(({ draw }) => draw());
}

// What does not change while a person is played: how far joints reach from the root. A few wild poses do not count.
function reachOf(data, person) {
  const { start, count } = data.people[person];
  const sizes = new Float32Array(count);
  for (const values of [data.adapted, data.asTrained]) {
    if (!values) continue;
    for (let i = 0; i < count; i++) {
      const first = 3 * (start + i) * data.joints;
      for (let at = first; at < first + 3 * data.joints; at += 3) {
        if (values[at] !== MISSING) {
          sizes[i] = Math.max(sizes[i], Math.hypot(values[at], values[at + 1], values[at + 2]));
        }
      }
    }
  }
  return 1.06 * Math.max(sizes.sort()[Math.floor(0.995 * (count - 1))], 1.5 * RING);
}

// A pose before a ring with a cross on the floor. Gives the joints as turned, in millimetres.
function drawPose(canvas, data, { pose, guessed, floor, reach, view }) {
  const { context, width, height } = prepared(canvas);
  const { own, surface, grid } = palette(canvas);
  const scale = Math.min(width, height) / 2 / reach;
  const place = ([x, y, z]) => [width / 2 + scale * x, height / 2 + scale * y, z / reach];
  const path = (points) => points.map(([x, z]) => place(turned([RING * x, floor, RING * z], view)));
  const corners = Array.from({ length: 48 }, (_, i) => [Math.sin(i * Math.PI / 24), Math.cos(i * Math.PI / 24)]);
  context.strokeStyle = grid;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const points of [[...corners, corners[0]], [[-1, 0], [1, 0]], [[0, -1], [0, 1]]]) {
    path(points).forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x, y));
  }
  context.stroke();
  const seen = pose.map((joint) => joint && turned(joint, view));
  const thick = Math.max(scale * reach / 42, 2.5);
  skeleton(context, data, seen.map((joint) => joint && place(joint)), guessed, own, surface, thick);
  return seen;
}

// Words in the middle of a panel that has nothing to draw.
function drawWords(canvas, words) {
  const { context, width, height } = prepared(canvas);
  context.fillStyle = palette(canvas).muted;
  context.font = "14px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillText(words, width / 2, height / 2, width - 16);
}

// Everybody's keypoints, the chosen person's last and in ink. Gives them by row, in pixels of the canvas.
function drawInput(canvas, data, frame, person) {
  const { context, width, height } = prepared(canvas);
  const { ink, muted, surface } = palette(canvas);
  const [x0, y0, x1, y1] = data.sequences[data.people[person]?.sequence ?? 0].extent;
  const margin = Math.min(28, width / 12);
  const scale = Math.min((width - 2 * margin) / Math.max(x1 - x0, 1e-9), (height - 2 * margin) / Math.max(y1 - y0, 1e-9));
  const place = ([x, y]) => [width / 2 + scale * (x - (x0 + x1) / 2), height / 2 + scale * (y - (y0 + y1) / 2), 0];
  const rows = [...rowsOf(data, frame)].sort((a, b) => (data.person[a] === person) - (data.person[b] === person));
  const several = rows.length > 1;
  return rows.map((row) => {
    const chosen = data.person[row] === person;
    const points = keypointsOf(data, row).map((point) => point && place(point));
    const seen = points.filter(Boolean);
    const size = Math.max(0, ...seen.map(([, y]) => y)) - Math.min(height, ...seen.map(([, y]) => y));
    const thick = Math.min(Math.max(size / 60, 1.8), 5);
    const own = chosen ? ink : mixed(muted, 0.55, surface);
    skeleton(context, data, points, 0, own, surface, thick);
    if (several && seen.length) {
      const top = seen.reduce((one, other) => other[1] < one[1] ? other : one);
      context.fillStyle = chosen ? ink : muted;
      context.font = `${chosen ? 600 : 400} 12px system-ui, sans-serif`;
      context.textAlign = "center";
      context.fillText(data.people[data.person[row]].id, top[0], Math.max(top[1] - 3.2 * thick - 4, 12));
    }
    return { row, points };
  });
}

// The row whose drawing is nearest to a place on the canvas, or -1.
function nearest(data, drawn, x, y) {
  let [best, row] = [NEAR, -1];
  for (const { row: other, points } of drawn) {
    data.parents.forEach((parent, joint) => {
      const [a, b] = [points[joint], points[parent] ?? points[joint]];
      if (!a) return;
      const [across, down] = [b[0] - a[0], b[1] - a[1]];
      const along = ((x - a[0]) * across + (y - a[1]) * down) / (across * across + down * down || 1);
      const share = Math.min(Math.max(along, 0), 1);
      const distance = Math.hypot(x - a[0] - share * across, y - a[1] - share * down);
      if (distance < best) [best, row] = [distance, other];
    });
  }
  return row;
}
