"""Frozen commands and options: scripts depend on them, so every change belongs in the changelog."""

from __future__ import annotations

import typer.main

from scaling.cli.app import app
from scaling.cli.flags import Command

READ = {"--set", "--store", "--also", "--data"}
FIGURES = {"--format", "--width", "--font"}
SURFACE = {
    "init": {"PATH", "--dataset", "--architecture", "--data"},
    "schema": {"--markdown", "--columns", "--commands"},
    "plan": {"CONFIG", "--json", *READ},
    "run": {
        "CONFIG",
        "--address",
        "--in-process",
        "--until",
        "--quantity",
        "--budget",
        "--quiet",
        "--track",
        "--retrain",
        "--watch",
        *READ,
    },
    "submit": {"CONFIG", "--address", "--env", "--track", *READ},
    "status": {"CONFIG", "--json", *READ},
    "table": {"CONFIG", "--out", *READ},
    "export": {"CONFIG", "--to", *READ},
    "fit": {
        *("SOURCE", "--x", "--y", "--by", "--form", "--holdout", "--predict", "--for-error"),
        *(
            "--error-counts",
            "--image-counts",
            "--std",
            "--best-over",
            "--validation",
            "--where",
            "--last-of",
            "--run",
            "--wide",
            "--accuracy",
            "--population",
            "--cost",
            "--loss",
            "--json",
            *READ,
        ),
    },
    "bundle": {"CONFIG", "--out", *FIGURES, *READ},
    "push": {"CONFIG", "[REPO]", "--to", "--predictions", *READ},
    "report": {
        *("SOURCE", "--x", "--y", "--by", "--std", "--where", "--last-of", "--run", "--wide", "--accuracy"),
        *("--out", "--tables", "--json", *FIGURES, *READ),
    },
    "compare": {"CONFIG", "--for-error", "--out", "--tables", "--json", *FIGURES, *READ},
    "optimum": {
        *("SOURCE", "--x", "--y", "--by", "--std", "--where", "--last-of", "--run", "--wide", "--accuracy"),
        *("--out", "--json", *FIGURES, *READ),
    },
    "power": {"CONFIG", "--power", "--quiet", "--json", *READ},
    "history": {"FOLDER", "--out", "--store", "--also", "--data", "--json"},
    "claims": {"FOLDER", "--out", "--store", "--also", "--data", "--json"},
    "ensemble": {"CONFIG", "--sizes", "--by", "--out", "--json", *READ},
    "prune": {"CONFIG", "--address", "--in-process", "--out", "--quiet", "--json", *READ},
    "reject": {"CONFIG", "--error", "--out", "--json", *READ},
    "shift": {"CONFIG", "--largest", "--out", "--json", *READ},
    "store verify": {"--store", "--json"},
    "store repair": {"--store", "--json"},
    "store compact": {"--store", "--json"},
    "store sweep": {"--store", "--json"},
    "store merge": {"CONFIG", "--into", "--predictions", *READ},
    "suggest": {"CONFIG", "--until", "--quantity", "--budget", "--json", *READ},
    "forecast": {"CONFIG", "--at", "--curve", "--json", *READ},
    "score": {"CONFIG", "--json", *READ},
    "why": {"RUN", "--config", "--store", "--also", "--data", "--json"},
    "diff": {"A", "B", "--config", "--store", "--also", "--data", "--json"},
    "inspect": {"RUN", "--image", "--out", "--config", "--store", "--also", "--data", "--json"},
    "classify": {"FILE ...", "--run", "--config", "--store", "--also", "--data", "--json"},
    "data": {"[NAME ...]", "--data", "--json"},
    "separable": {"CONFIG", "--json", *READ},
    "models": {"--json"},
    "bench": {
        *("--out", "--workers", "--inference", "--run", "--config", "--store", "--also", "--data"),
        *("--quiet", "--json"),
    },
}


def all_commands() -> dict:
    """Return the commands by name; those of a group by the names of the group and the command."""
    commands = {}
    for name, command in typer.main.get_command(app).commands.items():
        inner = getattr(command, "commands", {})
        commands |= {f"{name} {other}": inner[other] for other in inner} or {name: command}
    return commands


def test_commands_and_options_are_the_frozen_ones():
    group = typer.main.get_command(app)
    surface = {
        name: {
            word
            for parameter in command.params
            for word in (parameter.opts if parameter.param_type_name == "option" else [parameter.metavar])
        }
        for name, command in all_commands().items()
    }
    assert surface == SURFACE
    assert {option for parameter in group.params for option in parameter.opts} == {
        "--version",
        "--debug",
        "--install-completion",
        "--show-completion",
    }


def test_every_command_and_option_has_a_help_text():
    for name, command in all_commands().items():
        assert command.help, name
        assert all(parameter.help for parameter in command.params), name


def test_every_command_refuses_an_option_that_is_given_twice():
    assert {name for name, command in all_commands().items() if not isinstance(command, Command)} == set()


def test_every_command_fits_in_a_line_of_the_list(scaling):
    assert "..." not in scaling("--help").out.partition("Commands:")[2]
