// Losses and latency over a recording: drawn once, and a playhead over it.
const EDGE = 8; // Pixels: half of the slider's thumb, so that playhead and thumb are in line.
const BRIDGE = 8; // Steps of 1.5 pixels: not every frame has a loss, and a line goes on over gaps up to this.
const LANE = { title: 18, loss: 52, ms: 34, gap: 6, strip: 6 };

// Few digits, as many as one reads.
function short(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}

class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.drawn = document.createElement("canvas");
    this.lanes = [];
  }

  // What is plotted: `lanes` of { title, values, colour, height }, and `strip`, 0 to 2 a frame: absent, there, adapted.
  set(lanes, title, strip) {
    this.lanes = lanes;
    this.title = title;
    this.strip = strip;
    this.count = strip.length;
    const height = lanes.reduce((sum, lane) => sum + LANE.title + lane.height + LANE.gap, LANE.title + LANE.strip + 2);
    this.canvas.style.height = `${height}px`;
    this.render();
  }

  x(place) {
    const room = this.width - 2 * EDGE;
    return EDGE + (this.count > 1 ? room * place / (this.count - 1) : 0);
  }

  place(x) {
    const share = (x - EDGE) / Math.max(this.canvas.clientWidth - 2 * EDGE, 1);
    return Math.round(Math.min(Math.max(share, 0), 1) * (this.count - 1));
  }

  render() {
    const { width, height } = prepared(this.canvas);
    [this.width, this.height] = [width, height];
    [this.drawn.width, this.drawn.height] = [this.canvas.width, this.canvas.height];
    if (this.canvas.width === 0) return;
    const context = this.drawn.getContext("2d");
    const ratio = this.canvas.width / width;
    context.scale(ratio, ratio);
    const colours = palette(this.canvas);
    let top = 0;
    for (const lane of this.lanes) {
      this.lane(context, colours, lane, top + LANE.title);
      top += LANE.title + lane.height + LANE.gap;
    }
    this.words(context, colours, this.title, top + LANE.title);
    this.shares(context, colours, top + LANE.title);
  }

  words(context, colours, words, bottom) {
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = colours.muted;
    context.fillText(words, EDGE, bottom - 5, this.width - 2 * EDGE);
  }

  // Where the person is in the picture, coloured by how many of those frames were adapted to.
  shares(context, colours, top) {
    const bins = Math.min(this.count, Math.ceil((this.width - 2 * EDGE) / 3));
    const pale = mixed(colours.muted, 0.35, colours.surface);
    const edge = (bin) => Math.round(EDGE + (this.width - 2 * EDGE) * bin / bins);
    for (let bin = 0; bin < bins; bin++) {
      const part = this.strip.subarray(bin * this.count / bins, Math.ceil((bin + 1) * this.count / bins));
      const there = part.filter((kind) => kind > 0);
      if (there.length === 0) continue;
      const share = there.filter((kind) => kind === 2).length / there.length;
      context.globalAlpha = 1;
      context.fillStyle = pale;
      context.fillRect(edge(bin), top, edge(bin + 1) - edge(bin), LANE.strip);
      context.globalAlpha = share;
      context.fillStyle = colours.accent;
      context.fillRect(edge(bin), top, edge(bin + 1) - edge(bin), LANE.strip);
    }
    context.globalAlpha = 1;
  }

  // A lane of means, within the range of what they are means of.
  lane(context, colours, { title, values, colour, height }, top) {
    const bins = Math.min(this.count, Math.max(Math.floor((this.width - 2 * EDGE) / 1.5), 1));
    const [low, mean, high] = [0, 0, 0].map(() => new Float64Array(bins).fill(NaN));
    for (let bin = 0; bin < bins; bin++) {
      let [sum, known] = [0, 0];
      const end = Math.floor((bin + 1) * this.count / bins);
      for (let i = Math.floor(bin * this.count / bins); i < end; i++) {
        if (!Number.isFinite(values[i])) continue;
        sum += values[i];
        known += 1;
        low[bin] = known > 1 ? Math.min(low[bin], values[i]) : values[i];
        high[bin] = known > 1 ? Math.max(high[bin], values[i]) : values[i];
      }
      if (known) mean[bin] = sum / known;
    }
    const sorted = high.filter(Number.isFinite).sort();
    const most = sorted.at(-1) ?? 0;
    // A first slow frame, or a wild one, does not flatten the rest.
    const usual = 1.3 * (sorted[Math.floor(0.98 * (sorted.length - 1))] ?? 0);
    const ceiling = Math.min(most, usual) || 1;
    const y = (value) => top + height - height * Math.min(Math.max(value, 0) / ceiling, 1);
    const x = (bin) => this.x(((2 * bin + 1) * this.count / bins - 1) / 2);
    const peak = most > ceiling ? `, peak ${short(most)}` : "";
    this.words(context, colours, `${title}: 0 to ${short(ceiling)}${peak}`, top);
    line(context, [EDGE, top + height], [this.width - EDGE, top + height], colours.grid, 1);
    for (const [edges, style, breadth] of [[[low, high], mixed(colour, 0.3, colours.surface), 1.5], [[mean], colour, 1.5]]) {
      context.strokeStyle = style;
      context.lineWidth = breadth;
      context.lineJoin = "round";
      context.beginPath();
      for (let bin = 0, before = -Infinity; bin < bins; bin++) {
        if (Number.isNaN(mean[bin])) continue;
        const isNear = bin - before <= BRIDGE;
        before = bin;
        if (edges.length === 2) {
          context.moveTo(x(bin), y(edges[0][bin]));
          context.lineTo(x(bin), y(edges[1][bin]));
        } else if (isNear) {
          context.lineTo(x(bin), y(mean[bin]));
        } else {
          context.moveTo(x(bin), y(mean[bin]));
          // A lone value would have no length.
          context.lineTo(x(bin) + 0.75, y(mean[bin]));
        }
      }
      context.stroke();
    }
  }

  draw(place) {
    if (this.canvas.clientWidth !== this.width) this.render();
    const { context } = prepared(this.canvas);
    if (this.drawn.width === 0) return;
    context.drawImage(this.drawn, 0, 0, this.width, this.height);
    const x = this.x(place);
    line(context, [x, 0], [x, this.height], palette(this.canvas).ink, 1);
  }
}
