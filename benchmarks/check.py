"""Times one warm check, and ten at once, beside what people run today."""

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from world import aws, build, run

Case = Callable[[], None]


def mirror_config(folder: Path) -> dict[str, str]:
    """Let bare terraform find the providers that driftwatch finds."""
    from driftwatch.adapters.mirrors import write_cli_config

    return {"TF_CLI_CONFIG_FILE": str(write_cli_config(folder, os.environ))}


def measured(case: Case) -> tuple[float, float]:
    """Return wall and CPU seconds of a case, children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    case()
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def table(cases: Mapping[str, Case], rounds: int) -> None:
    """Alternate the cases and print medians and ratios to the first."""
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for case in cases.values():
        case()
    for _ in range(rounds):
        for name, case in cases.items():
            figures[name].append(measured(case))
    first: tuple[float, float] | None = None
    print(f"{'':<34}{'wall s':>8}{'CPU s':>8}{'x wall':>8}{'x CPU':>8}")
    for name, pairs in figures.items():
        wall, cpu = (statistics.median(column) for column in zip(*pairs, strict=True))
        first = first or (wall, cpu)
        print(f"{name:<34}{wall:8.2f}{cpu:8.2f}{wall / first[0]:8.2f}{cpu / first[1]:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--fleet", type=int, default=10, help="environments at once; 0 leaves it out"
    )
    parser.add_argument("--tfdrift", default=shutil.which("tfdrift"), help="path of tfdrift")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, aws() as bare:
        folder = Path(temporary)
        env = {**bare, "HOME": temporary, **mirror_config(folder)}
        names = [f"env{number:02}" for number in range(max(1, arguments.fleet))]
        build(folder / "repository", names, env)
        compare(folder, names, env, arguments)


def compare(
    folder: Path, names: list[str], env: Mapping[str, str], arguments: argparse.Namespace
) -> None:
    repository = folder / "repository"
    config = folder / "driftwatch.yaml"
    config.write_text(configuration(repository, env), encoding="utf-8")
    command = [sys.executable, "-m", "driftwatch", "-c", str(config), "check", "-q"]
    module = repository / "environments" / names[0]
    plan = ["terraform", "plan", "-input=false", "-lock=false"]

    def usual() -> None:
        run(["terraform", "init", "-input=false"], module, env)
        run([*plan, "-out=plan.bin"], module, env)
        run(["terraform", "show", "-json", "plan.bin"], module, env)

    def tfdrift(root: Path, workers: int) -> None:
        argv = [arguments.tfdrift, "scan", "-q", "-p", str(root), "-w", str(workers)]
        run(argv, folder, env, accepted=(0, 1, 2))

    cases: dict[str, Case] = {
        "terraform plan": lambda: run(plan, module, env),
        "driftwatch check": lambda: run([*command, names[0]], folder, env),
        "init + plan + show": usual,
    }
    if arguments.tfdrift:
        cases["tfdrift scan"] = lambda: tfdrift(module, 1)
    print(f"one environment, {arguments.rounds} rounds")
    table(cases, arguments.rounds)
    if not arguments.fleet:
        return
    fleet: dict[str, Case] = {
        "one after the other": lambda: run([*command, "-j", "1"], folder, env),
        "driftwatch, 2 at once": lambda: run([*command, "-j", "2"], folder, env),
        "driftwatch, 4 at once": lambda: run([*command, "-j", "4"], folder, env),
    }
    if arguments.tfdrift:
        fleet["tfdrift scan, 4 workers"] = lambda: tfdrift(repository, 4)
    print(f"{len(names)} environments, {max(1, arguments.rounds // 2)} rounds")
    table(fleet, max(1, arguments.rounds // 2))


def configuration(repository: Path, env: Mapping[str, str]) -> str:
    names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
    values = "\n".join(f'    {name}: "{env[name]}"' for name in names)
    return (
        f"repositories:\n  live:\n    url: {repository}\n"
        f"data_dir: {repository.parent / 'data'}\nreports: {{directory: {repository.parent / 'reports'}}}\n"
        f"defaults:\n  env:\n{values}\n"
        'environments:\n  "{name}":\n    path: environments/*\n'
    )


if __name__ == "__main__":
    main()
