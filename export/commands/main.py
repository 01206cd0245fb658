"""``edge-export``: from a checkpoint to a bundle, and from a bundle to an engine."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

from edge.commands.console import print_nothing_more
from edge.commands.parser import Parser
from edge.errors import EdgeError
from edge.system.files import not_a_path, reason_of
from edge.system.host import versions
from edge.system.signals import terminate_as_interrupt
from edge.system.text import printable

# module, function that adds the subcommand and sets its ``run``, one line of help. Only the one that is asked for is
# imported: most need torch, which the board that builds the engine does not have
_COMMANDS = {
    "onnx": ("export.commands.onnx", "add_onnx_command", "make a bundle of a torchvision Faster R-CNN checkpoint"),
    "check": (
        "export.commands.check",
        "add_check_command",
        "compare a bundle with the detector it was made from, and compile it",
    ),
    "reference": (
        "export.commands.reference",
        "add_reference_command",
        "write a script that saves what your own program finds, to compare a bundle with",
    ),
    "data": (
        "export.commands.data",
        "add_data_command",
        "find problems in labelled frames; make simulated ones; propose frames and boxes for labelling",
    ),
    "train": ("export.commands.train", "add_train_command", "train a detector on labelled frames"),
    "average": (
        "export.commands.average",
        "add_average_command",
        "make a checkpoint between a model and one that was trained from it",
    ),
    "eval": (
        "export.commands.eval",
        "add_eval_command",
        "measure how good a bundle or a checkpoint is on labelled frames",
    ),
    "engine": ("export.commands.engine", "add_engine_command", "build the TensorRT engine, on the board that flies"),
    "sign": ("export.commands.signing.sign", "add_sign_command", "sign a bundle, so that a drone can tell who made it"),
    "estimate": (
        "export.commands.estimate",
        "add_estimate_command",
        "estimate how fast a bundle is on a board, from its operations and bytes; nothing is measured",
    ),
}


def parser_for(asked: str | None) -> argparse.ArgumentParser:
    """All subcommands by name; only ``asked`` has its options, and its module imported.

    Raises ModuleNotFoundError where that module needs a package that is not installed.
    """
    parser = Parser(prog="edge-export", description="From a checkpoint to a bundle, and from a bundle to an engine.")
    parser.add_argument("--version", action="version", version=f"thermal-edge {versions({})['thermal-edge']}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, add, what) in _COMMANDS.items():
        if name == asked:
            getattr(importlib.import_module(module), add)(commands)
        else:
            commands.add_parser(name, help=what)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns 0 done, 1 failed while running, 2 bad arguments or bad input."""
    # before torch is imported: threads that spin while they wait cost a busy machine ten times the time
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    terminate_as_interrupt()
    words = list(sys.argv[1:] if argv is None else argv)
    asked = next((word for word in words if not word.startswith("-")), None)
    try:
        arguments = parser_for(asked).parse_args(words)
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]  # the name may be a submodule's
        if package not in ("torch", "torchvision", "onnx", "yaml"):
            raise
        print(
            f"edge-export: {asked} needs {package}, which is not installed: "
            "pip install 'thermal-edge[export]' on the machine that exports",
            file=sys.stderr,
        )
        return 2
    except EdgeError as error:
        print(printable(f"edge-export: {error}"), file=sys.stderr)
        return error.exit_code
    except OSError as error:  # a full disk behind > FILE, a reader that is gone
        expected = not_a_path(error)
        said = f"edge-export: {error.filename or 'standard output'}: {reason_of(error)}"
        print(printable(f"{said}: {expected}" if expected else said), file=sys.stderr)
        print_nothing_more()
        return 2 if expected else 1
    except RuntimeError as error:
        if not (expected := not_a_path(error)):
            raise
        print(printable(f"edge-export: {error}: {expected}"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("edge-export: interrupted", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
