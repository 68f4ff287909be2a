"""`audit`, and `python -m audit`: what ends it from outside ends it in one line."""

import atexit
import os
import signal
import sys
import time
from _thread import start_new_thread
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

# Shells give 128 and the signal as exit status: 130, 143 and 129.
ENDINGS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
if hasattr(signal, "SIGHUP"):  # not on Windows
    ENDINGS[signal.SIGHUP] = "its terminal was closed"
HOW_TO_GO_ON = "the same command can be run again; finished folds are kept"
PUT_AWAY_SECONDS = 3.0  # for temporary files and workers, before the process ends all the same
SHOW_CURSOR = b"\r\x1b[2K\x1b[?25h"  # on a line that the progress bar leaves empty


def main() -> None:
    """Run the command line; an interrupt at any moment is one line and its exit status."""
    ending = Ending()
    ignored = (signal.SIG_IGN, None)  # as nohup has it
    heard = [each for each in ENDINGS if signal.getsignal(each) not in ignored]
    answer(heard, ending.handle)
    atexit.register(answer, heard, signal.SIG_IGN)  # the last of all, when Python can answer no more
    try:
        from audit import cli  # noqa: PLC0415

        cli.main()
    except KeyboardInterrupt:
        ending.tell(signal.SIGINT)
    finally:
        ending.working = False
        if ending.told is not None:
            answer(heard, signal.SIG_IGN)
            sys.exit(ending.status)


def answer(signals: Sequence[signal.Signals], by: Callable[..., object] | signal.Handlers) -> None:
    """Have these signals answered by a function, or ignored."""
    for each in signals:
        signal.signal(each, by)


class Ending:
    """How a signal ends this process: it is told, then what was begun is put away, in silence.

    Libraries answer an end from outside with tracebacks in threads, and some lose it. So nothing is shown
    after the line, a second signal ends the process at once, and a while later it ends in any case.
    """

    def __init__(self) -> None:
        self.process = os.getpid()  # a copy of it, that something forks, has nothing to say
        self.told: int | None = None  # the signal
        self.working = True  # until the command is done and Python puts itself away

    @property
    def status(self) -> int:
        """The exit status that shells give to processes which this signal ends."""
        return 128 + (self.told or 0)

    def handle(self, number: int, _: FrameType | None) -> None:
        """Answer a signal; raises SystemExit."""
        again = self.told is not None
        if os.getpid() != self.process:
            os._exit(128 + number)
        self.tell(number)
        if again or not self.working:
            os._exit(self.status)
        start_new_thread(self.end_in_any_case, ())
        # After a KeyboardInterrupt in code that it execs, Python would end by the signal.
        sys.exit(self.status)

    def tell(self, number: int) -> None:
        """Say once what happened and how to go on, and nothing more."""
        if self.told is not None:
            return
        self.told = number
        line = f"audit: {ENDINGS[signal.Signals(number)]}; {HOW_TO_GO_ON}\n"
        with suppress(OSError):
            terminal = os.dup(2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            if os.isatty(terminal):
                os.write(terminal, SHOW_CURSOR)
            os.write(terminal, line.encode())

    def end_in_any_case(self) -> None:
        """End the process when it takes too long to end itself."""
        time.sleep(PUT_AWAY_SECONDS)
        os._exit(self.status)


if __name__ == "__main__":
    main()
