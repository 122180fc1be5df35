#!/usr/bin/env python3
"""The work of `isopose bench` in PyTorch, timed by turns with it: isopose, PyTorch, isopose, PyTorch, ...

    python benches/peers/torch_peer.py --threads 2
    python benches/peers/torch_peer.py --device cuda --isopose-device gpu
    python benches/peers/torch_peer.py --preset paper                        # the paper's tasks

What is the same: the networks (sizes, residual blocks, frozen batch norm), float32 (no TF32), the losses with sums over
joints, perspective views normalised by bone lengths, Adam's steps, T, B, R, flip, and what is timed: from a sample in
host memory to its prediction in host memory, the draw of random views and of replayed poses included. Parameters are
random on both sides. What differs with the paper's tasks: the generator's loss here is the saturating one, so that one
backward pass serves both players as it does in isopose; with isopose's default PyTorch would need a second pass through
the discriminator. With the geometry preset isopose's training step also turns half of its poses and mixes their limbs;
this one trains on them as they are. The script counts the operations of PyTorch's matrix products and compares them with those that
isopose counts from its plan.

Variants:
    eager    as it is written. The paper's tasks: B copies of x are lifted. Geometry: the pair of a sample and its
             mirror image, its views, and replayed poses are lifted each by themselves. Fused Adam, no gradients of
             what is frozen
    short    the exact shortcuts by hand. The paper's tasks: x is lifted once; vanilla's last step updates the extractor
             only. Geometry: the pair and the replayed poses are lifted together
    compile  short, its losses and gradients by torch.compile
    graph    short, a whole sample as one CUDA graph (CUDA only)
A training step lifts every pose once anyway: there short is eager.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time

try:
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError as error:
    sys.exit(f"torch_peer.py: {error}; install PyTorch (pip install torch numpy) or run `isopose bench` alone")

PARENTS = {16: [-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14],
           17: [-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15]}
SWAP = {16: [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 13, 14, 15, 10, 11, 12],
        17: [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]}
MODES = ["baseline", "baseline-no-flip", "vanilla", "vanilla-lr", "online", "online-skip", "train-step"]
STEPS = {"paper": {"vanilla": 10}, "geometry": {"vanilla": 10, "online-skip": 4}}  # T; 1 for every other mode
ALPHA = {"vanilla-lr": 2e-4}                  # else 2e-5; it makes no difference to the time
ROUND = {"online-skip": 10}                   # samples of which one is adapted to
DEPTH, MIN_DEPTH, SLOPE, BATCH, POSES = 10.0, 1.0, 0.01, 64, 1024
LAMBDA, LAMBDA_2D, LAMBDA_3D = 0.1, 10.0, 0.1
LAMBDA_PLANE, LAMBDA_BONE, LAMBDA_VIEW, LAMBDA_REPLAY, GATE = 0.0, 1.0, 1.0, 1.0, 1.0
REPLAY = 8                                    # R of isopose bench


# ---- networks (Sec. 3.3)

class Block(nn.Module):
    def __init__(self, width, norm):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, width), nn.Linear(width, width)
        self.bn1, self.bn2 = (nn.BatchNorm1d(width) if norm else nn.Identity() for _ in range(2))

    def forward(self, x):
        h = F.dropout(F.leaky_relu(self.bn1(self.fc1(x)), SLOPE), 0.5, self.training)
        return x + F.dropout(F.leaky_relu(self.bn2(self.fc2(h)), SLOPE), 0.5, self.training)


class Net(nn.Module):
    """The networks of a preset: with the geometry task no SSL head and no discriminator, and the corrected lift."""

    def __init__(self, joints, width, preset):
        super().__init__()
        stack = lambda norm: nn.Sequential(nn.Linear(2 * joints, width), *(Block(width, norm) for _ in range(3)))
        head = lambda: nn.Sequential(Block(width, True), nn.Linear(width, 3 * joints))
        self.joints, self.corrected = joints, preset == "geometry"
        self.extractor, self.fsl = stack(True), head()
        if preset == "paper":
            self.ssl, self.disc = head(), nn.Sequential(stack(False), nn.Linear(width, 1))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight)
        for part in (self.fsl, self.ssl) if preset == "paper" else (self.fsl,):
            part[1].weight.data.mul_(0.03)                # poses of human size
        lengths = 0.25 + 0.01 * torch.arange(joints - 1)  # metres
        self.register_buffer("lengths", lengths)
        self.register_buffer("bones", lengths / DEPTH)
        self.register_buffer("parents", torch.tensor(PARENTS[joints][1:]))
        self.register_buffer("swap", torch.tensor(SWAP[joints]))
        self.register_buffer("mirror", torch.tensor([-1.0, 1.0, 1.0]))

    def features(self, x):
        return self.extractor(x.flatten(1))

    def pose(self, head, features):
        pose = head(features).view(-1, self.joints, 3)
        return pose - pose[:, :1]

    def lift(self, x):
        """What the FSL head says of keypoints."""
        pose = self.pose(self.fsl, self.features(x))
        if not self.corrected:
            return pose
        flat, z = pose.split([2, 1], -1)
        return torch.cat([torch.addcmul(flat, x, z + DEPTH), z], -1)

    def flip(self, pose):
        return pose[:, self.swap] * self.mirror[:pose.shape[-1]]

    def predict(self, x, flip):
        if not flip:
            return self.lift(x)
        pose, mirrored = self.lift(torch.cat([x, self.flip(x)])).chunk(2)
        return 0.5 * (pose + self.flip(mirrored))

    def normalise(self, x):
        """Root-centred, divided by the bone scale."""
        x = x - x[:, :1]
        lengths = (x[:, 1:] - x[:, self.parents]).square().sum(-1).clamp(min=1e-14).sqrt()
        scale = (lengths / self.bones).pow(6).mean(-1).pow(1 / 6).clamp(min=1e-9)
        return x / scale[:, None, None]


def project(pose):
    return pose[..., :2] / (pose[..., 2:] + DEPTH).clamp(min=MIN_DEPTH)


def random_rotations(count, device):
    angles = torch.rand(2, count, device=device) * 2 - 1
    azimuth, elevation = angles[0] * math.pi, angles[1] * (math.pi / 9)
    ca, sa, ce, se = azimuth.cos(), azimuth.sin(), elevation.cos(), elevation.sin()
    rows = [ca, torch.zeros_like(ca), sa, se * sa, ce, -se * ca, -ce * sa, se, ce * ca]
    return torch.stack(rows, -1).view(-1, 3, 3)


def squares(a):
    return a.square().flatten(1).sum(1).mean()


# ---- losses

def self_supervision(net, x, features, copies):
    """Eq. 3 and 4. The generator descends, the discriminator ascends; x has one row or `copies`."""
    pose = net.pose(net.ssl, features)
    rotations = random_rotations(copies, x.device)
    y = net.normalise(project(pose @ rotations.transpose(1, 2)))
    real, fake = net.disc(torch.cat([x, y]).flatten(1)).split([len(x), copies])
    adversary = F.logsigmoid(real).mean() + F.logsigmoid(-fake).mean()
    back = net.pose(net.ssl, net.features(y)) @ rotations
    return adversary + LAMBDA_2D * squares(project(back) - x) + LAMBDA_3D * squares(back - pose)


def adaptation_loss(net, x, copies):
    return self_supervision(net, x, net.features(x), copies)


def bones(net, pose):
    return pose[:, 1:] - pose[:, net.parents]


def supervision(net, pose, truth):
    """Eq. 2."""
    return squares(pose - truth) + squares(bones(net, pose) - bones(net, truth))


def training_loss(net, x, truth):
    """Eq. 5, on Eq. 2 for the FSL head; Eq. 2 alone for the geometry task, which has no part in training."""
    if net.corrected:
        return supervision(net, net.lift(x), truth)
    features = net.features(x)
    pose = net.pose(net.fsl, features)
    return supervision(net, pose, truth) + LAMBDA * self_supervision(net, x, features, len(x))


def replayed(net, keypoints, truth, count):
    """Labelled poses of a reservoir, each mirrored with probability 1/2, half of them turned to random views."""
    device, half = keypoints.device, count // 2
    drawn = torch.randint(len(keypoints), (count,), device=device)
    mirrored = torch.rand(count, 1, 1, device=device) < 0.5
    x, truth = keypoints[drawn], truth[drawn]
    x, truth = torch.where(mirrored, net.flip(x), x), torch.where(mirrored, net.flip(truth), truth)
    seen = truth[:half] @ random_rotations(half, device).transpose(1, 2)
    return torch.cat([net.normalise(project(seen)), x[half:]]), torch.cat([seen, truth[half:]])


def geometry_loss(net, x, rotations, rx, truth, together):
    """The geometry task on one sample, and Eq. 2 of the replayed poses rx. What is lifted of random views is compared
    with the flip-averaged lift, which is held like them. With `together` the pair is lifted with the replayed poses."""
    pair = torch.cat([x, net.flip(x)])
    if together:
        pose, again = net.lift(torch.cat([pair, rx])).split([2, len(rx)])
    else:
        pose, again = net.lift(pair), net.lift(rx)
    bone = (bones(net, pose).square().sum(-1).clamp(min=1e-14).sqrt() - net.lengths).square().sum(1).mean()
    loss = LAMBDA_BONE * bone
    if LAMBDA_PLANE:
        loss = loss + LAMBDA_PLANE * squares(DEPTH * (project(pose) - pair))
    with torch.no_grad():
        average = 0.5 * (pose[:1] + net.flip(pose[1:]))
        y = net.normalise(project(average @ rotations.transpose(1, 2)))
    loss = loss + LAMBDA_VIEW * squares(net.lift(y) @ rotations - average)
    if GATE:
        loss = (bone.detach() / GATE).clamp(max=1.0) * loss
    return loss + LAMBDA_REPLAY * supervision(net, again, truth)


# ---- modes

class Peer:
    """One variant: every mode on one set of parameters."""

    def __init__(self, variant, args):
        torch.manual_seed(0)
        self.variant, self.device = variant, torch.device(args.device)
        self.preset, self.replay = args.preset, args.replay
        self.net = Net(args.joints, args.width, args.preset).to(self.device)
        self.poses = 0.1 * torch.randn(POSES, args.joints, 2)                    # samples in host memory
        self.resident = self.poses.to(self.device)                              # a training set in device memory
        self.truth = 0.3 * torch.randn(POSES, args.joints, 3, device=self.device)
        self.truth[:, 0] = 0
        self.x = torch.zeros(1, args.joints, 2, device=self.device)
        self.out = torch.zeros(1, args.joints, 3, device=self.device)
        wrap = (lambda f: torch.compile(f, dynamic=False)) if variant == "compile" else (lambda f: f)
        self.adaptation_loss, self.training_loss = wrap(adaptation_loss), wrap(training_loss)
        self.geometry_loss = wrap(geometry_loss)
        self.predict = wrap(lambda x, flip: self.net.predict(x, flip))

    def adam(self, params, lr, ascend=False):
        graph = self.variant == "graph"
        return torch.optim.Adam(params, lr=lr, maximize=ascend, fused=True, capturable=graph)

    def descend_and_ascend(self, loss, params, optimizers):
        """One backward pass for both players, then both steps."""
        for p, g in zip(params, torch.autograd.grad(loss, params)):
            p.grad = g
        for optimizer in optimizers:
            optimizer.step()

    def runs(self, mode, copies):
        """The samples of a round as functions from a sample's index to its prediction."""
        net = self.net
        net.requires_grad_(False).train(mode == "train-step")
        if mode == "train-step":
            return [self.training_step()]
        flip = mode != "baseline-no-flip"

        def predict():
            with torch.inference_mode(self.variant != "graph"), torch.no_grad():
                self.out.copy_(self.predict(self.x, flip))

        bodies = [predict]
        if not mode.startswith("baseline"):
            adapt = self.geometry(mode, copies) if self.preset == "geometry" else self.adaptation(mode, copies)
            bodies = [lambda: (adapt(), predict())] + [predict] * (ROUND.get(mode, 1) - 1)
        if self.variant == "graph":
            captured = {body: capture(body) for body in dict.fromkeys(bodies)}
            bodies = [captured[body] for body in bodies]

        def sample(body):
            def run(i):
                self.x.copy_(self.poses[i % POSES][None])
                body()
                return self.out.cpu() if self.device.type == "cuda" else self.out.clone()
            return run
        return [sample(body) for body in bodies]

    def adaptation(self, mode, copies):
        net, short, vanilla = self.net, self.variant != "eager", mode.startswith("vanilla")
        adapted = lambda module: [p for name, p in module.named_parameters() if "bn" not in name]
        extractor, head, disc = adapted(net.extractor), adapted(net.ssl), adapted(net.disc)
        params = extractor + head + disc
        source = [p.detach().clone() for p in params]
        alpha, steps = ALPHA.get(mode, 2e-5), STEPS["paper"].get(mode, 1)
        optimizers = [self.adam(extractor + head, alpha), self.adam(disc, alpha, ascend=True)]

        def adapt():
            if vanilla:
                restore(params, source, optimizers)
            x = self.x if short else self.x.expand(copies, -1, -1)
            for step in range(steps):
                lean = short and vanilla and step + 1 == steps
                for p in params:
                    p.requires_grad_(True)
                for p in (head + disc) * lean:            # discarded with the sample
                    p.requires_grad_(False)
                    p.grad = None
                loss = self.adaptation_loss(net, x, copies)
                self.descend_and_ascend(loss, extractor if lean else params, optimizers[:1] if lean else optimizers)
        return adapt

    def geometry(self, mode, copies):
        """Only the extractor's linear layers learn."""
        net, together, vanilla = self.net, self.variant != "eager", mode.startswith("vanilla")
        params = [p.requires_grad_(True) for name, p in net.extractor.named_parameters() if "bn" not in name]
        source = [p.detach().clone() for p in params]
        steps = STEPS["geometry"].get(mode, 1)
        optimizers = [self.adam(params, ALPHA.get(mode, 2e-5))]

        def adapt():
            if vanilla:
                restore(params, source, optimizers)
            for _ in range(steps):
                with torch.no_grad():
                    rotations = random_rotations(copies, self.device)
                    rx, truth = replayed(net, self.resident, self.truth, self.replay)
                loss = self.geometry_loss(net, self.x, rotations, rx, truth, together)
                self.descend_and_ascend(loss, params, optimizers)
        return adapt

    def training_step(self):
        net = self.net.requires_grad_(True)
        disc = list(net.disc.parameters()) if self.preset == "paper" else []
        others = [p for name, p in net.named_parameters() if not name.startswith("disc.")]
        optimizers = [self.adam(others, 2e-4)] + ([self.adam(disc, 2e-4, ascend=True)] if disc else [])
        drawn = torch.zeros(BATCH, dtype=torch.long, device=self.device)

        def step():
            mirrored = (torch.rand(BATCH, 1, 1, device=self.device) < 0.5)
            x, truth = self.resident[drawn], self.truth[drawn]
            x, truth = torch.where(mirrored, net.flip(x), x), torch.where(mirrored, net.flip(truth), truth)
            self.descend_and_ascend(self.training_loss(net, x, truth), others + disc, optimizers)

        body = capture(step) if self.variant == "graph" else step

        def run(i):
            drawn.copy_(torch.randperm(POSES)[:BATCH])
            body()
            if self.device.type == "cuda":
                torch.cuda.synchronize()
        return run


