"""Lists of noise rates, as a person writes them."""

from decimal import Decimal, InvalidOperation

from audit.errors import ConfigError
from audit.settings.fields import is_share

MOST_DIGITS = 30  # behind the point of a rate
MOST_RATES = 1001  # in a range; more would never end


def rates_in(text: str) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Parse a list of rates; returns them rising and each once, and a line for each that was repeated.

    Parameters
    ----------
    text
        Shares from 0 to 1 with commas, ranges start:stop:step with both ends, or both: 0:0.5:0.1,0.9,1.

    Raises
    ------
    ConfigError
        For an entry that is neither a share nor a range of shares, or a range of too many.
    """
    found = [rate for entry in text.split(",") for rate in _rates_of(entry.strip())]
    rates = sorted(set(found))
    return tuple(map(float, rates)), tuple(
        f"--noise: {rate:f} stands there {found.count(rate)} times and is run once"
        for rate in rates
        if found.count(rate) > 1
    )


def _is_written_out(number: Decimal) -> bool:
    """Whether a number is finite, and of as many digits as a person may write."""
    return number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS


def _rates_of(entry: str) -> list[Decimal]:
    """The rates of one share or of one range; decimal, so that ten steps of 0.1 are 1."""
    try:
        numbers = [Decimal(part) for part in entry.split(":")]
    except InvalidOperation:
        numbers = []
    if len(numbers) not in (1, 3) or not all(map(_is_written_out, numbers)):
        raise ConfigError(
            f"--noise must be shares such as 0,0.1,0.5 or a range start:stop:step such as 0:1:0.1, "
            f"found {entry!r}"
        )
    for number in numbers[:2]:
        if not is_share(float(number)):
            raise ConfigError(f"--noise must hold shares from 0 to 1, found {entry!r}; 10 % is 0.1")
    if len(numbers) == 1:
        return [abs(numbers[0])]  # a negative zero is zero
    start, stop, step = numbers
    if step <= 0 or stop < start:
        raise ConfigError(
            f"--noise {entry} has no rates, expected start:stop:step, with a step above 0 and a stop not "
            "below start"
        )
    count = int((stop - start) / step)
    if count >= MOST_RATES:
        raise ConfigError(
            f"--noise {entry} has {count + 1:,} rates, expected {MOST_RATES:,} or fewer; take a larger step"
        )
    return [start + number * step for number in range(count + 1)]
