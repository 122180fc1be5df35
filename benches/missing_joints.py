#!/usr/bin/env python3
"""What stands in best for joints that a detector did not find: takes joints away from a pose set with 3D truth, lets
`isopose eval` fill them each way, and prints the error of the joints that were taken away and of the others.

    python3 benches/missing_joints.py --checkpoint model.safetensors --data target.npz [--mode baseline] [--limit 2000]

scattered: each joint of each pose is missing with a probability of 10 %. limb: in stretches of 15 frames an arm without
its shoulder, or a leg without its hip, is missing, as behind furniture.
"""
import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

LIMBS = {16: [(2, 3), (5, 6), (11, 12), (14, 15)], 17: [(2, 3), (5, 6), (12, 13), (15, 16)]}
STRETCH = 15


def scattered(n, joints, rng):
    return rng.random((n, joints)) < 0.1


def limb(n, joints, rng):
    gone = np.zeros((n, joints), bool)
    for start in range(0, n, STRETCH):
        gone[start:start + STRETCH, LIMBS[joints][rng.integers(4)]] = True
    return gone


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isopose", default="target/release/isopose")
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--mode", default="baseline")
    parser.add_argument("--limit", type=int, default=2000)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    with np.load(arguments.data) as file:
        arrays = {name: file[name] for name in file.files}
    n, joints = arrays["keypoints"].shape[:2]
    n = min(n, arguments.limit)
    per_pose = len(arrays["keypoints"])
    arrays = {name: array[:n] if array.ndim and len(array) == per_pose else array for name, array in arrays.items()}
    truth = arrays["positions"] - arrays["positions"][:, :1]
    print(f"{n} poses, --mode {arguments.mode}; mean error in mm")
    print(f"{'missing':<10}{'filled from':<14}{'taken away':>11}{'others':>8}{'all':>8}")
    with tempfile.TemporaryDirectory() as folder:
        data, predictions = Path(folder) / "data.npz", Path(folder) / "predictions.npz"
        for name, pattern in [("none", None), ("scattered", scattered), ("limb", limb)]:
            gone = np.zeros((n, joints), bool) if pattern is None else pattern(n, joints, np.random.default_rng(0))
            keypoints = np.where(gone[..., None], 0, arrays["keypoints"]).astype(np.float32)
            np.savez(data, **{**arrays, "keypoints": keypoints, "confidence": (~gone).astype(np.float32)})
            for fill in ["last-frame", "neighbours"] if pattern else ["neighbours"]:
                subprocess.run([arguments.isopose, "eval", "--checkpoint", arguments.checkpoint, "--data", data, "--mode",
                                arguments.mode, "--fill", fill, "--predictions", predictions, "--device",
                                arguments.device, "--batch", "16", "--copies", "16"], check=True, capture_output=True)
                with np.load(predictions) as file:
                    error = 1000 * np.linalg.norm(file["positions"] - truth, axis=-1)
                    assert (file["guessed"].astype(bool) == gone).all()
                taken = f"{error[gone].mean():11.1f}" if pattern else f"{'-':>11}"
                print(f"{name:<10}{fill if pattern else '-':<14}{taken}{error[~gone].mean():8.1f}{error.mean():8.1f}",
                      flush=True)


if __name__ == "__main__":
    main()