def restore(params, source, optimizers):
    """Back to the source, with a fresh Adam."""
    with torch.no_grad():
        torch._foreach_copy_(params, source)
    for state in [s for o in optimizers for s in o.state.values()]:
        torch._foreach_zero_(list(state.values()))


def capture(body):
    """`body` as a CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            body()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        body()
    return graph.replay


# ---- timing

def busy():
    """CPU seconds that every other process has used so far; None where the system does not say."""
    try:
        with open("/proc/stat") as file:
            fields = [int(word) for word in file.readline().split()[1:9]]
    except OSError:
        return None
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


class Turn:
    """Notes how many cores other processes keep busy while it lasts: then times mean little."""

    def __init__(self, row):
        self.row = row

    def __enter__(self):
        self.begun, self.before = time.perf_counter(), busy()

    def __exit__(self, *_):
        if self.before is not None:
            cores = (busy() - self.before) / (time.perf_counter() - self.begun)
            self.row["other_cores"] = max(self.row["other_cores"], round(cores, 2))


def timed(runs, count):
    """Times of `count` samples, milliseconds, after a round that is not counted."""
    times = []
    for i in range(len(runs) + count):
        begun = time.perf_counter()
        runs[i % len(runs)](i)
        times.append(1e3 * (time.perf_counter() - begun))
    return times[len(runs):]


def typical(mode, times):
    """The median; the mean of online-skip, whose samples differ."""
    return statistics.mean(times) if mode in ROUND else statistics.median(times)


def gflop(runs):
    """Operations of PyTorch's matrix products in a sample, averaged over a round."""
    from torch.utils.flop_counter import FlopCounterMode
    with FlopCounterMode(display=False) as counter:
        for i, run in enumerate(runs):
            run(i)
    return counter.get_total_flops() / 1e9 / len(runs)


