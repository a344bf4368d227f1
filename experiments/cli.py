"""The command `aislewise`: one group, one line for every error.

Exit status 0 on success, 1 where `verify` finds a deviation, 2 on an error; an error that nobody
foresaw keeps its traceback.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import Any

import click

import planners

from .cli_decide import decide, snapshot
from .cli_deliver import deliver
from .cli_layout import layout
from .cli_peers import peers
from .cli_plan import plan, verify
from .cli_study import experiment, report

ERROR, INTERRUPTED = 2, 130


class OneLineErrors(click.Group):
    """A group that says what is wrong in one line on standard error."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line and leave the process with its exit status."""
        options["standalone_mode"] = False
        options["prog_name"] = self.name
        run = super().main
        sys.exit(_status(lambda: run(*args, **options)))


def _status(run: Callable[[], Any]) -> int:
    try:
        status = run()
    except click.ClickException as error:
        return _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted")
        return INTERRUPTED
    except ValueError as error:
        return _fail(str(error))
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of our output left: nothing to say to it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}")
    return status if isinstance(status, int) else 0


def _fail(message: str) -> int:
    click.echo(f"aislewise: error: {' '.join(message.split())}", err=True)
    return ERROR


@click.group(
    "aislewise",
    cls=OneLineErrors,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(planners.__version__, prog_name="aislewise")
@click.pass_context
def main(context: click.Context) -> None:
    """Search and path planning for a warehouse delivery robot."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (deliver, snapshot, decide, layout, plan, verify, experiment, report, peers):
    main.add_command(_command)
