#!/usr/bin/env python3
"""Cost against width, copies and instances: measured, and the least that it can be. Python's standard library only.

    python benches/plot.py measure --device cpu --out cost.json      # runs isopose bench, some minutes
    python benches/plot.py draw cost.json --out docs/figures/cost.svg

Beside them is the floor of `isopose bench`, which nothing correct can beat on the same device.
"""
import argparse
import json
import math
import os
import subprocess
import sys

# What is swept, with which mode, and what else is fixed.
SWEEPS = [
    {"name": "width", "mode": "online", "values": [256, 512, 1024, 2048], "fixed": {"copies": 64, "instances": 1},
     "title": "Width", "label": "features of a hidden layer", "note": "online, 64 views"},
    {"name": "copies", "mode": "online", "values": [1, 4, 16, 64, 256], "fixed": {"width": 1024, "instances": 1},
     "title": "Copies", "label": "random views of a sample (B)", "note": "online, width 1024"},
    {"name": "instances", "mode": "vanilla-lr", "values": [1, 2, 4, 8, 16], "fixed": {"width": 1024, "copies": 16},
     "title": "Instances", "label": "samples adapted to at once (N)", "note": "vanilla-lr, 16 views, width 1024"},
]
MEASURED, FLOOR, INK, MUTED, GRID = "#1f6fb5", "#c2560c", "#1c1c1c", "#595959", "#e2e2e2"


# ---- measure

def measure(args):
    sweeps, device = [], None
    for sweep in SWEEPS:
        points = []
        for value in sweep["values"]:
            sizes = {**sweep["fixed"], sweep["name"]: value}
            command = [args.isopose, "bench", "--json", "--preset", "paper", "--device", args.device,
                       "--mode", sweep["mode"]]
            command += [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
            command += ["--samples", str(args.samples)] if args.samples else []
            print(" ".join(command), file=sys.stderr, flush=True)
            try:
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            except OSError as error:
                sys.exit(f"plot.py: {args.isopose}: {error.strerror}; run `cargo build --release`, or give --isopose")
            if done.returncode != 0:
                print(f"plot.py: {sweep['name']} = {value} left out", file=sys.stderr)
                continue
            report = json.loads(done.stdout)
            device = report["device"]
            row = report["rows"][0]
            points.append({"value": value, **{key: row[key] for key in ("ms_median", "ms_p90", "floor_ms")}})
        sweeps.append({"name": sweep["name"], "points": points})
    if not any(sweep["points"] for sweep in sweeps):
        sys.exit("plot.py: nothing could be measured, see above")
    with open(args.out, "w") as file:
        json.dump({"device": device, "sweeps": sweeps}, file, indent=1)


# ---- draw

class Axis:
    """A logarithmic axis from pixel to pixel."""

    def __init__(self, values, pixels, room=1.0):
        self.low, self.high = math.log(min(values) / room), math.log(max(values) * room)
        self.pixels = pixels

    def at(self, value):
        share = (math.log(value) - self.low) / ((self.high - self.low) or 1.0)
        return self.pixels[0] + share * (self.pixels[1] - self.pixels[0])

    def ticks(self):
        """1, 2 and 5 times powers of ten inside the axis; powers of ten alone where those are many."""
        exponents = range(math.floor(self.low / math.log(10)) - 1, math.ceil(self.high / math.log(10)) + 1)
        for steps in ((1, 2, 5), (1,)):
            ticks = [step * 10.0 ** e for e in exponents for step in steps]
            ticks = [tick for tick in ticks if self.low <= math.log(tick) <= self.high]
            if len(ticks) <= 7:
                break
        return ticks


def text(x, y, words, size=12, color=INK, anchor="start", weight="normal", more=""):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}" '
            f'font-weight="{weight}"{more}>{words}</text>')