def isopose(args, mode, copies, samples):
    command = [args.isopose, "bench", "--json", "--device", args.isopose_device, "--threads", str(args.threads),
               "--preset", args.preset, "--width", str(args.width), "--joints", str(args.joints), "--mode", mode,
               "--samples", str(samples), "--copies", str(copies), "--batch", str(BATCH)]
    time.sleep(0.3)                                       # PyTorch's threads spin for a while after their last work
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        sys.exit(f"torch_peer.py: {args.isopose}: {error.strerror}; run `cargo build --release`, or give --isopose")
    if done.returncode != 0:
        sys.exit(f"torch_peer.py: {' '.join(command)}: {done.stderr.strip()}")
    report = json.loads(done.stdout)
    return report, report["rows"][0]


def note(line):
    print(line, file=sys.stderr, flush=True)


def compare(args, variants):
    """All modes, round by round, and within a round side by side."""
    rows, peers = [], {}
    for mode in args.modes:
        for copies in args.copies if mode in MODES[2:6] else args.copies[:1]:
            row = {"mode": mode, "copies": copies if mode in MODES[2:6] else None, "ms": {"isopose": []}, "samples": {}}
            row["gflop"], row["other_cores"] = {}, 0.0
            ready = {}
            for variant in variants:
                if mode in ("baseline", "baseline-no-flip", "train-step") and variant == "short":
                    continue                              # no shortcut applies
                try:
                    peer = peers.setdefault(variant, None) or Peer(variant, args)
                    peers[variant] = peer
                    runs = peer.runs(mode, copies)
                    count = len(runs)
                    if variant in ("eager", "short"):
                        row["gflop"][variant] = gflop(runs)
                    ms = typical(mode, timed(runs, 2 * count))
                except Exception as error:                # a variant that fails is left out, loudly
                    note(f"{variant} {mode}: {type(error).__name__}: {str(error).strip().splitlines()[0]}; left out")
                    continue
                fits = max(3, min(200, int(1e3 * args.seconds / ms)))
                row["samples"][variant] = -(-fits // count) * count
                ready[variant] = runs
                row["ms"][variant] = []
            samples = min(row["samples"].values(), default=20)
            for _ in range(args.rounds):
                with Turn(row):
                    report, ours = isopose(args, mode, copies, samples)
                row["ms"]["isopose"].append(ours["ms_mean" if mode in ROUND else "ms_median"])
                row["gflop"]["isopose"] = ours["gflop"]
                row["device"], row["floor_ms"] = report["device"], ours["floor_ms"]
                for variant, runs in ready.items():
                    with Turn(row):
                        row["ms"][variant].append(typical(mode, timed(runs, samples)))
            rows.append(row)
            note(describe(row))
    return rows


def same_work(row):
    """Whether isopose and PyTorch's shortest count the same operations, within 5 %."""
    theirs = row["gflop"].get("short", row["gflop"].get("eager"))
    return None if theirs is None else abs(theirs / row["gflop"]["isopose"] - 1) <= 0.05


def describe(row):
    middle = {name: statistics.median(ms) for name, ms in row["ms"].items() if ms}
    times = ", ".join(f"{name} {ms:.2f} ms" for name, ms in middle.items())
    return f"{row['mode']} B={row['copies'] or '-'}: {times}"


def ratios(row, variant):
    """PyTorch's time over isopose's, round by round: above 1, isopose is faster."""
    return [theirs / ours for theirs, ours in zip(row["ms"][variant], row["ms"]["isopose"])]


def markdown(rows, variants):
    spread = lambda values, digits: (f"{statistics.median(values):.{digits}f} "
                                     f"({min(values):.{digits}f} to {max(values):.{digits}f})")
    lines = ["| mode | B | isopose ms | " + " | ".join(f"{v} ms | {v} / isopose" for v in variants)
             + " | GFLOP isopose, PyTorch |", "|---|---|" + "---:|" * (2 + 2 * len(variants))]
    for row in rows:
        cells = [row["mode"], str(row["copies"] or "-"), spread(row["ms"]["isopose"], 2)]
        for variant in variants:
            if row["ms"].get(variant):
                cells += [spread(row["ms"][variant], 2), spread(ratios(row, variant), 2)]
            else:
                cells += ["-", "-"]
        theirs = row["gflop"].get("short", row["gflop"].get("eager"))
        cells.append(f"{row['gflop']['isopose']:.3f}, " + ("-" if theirs is None else f"{theirs:.3f}"))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser.add_argument("--isopose", default=os.path.normpath(os.path.join(root, "target", "release", "isopose")),
                        help="the program [default: target/release/isopose]")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="PyTorch's device [default: cpu]")
    parser.add_argument("--isopose-device", help="isopose's --device [default: cpu, or gpu beside cuda]")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of both sides [default: one per core]")
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--joints", type=int, choices=[16, 17], default=16)
    parser.add_argument("--preset", choices=["geometry", "paper"], default="geometry",
                        help="whose networks and tasks [default: geometry]")
    parser.add_argument("--copies", type=int, nargs="+", help="B [default: 8, or 16 64 with the paper's tasks]")
    parser.add_argument("--replay", type=int, default=REPLAY,
                        help=f"R of the geometry task; isopose's is {REPLAY} [default: {REPLAY}]")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES, metavar="MODE", help=", ".join(MODES))
    parser.add_argument("--variants", nargs="+", choices=["eager", "short", "compile", "graph"],
                        help="[default: eager short compile, and graph on CUDA]")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side [default: 3]")
    parser.add_argument("--seconds", type=float, default=1.5, help="about so long a turn takes [default: 1.5]")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    args = parser.parse_args()
    args.isopose_device = args.isopose_device or ("gpu" if args.device == "cuda" else "cpu")
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: PyTorch sees no CUDA device; use --device cpu")
    if args.variants and "graph" in args.variants and args.device != "cuda":
        parser.error("--variants graph: CUDA graphs need --device cuda")
    args.copies = args.copies or ([8] if args.preset == "geometry" else [16, 64])
    if min(args.threads, args.rounds, args.width, args.replay, *args.copies) < 1:
        parser.error("--threads, --rounds, --width, --copies and --replay must be at least 1")
    return args


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    variants = args.variants or ["eager", "short", "compile"] + ["graph"] * (args.device == "cuda")
    rows = compare(args, variants)
    theirs = torch.cuda.get_device_name() if args.device == "cuda" else f"cpu ({args.threads} threads)"
    if args.json:
        report = {"torch": torch.__version__, "torch_device": theirs, "device": rows[0]["device"],
                  "preset": args.preset, "width": args.width, "rounds": args.rounds,
                  "rows": [{**row, "same_work": same_work(row)} for row in rows]}
        for row in report["rows"]:
            row["ratio"] = {v: statistics.median(ratios(row, v)) for v in variants if row["ms"].get(v)}
        print(json.dumps(report, indent=2))
        return
    print(f"isopose on {rows[0]['device']}, PyTorch {torch.__version__} on {theirs}; preset {args.preset}, width "
          f"{args.width}, {args.rounds} rounds by turns\n")
    print(markdown(rows, [v for v in variants if any(row["ms"].get(v) for row in rows)]))
    print("\nmilliseconds per sample (train-step: per step of 64 poses), median of rounds (smallest to largest); a "
          "ratio above 1: isopose is faster")
    for row in rows:
        if same_work(row) is False:
            print(f"note: {row['mode']}: the two count different work, see the last column")
        if row["other_cores"] > 0.1:
            print(f"note: {row['mode']} B={row['copies'] or '-'}: other processes kept up to {row['other_cores']} "
                  "cores busy; repeat on a quiet machine")


if __name__ == "__main__":
    main()