def panel(sweep, points, left):
    """One plot of 250 x 190 pixels at `left`."""
    top, width, height = 84, 250, 190
    x = Axis([point["value"] for point in points], (left + 14, left + width - 14))
    all_ms = [ms for point in points for ms in (point["ms_median"], point["ms_p90"], point["floor_ms"])]
    y = Axis(all_ms, (top + height, top), room=1.25)
    parts = [text(left, top - 26, sweep["title"], 14, weight="bold"), text(left, top - 9, sweep["note"], 11, MUTED)]
    for tick in y.ticks():
        at = y.at(tick)
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{at:.1f}" y2="{at:.1f}" stroke="{GRID}"/>')
        parts.append(text(left - 7, at + 4, f"{tick:g}", 11, MUTED, "end"))
    for point in points:
        parts.append(text(x.at(point["value"]), top + height + 17, str(point["value"]), 11, MUTED, "middle"))
    parts.append(f'<line x1="{left}" x2="{left + width}" y1="{top + height}" y2="{top + height}" stroke="{MUTED}"/>')
    parts.append(text(left + width / 2, top + height + 36, sweep["label"], 12, INK, "middle"))
    for of, color, dash in ((lambda p: p["floor_ms"], FLOOR, ' stroke-dasharray="6 4"'),
                            (lambda p: p["ms_median"], MEASURED, "")):
        path = " ".join(f"{x.at(p['value']):.1f},{y.at(of(p)):.1f}" for p in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dash}/>')
    for point in points:
        at, median, p90 = x.at(point["value"]), y.at(point["ms_median"]), y.at(point["ms_p90"])
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{median:.1f}" y2="{p90:.1f}" stroke="{MEASURED}"/>')
        parts.append(f'<circle cx="{at:.1f}" cy="{median:.1f}" r="4" fill="{MEASURED}" stroke="#ffffff"/>')
        parts.append(f'<circle cx="{at:.1f}" cy="{y.at(point["floor_ms"]):.1f}" r="2.5" fill="{FLOOR}"/>')
    for point, anchor in ((points[0], "start"), (points[-1], "end")):
        ms = point["ms_median"]
        label = f"{ms:.3g} ms" if ms < 1000 else f"{ms:.0f} ms"
        shift = -6 if anchor == "start" else 6
        halo = ' stroke="#ffffff" stroke-width="4" paint-order="stroke"'
        at = (x.at(point["value"]) + shift, y.at(point["ms_p90"]) - (16 if anchor == "start" else 10))
        parts.append(text(*at, label, 11, MEASURED, anchor, "bold", halo))
    return parts


def draw(args):
    with open(args.data) as file:
        data = json.load(file)
    measured = {sweep["name"]: sweep["points"] for sweep in data["sweeps"]}
    panels = [(sweep, measured.get(sweep["name"], [])) for sweep in SWEEPS]
    panels = [(sweep, points) for sweep, points in panels if len(points) > 1]
    if not panels:
        sys.exit(f"plot.py: {args.data}: no sweep has two points; measure again")
    width, height = 30 + 310 * len(panels), 362
    # A background of its own: the page behind may be dark.
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
             f'height="{height}" font-family="system-ui, Helvetica, Arial, sans-serif" role="img">',
             f"<title>Time per sample on {data['device']} against width, copies and instances</title>",
             f'<rect width="{width}" height="{height}" rx="6" fill="#ffffff"/>',
             text(24, 28, f"Milliseconds per sample on {data['device']}", 15, weight="bold")]
    legend = width - 350
    parts.append(f'<line x1="{legend}" x2="{legend + 26}" y1="24" y2="24" stroke="{MEASURED}" stroke-width="2"/>'
                 f'<circle cx="{legend + 13}" cy="24" r="4" fill="{MEASURED}" stroke="#ffffff"/>')
    parts.append(text(legend + 33, 28, "measured: median, to p90"))
    parts.append(f'<line x1="{legend + 207}" x2="{legend + 233}" y1="24" y2="24" stroke="{FLOOR}" stroke-width="2" '
                 'stroke-dasharray="6 4"/>')
    parts.append(text(legend + 240, 28, "floor"))
    for index, (sweep, points) in enumerate(panels):
        parts += panel(sweep, points, 60 + 310 * index)
    parts.append(text(24, height - 14, "Floor: the longer of the plan's products, each at the best rate of its shape, "
                      "and bare passes over its memory, both measured on this device.", 11, MUTED))
    with open(args.out, "w") as file:
        file.write("\n".join([*parts, "</svg>"]) + "\n")


def main():
    root = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("measure", help="run isopose bench over the sweeps")
    command.add_argument("--device", default="auto", help="isopose's --device [default: auto]")
    command.add_argument("--samples", type=int, help="timed samples of a point [default: isopose's own]")
    command.add_argument("--isopose", default=os.path.join(root, "target", "release", "isopose"),
                         help="the program [default: target/release/isopose]")
    command.add_argument("--out", default="cost.json", help="[default: cost.json]")
    command.set_defaults(run=measure)
    command = commands.add_parser("draw", help="draw what was measured")
    command.add_argument("data", help="what `measure` wrote")
    command.add_argument("--out", default=os.path.join(root, "docs", "figures", "cost.svg"),
                         help="[default: docs/figures/cost.svg]")
    command.set_defaults(run=draw)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
